package site

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/catalog"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
)

// NewLocations makes data.holdfast_locations.
func NewLocations() datasource.DataSource { return &locations{} }

type locations struct{ env *service.Env }

type locationsModel struct {
	Cloud     types.String    `tfsdk:"cloud"`
	Continent types.String    `tfsdk:"continent"`
	Country   types.String    `tfsdk:"country"`
	EU        types.Bool      `tfsdk:"eu"`
	Names     []string        `tfsdk:"names"`
	Locations []locationModel `tfsdk:"locations"`
}

type locationModel struct {
	Location         string `tfsdk:"location"`
	Cloud            string `tfsdk:"cloud"`
	City             string `tfsdk:"city"`
	Country          string `tfsdk:"country"`
	Continent        string `tfsdk:"continent"`
	EU               bool   `tfsdk:"eu"`
	Disaster         string `tfsdk:"disaster_site"`
	NetworkZone      string `tfsdk:"network_zone"`
	DDoSProtection   bool   `tfsdk:"ddos_protection"`
	PhysicalSecurity bool   `tfsdk:"physical_security"`
	Note             string `tfsdk:"note"`
	Lost             bool   `tfsdk:"lost"`
}

// Metadata implements datasource.DataSource.
func (*locations) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_locations"
}

// Schema implements datasource.DataSource.
func (*locations) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	text := func(description string) schema.StringAttribute {
		return schema.StringAttribute{Computed: true, MarkdownDescription: description}
	}
	truth := func(description string) schema.BoolAttribute {
		return schema.BoolAttribute{Computed: true, MarkdownDescription: description}
	}
	filter := func(description string) schema.StringAttribute {
		return schema.StringAttribute{Optional: true, MarkdownDescription: description}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "The locations that Holdfast knows, with what matters for the promises: where they stand, which of them one disaster takes together, and the facts behind NET-3 and PHY-1. No cloud is asked.",
		Attributes: map[string]schema.Attribute{
			"cloud":     filter("Only locations of this cloud, such as `hetzner` or `google`."),
			"continent": filter("Only locations on this continent, such as `Europe`."),
			"country":   filter("Only locations in this country, as ISO 3166-1 alpha-2: `DE`."),
			"eu":        schema.BoolAttribute{Optional: true, MarkdownDescription: "Only locations inside (`true`) or outside (`false`) the European Union."},
			"names": schema.ListAttribute{
				Computed: true, ElementType: types.StringType,
				MarkdownDescription: "The locations, such as `hetzner/fsn1`, sorted, without those that are lost.",
			},
			"locations": schema.ListNestedAttribute{
				Computed: true,
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"location":          text("`<cloud>/<data centre>`."),
					"cloud":             text("The cloud."),
					"city":              text("The city."),
					"country":           text("ISO 3166-1 alpha-2 code of the country."),
					"continent":         text("The continent."),
					"eu":                truth("Whether the country is a member of the European Union."),
					"disaster_site":     text("What one disaster destroys: locations with the same value, such as the zones of one region of Google Cloud, fall together."),
					"network_zone":      text("The vendor's area within which private networks reach."),
					"ddos_protection":   truth("Whether the operator protects against DDoS at the edge (NET-3)."),
					"physical_security": truth("Whether the data centre has a restricted perimeter, access control, cameras and guards (PHY-1)."),
					"note":              text("What else one should know of it; mostly empty."),
					"lost":              truth("Whether it is in the provider's `lost_locations`."),
				}},
				MarkdownDescription: "The same, with details and with those that are lost.",
			},
		},
	}
}

// Configure implements datasource.DataSourceWithConfigure.
func (l *locations) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	l.env = service.EnvOf(req.ProviderData, &resp.Diagnostics)
}

// Read implements datasource.DataSource.
func (l *locations) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m locationsModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	entries, err := l.env.Catalog.Select(catalog.Filter{
		Cloud: m.Cloud.ValueString(), Continent: m.Continent.ValueString(), Country: m.Country.ValueString(), EU: m.EU.ValueBoolPointer()})
	if err != nil {
		resp.Diagnostics.AddError("No such locations", err.Error())
		return
	}
	m.Names, m.Locations = []string{}, []locationModel{}
	for _, entry := range entries {
		lost := l.env.Lost.Contains(entry.Location)
		if !lost {
			m.Names = append(m.Names, entry.Location.String())
		}
		m.Locations = append(m.Locations, locationModel{
			Location: entry.Location.String(), Cloud: entry.Location.Cloud, City: entry.City, Country: entry.Country, Continent: entry.Continent, EU: entry.EU,
			Disaster: entry.Site, NetworkZone: entry.NetworkZone, DDoSProtection: entry.DDoSProtection.Held, PhysicalSecurity: entry.PhysicalSecurity.Held, Note: entry.Note, Lost: lost,
		})
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}
