package provider

import (
	"context"
	"net/http"
	"os"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/catalog"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/backup/bucket"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/backup/inventory"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/backup/plan"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/firewall"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/image"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/network"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/orphans"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/site"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/sshkey"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/vm"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/volume"
)

// Option changes how the provider is built.
type Option func(*holdfast)

// WithClouds says who makes the drivers.
func WithClouds(clouds CloudsFunc) Option {
	return func(p *holdfast) { p.clouds = clouds }
}

// WithGetenv replaces os.Getenv.
func WithGetenv(getenv func(string) string) Option {
	return func(p *holdfast) { p.getenv = getenv }
}

// New makes the provider.
func New(version string, opts ...Option) func() provider.Provider {
	return func() provider.Provider {
		p := &holdfast{version: version, getenv: os.Getenv, clouds: realClouds}
		for _, opt := range opts {
			opt(p)
		}
		return p
	}
}

// realClouds reaches the clouds over the network.
func realClouds(config Config) service.Clouds {
	return NewClouds(CloudsConfig{Logger: newLogger(), Deployment: config.Deployment, Version: config.Version, Lost: config.Lost,
		Hetzner: config.Hetzner, Google: config.Google})
}

type holdfast struct {
	version string
	getenv  func(string) string
	clouds  CloudsFunc
}

// Metadata implements provider.Provider.
func (p *holdfast) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "holdfast"
	resp.Version = p.version
}

// Schema implements provider.Provider.
func (p *holdfast) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Holdfast declares a hosting company's whole estate in one vocabulary over several clouds, and makes its security policy part of the schema: a configuration that breaks a promise does not pass `terraform plan`.",
		Attributes: map[string]schema.Attribute{
			"deployment": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Name of everything that this configuration owns in the clouds' accounts; every object carries it as a label, and objects of other deployments are never touched. " +
					"Choose it once: it cannot be changed. Required, here or as `" + EnvDeployment + "`.",
			},
			"lost_locations": schema.SetAttribute{
				Optional:    true,
				ElementType: types.StringType,
				MarkdownDescription: "Locations that you declare dead, such as `hetzner/fsn1`, or `hetzner/*` for a whole cloud. Nothing talks to them any more; what stands there leaves the state with a warning, and `holdfast_site` answers the next location. " +
					"Also `" + EnvLostLocations + "`, separated by commas.",
			},
		},
		Blocks: map[string]schema.Block{
			"hetzner": schema.SingleNestedBlock{
				MarkdownDescription: "Access to Hetzner Cloud. It is needed once something stands in a `hetzner/…` location; nothing is asked before that.",
				Attributes: map[string]schema.Attribute{
					"token": schema.StringAttribute{
						Optional: true, Sensitive: true,
						MarkdownDescription: "API token of the project, with permission to read and write. Also `" + EnvHetznerToken + "`.",
					},
					"endpoint": schema.StringAttribute{
						Optional:            true,
						MarkdownDescription: "Base URL of the API, to use the embedded cloud (`… sim`) or a proxy. Also `" + EnvHetznerEndpoint + "`. Default: the vendor's own.",
					},
				},
				Blocks: map[string]schema.Block{"object_storage": objectStorageBlock()},
			},
			"google": googleBlock(),
		},
	}
}

// Configure implements provider.Provider. It contacts nobody: a dead vendor
// cannot stop a plan that does not need it.
func (p *holdfast) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	var m model
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	known, err := catalog.Load()
	if err != nil {
		resp.Diagnostics.AddError("Catalogue of locations", err.Error())
	}
	if resp.Diagnostics.HasError() {
		return
	}
	config := m.resolve(known, p.getenv, &resp.Diagnostics)
	config.Version = p.version
	if resp.Diagnostics.HasError() {
		return
	}
	env := &service.Env{
		Deployment: config.Deployment,
		Lost:       config.Lost,
		Catalog:    known,
		Clouds:     p.clouds(config),
		Claims:     service.NewClaims(),
		Tang:       http.DefaultClient,
		Timeouts:   service.DefaultTimeouts(),
	}
	resp.ResourceData, resp.DataSourceData = env, env
}

// Resources implements provider.Provider.
func (p *holdfast) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{
		bucket.NewResource,
		func() resource.Resource { return plan.NewResource(time.Now) },
		firewall.NewResource,
		image.NewResource,
		network.NewResource,
		sshkey.NewResource,
		vm.NewResource,
		volume.NewResource,
	}
}

// DataSources implements provider.Provider.
func (p *holdfast) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{
		func() datasource.DataSource { return inventory.NewDataSource(time.Now) },
		orphans.NewDataSource,
		site.NewLocations,
		site.NewSite,
		vm.NewDataSource,
		vm.NewListDataSource,
	}
}
