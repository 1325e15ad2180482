package service

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// Resource is a Terraform resource over a cloud.Store.
type Resource[M, S, T any, PM Model[M]] struct {
	def Definition[M, S, T]
	env *Env
}

// NewResource makes the resource that a definition describes.
func NewResource[M, S, T any, PM Model[M]](def Definition[M, S, T]) resource.Resource {
	return &Resource[M, S, T, PM]{def: def}
}

// Metadata implements resource.Resource.
func (r *Resource[M, S, T, PM]) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_" + string(r.def.Kind)
	resp.ResourceBehavior.MutableIdentity = r.def.Moves
}

// Schema implements resource.Resource.
func (r *Resource[M, S, T, PM]) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = r.schema(ctx)
}

func (r *Resource[M, S, T, PM]) schema(ctx context.Context) schema.Schema {
	s := r.def.Schema(ctx)
	attributes := CommonAttributes(ctx, r.def.Noun)
	for name, attribute := range s.Attributes {
		attributes[name] = attribute
	}
	s.Attributes = attributes
	return s
}

// IdentitySchema implements resource.ResourceWithIdentity.
func (r *Resource[M, S, T, PM]) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"id": identityschema.StringAttribute{
			RequiredForImport: true,
			Description:       "`<cloud>/<location>/<native id>`, for example `hetzner/fsn1/4711`.",
		},
	}}
}

// Configure implements resource.ResourceWithConfigure.
func (r *Resource[M, S, T, PM]) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.env = EnvOf(req.ProviderData, &resp.Diagnostics)
}

// EnvOf reads the provider's data; nil while the provider is not configured.
func EnvOf(data any, diags *diag.Diagnostics) *Env {
	if data == nil {
		return nil
	}
	env, ok := data.(*Env)
	if !ok {
		diags.AddError("Unexpected provider data", fmt.Sprintf("The provider handed over a %T. This is a bug of Holdfast.", data))
	}
	return env
}

// ValidateConfig implements resource.ResourceWithValidateConfig.
func (r *Resource[M, S, T, PM]) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var model M
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() {
		return
	}
	r.check(ctx, &model, &resp.Diagnostics)
}

// check judges what is known of a model without the environment.
func (r *Resource[M, S, T, PM]) check(ctx context.Context, model *M, diags *diag.Diagnostics) {
	checkCommon(PM(model).Base(), ownerOf(PM(model)), diags)
	if r.def.Check != nil {
		r.def.Check(ctx, model, diags)
	}
}

// ImportState implements resource.ResourceWithImportState: by id or, where
// the CLI can, by identity.
func (r *Resource[M, S, T, PM]) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	text := req.ID
	if text == "" && req.Identity != nil {
		var id types.String
		resp.Diagnostics.Append(req.Identity.GetAttribute(ctx, path.Root("id"), &id)...)
		text = id.ValueString()
	}
	id, err := cloud.ParseID(text)
	if err != nil {
		resp.Diagnostics.AddError("Cannot import "+r.def.Noun, err.Error())
		return
	}
	if _, err := r.env.Catalog.Lookup(id.Location); err != nil {
		resp.Diagnostics.AddError("Cannot import "+r.def.Noun, err.Error())
		return
	}
	if r.env.Lost.Contains(id.Location) {
		resp.Diagnostics.AddError("Cannot import "+r.def.Noun, lostDetail(id.Location))
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("id"), id.String())...)
	setIdentity(ctx, resp.Identity, id, &resp.Diagnostics)
}

// setIdentity writes the resource identity, where the framework offers one.
func setIdentity(ctx context.Context, identity *tfsdk.ResourceIdentity, id cloud.ID, diags *diag.Diagnostics) {
	if identity != nil {
		diags.Append(identity.SetAttribute(ctx, path.Root("id"), id.String())...)
	}
}

// store gives the noun's store in a cloud, or nil after reporting why there
// is none.
func (r *Resource[M, S, T, PM]) store(location cloud.Location, diags *diag.Diagnostics) (cloud.Store[S, T], cloud.Capabilities) {
	driver, err := r.env.Clouds.Driver(location.Cloud)
	if err != nil {
		diags.Append(noAccess(path.Root("location"), location, err))
		return nil, cloud.Capabilities{}
	}
	return r.def.Store(driver), driver.Capabilities()
}

// observe writes an observed object into the model, under the id that it is
// known by. It answers what was learned.
func (r *Resource[M, S, T, PM]) observe(ctx context.Context, model *M, id cloud.ID, observed T, caps cloud.Capabilities) diag.Diagnostics {
	_, meta := r.def.Observed(observed)
	meta.Location = id.Location
	PM(model).Base().observe(ctx, id, meta, caps.Protectable[r.def.Kind])
	if owner := ownerOf(PM(model)); owner != nil {
		owner.observe(meta)
	}
	diags := r.def.FromObject(ctx, model, observed)
	meta.Protected = PM(model).Base().DeletionProtection.ValueBool()
	r.env.Learn(r.def.Kind, id, meta)
	r.learnSubnets(id, model)
	return diags
}

// learnSubnets records the ranges of what is a network.
func (r *Resource[M, S, T, PM]) learnSubnets(id cloud.ID, model *M) {
	if r.def.Subnets != nil {
		subnets, known := r.def.Subnets(model)
		r.env.LearnSubnets(id, subnets, known)
	}
}

// explain adds a driver's error to the diagnostics.
func (r *Resource[M, S, T, PM]) explain(ctx context.Context, err error, verb string, base *Common, diags *diag.Diagnostics) {
	known := r.schema(ctx)
	diags.Append(Explain(err, r.doing(verb, base), func(name string) bool {
		_, attribute := known.Attributes[name]
		_, block := known.Blocks[name] // what only one vendor has: google.kms_key
		return attribute || block
	}))
}

// doing names an attempt on an object.
func (r *Resource[M, S, T, PM]) doing(verb string, base *Common) string {
	object := fmt.Sprintf("%s %s", verb, r.def.Noun)
	if name := base.Name.ValueString(); name != "" {
		object += fmt.Sprintf(" %q", name)
	}
	if id := base.ID.ValueString(); id != "" {
		return object + " (" + id + ")"
	}
	return object + " in " + base.Location.ValueString()
}

// address gives the object's address, false while it is unknown.
func (r *Resource[M, S, T, PM]) address(base *Common) (Address, bool) {
	location, err := cloud.ParseLocation(base.Location.ValueString())
	if err != nil || base.Name.ValueString() == "" {
		return Address{}, false
	}
	return Address{Kind: r.def.Kind, Name: base.Name.ValueString(), Location: location}, true
}
