package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// examineTime bounds the one read that finds out what became of an object
// whose creation was cut short.
const examineTime = time.Minute

// Create implements resource.Resource.
func (r *Resource[M, S, T, PM]) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	plan, config := new(M), new(M)
	diags := &resp.Diagnostics
	diags.Append(req.Plan.Get(ctx, plan)...)
	diags.Append(req.Config.Get(ctx, config)...)
	if diags.HasError() {
		return
	}
	base := PM(plan).Base()
	ctx = cloud.WithPriority(ctx, tierOf(PM(plan)).Priority())
	r.judge(ctx, &Review[M]{Env: r.env, Config: config, Plan: plan, Final: true, Diags: diags})
	if diags.HasError() {
		return
	}
	spec, location := r.spec(ctx, plan, r.env.Deployment, diags)
	store, caps := r.store(location, diags)
	if diags.HasError() {
		return
	}
	timeout, more := base.Timeouts.Create(ctx, r.env.Timeouts.Create)
	diags.Append(more...)
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()

	// save keeps what is known of the object; the last call wins.
	var id cloud.ID
	save := func(observed T, protected bool) {
		object, _ := r.def.Observed(observed)
		id = cloud.ID{Location: location, Native: object.ID.Native}
		model := *plan
		diags.Append(r.observe(ctx, &model, id, observed, caps)...)
		diags.Append(resp.State.Set(ctx, &model)...)
		settle(ctx, req.Plan, &resp.State, diags)
		diags.Append(resp.State.SetAttribute(ctx, path.Root("deletion_protection"), protected)...)
		setIdentity(ctx, resp.Identity, id, diags)
		r.remember(ctx, resp.Private, Record{ID: id.String(), Protected: protected, NativeName: object.NativeName}, resp.State.Raw, caps, diags)
		r.env.Claims.Made(r.def.Kind, id.String())
		if address, ok := r.address(base); ok {
			r.env.Claims.Settle(r.claimed(address), id.String())
		}
	}
	protected := base.DeletionProtection.ValueBool()
	latest, err := store.Create(limited, spec, func(observed T) { save(observed, protected) })
	if err == nil {
		save(latest, protected)
		return
	}
	if id.IsZero() {
		r.explain(ctx, err, "create", base, diags)
		return
	}
	if r.repairable(ctx, limited, store, id, err, func(observed T) { save(observed, protected) }) {
		diags.AddWarning(fmt.Sprintf("%s %q (%s) exists, but is not finished", r.def.Noun, base.Name.ValueString(), id),
			Explain(err, "finish it", nil).Detail()+"\n\nIt is kept. Run apply again: the next plan shows what is missing, and the apply does it in place.")
		return
	}
	if cloud.CodeOf(err) == cloud.CodeUnsupported {
		r.leave(ctx, id, withRemedy(err, fmt.Sprintf("%s has the name already, and was made from something else. It is left as it is. "+
			"With create_before_destroy it is the object to be replaced: leave that out, or give the new one another name. "+
			"Otherwise it stands there since an earlier apply: import it (terraform import <address> %[1]s) and apply again, with -replace=<address> to have it made anew, or choose another name.", id)), base, resp)
		return
	}
	// Terraform marks it as tainted and replaces it next time; the protection
	// of what never worked must not stand in the way of that.
	diags.Append(resp.State.SetAttribute(ctx, path.Root("deletion_protection"), false)...)
	r.remember(ctx, resp.Private, Record{ID: id.String()}, resp.State.Raw, caps, diags)
	r.explain(ctx, err, "create", base, diags)
}

// leave reports an object that a create found under its name and that cannot
// become what is wanted. It stays out of the state: what is recorded with an
// error is tainted, and destroyed by the next apply, though it may be healthy,
// hold data, or be in the state already as the object to be replaced.
func (r *Resource[M, S, T, PM]) leave(ctx context.Context, id cloud.ID, err error, base *Common, resp *resource.CreateResponse) {
	resp.State.RemoveResource(ctx)
	if resp.Identity != nil {
		resp.Identity.Raw = tftypes.NewValue(resp.Identity.Schema.Type().TerraformType(ctx), nil)
	}
	r.env.Forget(r.def.Kind, id)
	r.explain(ctx, err, "create", base, &resp.Diagnostics)
}

// withRemedy gives a driver's error another remedy.
func withRemedy(err error, remedy string) error {
	var e *cloud.Error
	if !errors.As(err, &e) {
		return err
	}
	changed := *e
	changed.Remedy = remedy
	return &changed
}

// repairable tells whether an object whose creation was cut short can be
// finished in place. If it was only interrupted, or the cloud does not answer
// now, it is taken to be: an object that is marked as tainted would be
// destroyed by the next apply, healthy or not.
func (r *Resource[M, S, T, PM]) repairable(ctx, limited context.Context, store cloud.Store[S, T], id cloud.ID, err error, save func(T)) bool {
	if ctx.Err() != nil {
		return true // the user interrupted: no time for another request
	}
	switch cloud.CodeOf(err) {
	case cloud.CodeOperationFailed, cloud.CodeNotFound:
		return false
	case cloud.CodeUnsupported:
		// An object that was found under the name, but was made from something
		// that cannot be changed and perhaps not read back either.
		return false
	}
	examine, cancel := context.WithTimeout(ctx, examineTime)
	defer cancel()
	observed, readErr := store.Get(examine, id.Native)
	switch {
	case readErr == nil && (r.def.Healthy == nil || r.def.Healthy(observed)):
		save(observed)
		return true
	case readErr == nil:
		// Not healthy now; if only time ran out, it may still become so.
		return limited.Err() != nil
	default:
		return cloud.CodeOf(readErr).Temporary() || errors.Is(readErr, context.DeadlineExceeded)
	}
}

// spec makes the neutral spec of a model whose values are all known, as an
// object of the given deployment.
func (r *Resource[M, S, T, PM]) spec(ctx context.Context, model *M, deployment string, diags *diag.Diagnostics) (S, cloud.Location) {
	var zero S
	m, err := meta(deployment, PM(model).Base(), ownerOf(PM(model)))
	if err != nil {
		diags.AddAttributeError(path.Root("location"), "Not a location", err.Error())
		return zero, cloud.Location{}
	}
	spec, more := r.def.ToSpec(ctx, model, m)
	diags.Append(more...)
	return spec, m.Location
}
