package backup

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/catalog"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/policy"
)

// Addition is a bucket that a plan lacks.
type Addition struct {
	Place     catalog.Entry
	Immutable bool
}

// Mend is what makes a refused set of buckets good.
type Mend struct {
	// Add are the buckets to add, cheapest first.
	Add []Addition
	// Harden is a bucket of the set to make immutable, where that suffices.
	Harden *Bucket
	// Incomplete tells that the catalogue has no location for what is missing
	// besides.
	Incomplete bool
}

// mend finds the least that satisfies all rules, and of that the cheapest.
func mend(set Set, views []copies, locations *catalog.Catalog) Mend {
	var m Mend
	candidates := cheapest(set, locations)
	take := func(suits func(catalog.Entry) bool) bool {
		i := slices.IndexFunc(candidates, suits)
		if i < 0 {
			return false
		}
		place := candidates[i]
		candidates = slices.Delete(candidates, i, i+1)
		m.Add = append(m.Add, Addition{Place: place})
		for v := range views {
			views[v].add(Bucket{Place: place})
		}
		return true
	}
	anywhere := func(catalog.Entry) bool { return true }
	for {
		sites, continents := short(views)
		if sites <= 0 && !continents {
			break
		}
		// A new continent is also a new data centre, so it goes first; where
		// there is no bucket at all, the first may stand on any.
		suits := anywhere
		if continents && slices.ContainsFunc(views, func(v copies) bool { return len(v.continents) > 0 }) {
			suits = func(e catalog.Entry) bool {
				return !slices.ContainsFunc(views, func(v copies) bool { return v.countContinents() < MinContinents && v.continents[e.Continent] })
			}
		}
		if !take(suits) {
			m.Incomplete = true
			if sites <= 0 || !take(anywhere) {
				break
			}
		}
	}
	if slices.ContainsFunc(views, func(v copies) bool { return !v.hasImmutable() }) {
		m.harden(set, take)
	}
	return m
}

// harden makes one copy immutable: one that is added anyway, or one that is
// there, can be reached and counts for every protected location, or one more.
func (m *Mend) harden(set Set, take func(func(catalog.Entry) bool) bool) {
	if len(m.Add) == 0 {
		buckets := set.distinct()
		slices.SortFunc(buckets, func(a, b Bucket) int {
			return cmp.Or(cmp.Compare(a.Place.Location.String(), b.Place.Location.String()), cmp.Compare(a.ID, b.ID))
		})
		for _, b := range buckets {
			if !set.Lost.Contains(b.Place.Location) && !slices.ContainsFunc(set.Protected, func(p catalog.Entry) bool { return p.Site == b.Place.Site }) {
				m.Harden = &b
				return
			}
		}
		if !take(func(catalog.Entry) bool { return true }) {
			m.Incomplete = true
			return
		}
	}
	m.Add[len(m.Add)-1].Immutable = true
}

// short tells how many data centres are missing at most, and whether a
// continent is.
func short(views []copies) (sites int, continents bool) {
	for _, v := range views {
		sites = max(sites, MinSites-v.countSites())
		continents = continents || v.countContinents() < MinContinents
	}
	return sites, continents
}

// cheapest lists one location of each data centre that could hold another
// bucket. The order: a known price before an unknown one; the lower price,
// where a euro counts as a dollar (the vendors' prices lie further apart than
// the currencies); a vendor that the plan uses already; the European Union
// first for what is protected there; the name.
func cheapest(set Set, locations *catalog.Catalog) []catalog.Entry {
	taken, used := map[string]bool{}, map[string]bool{}
	for _, b := range set.Buckets {
		taken[b.Place.Site], used[b.Place.Location.Cloud] = true, true
	}
	union := false
	for _, p := range set.Protected {
		taken[p.Site] = true
		union = union || p.EU
	}
	// No filter, so nothing can be misspelt.
	all, _ := locations.Select(catalog.Filter{})
	var candidates []catalog.Entry
	for _, e := range all {
		if e.ObjectStorage && !taken[e.Site] && !set.Lost.Contains(e.Location) && len(policy.CheckLocation(e)) == 0 {
			taken[e.Site] = true
			candidates = append(candidates, e)
		}
	}
	no := func(holds bool) int { // sorts what holds to the front
		if holds {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(candidates, func(a, b catalog.Entry) int {
		return cmp.Or(
			cmp.Compare(no(a.StoragePrice.IsKnown()), no(b.StoragePrice.IsKnown())),
			cmp.Compare(a.StoragePrice.Amount, b.StoragePrice.Amount),
			cmp.Compare(no(used[a.Location.Cloud]), no(used[b.Location.Cloud])),
			cmp.Compare(no(union && a.EU), no(union && b.EU)),
			cmp.Compare(a.Location.String(), b.Location.String()),
		)
	})
	return candidates
}

// String says what to do, in sentences.
func (m Mend) String() string {
	var sentences []string
	if len(m.Add) > 0 {
		var parts []string
		for _, a := range m.Add {
			part := "a bucket in "
			if a.Immutable {
				part = "a bucket with immutable_days in "
			}
			part += a.Place.Location.String()
			if a.Place.StoragePrice.IsKnown() {
				part += fmt.Sprintf(" (%s a month for 1 TB)", a.Place.StoragePrice)
			}
			parts = append(parts, part)
		}
		sentences = append(sentences, "Add "+strings.Join(parts, ", and ")+": the cheapest that are known.")
	}
	if m.Harden != nil {
		sentences = append(sentences, fmt.Sprintf("Set immutable_days on the bucket in %s, or on another outside the protected data centre.", m.Harden.Place.Location))
	}
	if m.Incomplete {
		sentences = append(sentences, "For what is missing besides, the catalogue knows no location with object storage.")
	}
	return strings.Join(sentences, " ")
}
