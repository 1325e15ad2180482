package provider

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/catalog"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
)

// The schemas are valid, and every attribute is described.
func TestSchemas(t *testing.T) {
	answer, err := providerserver.NewProtocol6(New("test")())().GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range answer.Diagnostics {
		t.Errorf("%s: %s", d.Summary, d.Detail)
	}
	var resources, sources []string
	for name, schema := range answer.ResourceSchemas {
		resources = append(resources, name)
		described(t, name, schema.Block)
	}
	for name, schema := range answer.DataSourceSchemas {
		sources = append(sources, name)
		described(t, name, schema.Block)
	}
	described(t, "provider", answer.Provider.Block)
	slices.Sort(resources)
	slices.Sort(sources)
	if want := "holdfast_backup_bucket holdfast_backup_plan holdfast_firewall holdfast_image holdfast_network holdfast_ssh_key holdfast_vm holdfast_volume"; strings.Join(resources, " ") != want {
		t.Errorf("resources: %v", resources)
	}
	if want := "holdfast_backups holdfast_locations holdfast_orphans holdfast_site holdfast_vm holdfast_vms"; strings.Join(sources, " ") != want {
		t.Errorf("data sources: %v", sources)
	}
}

func described(t *testing.T, name string, block *tfprotov6.SchemaBlock) {
	t.Helper()
	for _, attribute := range block.Attributes {
		// The descriptions within timeouts are the framework module's.
		if attribute.Description == "" && attribute.Name != "timeouts" {
			t.Errorf("%s.%s has no description", name, attribute.Name)
		}
		if attribute.NestedType == nil {
			continue
		}
		for _, nested := range attribute.NestedType.Attributes {
			if nested.Description == "" {
				t.Errorf("%s.%s.%s has no description", name, attribute.Name, nested.Name)
			}
		}
	}
	for _, nested := range block.BlockTypes {
		described(t, name+"."+nested.TypeName, nested.Block)
	}
}

func lost(entries ...string) types.Set {
	var values []attr.Value
	for _, entry := range entries {
		values = append(values, types.StringValue(entry))
	}
	return types.SetValueMust(types.StringType, values)
}

func TestResolve(t *testing.T) {
	none := types.SetNull(types.StringType)
	named := types.StringValue("acme")
	tests := map[string]struct {
		model   model
		env     map[string]string
		holds   func(Config) bool
		problem string
	}{
		"the block": {
			model: model{Deployment: named, LostLocations: lost("hetzner/fsn1"), Hetzner: &hetznerModel{Token: types.StringValue("t"), Endpoint: types.StringValue("http://localhost:1/v1")}},
			env:   map[string]string{EnvDeployment: "other", EnvLostLocations: "hetzner/hel1", EnvHetznerToken: "other"},
			holds: func(c Config) bool {
				return c.Deployment == "acme" && c.Lost.Contains(cloud.Location{Cloud: "hetzner", Name: "fsn1"}) && !c.Lost.Contains(cloud.Location{Cloud: "hetzner", Name: "hel1"}) &&
					c.Hetzner.Token == "t" && c.Hetzner.Endpoint == "http://localhost:1/v1"
			},
		},
		"the environment": {
			model: model{LostLocations: none},
			env:   map[string]string{EnvDeployment: "acme", EnvLostLocations: "hetzner/fsn1, hetzner/hel1", EnvHetznerToken: "t", EnvHetznerEndpoint: "http://localhost:1/v1"},
			holds: func(c Config) bool {
				return c.Deployment == "acme" && c.Lost.Contains(cloud.Location{Cloud: "hetzner", Name: "hel1"}) && c.Hetzner.Token == "t" && c.Hetzner.Endpoint != ""
			},
		},
		"no cloud":         {model: model{Deployment: named, LostLocations: none}, holds: func(c Config) bool { return c.Hetzner == nil && c.Lost.Empty() }},
		"an empty block":   {model: model{Deployment: named, LostLocations: none, Hetzner: &hetznerModel{}}, env: map[string]string{EnvHetznerToken: "t"}, holds: func(c Config) bool { return c.Hetzner.Token == "t" }},
		"an unknown token": {model: model{Deployment: named, LostLocations: none, Hetzner: &hetznerModel{Token: types.StringUnknown()}}, holds: func(c Config) bool { return c.Hetzner.TokenUnknown }},
		"a whole cloud":    {model: model{Deployment: named, LostLocations: lost("hetzner/*")}, holds: func(c Config) bool { return c.Lost.ContainsCloud("hetzner") }},
		"the google block": {
			model: model{Deployment: named, LostLocations: none, Google: &googleModel{Project: types.StringValue("acme-prod"), Credentials: types.StringValue("{}"), Endpoint: types.StringValue("http://localhost:1/compute/v1/")}},
			env:   map[string]string{EnvGoogleProject: "other", EnvGoogleAccessToken: "other", EnvGoogleCredentials: "other"},
			holds: func(c Config) bool {
				return *c.Google == GoogleConfig{Project: "acme-prod", Credentials: "{}", Endpoint: "http://localhost:1/compute/v1/"}
			},
		},
		"google in the environment": {
			model: model{Deployment: named, LostLocations: none},
			env:   map[string]string{EnvGoogleCloudProject: "acme-prod", EnvGoogleAccessToken: "t", EnvGoogleDefaultFile: "/adc.json", EnvGoogleEndpoint: "http://localhost:1"},
			holds: func(c Config) bool {
				return *c.Google == GoogleConfig{Project: "acme-prod", AccessToken: "t", Credentials: "/adc.json", Endpoint: "http://localhost:1"} && c.Hetzner == nil
			},
		},
		"google's own variable first": {
			model: model{Deployment: named, LostLocations: none, Google: &googleModel{}},
			env:   map[string]string{EnvGoogleCloudProject: "shell", EnvGoogleProject: "acme-prod", EnvGoogleCredentials: "/key.json", EnvGoogleDefaultFile: "/adc.json"},
			holds: func(c Config) bool { return *c.Google == GoogleConfig{Project: "acme-prod", Credentials: "/key.json"} },
		},
		"an unknown project":  {model: model{Deployment: named, LostLocations: none, Google: &googleModel{Project: types.StringUnknown()}}, holds: func(c Config) bool { return c.Google.Unknown }},
		"two google logins":   {model: model{Deployment: named, LostLocations: none, Google: &googleModel{AccessToken: types.StringValue("t"), Credentials: types.StringValue("{}")}}, problem: "Two ways to log in"},
		"bad google endpoint": {model: model{Deployment: named, LostLocations: none, Google: &googleModel{Endpoint: types.StringValue("compute")}}, problem: "Not a URL"},
		"no deployment":       {model: model{LostLocations: none}, problem: "Deployment missing"},
		"bad deployment":      {model: model{Deployment: types.StringValue("ACME"), LostLocations: none}, problem: "Invalid deployment"},
		"unknown name":        {model: model{Deployment: types.StringUnknown(), LostLocations: none}, problem: "Deployment not known yet"},
		"lost typo":           {model: model{Deployment: named, LostLocations: lost("hetzner/fns1")}, problem: "fsn1"},
		"lost malformed":      {model: model{Deployment: named, LostLocations: lost("fsn1")}, problem: "is not a location"},
		"lost cloud typo":     {model: model{Deployment: named, LostLocations: lost("hetzer/*")}, problem: "did you mean hetzner"},
		"lost is unknown":     {model: model{Deployment: named, LostLocations: types.SetUnknown(types.StringType)}, problem: "Lost locations not known yet"},
		"a lost is unknown":   {model: model{Deployment: named, LostLocations: types.SetValueMust(types.StringType, []attr.Value{types.StringUnknown()})}, problem: "Lost locations not known yet"},
		"a lost is null":      {model: model{Deployment: named, LostLocations: types.SetValueMust(types.StringType, []attr.Value{types.StringNull()})}, problem: "Lost location is null"},
		"bad endpoint":        {model: model{Deployment: named, LostLocations: none, Hetzner: &hetznerModel{Endpoint: types.StringValue("localhost:80")}}, problem: "Not a URL"},
	}
	known, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var diags diag.Diagnostics
			config := test.model.resolve(known, func(key string) string { return test.env[key] }, &diags)
			var problems []string
			for _, d := range diags.Errors() {
				problems = append(problems, d.Summary()+": "+d.Detail())
			}
			if test.problem != "" {
				if len(problems) != 1 || !strings.Contains(problems[0], test.problem) {
					t.Errorf("got %q, want one with %q", problems, test.problem)
				}
				return
			}
			if len(problems) > 0 || !test.holds(config) {
				t.Errorf("got %+v, %v", config, problems)
			}
		})
	}
}

// A driver is only asked for when something needs it; what is missing is
// named then.
func TestClouds(t *testing.T) {
	tests := map[string]struct {
		hetzner *HetznerConfig
		google  *GoogleConfig
		cloud   string
		want    string
	}{
		"no block":        {nil, nil, "hetzner", "hetzner block"},
		"no token":        {&HetznerConfig{}, nil, "hetzner", "HCLOUD_TOKEN"},
		"unknown token":   {&HetznerConfig{TokenUnknown: true}, nil, "hetzner", "not known yet"},
		"unknown cloud":   {&HetznerConfig{Token: "t"}, nil, "nebula", "no driver"},
		"no google block": {nil, nil, "google", "google block"},
		"no project":      {nil, &GoogleConfig{AccessToken: "t"}, "google", "GOOGLE_PROJECT"},
		"project's name":  {nil, &GoogleConfig{Project: "Acme Production", AccessToken: "t"}, "google", "not the id of a project"},
		"unknown project": {nil, &GoogleConfig{Unknown: true}, "google", "not known yet"},
		"no credentials":  {nil, &GoogleConfig{Project: "acme-prod", Credentials: "/no/such/file"}, "google", "neither JSON nor the path"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := NewClouds(CloudsConfig{Deployment: "acme", Hetzner: test.hetzner, Google: test.google}).Driver(test.cloud)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if errors.Is(err, service.ErrNotYetKnown) != (test.want == "not known yet") {
				t.Errorf("not known yet: %v", err)
			}
		})
	}
	clouds := NewClouds(CloudsConfig{Deployment: "acme", Hetzner: &HetznerConfig{Token: "t"}, Google: &GoogleConfig{Project: "acme-prod"}})
	for _, name := range []string{"hetzner", "google"} {
		first, err := clouds.Driver(name)
		if err != nil {
			t.Fatal(err)
		}
		if second, _ := clouds.Driver(name); first != second {
			t.Errorf("the driver of %s is made twice: its caches and its request limit would be too", name)
		}
	}
}
