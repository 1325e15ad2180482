package service

import (
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/policy"
)

// checkCommon judges the known values that every object has.
func checkCommon(base *Common, owner *Tenancy, diags *diag.Diagnostics) {
	if Known(base.Name) {
		Report(diags, policy.CheckName("name", base.Name.ValueString())...)
	}
	if Known(base.Location) {
		if _, err := cloud.ParseLocation(base.Location.ValueString()); err != nil {
			diags.AddAttributeError(path.Root("location"), "Not a location", err.Error())
		}
	}
	for key, element := range base.Labels.Elements() {
		if element.IsNull() {
			diags.AddAttributeError(path.Root("labels").AtMapKey(key), "Label without a value",
				fmt.Sprintf("The label %q is null.\n\nLeave it out, or give it the value \"\".", key))
		}
	}
	Report(diags, policy.CheckLabels(Labels(base.Labels))...)
	if owner == nil {
		return
	}
	if Known(owner.Tenant) {
		Report(diags, policy.CheckTenant(owner.Tenant.ValueString())...)
	}
	if Known(owner.Tier) {
		Report(diags, policy.CheckTier(owner.Tier.ValueString())...)
		if owner.Tier.ValueString() == "" {
			diags.AddAttributeError(path.Root("tier"), "Unknown tier", "The tier is empty.\n\nWrite \"paid\" or \"free\", or leave it out.")
		}
	}
}

// Known tells whether a text was given and is known already.
func Known(value types.String) bool { return !value.IsNull() && !value.IsUnknown() }

// CheckLocation judges a known location that something is to stand in: it
// exists, its operator keeps the promises about data centres (NET-3, PHY-1),
// and it is not lost.
func (e *Env) CheckLocation(value types.String, attribute path.Path, diags *diag.Diagnostics) (cloud.Location, bool) {
	if !Known(value) {
		return cloud.Location{}, false
	}
	location, err := cloud.ParseLocation(value.ValueString())
	if err != nil {
		diags.AddAttributeError(attribute, "Not a location", err.Error())
		return cloud.Location{}, false
	}
	entry, err := e.Catalog.Lookup(location)
	if err != nil {
		diags.AddAttributeError(attribute, "Unknown location", err.Error())
		return cloud.Location{}, false
	}
	if e.Lost.Contains(location) {
		diags.AddAttributeError(attribute, "Lost location", lostDetail(location))
		return cloud.Location{}, false
	}
	findings := policy.CheckLocation(entry)
	Report(diags, findings...)
	return location, len(findings) == 0
}

// lostDetail says why nothing is done in a location, and what to do.
func lostDetail(location cloud.Location) string {
	return fmt.Sprintf("%s is in the provider's lost_locations, so nothing there is asked for or changed. "+
		"Choose another location (data.holdfast_site answers the first that is not lost), or take %[1]s out of lost_locations once it is back.", location)
}
