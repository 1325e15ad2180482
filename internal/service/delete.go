package service

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// Delete implements resource.Resource.
func (r *Resource[M, S, T, PM]) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	model := new(M)
	diags := &resp.Diagnostics
	diags.Append(req.State.Get(ctx, model)...)
	if diags.HasError() {
		return
	}
	base := PM(model).Base()
	id, err := cloud.ParseID(base.ID.ValueString())
	if err != nil {
		diags.AddAttributeError(path.Root("id"), "Not an id", err.Error())
		return
	}
	if r.env.Lost.Contains(id.Location) {
		diags.AddWarning(fmt.Sprintf("%s %q in the lost location %s is left behind", r.def.Noun, base.Name.ValueString(), id.Location),
			fmt.Sprintf("%s is in lost_locations, so nothing is asked there: %s leaves the state and is not deleted. It keeps its labels.", id.Location, id))
		return
	}
	// A tainted object is replaced with no plan that could have refused it.
	if r.refuseForeign(base, diags) {
		return
	}
	if base.DeletionProtection.ValueBool() {
		// A tainted object is replaced with no plan that could have refused it.
		diags.AddAttributeError(path.Root("deletion_protection"), "Deletion protection",
			fmt.Sprintf("%s %q (%s) is protected and was not deleted. If it is tainted and to be kept, run terraform untaint; to remove it, set deletion_protection = false and apply first.",
				r.def.Noun, base.Name.ValueString(), id))
		return
	}
	if r.env.Claims.IsMade(r.def.Kind, id.String()) {
		diags.AddWarning(fmt.Sprintf("%s %q was not replaced", r.def.Noun, base.Name.ValueString()),
			fmt.Sprintf("create_before_destroy made a new object under the name of the old one, so Holdfast found %s by that name, brought it to its new spec and kept it. "+
				"To have a second object before the first one goes, give it another name (with random_id keepers or name suffixes, for example); otherwise leave create_before_destroy out.", id))
		return
	}
	store, _ := r.store(id.Location, diags)
	if diags.HasError() {
		return
	}
	timeout, more := base.Timeouts.Delete(ctx, r.env.Timeouts.Delete)
	diags.Append(more...)
	ctx, cancel := context.WithTimeout(cloud.WithPriority(ctx, tierOf(PM(model)).Priority()), timeout)
	defer cancel()
	if r.def.BeforeDelete != nil {
		driver, err := r.env.Clouds.Driver(id.Location.Cloud)
		if err == nil {
			err = r.def.BeforeDelete(ctx, driver, model, id)
		}
		if err != nil && !cloud.IsNotFound(err) {
			r.explain(ctx, err, "delete", base, diags)
			return
		}
	}
	if err := store.Delete(ctx, id.Native); err != nil && !cloud.IsNotFound(err) {
		r.explain(ctx, err, "delete", base, diags)
		return
	}
	r.env.Claims.Free(r.def.Kind, id.String())
	r.env.Forget(r.def.Kind, id)
}
