package catalog

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// Evidence is what stands behind a Fact.
type Evidence string

// The kinds of evidence, from the weaker.
const (
	// EvidenceOperator: the operator says so, in public.
	EvidenceOperator Evidence = "operator"
	// EvidenceInspection: an independent body inspected it.
	EvidenceInspection Evidence = "inspection"
)

// Fact is a sourced statement about a data centre.
type Fact struct {
	// Held tells whether the promise is kept there.
	Held     bool
	Evidence Evidence
	// Text says what is known, in a sentence.
	Text string
	// Source is the URL of the statement.
	Source string
}

// Entry is one location.
type Entry struct {
	Location cloud.Location
	City     string
	// Country is an ISO 3166-1 alpha-2 code: "DE".
	Country string
	// Continent is the common English name: "Europe", "North America", "Asia".
	Continent string
	// EU tells whether the country is a member of the European Union.
	EU bool
	// NetworkZone is the vendor's area within which private networks reach.
	NetworkZone string
	// Site identifies what one disaster destroys: locations of the same Site
	// fall together, so that one is no stand-by for the other.
	Site string
	// TimeZone is the IANA name of the site's time zone: "Europe/Berlin".
	TimeZone string
	// ObjectStorage tells that the vendor sells object storage there; false is
	// that it does not, or that the catalogue does not know.
	ObjectStorage bool
	// StoragePrice is what object storage costs there, if that is known.
	StoragePrice Price
	// Note is what else one should know of the place, in a sentence; mostly
	// empty.
	Note string
	// DDoSProtection is the fact behind NET-3.
	DDoSProtection Fact
	// PhysicalSecurity is the fact behind PHY-1.
	PhysicalSecurity Fact
}

// Catalog holds all known locations. It does not change after it was loaded
// and may be used by many goroutines.
type Catalog struct {
	// entries are sorted by cloud and name.
	entries []Entry
}

// Filter selects locations; an empty field selects all. Texts are compared
// without regard to case.
type Filter struct {
	Cloud     string
	Continent string
	Country   string
	EU        *bool
}

// Select returns the locations that the filter selects, sorted by cloud and
// name. A filter whose cloud, continent or country no location has is an
// error that names the nearest: an empty answer to a slip of the pen would be
// a plan with nothing in it.
func (c *Catalog) Select(f Filter) ([]Entry, error) {
	for _, check := range []struct {
		what, want string
		known      []string
	}{
		{"cloud", f.Cloud, c.Clouds()},
		{"continent", f.Continent, c.Continents()},
		{"country", f.Country, c.Countries()},
	} {
		if check.want != "" && !slices.ContainsFunc(check.known, func(k string) bool { return strings.EqualFold(k, check.want) }) {
			return nil, fmt.Errorf("the catalogue has no location with the %s %q; %s", check.what, check.want, suggest(check.want, check.known))
		}
	}
	selected := []Entry{}
	for _, e := range c.entries {
		if matches(f.Cloud, e.Location.Cloud) && matches(f.Continent, e.Continent) &&
			matches(f.Country, e.Country) && (f.EU == nil || *f.EU == e.EU) {
			selected = append(selected, e)
		}
	}
	return selected, nil
}

func matches(want, have string) bool { return want == "" || strings.EqualFold(want, have) }

// Lookup finds a location. The error for an unknown one names the nearest.
func (c *Catalog) Lookup(location cloud.Location) (Entry, error) {
	i, found := slices.BinarySearchFunc(c.entries, location, func(e Entry, l cloud.Location) int {
		return compareLocations(e.Location, l)
	})
	if found {
		return c.entries[i], nil
	}
	// Names of the same cloud are the likelier meaning.
	var sameCloud, all []string
	for _, e := range c.entries {
		all = append(all, e.Location.String())
		if e.Location.Cloud == location.Cloud {
			sameCloud = append(sameCloud, e.Location.Name)
		}
	}
	if len(sameCloud) > 0 {
		return Entry{}, fmt.Errorf("%s has no location %q; %s", location.Cloud, location.Name, suggest(location.Name, sameCloud))
	}
	return Entry{}, fmt.Errorf("the location %q is of an unknown cloud (known: %s); %s",
		location, strings.Join(c.Clouds(), ", "), suggest(location.String(), all))
}

// Clouds lists the clouds that have locations, sorted.
func (c *Catalog) Clouds() []string {
	return c.distinct(func(e Entry) string { return e.Location.Cloud })
}

// Continents lists the continents that have locations, sorted.
func (c *Catalog) Continents() []string {
	return c.distinct(func(e Entry) string { return e.Continent })
}

// Countries lists the countries that have locations, sorted.
func (c *Catalog) Countries() []string { return c.distinct(func(e Entry) string { return e.Country }) }

func (c *Catalog) distinct(of func(Entry) string) []string {
	var values []string
	for _, e := range c.entries {
		values = append(values, of(e))
	}
	slices.Sort(values)
	return slices.Compact(values)
}

func compareLocations(a, b cloud.Location) int {
	return cmp.Or(strings.Compare(a.Cloud, b.Cloud), strings.Compare(a.Name, b.Name))
}
