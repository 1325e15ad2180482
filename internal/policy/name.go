package policy

import (
	"fmt"
	"maps"
	"slices"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// CheckName judges the name of an object or a deployment in the given field.
func CheckName(field, name string) []Finding {
	if err := cloud.CheckName(name); err != nil {
		return []Finding{{Field: field, Summary: "Invalid name", Detail: sentence(err.Error()),
			Remedy: "Choose a name that is valid on every cloud, such as \"acme-web-1\"."}}
	}
	return nil
}

// CheckTenant judges the field tenant of an object that must belong to one.
func CheckTenant(tenant string) []Finding {
	if tenant == "" {
		return []Finding{{Promise: ISO1, Field: "tenant", Summary: "Tenant missing",
			Detail: "Each tenant has virtual machines of its own, so each machine names the tenant that it is for.",
			Remedy: "Set tenant, such as \"acme\"."}}
	}
	if err := cloud.CheckName(tenant); err != nil {
		return []Finding{{Promise: ISO1, Field: "tenant", Summary: "Invalid tenant", Detail: sentence(err.Error()),
			Remedy: "Choose a name that is valid on every cloud, such as \"acme\"."}}
	}
	return nil
}

// CheckTier judges the field tier; empty stands for the default.
func CheckTier(tier string) []Finding {
	switch cloud.Tier(tier) {
	case "", cloud.TierPaid, cloud.TierFree:
		return nil
	}
	return []Finding{{Field: "tier", Summary: "Unknown tier", Detail: fmt.Sprintf("%q is not a tier.", clip(tier)), Remedy: "Write \"paid\" or \"free\"."}}
}

// CheckLabels judges a user's labels; the fields are labels["key"], in the
// order of the keys.
func CheckLabels(labels map[string]string) []Finding {
	var findings []Finding
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		if err := cloud.CheckLabel(key, labels[key]); err != nil {
			findings = append(findings, Finding{Field: mapKey("labels", key), Summary: "Invalid label", Detail: sentence(err.Error()),
				Remedy: "Labels follow the rule that all clouds share, so that an object can move with them."})
		}
	}
	return findings
}
