package backup

import (
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/catalog"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// What BAK-2 promises about places.
const (
	// MinSites is in how many data centres each backup is held, at least.
	MinSites = 3
	// MinContinents is on how many continents.
	MinContinents = 2
)

// Bucket is one bucket of a plan.
type Bucket struct {
	// ID is its identity: a bucket that is named twice counts once.
	ID    string
	Place catalog.Entry
	// Immutable tells that nobody can delete from it before the retention ends.
	Immutable bool
}

// Set is the buckets of a plan and the data centres that they protect.
type Set struct {
	Buckets []Bucket
	// Unknown is how many more there are of which nothing is known yet, as at
	// plan time. A rule is broken only if it would be wherever they stand.
	Unknown int
	// Protected are the locations of the machines that are backed up. The
	// rules have to hold for each of them; with none, every bucket counts.
	Protected []catalog.Entry
	// Lost locations are no remedy.
	Lost cloud.LostSet
}

// copies are the buckets that count for one protected data centre, each once:
// those that stand elsewhere. A disaster takes machine and bucket of one site
// together, so the others alone have to keep the promises.
type copies struct {
	// protected is empty where there is nothing to protect.
	protected  catalog.Entry
	buckets    []Bucket
	sites      map[string]bool
	continents map[string]bool
	immutable  bool
	// near are the buckets that do not count, immutable ones among them.
	near          []Bucket
	nearImmutable bool
	// unknown buckets are taken for the best they can be.
	unknown int
}

func (c copies) countSites() int      { return len(c.sites) + c.unknown }
func (c copies) countContinents() int { return len(c.continents) + c.unknown }
func (c copies) hasImmutable() bool   { return c.immutable || c.unknown > 0 }

// distinct gives each bucket once; it is immutable if it is so anywhere.
func (s Set) distinct() []Bucket {
	var buckets []Bucket
	position := map[string]int{}
	for _, b := range s.Buckets {
		if i, twice := position[b.ID]; twice {
			buckets[i].Immutable = buckets[i].Immutable || b.Immutable
			continue
		}
		position[b.ID] = len(buckets)
		buckets = append(buckets, b)
	}
	return buckets
}

// views gives the copies of each protected site, in the order given.
func (s Set) views() []copies {
	protected := s.Protected
	if len(protected) == 0 {
		protected = []catalog.Entry{{}}
	}
	var views []copies
	seen := map[string]bool{}
	for _, p := range protected {
		if seen[p.Site] {
			continue
		}
		seen[p.Site] = true
		views = append(views, s.view(p))
	}
	return views
}

func (s Set) view(protected catalog.Entry) copies {
	view := copies{protected: protected, sites: map[string]bool{}, continents: map[string]bool{}, unknown: s.Unknown}
	for _, b := range s.distinct() {
		if protected.Site != "" && b.Place.Site == protected.Site {
			view.near = append(view.near, b)
			view.nearImmutable = view.nearImmutable || b.Immutable
			continue
		}
		view.add(b)
	}
	return view
}

func (c *copies) add(b Bucket) {
	c.buckets = append(c.buckets, b)
	c.sites[b.Place.Site] = true
	c.continents[b.Place.Continent] = true
	c.immutable = c.immutable || b.Immutable
}
