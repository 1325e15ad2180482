package service

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// Common is the part of a resource's model that every object has. A model
// embeds it.
type Common struct {
	ID                 types.String   `tfsdk:"id"`
	NativeID           types.String   `tfsdk:"native_id"`
	Deployment         types.String   `tfsdk:"deployment"`
	Name               types.String   `tfsdk:"name"`
	Location           types.String   `tfsdk:"location"`
	Labels             types.Map      `tfsdk:"labels"`
	DeletionProtection types.Bool     `tfsdk:"deletion_protection"`
	Timeouts           timeouts.Value `tfsdk:"timeouts"`
}

// Base gives the common part of any model.
func (c *Common) Base() *Common { return c }

// Tenancy is the part of the model of what can belong to a tenant. A model
// embeds it beside Common.
type Tenancy struct {
	Tenant types.String `tfsdk:"tenant"`
	Tier   types.String `tfsdk:"tier"`
}

// Owner gives the tenant's part of a model that has one.
func (t *Tenancy) Owner() *Tenancy { return t }

// owned is a model that embeds Tenancy.
type owned interface{ Owner() *Tenancy }

// CommonAttributes gives the schema of Common. noun is how the documentation
// calls the object ("volume").
func CommonAttributes(ctx context.Context, noun string) map[string]schema.Attribute {
	keep := []planmodifier.String{stringplanmodifier.UseStateForUnknown()}
	return map[string]schema.Attribute{
		"id": schema.StringAttribute{
			Computed:            true,
			PlanModifiers:       keep,
			MarkdownDescription: "`<cloud>/<location>/<native id>`, for example `hetzner/fsn1/4711`; also what to import by.",
		},
		"native_id": schema.StringAttribute{
			Computed:            true,
			PlanModifiers:       keep,
			MarkdownDescription: fmt.Sprintf("The vendor's own identifier of the %s, to combine with the vendor's own provider and tools.", noun),
		},
		"deployment": schema.StringAttribute{
			Computed:            true,
			MarkdownDescription: fmt.Sprintf("The deployment that owns the %s: the provider's `deployment`. An imported %[1]s that has no owner yet is labelled at the next apply; one of another deployment is refused.", noun),
		},
		"name": schema.StringAttribute{
			Required: true,
			MarkdownDescription: fmt.Sprintf("Name, unique among the deployment's objects of this kind in one location: up to %d lower case letters, digits and hyphens, beginning with a letter. "+
				"Holdfast finds its objects by it, so with `create_before_destroy` a replacement needs another name. Changing it renames the %s in place.", cloud.MaxNameLength, noun),
		},
		"location": schema.StringAttribute{
			Required:            true,
			MarkdownDescription: fmt.Sprintf("`<cloud>/<data centre>`, for example `hetzner/fsn1`; see the data sources `holdfast_site` and `holdfast_locations`. Changing this replaces the %s.", noun),
		},
		"labels": schema.MapAttribute{
			Optional:    true,
			ElementType: types.StringType,
			MarkdownDescription: "Labels for your own use: keys and values of up to 63 lower case letters, digits, `-` and `_`. " +
				"The prefix `" + cloud.LabelPrefix + "` is reserved. Changed in place.",
		},
		"deletion_protection": schema.BoolAttribute{
			Optional: true,
			Computed: true,
			Default:  booldefault.StaticBool(false),
			MarkdownDescription: fmt.Sprintf("Refuse every plan that deletes or replaces the %s, and ask the cloud to refuse it too, where it can. "+
				"To remove it, set this to `false` and apply first. Default `false`.", noun),
		},
		"timeouts": timeouts.Attributes(ctx, timeouts.Opts{
			Create: true, Read: true, Update: true, Delete: true,
			CreateDescription: timeoutDescription("6h"),
			ReadDescription:   timeoutDescription("30m"),
			UpdateDescription: timeoutDescription("6h"),
			DeleteDescription: timeoutDescription("6h"),
		}),
	}
}

func timeoutDescription(standard string) string {
	return "A duration such as `45s`, `30m` or `2h`. Waiting for the account's request limit counts. Default `" + standard + "`."
}

// TenancyAttributes gives the schema of Tenancy for objects that need no
// tenant. noun is how the documentation calls the object.
func TenancyAttributes(noun string) map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"tenant": schema.StringAttribute{
			Optional:            true,
			MarkdownDescription: fmt.Sprintf("The tenant whose %s this is; without one it is shared. Changing this replaces the %[1]s (ISO-2).", noun),
		},
		"tier": schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "`paid` or `free`: what the tenant pays for. Where the cloud's request limit is scarce, paid tenants go first (DR-4). " +
				"Without it the object counts as paid. Changed in place.",
		},
	}
}

// observe writes what was seen of any object into the common part. global
// and protectable are the driver's capabilities for the kind.
func (c *Common) observe(ctx context.Context, id cloud.ID, meta cloud.Meta, protectable bool) {
	c.ID = types.StringValue(id.String())
	c.NativeID = types.StringValue(id.Native)
	c.Deployment = types.StringValue(meta.Deployment)
	c.Name = types.StringValue(meta.Name)
	c.Location = types.StringValue(id.Location.String())
	c.Labels = labelsValue(ctx, c.Labels, meta.Labels)
	switch {
	case protectable:
		c.DeletionProtection = types.BoolValue(meta.Protected)
	case c.DeletionProtection.IsNull() || c.DeletionProtection.IsUnknown():
		c.DeletionProtection = types.BoolValue(false)
	}
}

// observe writes the tenant's part. Absent stays null.
func (t *Tenancy) observe(meta cloud.Meta) {
	t.Tenant = OptionalString(meta.Tenant)
	t.Tier = OptionalString(string(meta.Tier))
}

// OptionalString gives null for the empty text.
func OptionalString(text string) types.String {
	if text == "" {
		return types.StringNull()
	}
	return types.StringValue(text)
}

// labelsValue keeps the difference between no labels and an empty map as it
// was before, since no cloud knows it.
func labelsValue(ctx context.Context, before types.Map, labels map[string]string) types.Map {
	if len(labels) == 0 && (before.IsNull() || before.IsUnknown()) {
		return types.MapNull(types.StringType)
	}
	if labels == nil {
		labels = map[string]string{}
	}
	value, diags := types.MapValueFrom(ctx, types.StringType, labels)
	if diags.HasError() { // a map of strings always converts
		return types.MapNull(types.StringType)
	}
	return value
}

// meta reads the common parts of a model whose values are all known.
func meta(deployment string, base *Common, owner *Tenancy) (cloud.Meta, error) {
	location, err := cloud.ParseLocation(base.Location.ValueString())
	if err != nil {
		return cloud.Meta{}, err
	}
	m := cloud.Meta{
		Name:       base.Name.ValueString(),
		Location:   location,
		Deployment: deployment,
		Labels:     Labels(base.Labels),
		Protected:  base.DeletionProtection.ValueBool(),
	}
	if owner != nil {
		m.Tenant = owner.Tenant.ValueString()
		m.Tier = cloud.Tier(owner.Tier.ValueString())
	}
	return m, nil
}

// Labels reads the known pairs of a map of strings; nil if there are none.
func Labels(value types.Map) map[string]string {
	var labels map[string]string
	for key, element := range value.Elements() {
		text, ok := element.(types.String)
		if !ok || text.IsNull() || text.IsUnknown() {
			continue
		}
		if labels == nil {
			labels = map[string]string{}
		}
		labels[key] = text.ValueString()
	}
	return labels
}

// ownerOf gives the tenant's part of a model, or nil.
func ownerOf(model any) *Tenancy {
	if m, ok := model.(owned); ok {
		return m.Owner()
	}
	return nil
}

// tierOf gives the tier by which a model's writes are ranked.
func tierOf(model any) cloud.Tier {
	if owner := ownerOf(model); owner != nil {
		return cloud.Tier(owner.Tier.ValueString())
	}
	return ""
}
