package vm

import (
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/servicetest"
)

// estate is a cloud with machines in two locations, one of them another
// deployment's.
func estate() *servicetest.Cloud {
	c := servicetest.NewCloud()
	c.Types = priceList()
	put := func(deployment, name, location, tenant string, labels map[string]string) {
		c.VMStore.Put(cloud.VMSpec{Meta: cloud.Meta{Name: name, Deployment: deployment, Tenant: tenant, Tier: cloud.TierPaid, Labels: labels,
			Location: cloud.Location{Cloud: "hetzner", Name: location}}, ServerType: "small", Image: "debian-12", Network: "7",
			Volumes: []string{"8"}, Power: cloud.PowerRunning, PublicIPv4: true})
	}
	put("test", "web", "hel1", "acme", map[string]string{"role": "web"})
	put("test", "db", "hel1", "acme", map[string]string{"role": "db"})
	put("test", "web", "fsn1", "other", map[string]string{"role": "web"})
	put("stranger", "web", "hel1", "acme", map[string]string{"role": "web"})
	return c
}

// read reads a data source with these attributes configured.
func read(t *testing.T, source datasource.DataSource, env *service.Env, config map[string]any) (tfsdk.State, diag.Diagnostics) {
	t.Helper()
	var described datasource.SchemaResponse
	source.Schema(t.Context(), datasource.SchemaRequest{}, &described)
	if diags := described.Schema.ValidateImplementation(t.Context()); diags.HasError() {
		t.Fatal(diags)
	}
	configurable, _ := source.(datasource.DataSourceWithConfigure)
	configurable.Configure(t.Context(), datasource.ConfigureRequest{ProviderData: env}, &datasource.ConfigureResponse{})
	null := tftypes.NewValue(described.Schema.Type().TerraformType(t.Context()), nil)
	// A state is written attribute by attribute; the configuration is its copy.
	kind, _ := null.Type().(tftypes.Object)
	absent := map[string]tftypes.Value{}
	for name, of := range kind.AttributeTypes {
		absent[name] = tftypes.NewValue(of, nil)
	}
	built := tfsdk.State{Schema: described.Schema, Raw: tftypes.NewValue(kind, absent)}
	for name, value := range config {
		if diags := built.SetAttribute(t.Context(), path.Root(name), value); diags.HasError() {
			t.Fatal(diags)
		}
	}
	given := tfsdk.Config{Schema: described.Schema, Raw: built.Raw}
	validated := datasource.ValidateConfigResponse{}
	if validating, ok := source.(datasource.DataSourceWithValidateConfig); ok {
		validating.ValidateConfig(t.Context(), datasource.ValidateConfigRequest{Config: given}, &validated)
	}
	answer := datasource.ReadResponse{State: tfsdk.State{Schema: described.Schema, Raw: null}}
	if !validated.Diagnostics.HasError() {
		source.Read(t.Context(), datasource.ReadRequest{Config: given}, &answer)
	}
	return answer.State, append(validated.Diagnostics, answer.Diagnostics...)
}

func TestOneByIDAndByName(t *testing.T) {
	c := estate()
	env := servicetest.NewEnv(t, c)
	for _, config := range []map[string]any{
		{"id": "hetzner/hel1/1"},
		{"name": "web", "location": "hetzner/hel1"},
	} {
		state, diags := read(t, NewDataSource(), env, config)
		if len(diags) > 0 {
			t.Fatal(diags)
		}
		var got seen
		if diags := state.Get(t.Context(), &got); diags.HasError() {
			t.Fatal(diags)
		}
		for name, pair := range map[string][2]string{
			"id": {got.ID.ValueString(), "hetzner/hel1/1"}, "name": {got.Name.ValueString(), "web"},
			"tenant": {got.Tenant.ValueString(), "acme"}, "network_id": {got.NetworkID.ValueString(), "hetzner/hel1/7"},
			"volume_ids": {got.VolumeIDs.String(), `["hetzner/hel1/8"]`}, "ipv4_address": {got.IPv4Address.ValueString(), "198.51.100.1"},
			"server_type": {got.ServerType.ValueString(), "small"}, "labels": {got.Labels.String(), `{"role":"web"}`},
		} {
			if pair[0] != pair[1] {
				t.Errorf("%v: %s = %s, want %s", config, name, pair[0], pair[1])
			}
		}
	}
}

func TestOneRefuses(t *testing.T) {
	for _, test := range []struct {
		name   string
		config map[string]any
		parts  []string
	}{
		{"nothing", nil, []string{"Give either id, or both name and location"}},
		{"half", map[string]any{"name": "web"}, []string{"both name and location"}},
		{"both", map[string]any{"id": "hetzner/hel1/1", "name": "web"}, []string{"either id, or name and location"}},
		{"no id", map[string]any{"id": "web"}, []string{"hetzner/fsn1/4711"}},
		{"no such id", map[string]any{"id": "hetzner/hel1/99"}, []string{"read the VM", "no such vm"}},
		{"no such name", map[string]any{"name": "app", "location": "hetzner/hel1"}, []string{`no VM "app" in hetzner/hel1`}},
		{"another deployment's name", map[string]any{"name": "web", "location": "hetzner/nbg1"}, []string{`no VM "web"`}},
		{"no such location", map[string]any{"name": "web", "location": "hetzner/hel2"}, []string{"hel1"}},
		{"no such cloud", map[string]any{"id": "google/europe-west3-a/5"}, []string{"google"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, diags := read(t, NewDataSource(), servicetest.NewEnv(t, estate()), test.config)
			errors := diags.Errors()
			if len(errors) != 1 {
				t.Fatalf("%d errors: %v", len(errors), diags)
			}
			for _, part := range test.parts {
				if text := errors[0].Summary() + ": " + errors[0].Detail(); !strings.Contains(text, part) {
					t.Errorf("the message lacks %q: %s", part, text)
				}
			}
		})
	}
}

func TestMany(t *testing.T) {
	for _, test := range []struct {
		name   string
		config map[string]any
		want   []string
	}{
		{"cloud", map[string]any{"cloud": "hetzner"}, []string{"hetzner/fsn1/3", "hetzner/hel1/2", "hetzner/hel1/1"}},
		{"location", map[string]any{"location": "hetzner/hel1"}, []string{"hetzner/hel1/2", "hetzner/hel1/1"}},
		{"tenant", map[string]any{"cloud": "hetzner", "tenant": "other"}, []string{"hetzner/fsn1/3"}},
		{"labels", map[string]any{"cloud": "hetzner", "labels": map[string]string{"role": "web"}}, []string{"hetzner/fsn1/3", "hetzner/hel1/1"}},
		{"nothing", map[string]any{"location": "hetzner/nbg1"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := estate()
			state, diags := read(t, NewListDataSource(), servicetest.NewEnv(t, c), test.config)
			if len(diags) > 0 {
				t.Fatal(diags)
			}
			if got := found(t, state); !slices.Equal(got, test.want) {
				t.Errorf("found %v, want %v", got, test.want)
			}
			if n := c.Calls(); n != 1 {
				t.Errorf("%d calls, want 1", n)
			}
		})
	}
}

func found(t *testing.T, state tfsdk.State) []string {
	t.Helper()
	var list types.List
	if diags := state.GetAttribute(t.Context(), path.Root("vms"), &list); diags.HasError() || list.IsNull() {
		t.Fatalf("vms = %v %v", list, diags)
	}
	var ids []string
	for _, element := range list.Elements() {
		object, _ := element.(types.Object)
		id, _ := object.Attributes()["id"].(types.String)
		ids = append(ids, id.ValueString())
	}
	return ids
}

func TestManyNeedsOnePlace(t *testing.T) {
	for _, config := range []map[string]any{nil, {"cloud": "hetzner", "location": "hetzner/hel1"}} {
		_, diags := read(t, NewListDataSource(), servicetest.NewEnv(t, estate()), config)
		if !diags.HasError() || !strings.Contains(diags[0].Detail(), "either cloud or location") {
			t.Errorf("%v: %v", config, diags)
		}
	}
}

// Nothing talks to a lost location, and a lost cloud stops no plan.
func TestLostIsNotAsked(t *testing.T) {
	for _, test := range []struct {
		name   string
		source datasource.DataSource
		lost   string
		config map[string]any
	}{
		{"one", NewDataSource(), "hetzner/hel1", map[string]any{"id": "hetzner/hel1/1"}},
		{"one by name", NewDataSource(), "hetzner/*", map[string]any{"name": "web", "location": "hetzner/hel1"}},
		{"many", NewListDataSource(), "hetzner/hel1", map[string]any{"location": "hetzner/hel1"}},
		{"a cloud", NewListDataSource(), "hetzner/*", map[string]any{"cloud": "hetzner"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := estate()
			state, diags := read(t, test.source, servicetest.NewEnv(t, c, test.lost), test.config)
			if diags.HasError() || diags.WarningsCount() != 1 || !strings.Contains(diags[0].Summary(), "is lost") {
				t.Errorf("diagnostics: %v", diags)
			}
			if c.Calls() != 0 {
				t.Error("a lost location was asked")
			}
			if state.Raw.IsNull() || !state.Raw.IsFullyKnown() {
				t.Errorf("the state is %v", state.Raw)
			}
		})
	}
	c := estate()
	state, diags := read(t, NewListDataSource(), servicetest.NewEnv(t, c, "hetzner/hel1"), map[string]any{"cloud": "hetzner"})
	if got := found(t, state); len(diags) > 0 || !slices.Equal(got, []string{"hetzner/fsn1/3"}) {
		t.Errorf("with hel1 lost, found %v (%v)", got, diags)
	}
}
