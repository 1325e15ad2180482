package service

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// ModifyPlan implements resource.ResourceWithModifyPlan. Terraform calls it
// for every planned instance, with or without changes, and once more just
// before it applies a change.
func (r *Resource[M, S, T, PM]) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if r.env == nil {
		return
	}
	diags := &resp.Diagnostics
	record := readRecord(ctx, req.Private, diags)
	if diags.HasError() || r.unchanged(req, record, diags) {
		return
	}
	var prior *M // as it was declared, whatever its labels say now
	if !req.State.Raw.IsNull() {
		prior = r.declared(ctx, req.State, record.Told, diags)
		if diags.HasError() {
			return
		}
		r.planPrior(PM(prior).Base(), !req.Plan.Raw.IsNull(), diags)
	}
	if req.Plan.Raw.IsNull() || diags.HasError() {
		return
	}

	plan, config := new(M), new(M)
	diags.Append(req.Plan.Get(ctx, plan)...)
	diags.Append(req.Config.Get(ctx, config)...)
	if diags.HasError() {
		return
	}
	PM(plan).Base().Deployment = types.StringValue(r.env.Deployment)
	r.judge(ctx, &Review[M]{Env: r.env, Config: config, Prior: prior, Plan: plan, Diags: diags})

	if prior != nil {
		replaced := slices.Concat(r.replaced(prior, plan), r.fixed(prior, plan, record.Told.recall(req.State.Raw), req.Plan.Raw, diags))
		r.refuseSwap(req, record.Told, replaced, diags)
		for _, name := range replaced {
			resp.RequiresReplace = append(resp.RequiresReplace, path.Root(name))
		}
		if len(replaced) > 0 && r.protects(PM(prior).Base()) {
			r.refuseReplacement(path.Root(replaced[0]), PM(prior).Base().ID.ValueString(), "changing "+replaced[0]+" replaces it", diags)
		}
		if len(replaced) == 0 {
			r.foresee(PM(prior), PM(plan))
			r.follow(PM(prior).Base(), PM(plan).Base())
		}
		record.ID, record.Protected = PM(prior).Base().ID.ValueString(), PM(prior).Base().DeletionProtection.ValueBool()
	}
	r.claim(PM(plan).Base(), prior == nil, record, diags)

	diags.Append(resp.Plan.Set(ctx, plan)...)
	writeRecord(ctx, resp.Private, record, diags)
}

// judge runs all checks of a planned object.
func (r *Resource[M, S, T, PM]) judge(ctx context.Context, review *Review[M]) {
	base := PM(review.Plan).Base()
	r.check(ctx, review.Plan, review.Diags)
	if review.Diags.HasError() {
		return // what follows would only repeat it
	}
	location, ok := r.env.CheckLocation(base.Location, path.Root("location"), review.Diags)
	if ok {
		// A missing provider block is found out by the plan, not by the apply.
		if _, err := r.env.Clouds.Driver(location.Cloud); err != nil && (review.Final || !errors.Is(err, ErrNotYetKnown)) {
			review.Diags.Append(noAccess(path.Root("location"), location, err))
		}
	}
	if r.def.Review != nil && !review.Diags.HasError() {
		r.def.Review(ctx, review)
	}
}

// declared reads a state as it was declared.
func (r *Resource[M, S, T, PM]) declared(ctx context.Context, state tfsdk.State, said told, diags *diag.Diagnostics) *M {
	model := new(M)
	state.Raw = said.recall(state.Raw)
	diags.Append(state.Get(ctx, model)...)
	return model
}

// planPrior judges what happens to an existing object before looking at what
// it shall become.
func (r *Resource[M, S, T, PM]) planPrior(base *Common, staying bool, diags *diag.Diagnostics) {
	id := base.ID.ValueString()
	if r.refuseForeign(base, diags) {
		return
	}
	if !staying && r.protects(base) {
		diags.AddAttributeError(path.Root("deletion_protection"), "Deletion protection",
			fmt.Sprintf("%s %q (%s) is protected, so no plan may delete it. To remove it, set deletion_protection = false, apply, and only then take it out of the configuration.",
				r.def.Noun, base.Name.ValueString(), id))
		return
	}
	if !staying && r.env.Claims.IsMade(r.def.Kind, id) {
		return // create_before_destroy found the object itself: Delete keeps it
	}
	if address, ok := r.address(base); ok {
		if err := r.env.Claims.Hold(r.claimed(address), id, staying); err != nil {
			diags.AddAttributeError(path.Root("name"), "Two blocks for one object", err.Error())
		}
	}
}

// refuseForeign refuses to touch an object that another deployment owns.
func (r *Resource[M, S, T, PM]) refuseForeign(base *Common, diags *diag.Diagnostics) bool {
	owner := base.Deployment.ValueString()
	if owner == "" || owner == r.env.Deployment {
		return false
	}
	diags.AddError("An object of another deployment",
		fmt.Sprintf("%s %s belongs to the deployment %q, and this configuration is the deployment %q. "+
			"Holdfast never changes another deployment's objects: manage it there, or take it out of this state with a removed block (lifecycle { destroy = false }). "+
			"If somebody has changed its labels by mistake, set its label %s back to %[4]q at the vendor.",
			r.def.Noun, base.ID.ValueString(), owner, r.env.Deployment, cloud.LabelDeployment))
	return true
}

// foresee records the tenant that an object without one gets in place, and the
// ranges that a network will have, so that what is planned on it in the same
// run is judged by them.
func (r *Resource[M, S, T, PM]) foresee(prior, plan PM) {
	had, gets := ownerOf(prior), ownerOf(plan)
	id, err := cloud.ParseID(prior.Base().ID.ValueString())
	if err != nil {
		return
	}
	r.learnSubnets(id, plan)
	if had == nil || gets == nil || !Known(gets.Tenant) || gets.Tenant.Equal(had.Tenant) {
		return
	}
	known, ok := r.env.Known(r.def.Kind, id)
	if !ok { // not refreshed in this run
		known, _ = meta(r.env.Deployment, prior.Base(), had)
	}
	known.Tenant = gets.Tenant.ValueString()
	r.env.Learn(r.def.Kind, id, known)
}

// protects tells whether an existing object may not go. What stands in a lost
// location is not deleted anyway, only taken out of the state.
func (r *Resource[M, S, T, PM]) protects(base *Common) bool {
	id, err := cloud.ParseID(base.ID.ValueString())
	return base.DeletionProtection.ValueBool() && (err != nil || !r.env.Lost.Contains(id.Location))
}

// replaced names the attributes whose change replaces the object.
func (r *Resource[M, S, T, PM]) replaced(prior, plan *M) []string {
	var names []string
	if !PM(prior).Base().Location.Equal(PM(plan).Base().Location) && !r.shared(PM(prior).Base(), PM(plan).Base()) {
		names = append(names, "location")
	}
	if r.def.Replaces != nil {
		names = append(names, r.def.Replaces(prior, plan)...)
	}
	return names
}

// fixed names the attributes that differ and that the vendor does not change
// in place. What is unknown counts as changed.
func (r *Resource[M, S, T, PM]) fixed(prior, plan *M, had, wants tftypes.Value, diags *diag.Diagnostics) []string {
	location, err := cloud.ParseLocation(PM(plan).Base().Location.ValueString())
	if err != nil {
		return nil
	}
	driver, err := r.env.Clouds.Driver(location.Cloud)
	if err != nil || len(driver.Capabilities().Replaces[r.def.Kind]) == 0 {
		return nil
	}
	from, to := map[string]tftypes.Value{}, map[string]tftypes.Value{}
	for _, side := range []struct {
		value tftypes.Value
		into  *map[string]tftypes.Value
	}{{had, &from}, {wants, &to}} {
		if err := side.value.As(side.into); err != nil {
			diags.AddError("Change not understood", fmt.Sprintf("The %s is not an object: %s. This is a bug of Holdfast.", r.def.Noun, err))
			return nil
		}
	}
	var names []string
	for _, name := range driver.Capabilities().Replaces[r.def.Kind] {
		if wanted, ok := to[name]; ok && !wanted.Equal(from[name]) && (r.def.Fixed == nil || r.def.Fixed(name, prior, plan)) {
			names = append(names, name)
		}
	}
	return names
}

// shared tells whether an object is the same one in the planned location:
// where the vendor keeps one for all its locations, only its id changes. What
// stands in a lost location is left behind there all the same.
func (r *Resource[M, S, T, PM]) shared(prior, plan *Common) bool {
	from, errFrom := cloud.ParseLocation(prior.Location.ValueString())
	to, errTo := cloud.ParseLocation(plan.Location.ValueString())
	if !r.def.Moves || errFrom != nil || errTo != nil || from.Cloud != to.Cloud || r.env.Lost.Contains(from) {
		return false
	}
	driver, err := r.env.Clouds.Driver(to.Cloud)
	return err == nil && driver.Capabilities().Global[r.def.Kind]
}

// follow plans the id of an object that stays, in its planned location.
func (r *Resource[M, S, T, PM]) follow(prior, plan *Common) {
	id, errID := cloud.ParseID(prior.ID.ValueString())
	location, err := cloud.ParseLocation(plan.Location.ValueString())
	if errID == nil && err == nil && location != id.Location {
		plan.ID = types.StringValue(cloud.ID{Location: location, Native: id.Native}.String())
	}
}

// claim claims the planned address. fresh tells that Terraform gave no prior
// state: the object is new, or replaces the one in the record, or replaces a
// tainted one that only its address tells of.
func (r *Resource[M, S, T, PM]) claim(base *Common, fresh bool, record Record, diags *diag.Diagnostics) {
	if fresh && record.Protected {
		if id, err := cloud.ParseID(record.ID); err != nil || !r.env.Lost.Contains(id.Location) {
			r.refuseReplacement(path.Root("deletion_protection"), record.ID, "this plan replaces it (by -replace, replace_triggered_by or a changed attribute)", diags)
			return
		}
	}
	address, ok := r.address(base)
	if !ok {
		return // claimed when the name and location are known
	}
	address = r.claimed(address)
	if fresh && record.ID == "" {
		if id := r.env.Claims.Protected(address); id != "" {
			r.refuseReplacement(path.Root("deletion_protection"), id, "it is tainted, so this plan replaces it (terraform untaint keeps it)", diags)
			return
		}
	}
	if err := r.env.Claims.Claim(address, record.ID); err != nil {
		diags.AddAttributeError(path.Root("name"), "The name is claimed twice", err.Error())
	}
}

func (r *Resource[M, S, T, PM]) refuseReplacement(attribute path.Path, id, why string, diags *diag.Diagnostics) {
	diags.AddAttributeError(attribute, "Deletion protection",
		fmt.Sprintf("%s %s is protected, and %s. To replace it, set deletion_protection = false and apply first.", r.def.Noun, id, why))
}

// claimed is the address under which an object is claimed: without the
// location's name where the vendor keeps one object for all locations. A
// cloud that cannot be reached yet counts as keeping one in each.
func (r *Resource[M, S, T, PM]) claimed(address Address) Address {
	if driver, err := r.env.Clouds.Driver(address.Location.Cloud); err == nil && driver.Capabilities().Global[r.def.Kind] {
		address.Location.Name = ""
	}
	return address
}
