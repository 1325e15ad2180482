package image

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/servicetest"
)

func start(t *testing.T) (*servicetest.Cloud, *servicetest.Terraform) {
	t.Helper()
	c := servicetest.NewCloud()
	c.Types = []cloud.ServerType{
		{Name: "arm", CPUs: 2, MemoryGB: 4, DiskGB: 40, Architecture: cloud.ArchARM, PriceMonthly: 1, Available: true},
		{Name: "tiny", CPUs: 1, MemoryGB: 1, DiskGB: 10, Architecture: cloud.ArchX86, PriceMonthly: 2, Available: true},
		{Name: "small", CPUs: 2, MemoryGB: 4, DiskGB: 40, Architecture: cloud.ArchX86, PriceMonthly: 4, Available: true},
	}
	return c, servicetest.NewTerraform(t, servicetest.NewEnv(t, c), NewResource)
}

func basic() servicetest.Config {
	return servicetest.Config{"name": "base", "location": "hetzner/fsn1", "base": "debian-12"}
}

func TestLifecycle(t *testing.T) {
	c, tf := start(t)
	var spec cloud.ImageSpec
	c.ImageStore.Hear(func(s cloud.ImageSpec) { spec = s })
	made := tf.Create(basic())
	for name, want := range map[string]any{
		"id": "hetzner/fsn1/1", "base": "debian-12", "profile": "hardened", "roles": nil, "build_minutes": int64(30), "server_type": nil,
		"architecture": "x86", "min_disk_gb": int64(20), "status": "available", "source_hash": spec.Source,
	} {
		if got := made.Get(t, name); got != want {
			t.Errorf("%s = %v, want %v", name, got, want)
		}
	}
	if spec.Base != "debian-12" || spec.ServerType != "small" || spec.TimeLimit != 30*time.Minute || !strings.HasPrefix(spec.Script, "#!/bin/sh\n") || len(spec.Source) != 26 {
		t.Errorf("the cloud was asked for %q, %q, %s, %q", spec.Base, spec.ServerType, spec.TimeLimit, spec.Source)
	}
	if len(spec.Script) > c.Caps.MaxUserDataBytes {
		t.Errorf("the script has %d bytes", len(spec.Script))
	}
	refreshed, diags := tf.Refresh(made)
	if len(diags) > 0 {
		t.Fatal(diags.Errors())
	}
	if plan := tf.Plan(refreshed, basic()); !plan.IsNoOp() {
		t.Errorf("the second plan is not empty: %v %v", plan.Planned, plan.Diags.Errors())
	}
	imported, diags := tf.Import("hetzner/fsn1/1")
	if len(diags.Errors()) > 0 {
		t.Fatal(diags.Errors())
	}
	if plan := tf.Plan(imported, basic()); !plan.IsNoOp() {
		t.Errorf("the plan after an import is not empty: replaces %v, %v", plan.Replaces, plan.Diags.Errors())
	}
}

func TestChanges(t *testing.T) {
	for name, test := range map[string]struct {
		config   servicetest.Config
		replaces []string
	}{
		"role":          {basic().With("roles", []any{"postgresql"}), []string{"roles"}},
		"labels":        {basic().With("labels", map[string]any{"a": "b"}), nil},
		"name":          {basic().With("name", "other"), nil},
		"minutes":       {basic().With("build_minutes", 60), nil},
		"server type":   {basic().With("server_type", "arm"), nil},
		"stand-by":      {basic().With("location", "hetzner/hel1"), nil},
		"another cloud": {basic().With("location", "google/europe-west3-a").With("network_id", "google/europe-west3-a/net"), []string{"location"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, tf := start(t)
			made := tf.Create(basic())
			if plan := tf.Plan(made, test.config); !slices.Equal(plan.Replaces, test.replaces) {
				t.Errorf("replaces because of %v, want %v; %v", plan.Replaces, test.replaces, plan.Diags.Errors())
			}
		})
	}
}

// A newer provider with another profile replaces the image, although nothing was
// asked for.
func TestOutdated(t *testing.T) {
	c, tf := start(t)
	made := tf.Create(basic())
	c.ImageStore.Change("1", func(i *cloud.Image) { i.Source = "anotherprofile" })
	old, diags := tf.Refresh(made)
	if len(diags) > 0 {
		t.Fatal(diags.Errors())
	}
	if plan := tf.Plan(old, basic()); !slices.Equal(plan.Replaces, []string{"source_hash"}) {
		t.Errorf("replaces because of %v: %v", plan.Replaces, plan.Diags.Errors())
	}
}

func TestRefusals(t *testing.T) {
	for name, test := range map[string]struct {
		config servicetest.Config
		want   string
	}{
		"base":    {basic().With("base", "debian-13"), "base: No base of the profile"},
		"profile": {basic().With("profile", "soft"), "profile: No such profile"},
		"role":    {basic().With("roles", []any{"mail"}), "roles: No such role"},
		"minutes": {basic().With("build_minutes", 0), "build_minutes: No time limit"},
		"network": {basic().With("network_id", "hetzner/hel1/7"), "network_id: No network of this location"},
		"google":  {basic().With("location", "google/europe-west3-a"), "network_id: No network"},
	} {
		t.Run(name, func(t *testing.T) {
			_, tf := start(t)
			if got := strings.Join(tf.Validate(test.config).Errors(), "\n"); !strings.Contains(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// What a VM was made from stays until the VM is gone.
func TestInUse(t *testing.T) {
	c, tf := start(t)
	made := tf.Create(basic())
	vm := c.VMStore.Put(cloud.VMSpec{Meta: cloud.Meta{Name: "web", Deployment: "test", Location: cloud.Location{Cloud: "hetzner", Name: "fsn1"}}, Image: "1"})
	destroy := tf.Plan(made, nil)
	kept, diags := tf.Apply(destroy)
	if errs := strings.Join(diags.Errors(), "\n"); !strings.Contains(errs, "web ("+vm.String()+")") || !kept.Exists() || len(c.ImageStore.All()) != 1 {
		t.Errorf("in the state %t, in the cloud %d, %s", kept.Exists(), len(c.ImageStore.All()), errs)
	}
	c.VMStore.Remove(vm.Native)
	if gone, diags := tf.Apply(tf.Plan(made, nil)); gone.Exists() || len(diags.Errors()) > 0 || len(c.ImageStore.All()) != 0 {
		t.Errorf("in the state %t, in the cloud %d, %v", gone.Exists(), len(c.ImageStore.All()), diags.Errors())
	}
}

func TestFailureLeavesNothing(t *testing.T) {
	c, tf := start(t)
	c.Fault = func(call string, kind cloud.Kind, _ string) error {
		if call == "create" && kind == cloud.KindImage {
			return cloud.BuildTimedOut("hetzner", cloud.ImageSpec{TimeLimit: time.Minute}, "7", "disk full")
		}
		return nil
	}
	made, diags := tf.Apply(tf.Plan(servicetest.Instance{}, basic()))
	if errs := strings.Join(diags.Errors(), "\n"); made.Exists() || !strings.Contains(errs, "disk full") || !strings.Contains(errs, "build_minutes") {
		t.Errorf("in the state %t: %s", made.Exists(), errs)
	}
}
