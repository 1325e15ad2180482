package vm

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
)

// NewDataSource makes the data source holdfast_vm.
func NewDataSource() datasource.DataSource { return &one{} }

// one finds one machine.
type one struct{ env *service.Env }

var (
	_ datasource.DataSourceWithConfigure      = (*one)(nil)
	_ datasource.DataSourceWithValidateConfig = (*one)(nil)
)

// Metadata implements datasource.DataSource.
func (*one) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_vm"
}

// Schema implements datasource.DataSource.
func (*one) Schema(ctx context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	attributes := seenAttributes(ctx)
	for name, description := range map[string]string{
		"id":       "`<cloud>/<location>/<native id>` of the VM; or give `name` and `location`.",
		"name":     "Name of a VM of this deployment; with `location`, instead of `id`.",
		"location": "`<cloud>/<data centre>` where the VM stands; with `name`, instead of `id`.",
	} {
		attributes[name] = schema.StringAttribute{Optional: true, Computed: true, MarkdownDescription: description}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "One VM: any by `id`, or one of this deployment by `name` and `location`. " +
			"However many of them a configuration has, the cloud is asked once. In a lost location nobody is asked: a warning says so, and what only the cloud knows is null.",
		Attributes: attributes,
	}
}

// Configure implements datasource.DataSourceWithConfigure.
func (d *one) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	d.env = service.EnvOf(req.ProviderData, &resp.Diagnostics)
}

// ValidateConfig implements datasource.DataSourceWithValidateConfig.
func (*one) ValidateConfig(ctx context.Context, req datasource.ValidateConfigRequest, resp *datasource.ValidateConfigResponse) {
	var want seen
	resp.Diagnostics.Append(req.Config.Get(ctx, &want)...)
	if resp.Diagnostics.HasError() {
		return
	}
	byName := !want.Name.IsNull() || !want.Location.IsNull()
	switch {
	case !want.ID.IsNull() && byName:
		resp.Diagnostics.AddAttributeError(path.Root("id"), "Two ways to find a VM", "Give either id, or name and location.")
	case want.ID.IsNull() && (want.Name.IsNull() || want.Location.IsNull()):
		resp.Diagnostics.AddError("No way to find a VM", "Give either id, or both name and location.")
	}
	if id := want.ID; !id.IsNull() && !id.IsUnknown() {
		if _, err := cloud.ParseID(id.ValueString()); err != nil {
			resp.Diagnostics.AddAttributeError(path.Root("id"), "Not an object id", err.Error())
		}
	}
}

// Read implements datasource.DataSource.
func (d *one) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	diags := &resp.Diagnostics
	var want seen
	diags.Append(req.Config.Get(ctx, &want)...)
	if diags.HasError() {
		return
	}
	at, attribute := want.Location, path.Root("location")
	var id cloud.ID
	if text := want.ID.ValueString(); text != "" {
		var err error
		if id, err = cloud.ParseID(text); err != nil {
			diags.AddAttributeError(path.Root("id"), "Not an object id", err.Error())
			return
		}
		at, attribute = service.OptionalString(id.Location.String()), path.Root("id")
	}
	location, err := cloud.ParseLocation(at.ValueString())
	if err == nil {
		_, err = d.env.Catalog.Lookup(location)
	}
	if err != nil {
		diags.AddAttributeError(attribute, "Unknown location", err.Error())
		return
	}
	if d.env.Lost.Contains(location) {
		warnLost(diags, location.String())
		diags.Append(resp.State.Set(ctx, unseen(want.ID, want.Name, at))...)
		return
	}
	driver, err := d.env.Clouds.Driver(location.Cloud)
	if err != nil {
		diags.AddAttributeError(attribute, "No access to "+location.Cloud, err.Error())
		return
	}
	ctx, cancel := context.WithTimeout(cloud.WithPriority(ctx, cloud.PriorityRefresh), d.env.Timeouts.Read)
	defer cancel()
	var vm cloud.VM
	if id.IsZero() {
		vm, err = d.byName(ctx, driver, want.Name.ValueString(), location)
	} else {
		vm, err = driver.VMs().Get(ctx, id.Native)
	}
	if err != nil {
		diags.Append(service.Explain(err, "read the VM", func(name string) bool { return name == "name" }))
		return
	}
	diags.Append(resp.State.Set(ctx, show(cloud.ID{Location: location, Native: vm.ID.Native}, vm))...)
}

// byName looks through the deployment's machines, whose list is shared.
func (d *one) byName(ctx context.Context, driver cloud.Driver, name string, location cloud.Location) (cloud.VM, error) {
	all, err := driver.VMs().List(ctx, cloud.Filter{Deployment: d.env.Deployment})
	if err != nil {
		return cloud.VM{}, err
	}
	for _, vm := range all {
		if vm.Name == name && vm.Location == location {
			return vm, nil
		}
	}
	return cloud.VM{}, &cloud.Error{Code: cloud.CodeNotFound, Kind: cloud.KindVM, Field: "name",
		Message: fmt.Sprintf("the deployment %q has no VM %q in %s.", d.env.Deployment, name, location),
		Remedy:  "Check the name and the location. If a resource of this configuration makes it, refer to the resource instead."}
}

// warnLost says that nobody is asked.
func warnLost(diags *diag.Diagnostics, place string) {
	diags.AddWarning(place+" is lost",
		place+" is in the provider's lost_locations, so nothing there is asked for: what only the cloud knows is left out.")
}
