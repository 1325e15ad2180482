package backup

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/catalog"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/policy"
)

// Verdict is what CheckSet finds.
type Verdict struct {
	// Findings has one for each rule that is broken, in the field bucket_ids.
	Findings []policy.Finding
	// Mend is what would make all of them disappear.
	Mend Mend
	// Pending tells that the verdict is of what is known, and may yet be
	// worse: ask again when all is.
	Pending bool
}

// rule is one promise about the copies of a protected data centre. Each holds
// ever after once it holds: another bucket cannot break it.
type rule struct {
	promise string
	broken  func(copies) bool
	// covered tells that another rule says the same, and better.
	covered func(copies) bool
	// say gives summary and detail.
	say func(copies) (summary, detail string)
}

// rules of BAK-2, DR-2 and BAK-6, in the order in which they are reported.
func rules() []rule {
	return []rule{
		{policy.BAK2,
			func(c copies) bool { return c.total() < MinSites }, nil,
			func(c copies) (string, string) {
				return "Too few backup buckets", fmt.Sprintf("The plan has %s, each backup is held in at least %d.",
					count(c.total(), "bucket"), MinSites)
			}},
		{policy.BAK2,
			func(c copies) bool { return c.countSites()+min(1, len(c.near)) < MinSites }, nil,
			func(c copies) (string, string) {
				all := slices.Concat(c.buckets, c.near)
				return "Backups in too few data centres", fmt.Sprintf("The buckets stand in %s%s; each backup is held in at least %d, none of which falls with another.",
					count(len(sitesOf(all)), "data centre"), listed(sitesOf(all)), MinSites)
			}},
		{policy.DR2,
			func(c copies) bool { return c.countSites() < MinSites },
			func(c copies) bool { return len(c.near) == 0 },
			func(c copies) (string, string) {
				return "Bucket in the protected data centre does not count", fmt.Sprintf("%s stands in the data centre of %s, which the plan protects, and is lost with it. Elsewhere there %s %s%s; at least %d are needed.",
					c.near[0].Place.Location, c.protected.Location, are(len(c.sites)), count(len(c.sites), "data centre"), listed(sitesOf(c.buckets)), MinSites)
			}},
		{policy.BAK2,
			func(c copies) bool { return c.countContinents() < MinContinents }, nil,
			func(c copies) (string, string) {
				where := "on no continent"
				if len(c.continents) > 0 {
					where = "on one continent only (" + strings.Join(slices.Sorted(maps.Keys(c.continents)), ", ") + ")"
				}
				return "Backups on too few continents", fmt.Sprintf("The buckets%s stand %s; each backup is held on at least %d.", c.outside(), where, MinContinents)
			}},
		{policy.BAK6,
			func(c copies) bool { return !c.hasImmutable() }, nil,
			func(c copies) (string, string) {
				if c.nearImmutable {
					return "Immutable backups only in the protected data centre", fmt.Sprintf("The only immutable bucket stands in the data centre of %s, which the plan protects: when that is lost, every copy that is left can be deleted with a stolen key.", c.protected.Location)
				}
				return "No immutable backups", "None of the buckets is immutable, so that a stolen key or a mistake can delete every copy."
			}},
	}
}

// total is how many buckets there are, wherever they stand.
func (c copies) total() int { return len(c.buckets) + len(c.near) + c.unknown }

// outside words that only the buckets elsewhere are meant.
func (c copies) outside() string {
	if len(c.near) == 0 {
		return ""
	}
	return fmt.Sprintf(" outside the data centre of %s", c.protected.Location)
}

// CheckSet judges the places of a plan's buckets (BAK-2, DR-2, BAK-6): at
// least three buckets, in three data centres, on two continents, one of them
// immutable. A bucket in a protected location's own data centre may be there,
// but counts for nothing: what is promised is what is left when that data
// centre is gone. Every rule that is broken is reported, for the first
// protected location that breaks it, with the cheapest locations of the
// catalogue that mend it.
func CheckSet(set Set, locations *catalog.Catalog) Verdict {
	verdict := Verdict{Pending: set.Unknown > 0}
	views := set.views()
	for _, r := range rules() {
		for _, view := range views {
			if r.broken(view) && (r.covered == nil || !r.covered(view)) {
				summary, detail := r.say(view)
				verdict.Findings = append(verdict.Findings, policy.Finding{Promise: r.promise, Field: "bucket_ids", Summary: summary, Detail: detail})
				break
			}
		}
	}
	if len(verdict.Findings) == 0 {
		return verdict
	}
	verdict.Mend = mend(set, views, locations)
	for i := range verdict.Findings {
		verdict.Findings[i].Remedy = verdict.Mend.String()
	}
	return verdict
}

func sitesOf(buckets []Bucket) []string {
	places := map[string]string{} // by site
	for _, b := range buckets {
		if _, ok := places[b.Place.Site]; !ok {
			places[b.Place.Site] = b.Place.Location.String()
		}
	}
	return slices.Sorted(maps.Values(places))
}

// listed writes " (a, b)", and nothing for nothing.
func listed(items []string) string {
	if len(items) == 0 {
		return ""
	}
	return " (" + strings.Join(items, ", ") + ")"
}

// count writes "no buckets", "1 bucket", "2 buckets".
func count(n int, noun string) string {
	switch n {
	case 0:
		return "no " + noun + "s"
	case 1:
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func are(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}
