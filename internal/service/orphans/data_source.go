package orphans

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
)

// NewDataSource makes data.holdfast_orphans.
func NewDataSource() datasource.DataSource { return &source{} }

type source struct{ env *service.Env }

var _ datasource.DataSourceWithConfigure = (*source)(nil)

type model struct {
	KnownIDs  types.Set     `tfsdk:"known_ids"`
	Clouds    types.Set     `tfsdk:"clouds"`
	Orphans   []orphanModel `tfsdk:"orphans"`
	LeftOut   []string      `tfsdk:"left_out"`
	NoAccess  []string      `tfsdk:"no_access"`
	NoBuckets []string      `tfsdk:"no_buckets"`
}

type orphanModel struct {
	ID         string       `tfsdk:"id"`
	Kind       string       `tfsdk:"kind"`
	Location   string       `tfsdk:"location"`
	Name       string       `tfsdk:"name"`
	Tenant     types.String `tfsdk:"tenant"`
	NativeID   string       `tfsdk:"native_id"`
	NativeName string       `tfsdk:"native_name"`
	Created    types.String `tfsdk:"created"`
	Protected  bool         `tfsdk:"protected"`
}

// Metadata implements datasource.DataSource.
func (*source) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_orphans"
}

// Schema implements datasource.DataSource.
func (*source) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	text := func(description string) schema.StringAttribute {
		return schema.StringAttribute{Computed: true, MarkdownDescription: description}
	}
	texts := func(description string) schema.ListAttribute {
		return schema.ListAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: description}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Objects that carry this deployment's labels and that the configuration does not own, as after a failover when the lost location is back. " +
			"Nothing is deleted: `holdfast orphans --delete` on the command line does that, and knows the whole state.\n\n" +
			"A provider cannot see the state, so `known_ids` has to name what is owned. What this run has read or made already counts as owned too. " +
			"Where it is in doubt, an object is none of the orphans. A cloud is asked six times, whatever the number of objects, and for backup buckets as often as its object storage takes: " +
			"Google Cloud Storage once for 1,000 buckets, Hetzner Object Storage once for each location, once for each bucket of the account, and six times for each of the deployment's.\n\n" +
			"**Buckets** of a location that was lost are among the orphans once it is back and they are no longer in the state. What is in them may be all that is left: to manage one again, import it.",
		Attributes: map[string]schema.Attribute{
			"known_ids": schema.SetAttribute{
				Required: true, ElementType: types.StringType,
				MarkdownDescription: "The `id`s of everything that the configuration owns. An object with one of them is no orphan, of whichever kind it is.",
			},
			"clouds": schema.SetAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "The clouds to ask, such as `[\"hetzner\"]`. Default: all that the provider has access to.",
			},
			"orphans": schema.ListNestedAttribute{
				Computed: true, MarkdownDescription: "What was found, sorted by location, kind and name.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"id":          text("`<cloud>/<location>/<native id>`; also what to import by."),
					"kind":        text("`vm`, `image`, `volume`, `firewall`, `network`, `ssh_key` or `backup_bucket`. A temporary machine that a killed run has left while it made an image is a `vm` whose name begins with `build-`."),
					"location":    text("`<cloud>/<data centre>`; of what the vendor keeps for all its locations, the one that it was made for."),
					"name":        text("The name, as its label has it."),
					"tenant":      text("The tenant whose it is; null if it is shared."),
					"native_id":   text("The vendor's own identifier."),
					"native_name": text("What the vendor's tools call it."),
					"created":     text("When it was made (RFC 3339); null if the vendor does not tell."),
					"protected":   schema.BoolAttribute{Computed: true, MarkdownDescription: "Whether the vendor refuses to delete it."},
				}},
			},
			"left_out":   texts("Lost locations of the clouds that were to be asked, such as `hetzner/fsn1` or `hetzner/*`: what stands there is not among the orphans."),
			"no_access":  texts("Clouds that were not asked because the provider has no access to them. Empty where `clouds` is given: then it is an error."),
			"no_buckets": texts("Clouds that were asked, but not for their buckets, because the provider has no access to their object storage."),
		},
	}
}

// Configure implements datasource.DataSourceWithConfigure.
func (s *source) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	s.env = service.EnvOf(req.ProviderData, &resp.Diagnostics)
}

// Read implements datasource.DataSource.
func (s *source) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m model
	diags := &resp.Diagnostics
	diags.Append(req.Config.Get(ctx, &m)...)
	if diags.HasError() {
		return
	}
	request := Request{
		Deployment: s.env.Deployment, Lost: s.env.Lost, Owned: ownedOf(m.KnownIDs, diags), Clouds: cloudsOf(m.Clouds, s.env, diags),
		Known: func(kind cloud.Kind, id cloud.ID) bool { _, known := s.env.Known(kind, id); return known },
	}
	if diags.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(cloud.WithPriority(ctx, cloud.PriorityRefresh), s.env.Timeouts.Read)
	defer cancel()
	answer, err := Find(ctx, s.env.Clouds, s.env.Catalog, request)
	if err != nil {
		diags.Append(service.Explain(err, "look for orphans", nil))
		return
	}
	m.Orphans, m.LeftOut, m.NoAccess, m.NoBuckets = []orphanModel{}, answer.LeftOut, answer.NoAccess, answer.NoBuckets
	for _, o := range answer.Orphans {
		one := orphanModel{ID: o.ID.String(), Kind: string(o.Kind), Location: o.ID.Location.String(), Name: o.Name, Tenant: service.OptionalString(o.Tenant),
			NativeID: o.ID.Native, NativeName: o.NativeName, Protected: o.Protected}
		if !o.Created.IsZero() {
			one.Created = types.StringValue(o.Created.UTC().Format(time.RFC3339))
		}
		m.Orphans = append(m.Orphans, one)
	}
	diags.Append(resp.State.Set(ctx, &m)...)
}

// ownedOf reads the ids of known_ids.
func ownedOf(ids types.Set, diags *diag.Diagnostics) Owned {
	var owned Owned
	texts, _ := service.KnownStrings(ids)
	for _, text := range texts {
		id, err := cloud.ParseID(text)
		if err != nil {
			diags.AddAttributeError(path.Root("known_ids"), "Not an id", err.Error())
			continue
		}
		owned.Add("", id)
	}
	return owned
}

// cloudsOf reads the names of the clouds, and refuses those that are not
// known or wholly lost: they would be left out without anybody noticing.
func cloudsOf(value types.Set, env *service.Env, diags *diag.Diagnostics) []string {
	names, _ := service.KnownStrings(value)
	for _, name := range names {
		_, all, err := lostOf(env.Catalog, env.Lost, name)
		switch {
		case err != nil:
			diags.AddAttributeError(path.Root("clouds"), "Unknown cloud", err.Error())
		case all:
			diags.AddAttributeWarning(path.Root("clouds"), "A lost cloud is not asked",
				fmt.Sprintf("All of %s is in the provider's lost_locations, so its orphans are found once it is taken out of there.", name))
		}
	}
	return names
}
