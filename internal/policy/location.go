package policy

import (
	"fmt"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/catalog"
)

// CheckLocation judges a data centre by the facts of the catalogue (NET-3,
// PHY-1), in the field location.
func CheckLocation(entry catalog.Entry) []Finding {
	var findings []Finding
	for _, rule := range []struct {
		promise, summary, lacks string
		fact                    catalog.Fact
	}{
		{NET3, "Data centre without DDoS protection", "no DDoS protection at the edge", entry.DDoSProtection},
		{PHY1, "Data centre without guarded perimeter", "no perimeter with controlled access, cameras and guards", entry.PhysicalSecurity},
	} {
		if !rule.fact.Held {
			findings = append(findings, Finding{Promise: rule.promise, Field: "location", Summary: rule.summary,
				Detail: fmt.Sprintf("%s has, as far as is known, %s. %s (%s)", entry.Location, rule.lacks, sentence(rule.fact.Text), rule.fact.Source),
				Remedy: "Choose another location; data.holdfast_locations lists them."})
		}
	}
	return findings
}

// CheckSite judges an ordered list of locations by what one disaster takes
// (DR-2), in the field locations: after the first there must be another that
// stands elsewhere. Whether this is an error or a warning is the caller's.
func CheckSite(entries []catalog.Entry) []Finding {
	if len(entries) == 0 {
		return []Finding{{Field: "locations", Summary: "Site without locations", Detail: "The list is empty.",
			Remedy: "Name the location to use, then those to fall back to, such as [\"hetzner/fsn1\", \"hetzner/hel1\"]."}}
	}
	var findings []Finding
	seen := map[string]bool{}
	elsewhere := false
	for i, e := range entries {
		if seen[e.Location.String()] {
			findings = append(findings, Finding{Field: index("locations", i), Summary: "Location named twice",
				Detail: fmt.Sprintf("%s is in the list twice.", e.Location), Remedy: "Name it once."})
		}
		seen[e.Location.String()] = true
		elsewhere = elsewhere || e.Site != entries[0].Site
	}
	if !elsewhere {
		findings = append(findings, Finding{Promise: DR2, Field: "locations", Summary: "No stand-by data centre",
			Detail: fmt.Sprintf("When %s is lost, there is no location elsewhere to go on in.", entries[0].Location),
			Remedy: "Add a location of another data centre, such as another one of data.holdfast_locations."})
	}
	return findings
}
