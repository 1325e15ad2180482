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

type siteModel struct {
	Locations []types.String `tfsdk:"locations"`
	Location  types.String   `tfsdk:"location"`
	Lost      []types.String `tfsdk:"lost"`
}

// Metadata implements datasource.DataSource.
func (*site) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_site"
}

// Schema implements datasource.DataSource.
func (*site) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "An ordered list of locations, of which the first that is not lost is used. Resources that take their `location` from it move to the next one when the operator adds a word to the provider's `lost_locations`. No cloud is asked.",
		Attributes: map[string]schema.Attribute{
			"locations": schema.ListAttribute{
				Required: true, ElementType: types.StringType,
				MarkdownDescription: "Locations in the order of preference, such as `[\"hetzner/fsn1\", \"hetzner/hel1\"]`. There should be one that no disaster at the first one reaches (DR-2); without it there is a warning.",
			},
			"location": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: "The first location that is not lost.",
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
	m.Location, m.Lost = choose(entries, s.env.Lost)
	if m.Location.IsNull() && len(entries) > 0 {
		resp.Diagnostics.AddAttributeError(path.Root("locations"), "Every location of the site is lost",
			"All of them are in the provider's lost_locations, so there is nowhere to go on. Add a location that still stands; data.holdfast_locations lists them.")
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

// choose gives the first location that is not lost, null if there is none,
// and those that are.
func choose(entries []catalog.Entry, lost cloud.LostSet) (types.String, []types.String) {
	chosen, gone := types.StringNull(), []types.String{}
	for _, entry := range entries {
		switch {
		case lost.Contains(entry.Location):
			gone = append(gone, types.StringValue(entry.Location.String()))
		case chosen.IsNull():
			chosen = types.StringValue(entry.Location.String())
		}
	}
	return chosen, gone
}
