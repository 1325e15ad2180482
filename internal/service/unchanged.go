package service

import (
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// unchanged handles the planned instance that stays as it is, which is nearly
// every instance of nearly every plan: it only takes note of whose the address
// is, and reads just what that needs. Everything else was judged when the
// object was last changed, or is by ValidateConfig. It answers false where
// the full way has to be gone.
func (r *Resource[M, S, T, PM]) unchanged(req resource.ModifyPlanRequest, record Record, diags *diag.Diagnostics) bool {
	if req.State.Raw.IsNull() || !req.Plan.Raw.Equal(req.State.Raw) {
		return false
	}
	attributes := map[string]tftypes.Value{}
	if err := req.State.Raw.As(&attributes); err != nil {
		return false
	}
	text := func(name string) types.String {
		var value string
		if err := attributes[name].As(&value); err != nil {
			return types.StringUnknown()
		}
		return types.StringValue(value)
	}
	if r.def.Lacks != nil && !r.leftAlone(text("id")) && r.def.Lacks(attributes) {
		return false
	}
	var protected bool
	if err := attributes["deletion_protection"].As(&protected); err != nil {
		return false
	}
	for name, was := range record.Told {
		if value, ok := attributes[name]; ok {
			if now, ok := wordOf(value); ok && !sameWord(was, now) {
				return false // somebody changed it to what is asked for now
			}
		}
	}
	base := &Common{ID: text("id"), Name: text("name"), Location: text("location"), Deployment: text("deployment"),
		DeletionProtection: types.BoolValue(protected)}
	if base.Deployment.ValueString() != r.env.Deployment || record.ID != base.ID.ValueString() || record.Protected != protected {
		return false
	}
	r.planPrior(base, true, diags)
	if !diags.HasError() {
		r.claim(base, false, record, diags)
	}
	return true
}

// leftAlone tells whether an object stays in the state while nothing is asked
// or changed in its location, which is lost.
func (r *Resource[M, S, T, PM]) leftAlone(text types.String) bool {
	id, err := cloud.ParseID(text.ValueString())
	return err == nil && r.def.Stays && r.env.Lost.Contains(id.Location)
}
