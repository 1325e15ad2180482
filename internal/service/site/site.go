package site

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/catalog"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/policy"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
)

// NewSite makes data.holdfast_site.
func NewSite() datasource.DataSource { return &site{} }

type site struct{ env *service.Env }

var (
	_ datasource.DataSourceWithConfigure      = (*site)(nil)
	_ datasource.DataSourceWithValidateConfig = (*site)(nil)
)

type siteModel struct {
	Locations        []types.String `tfsdk:"locations"`
	Size             *sizeModel     `tfsdk:"size"`
	CapacityFallback types.Bool     `tfsdk:"capacity_fallback"`
	Location         types.String   `tfsdk:"location"`
	Lost             []types.String `tfsdk:"lost"`
}

type sizeModel struct {
	CPUs         types.Int64   `tfsdk:"cpus"`
	MemoryGB     types.Float64 `tfsdk:"memory_gb"`
	Architecture types.String  `tfsdk:"architecture"`
}

// size gives the neutral size. Without an architecture it is x86, as it is for
// a new holdfast_vm.
func (m *sizeModel) size() cloud.Size {
	size := cloud.Size{CPUs: m.CPUs.ValueInt64(), MemoryGB: m.MemoryGB.ValueFloat64(), Architecture: cloud.Architecture(m.Architecture.ValueString())}
	if size.Architecture == "" {
		size.Architecture = cloud.ArchX86
	}
	return size
}

// Metadata implements datasource.DataSource.
func (*site) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_site"
}

// Schema implements datasource.DataSource.
func (*site) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "An ordered list of locations, of which the first that is not lost is used. Resources that take their `location` from it move to the next one when the operator adds a word to the provider's `lost_locations`. No cloud is asked, unless `capacity_fallback` is on.",
		Attributes: map[string]schema.Attribute{
			"locations": schema.ListAttribute{
				Required: true, ElementType: types.StringType,
				MarkdownDescription: "Locations in the order of preference, such as `[\"hetzner/fsn1\", \"hetzner/hel1\"]`. There should be one that no disaster at the first one reaches (DR-2); without it there is a warning.",
			},
			"size": schema.SingleNestedAttribute{
				Optional: true,
				Attributes: map[string]schema.Attribute{
					"cpus":         schema.Int64Attribute{Optional: true, MarkdownDescription: "The least number of virtual CPUs."},
					"memory_gb":    schema.Float64Attribute{Optional: true, MarkdownDescription: "The least memory in GB."},
					"architecture": schema.StringAttribute{Optional: true, MarkdownDescription: "`x86` or `arm`. Default `x86`."},
				},
				MarkdownDescription: "What the largest VM of the site needs, for `capacity_fallback`.",
			},
			"capacity_fallback": schema.BoolAttribute{
				Optional: true,
				MarkdownDescription: "Go on to the next location, with a warning, when the first that is not lost sells no server type of this `size` now. " +
					"A location in which the deployment has VMs is kept: a running region neither moves because a type sold out, nor back because it is sold again. " +
					"Sites whose lists share a location should be deployments of their own then. " +
					"It costs the list of VMs, which their refresh shares, and where there are none the price list. Default `false`.",
			},
			"location": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: "The first location that is not lost; with `capacity_fallback` another one where that had no room.",
			},
			"lost": schema.ListAttribute{
				Computed: true, ElementType: types.StringType,
				MarkdownDescription: "Those of the locations that are lost, in their order.",
			},
		},
	}
}

// Configure implements datasource.DataSourceWithConfigure.
func (s *site) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	s.env = service.EnvOf(req.ProviderData, &resp.Diagnostics)
}

// ValidateConfig implements datasource.DataSourceWithValidateConfig.
func (*site) ValidateConfig(ctx context.Context, req datasource.ValidateConfigRequest, resp *datasource.ValidateConfigResponse) {
	// The model is not read as a whole: unknown values do not fit its list.
	var (
		fallback     types.Bool
		size         types.Object
		architecture types.String
	)
	diags := &resp.Diagnostics
	diags.Append(req.Config.GetAttribute(ctx, path.Root("capacity_fallback"), &fallback)...)
	diags.Append(req.Config.GetAttribute(ctx, path.Root("size"), &size)...)
	if diags.HasError() {
		return
	}
	if fallback.ValueBool() && size.IsNull() {
		diags.AddAttributeError(path.Root("capacity_fallback"), "Size missing",
			"Whether a location has room depends on what for.\n\nSay what the largest VM of the site needs: size = { cpus = 4, memory_gb = 8 }.")
	}
	if size.IsNull() || size.IsUnknown() {
		return
	}
	diags.Append(req.Config.GetAttribute(ctx, path.Root("size").AtName("architecture"), &architecture)...)
	if name := cloud.Architecture(architecture.ValueString()); service.Known(architecture) && name != cloud.ArchX86 && name != cloud.ArchARM {
		diags.AddAttributeError(path.Root("size").AtName("architecture"), "Unknown architecture", fmt.Sprintf("There is no architecture %q.\n\nWrite \"x86\" or \"arm\".", name))
	}
}

// Read implements datasource.DataSource.
func (s *site) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m siteModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	entries := s.entries(m.Locations, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	for _, f := range policy.CheckSite(entries) {
		if f.Promise == policy.DR2 {
			resp.Diagnostics.AddAttributeWarning(path.Root(f.Field), fmt.Sprintf("%s (%s)", f.Summary, f.Promise), f.Detail+"\n\n"+f.Remedy)
			continue
		}
		service.Report(&resp.Diagnostics, f)
	}
	living, lost := divide(entries, s.env.Lost)
	m.Lost = lost
	switch {
	case len(living) == 0 && len(entries) > 0:
		resp.Diagnostics.AddAttributeError(path.Root("locations"), "Every location of the site is lost",
			"All of them are in the provider's lost_locations, so there is nowhere to go on. Add a location that still stands; data.holdfast_locations lists them.")
	case resp.Diagnostics.HasError():
	case m.CapacityFallback.ValueBool() && m.Size != nil:
		m.Location = types.StringValue(s.fallBack(ctx, living, m.Size.size(), &resp.Diagnostics).String())
	default:
		m.Location = types.StringValue(living[0].String())
	}
	if !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
	}
}

// entries looks the locations up, and reports those that there are not.
func (s *site) entries(texts []types.String, diags *diag.Diagnostics) []catalog.Entry {
	var entries []catalog.Entry
	for i, text := range texts {
		location, err := cloud.ParseLocation(text.ValueString())
		if err != nil {
			diags.AddAttributeError(path.Root("locations").AtListIndex(i), "Not a location", err.Error())
			continue
		}
		entry, err := s.env.Catalog.Lookup(location)
		if err != nil {
			diags.AddAttributeError(path.Root("locations").AtListIndex(i), "Unknown location", err.Error())
			continue
		}
		entries = append(entries, entry)
	}
	return entries
}

// divide gives the locations that stand, and the texts of those that are lost.
func divide(entries []catalog.Entry, lost cloud.LostSet) (living []cloud.Location, gone []types.String) {
	gone = []types.String{}
	for _, entry := range entries {
		if lost.Contains(entry.Location) {
			gone = append(gone, types.StringValue(entry.Location.String()))
		} else {
			living = append(living, entry.Location)
		}
	}
	return living, gone
}
