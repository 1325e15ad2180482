package service

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// Update implements resource.Resource. It starts from the state, which the
// plan has just refreshed, and so needs no read: what others have changed is
// in it, and written anew.
func (r *Resource[M, S, T, PM]) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	prior, plan, config := new(M), new(M), new(M)
	diags := &resp.Diagnostics
	record := readRecord(ctx, req.Private, diags)
	declared := r.declared(ctx, req.State, record.Told, diags)
	diags.Append(req.State.Get(ctx, prior)...)
	diags.Append(req.Plan.Get(ctx, plan)...)
	diags.Append(req.Config.Get(ctx, config)...)
	if diags.HasError() {
		return
	}
	ctx = cloud.WithPriority(ctx, tierOf(PM(plan)).Priority())
	r.judge(ctx, &Review[M]{Env: r.env, Config: config, Prior: declared, Plan: plan, Final: true, Diags: diags})
	if diags.HasError() {
		return
	}
	base := PM(plan).Base()
	id, err := cloud.ParseID(PM(prior).Base().ID.ValueString())
	if err != nil {
		diags.AddAttributeError(path.Root("id"), "Not an id", err.Error())
		return
	}
	had, _ := r.spec(ctx, prior, PM(prior).Base().Deployment.ValueString(), diags)
	want, location := r.spec(ctx, plan, r.env.Deployment, diags)
	store, caps := r.store(location, diags)
	if diags.HasError() {
		return
	}
	timeout, more := base.Timeouts.Update(ctx, r.env.Timeouts.Update)
	diags.Append(more...)
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	// Should this fail half-way, the next refresh finds out what was written.
	record.Next = tell(req.Plan.Raw, looseNames(r.def.Kind, caps))
	writeRecord(ctx, resp.Private, record, diags)
	updated, err := store.Update(limited, r.def.Rebuild(prior, cloud.Object{ID: id, NativeName: record.NativeName}, had), want)
	if err != nil {
		r.explain(ctx, err, "change", PM(prior).Base(), diags)
		return
	}
	id.Location = location // another one only of an object that the vendor keeps once
	diags.Append(r.observe(ctx, plan, id, updated, caps)...)
	diags.Append(resp.State.Set(ctx, plan)...)
	settle(ctx, req.Plan, &resp.State, diags)
	setIdentity(ctx, resp.Identity, id, diags)
	object, _ := r.def.Observed(updated)
	r.remember(ctx, resp.Private, Record{ID: id.String(), Protected: base.DeletionProtection.ValueBool(), NativeName: object.NativeName}, resp.State.Raw, caps, diags)
}
