package vm

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
)

// NewListDataSource makes the data source holdfast_vms.
func NewListDataSource() datasource.DataSource { return &many{} }

// many lists machines.
type many struct{ env *service.Env }

var (
	_ datasource.DataSourceWithConfigure      = (*many)(nil)
	_ datasource.DataSourceWithValidateConfig = (*many)(nil)
)

// manyModel is the data source as Terraform holds it.
type manyModel struct {
	Cloud    types.String `tfsdk:"cloud"`
	Location types.String `tfsdk:"location"`
	Tenant   types.String `tfsdk:"tenant"`
	Labels   types.Map    `tfsdk:"labels"`
	VMs      []seen       `tfsdk:"vms"`
}

// Metadata implements datasource.DataSource.
func (*many) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_vms"
}

// Schema implements datasource.DataSource.
func (*many) Schema(ctx context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The VMs of this deployment in one cloud or one location, sorted by location and name. " +
			"However many of these a configuration has, the cloud is asked once. What stands in a lost location is left out.",
		Attributes: map[string]schema.Attribute{
			"cloud": schema.StringAttribute{Optional: true,
				MarkdownDescription: "Only this cloud, for example `hetzner`. Give either this or `location`."},
			"location": schema.StringAttribute{Optional: true,
				MarkdownDescription: "Only this location, for example `hetzner/fsn1`. Give either this or `cloud`."},
			"tenant": schema.StringAttribute{Optional: true, MarkdownDescription: "Only this tenant's."},
			"labels": schema.MapAttribute{Optional: true, ElementType: types.StringType,
				MarkdownDescription: "Only those that carry all these labels."},
			"vms": schema.ListNestedAttribute{Computed: true, MarkdownDescription: "What was found.",
				NestedObject: schema.NestedAttributeObject{Attributes: seenAttributes(ctx)}},
		},
	}
}

// Configure implements datasource.DataSourceWithConfigure.
func (d *many) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	d.env = service.EnvOf(req.ProviderData, &resp.Diagnostics)
}

// ValidateConfig implements datasource.DataSourceWithValidateConfig.
func (*many) ValidateConfig(ctx context.Context, req datasource.ValidateConfigRequest, resp *datasource.ValidateConfigResponse) {
	// The model is not read as a whole: unknown values do not fit its list.
	var cloudName, location types.String
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("cloud"), &cloudName)...)
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("location"), &location)...)
	if !resp.Diagnostics.HasError() && cloudName.IsNull() == location.IsNull() {
		resp.Diagnostics.AddError("One cloud or one location", "Give either cloud or location: which one is to be asked has to be clear, so that a lost one is not.")
	}
}

// Read implements datasource.DataSource.
func (d *many) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	diags := &resp.Diagnostics
	var m manyModel
	diags.Append(req.Config.Get(ctx, &m)...)
	if diags.HasError() {
		return
	}
	cloudName, attribute := m.Cloud.ValueString(), path.Root("cloud")
	var location cloud.Location
	if text := m.Location.ValueString(); text != "" {
		attribute = path.Root("location")
		var err error
		if location, err = cloud.ParseLocation(text); err == nil {
			_, err = d.env.Catalog.Lookup(location)
		}
		if err != nil {
			diags.AddAttributeError(attribute, "Unknown location", err.Error())
			return
		}
		cloudName = location.Cloud
	}
	m.VMs = []seen{}
	if lost := d.env.Lost.ContainsCloud(cloudName) || !location.IsZero() && d.env.Lost.Contains(location); lost {
		warnLost(diags, cmp.Or(location.String(), cloudName))
		diags.Append(resp.State.Set(ctx, m)...)
		return
	}
	driver, err := d.env.Clouds.Driver(cloudName)
	if err != nil {
		diags.AddAttributeError(attribute, "No access to "+cloudName, err.Error())
		return
	}
	ctx, cancel := context.WithTimeout(cloud.WithPriority(ctx, cloud.PriorityRefresh), d.env.Timeouts.Read)
	defer cancel()
	// The deployment's list is shared with all other reads of this run, so
	// the choice is made here and not by the cloud.
	all, err := driver.VMs().List(ctx, cloud.Filter{Deployment: d.env.Deployment})
	if err != nil {
		diags.Append(service.Explain(err, "list the VMs", nil))
		return
	}
	for _, vm := range d.choose(all, location, m.Tenant.ValueString(), service.Labels(m.Labels)) {
		m.VMs = append(m.VMs, show(cloud.ID{Location: vm.Location, Native: vm.ID.Native}, vm))
	}
	diags.Append(resp.State.Set(ctx, m)...)
}

// choose filters and sorts.
func (d *many) choose(all []cloud.VM, location cloud.Location, tenant string, labels map[string]string) []cloud.VM {
	chosen := slices.DeleteFunc(slices.Clone(all), func(vm cloud.VM) bool {
		if d.env.Lost.Contains(vm.Location) || !location.IsZero() && vm.Location != location || tenant != "" && vm.Tenant != tenant {
			return true
		}
		for key, value := range labels {
			if have, ok := vm.Labels[key]; !ok || have != value {
				return true
			}
		}
		return false
	})
	slices.SortFunc(chosen, func(a, b cloud.VM) int {
		return cmp.Or(strings.Compare(a.Location.String(), b.Location.String()), strings.Compare(a.Name, b.Name), strings.Compare(a.ID.Native, b.ID.Native))
	})
	return chosen
}
