package servicetest

import (
	"context"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
)

// ReadDataSource reads a data source as Terraform does: it validates the
// configuration, and then reads. The instance is absent if there are errors.
func ReadDataSource(t testing.TB, env *service.Env, source func() datasource.DataSource, config Config) (Instance, Diags) {
	t.Helper()
	ctx := t.Context()
	server := providerserver.NewProtocol6(&oneDataSource{oneResource{env: env}, source})()
	schemas, err := server.GetProviderSchema(ctx, &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if problems := Diags(schemas.Diagnostics).Errors(); len(problems) > 0 {
		t.Fatal(problems)
	}
	empty, err := tfprotov6.NewDynamicValue(tftypes.Object{}, tftypes.NewValue(tftypes.Object{}, map[string]tftypes.Value{}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.ConfigureProvider(ctx, &tfprotov6.ConfigureProviderRequest{Config: &empty}); err != nil {
		t.Fatal(err)
	}
	for name, schema := range schemas.DataSourceSchemas {
		kind, ok := schema.ValueType().(tftypes.Object)
		if !ok {
			t.Fatalf("the schema is a %T", schema.ValueType())
		}
		value, err := tfprotov6.NewDynamicValue(kind, toValue(t, kind, map[string]any(config)))
		if err != nil {
			t.Fatal(err)
		}
		valid, err := server.ValidateDataResourceConfig(ctx, &tfprotov6.ValidateDataResourceConfigRequest{TypeName: name, Config: &value})
		if err != nil {
			t.Fatal(err)
		}
		if diags := Diags(valid.Diagnostics); len(diags.Errors()) > 0 {
			return Instance{}, diags
		}
		answer, err := server.ReadDataSource(ctx, &tfprotov6.ReadDataSourceRequest{TypeName: name, Config: &value})
		if err != nil {
			t.Fatal(err)
		}
		diags := Diags(append(valid.Diagnostics, answer.Diagnostics...))
		if len(diags.Errors()) > 0 {
			return Instance{}, diags
		}
		state, err := answer.State.Unmarshal(kind)
		if err != nil {
			t.Fatal(err)
		}
		return Instance{State: state}, diags
	}
	t.Fatal("the provider offers no data source")
	return Instance{}, nil
}

// oneDataSource is a provider that offers one data source.
type oneDataSource struct {
	oneResource
	source func() datasource.DataSource
}

func (p *oneDataSource) Configure(_ context.Context, _ provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	resp.DataSourceData = p.env
}

func (p *oneDataSource) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{p.source}
}

func (p *oneDataSource) Resources(context.Context) []func() resource.Resource { return nil }
