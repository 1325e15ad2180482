package service

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// Read implements resource.Resource. What is gone, or stands in a lost
// location, leaves the state.
func (r *Resource[M, S, T, PM]) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
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
	// Also for what leaves the state: a CLI that keeps no identities sends none,
	// and the framework demands one after every read.
	setIdentity(ctx, resp.Identity, id, diags)
	if r.leftAlone(base.ID) {
		diags.AddWarning(fmt.Sprintf("%s %q stands in the lost location %s", r.def.Noun, base.Name.ValueString(), id.Location),
			fmt.Sprintf("%s is in lost_locations, so nothing is asked or changed there: %s stays in the state as it was last seen, and counts for nothing until the location is back.", id.Location, id))
		return
	}
	if r.env.Lost.Contains(id.Location) {
		diags.AddWarning(fmt.Sprintf("%s %q in the lost location %s leaves the state", r.def.Noun, base.Name.ValueString(), id.Location),
			fmt.Sprintf("%s is in lost_locations, so nothing is asked there: %s is taken out of the state and left alone. It keeps its labels; once the location is back, it is adopted again if its block still stands there.", id.Location, id))
		resp.State.RemoveResource(ctx)
		return
	}
	store, caps := r.store(id.Location, diags)
	if diags.HasError() {
		return
	}
	timeout, more := base.Timeouts.Read(ctx, r.env.Timeouts.Read)
	diags.Append(more...)
	limited, cancel := context.WithTimeout(cloud.WithPriority(ctx, cloud.PriorityRefresh), timeout)
	defer cancel()
	observed, err := store.Get(limited, id.Native)
	if cloud.IsNotFound(err) {
		tflog.Info(ctx, "object is gone, taking it out of the state", map[string]any{"kind": string(r.def.Kind), "id": id.String()})
		resp.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		r.explain(ctx, err, "read", base, diags)
		return
	}
	object, seen := r.def.Observed(observed)
	importing := base.Name.IsNull()
	if importing {
		switch {
		case seen.Location.Name != "" && seen.Location != id.Location && !caps.Global[r.def.Kind]:
			diags.AddError("Cannot import "+r.def.Noun, fmt.Sprintf("%s does not stand in %s: import %s instead.",
				id.Native, id.Location, cloud.ID{Location: seen.Location, Native: id.Native}))
		case seen.Deployment != "" && seen.Deployment != r.env.Deployment:
			diags.AddError("Cannot import "+r.def.Noun, fmt.Sprintf("%s belongs to the deployment %q, and this configuration is the deployment %q. Holdfast never touches another deployment's objects.",
				id, seen.Deployment, r.env.Deployment))
		}
		if diags.HasError() {
			return
		}
	}
	before := readRecord(ctx, req.Private, diags)
	diags.Append(r.observe(ctx, model, id, observed, caps)...)
	if seen.Deployment == r.env.Deployment && r.mislabelled(object, seen, id, caps) {
		base.Deployment = types.StringValue("") // shown, and labelled anew by the next apply
	}
	diags.Append(resp.State.Set(ctx, model)...)

	names := looseNames(r.def.Kind, caps)
	now := tell(resp.State.Raw, names)
	said := before.Told
	switch {
	case importing:
		said = now
	case said == nil: // a state of before there was a record of it
		said = tell(req.State.Raw, names)
	}
	said = said.after(before.Next, now)
	protected := base.DeletionProtection.ValueBool()
	writeRecord(ctx, resp.Private, Record{ID: id.String(), Protected: protected, NativeName: object.NativeName, Told: said}, diags)

	// What stands on it, and the claims, go by what was declared, too.
	known, _ := r.env.Known(r.def.Kind, id)
	known.Name, known.Tenant = said.text("name", known.Name), said.text("tenant", known.Tenant)
	r.env.Learn(r.def.Kind, id, known)
	declared := *base
	declared.Name = types.StringValue(known.Name)
	if address, ok := r.address(&declared); ok && protected {
		r.env.Claims.Protect(r.claimed(address), id.String())
	}
}
