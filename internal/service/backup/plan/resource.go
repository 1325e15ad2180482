package plan

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/policy"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
)

// NewResource makes the resource holdfast_backup_plan; now is the time from
// which a year's changes of clocks are looked at.
func NewResource(now func() time.Time) resource.Resource { return &plan{now: now} }

type plan struct {
	now func() time.Time
	env *service.Env
}

var (
	_ resource.ResourceWithConfigure      = (*plan)(nil)
	_ resource.ResourceWithIdentity       = (*plan)(nil)
	_ resource.ResourceWithImportState    = (*plan)(nil)
	_ resource.ResourceWithModifyPlan     = (*plan)(nil)
	_ resource.ResourceWithValidateConfig = (*plan)(nil)
)

// Metadata implements resource.Resource.
func (*plan) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_backup_plan"
	resp.ResourceBehavior.MutableIdentity = true // it is the name
}

// Schema implements resource.Resource.
func (*plan) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = resourceSchema()
}

// IdentitySchema implements resource.ResourceWithIdentity.
func (*plan) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"id": identityschema.StringAttribute{RequiredForImport: true, Description: "The plan's name."},
	}}
}

// Configure implements resource.ResourceWithConfigure.
func (p *plan) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	p.env = service.EnvOf(req.ProviderData, &resp.Diagnostics)
}

// ValidateConfig implements resource.ResourceWithValidateConfig.
func (p *plan) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var m model
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if !resp.Diagnostics.HasError() {
		service.Report(&resp.Diagnostics, alone(&m, p.now())...)
	}
}

// ModifyPlan implements resource.ResourceWithModifyPlan: every plan is judged,
// changed or not, since places and what is lost may have changed around it.
func (p *plan) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if p.env == nil || req.Plan.Raw.IsNull() {
		return
	}
	diags := &resp.Diagnostics
	m := new(model)
	diags.Append(req.Plan.Get(ctx, m)...)
	prior := stateOf(ctx, req.State, diags)
	if diags.HasError() {
		return
	}
	m.ID, m.BucketIDs = m.Name, idsOf(m.Buckets)
	p.judge(m, prior, diags)
	diags.Append(resp.Plan.Set(ctx, m)...)
}

func stateOf(ctx context.Context, state tfsdk.State, diags *diag.Diagnostics) *model {
	if state.Raw.IsNull() {
		return nil
	}
	m := new(model)
	diags.Append(state.Get(ctx, m)...)
	return m
}

// Create implements resource.Resource.
func (p *plan) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	p.write(ctx, req.Plan, nil, &resp.State, resp.Identity, &resp.Diagnostics)
}

// Update implements resource.Resource.
func (p *plan) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	prior := stateOf(ctx, req.State, &resp.Diagnostics)
	p.write(ctx, req.Plan, prior, &resp.State, resp.Identity, &resp.Diagnostics)
}

// write judges a plan whose values are all known, looks at its buckets, and
// keeps it.
func (p *plan) write(ctx context.Context, planned tfsdk.Plan, prior *model, state *tfsdk.State, identity *tfsdk.ResourceIdentity, diags *diag.Diagnostics) {
	m := new(model)
	diags.Append(planned.Get(ctx, m)...)
	if diags.HasError() {
		return
	}
	m.ID, m.BucketIDs = m.Name, idsOf(m.Buckets)
	p.judge(m, prior, diags)
	if !diags.HasError() {
		p.verify(ctx, m, diags)
	}
	if diags.HasError() {
		return
	}
	diags.Append(state.Set(ctx, m)...)
	setIdentity(ctx, identity, m.ID, diags)
}

// Read implements resource.Resource: the state is all there is.
func (p *plan) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var id types.String
	resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root("id"), &id)...)
	setIdentity(ctx, resp.Identity, id, &resp.Diagnostics)
}

// Delete implements resource.Resource.
func (*plan) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {}

// ImportState implements resource.ResourceWithImportState.
func (p *plan) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	name := req.ID
	if name == "" && req.Identity != nil {
		var id types.String
		resp.Diagnostics.Append(req.Identity.GetAttribute(ctx, path.Root("id"), &id)...)
		name = id.ValueString()
	}
	service.Report(&resp.Diagnostics, policy.CheckName("name", name)...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("id"), name)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("name"), name)...)
	setIdentity(ctx, resp.Identity, types.StringValue(name), &resp.Diagnostics)
}

func setIdentity(ctx context.Context, identity *tfsdk.ResourceIdentity, id types.String, diags *diag.Diagnostics) {
	if identity != nil {
		diags.Append(identity.SetAttribute(ctx, path.Root("id"), id)...)
	}
}
