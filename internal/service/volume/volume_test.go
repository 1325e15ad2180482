package volume

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/servicetest"
)

func start(t *testing.T) (*servicetest.Cloud, *servicetest.Terraform) {
	t.Helper()
	c := servicetest.NewCloud()
	return c, servicetest.NewTerraform(t, servicetest.NewEnv(t, c), NewResource)
}

func basic() servicetest.Config {
	return servicetest.Config{"name": "data", "location": "hetzner/fsn1", "size_gb": 20, "tenant": "acme"}
}

func TestLifecycle(t *testing.T) {
	c, tf := start(t)
	made := tf.Create(basic())
	for name, want := range map[string]any{
		"id": "hetzner/fsn1/1", "native_id": "1", "size_gb": int64(20), "encrypted": true,
		"device": "/dev/disk/by-id/volume-1", "tenant": "acme", "tier": nil, "deletion_protection": false,
	} {
		if got := made.Get(t, name); got != want {
			t.Errorf("%s = %v, want %v", name, got, want)
		}
	}
	if made, read := c.Count("create", cloud.KindVolume), c.Count("get", cloud.KindVolume); made != 1 || read != 0 {
		t.Errorf("creating took %d creates and %d reads, want 1 and 0", made, read)
	}
	refreshed, diags := tf.Refresh(made)
	if len(diags) > 0 {
		t.Fatal(diags.Errors())
	}
	if plan := tf.Plan(refreshed, basic()); !plan.IsNoOp() {
		t.Errorf("the second plan is not empty: %v %v", plan.Planned, plan.Diags.Errors())
	}
	imported, diags := tf.Import("hetzner/fsn1/1")
	if len(diags.Errors()) > 0 || !imported.State.Equal(refreshed.State) {
		t.Errorf("import: %v\n got %v\nwant %v", diags.Errors(), imported.State, refreshed.State)
	}
	c.VolumeStore.Remove("1")
	if gone, diags := tf.Refresh(made); gone.Exists() || len(diags) > 0 {
		t.Errorf("a volume that is gone: in the state %t, %v", gone.Exists(), diags.Errors())
	}
}

func TestChangesInPlace(t *testing.T) {
	for _, test := range []struct {
		name, attribute string
		value           any
		is              func(cloud.Volume) bool
	}{
		{"grows", "size_gb", 30, func(v cloud.Volume) bool { return v.SizeGB == 30 }},
		{"renamed", "name", "other", func(v cloud.Volume) bool { return v.Name == "other" }},
		{"labels", "labels", map[string]any{"team": "db"}, func(v cloud.Volume) bool { return v.Labels["team"] == "db" }},
		{"tier", "tier", "free", func(v cloud.Volume) bool { return v.Tier == cloud.TierFree }},
		{"protected", "deletion_protection", true, func(v cloud.Volume) bool { return v.Protected }},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, tf := start(t)
			made := tf.Create(basic())
			plan := tf.Plan(made, basic().With(test.attribute, test.value))
			if len(plan.Replaces) > 0 {
				t.Fatalf("replaces because of %v", plan.Replaces)
			}
			if _, diags := tf.Apply(plan); len(diags.Errors()) > 0 {
				t.Fatal(diags.Errors())
			}
			if v := c.VolumeStore.All()["1"]; !test.is(v) {
				t.Errorf("the cloud has %+v", v)
			}
		})
	}
}

func TestReplacements(t *testing.T) {
	_, tf := start(t)
	made := tf.Create(basic())
	for attribute, value := range map[string]any{"location": "hetzner/hel1", "tenant": "other"} {
		plan := tf.Plan(made, basic().With(attribute, value).With("size_gb", 10))
		if len(plan.Diags.Errors()) > 0 || len(plan.Replaces) != 1 || plan.Replaces[0] != attribute {
			t.Errorf("%s: replaces %v, errors %v", attribute, plan.Replaces, plan.Diags.Errors())
		}
	}
}

func TestTenantIsAddedInPlace(t *testing.T) {
	c, tf := start(t)
	config := basic()
	delete(config, "tenant")
	made := tf.Create(config)
	tf.Change(made, basic())
	if v := c.VolumeStore.All()["1"]; v.Tenant != "acme" {
		t.Errorf("the cloud has %+v", v)
	}
}

func TestRefusals(t *testing.T) {
	for _, test := range []struct {
		name      string
		config    servicetest.Config
		complains []string
	}{
		{"not encrypted", basic().With("encrypted", false), []string{"encrypted: ", "(ENC-1)", "set it to true"}},
		{"no size", basic().With("size_gb", 0), []string{"size_gb: ", "too small"}},
		{"too small for the cloud", basic().With("size_gb", 9), []string{"size_gb: ", "10 GB or more"}},
		{"too large for the cloud", basic().With("size_gb", 10241), []string{"size_gb: ", "10240 GB or less"}},
		{"unknown location", basic().With("location", "hetzner/fsn2"), []string{"location: ", "fsn1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, tf := start(t)
			plan := tf.Plan(servicetest.Instance{}, test.config)
			expect(t, plan.Diags.Errors(), test.complains)
		})
	}
}

func TestShrinkingIsRefused(t *testing.T) {
	_, tf := start(t)
	made := tf.Create(basic())
	plan := tf.Plan(made, basic().With("size_gb", 15))
	expect(t, plan.Diags.Errors(), []string{"size_gb: ", "Volume cannot shrink", "destroy its data", "20 or more"})
}

// A volume that somebody enlarged in the console cannot be made smaller by
// the next apply: the plan says so.
func TestGrownBehindTheBack(t *testing.T) {
	c, tf := start(t)
	made := tf.Create(basic())
	c.VolumeStore.Change("1", func(v *cloud.Volume) { v.SizeGB = 40 })
	refreshed, _ := tf.Refresh(made)
	expect(t, tf.Plan(refreshed, basic()).Diags.Errors(), []string{"size_gb: ", "40 GB"})
}

func TestUnknownValuesWait(t *testing.T) {
	_, tf := start(t)
	for _, attribute := range []string{"size_gb", "encrypted", "location", "name", "tenant"} {
		if plan := tf.Plan(servicetest.Instance{}, basic().With(attribute, servicetest.Unknown)); len(plan.Diags.Errors()) > 0 {
			t.Errorf("%s unknown: %v", attribute, plan.Diags.Errors())
		}
	}
}

func TestConversion(t *testing.T) {
	meta := cloud.Meta{Name: "data", Location: cloud.Location{Cloud: "hetzner", Name: "fsn1"}}
	spec, diags := toSpec(t.Context(), &model{SizeGB: types.Int64Value(20)}, meta)
	if len(diags) > 0 || spec.SizeGB != 20 || spec.Name != "data" {
		t.Errorf("toSpec = %+v %v", spec, diags)
	}
	m := model{Common: service.Common{Location: types.StringValue("hetzner/fsn1")}}
	observed := cloud.Volume{VolumeSpec: spec, Device: "/dev/x"}
	if diags := fromObject(t.Context(), &m, observed); len(diags) > 0 {
		t.Fatal(diags)
	}
	if back := rebuild(&m, observed.Object, spec); back.Device != "/dev/x" || back.SizeGB != 20 || m.Encrypted != types.BoolValue(true) {
		t.Errorf("rebuild = %+v, model %+v", back, m)
	}
}

func expect(t *testing.T, problems, parts []string) {
	t.Helper()
	if len(problems) != 1 {
		t.Fatalf("%d problems: %q", len(problems), problems)
	}
	for _, part := range parts {
		if !strings.Contains(problems[0], part) {
			t.Errorf("the message lacks %q: %s", part, problems[0])
		}
	}
}
