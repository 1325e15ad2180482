package vm

import (
	"maps"
	"net/netip"
	"slices"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/servicetest"
)

const kmsKey = "projects/acme/locations/europe-west3/keyRings/disks/cryptoKeys/customer"

// startGoogle is start on Google Cloud, whose types come without a disk.
func startGoogle(t *testing.T) (*world, servicetest.Config) {
	t.Helper()
	c := servicetest.NewCloud()
	c.Name = "google"
	c.Types = priceList()
	for i := range c.Types {
		c.Types[i].DiskGB = 0
	}
	w := &world{Cloud: c, network: c.NetworkStore.Put(cloud.NetworkSpec{
		Meta:    cloud.Meta{Name: "acme", Tenant: "acme", Deployment: "test", Location: cloud.Location{Cloud: "google", Name: "europe-west3-a"}},
		Subnets: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")},
	}).String()}
	w.Terraform = servicetest.NewTerraform(t, servicetest.NewEnv(t, w), NewResource)
	return w, w.basic().With("location", "google/europe-west3-a").
		With("ssh_key_ids", []any{"google/europe-west3-a/ada"}).With("firewall_ids", []any{"google/europe-west3-a/web"})
}

func TestGoogleBlock(t *testing.T) {
	w, config := startGoogle(t)
	encrypted := config.With("google", map[string]any{"kms_key": kmsKey}).With("hetzner", map[string]any{"placement_group_id": "7"})
	made := w.Create(encrypted)
	if got, want := w.only(t).Options, map[string]string{"kms_key": kmsKey}; !maps.Equal(got, want) {
		t.Errorf("the driver got %v, want %v", got, want)
	}
	w.VMStore.Change(w.only(t).ID.Native, func(vm *cloud.VM) { vm.Options = map[string]string{"kms_key": kmsKey + "/cryptoKeyVersions/1"} })
	made, diags := w.Refresh(made)
	if len(diags) > 0 {
		t.Fatal(diags.Errors())
	}
	if plan := w.Plan(made, encrypted); !plan.IsNoOp() {
		t.Errorf("the second plan is not empty: %v %v", plan.Planned, plan.Diags.Errors())
	}
	for name, other := range map[string]servicetest.Config{
		"no block": config, "another key": config.With("google", map[string]any{"kms_key": kmsKey + "2"}),
		"a key not known yet": config.With("google", map[string]any{"kms_key": servicetest.Unknown}),
	} {
		if plan := w.Plan(made, other); !slices.Equal(plan.Replaces, []string{"google"}) || len(plan.Diags.Errors()) > 0 {
			t.Errorf("%s: replaces %v, %v", name, plan.Replaces, plan.Diags.Errors())
		}
	}
	if plan := w.Plan(made, encrypted.With("hetzner", nil)); len(plan.Replaces) > 0 || len(plan.Diags.Errors()) > 0 {
		t.Errorf("another cloud's block replaces because of %v, %v", plan.Replaces, plan.Diags.Errors())
	}
	expect(t, w.Plan(servicetest.Instance{}, config.With("google", map[string]any{"kms_key": "projects/acme"})).Diags.Errors(), "google.kms_key: ", "Not the name of a key")
}

// A disk that does not come with the type stands in no type's way.
func TestTypesWithoutADisk(t *testing.T) {
	w, config := startGoogle(t)
	made := w.Create(config.With("cpus", 4))
	w.VMStore.Change(w.only(t).ID.Native, func(vm *cloud.VM) { vm.DiskGB = 200 })
	made, _ = w.Refresh(made)
	smaller, diags := w.Apply(w.Plan(made, config))
	if problems := append(diags.Errors(), diags.Warnings()...); len(problems) > 0 {
		t.Fatal(problems)
	}
	if got := smaller.Get(t, "server_type"); got != "small" {
		t.Errorf("the VM became %v", got)
	}
	named := config.With("cpus", nil).With("memory_gb", nil).With("server_type", "large")
	if plan := w.Plan(smaller, named); len(plan.Diags.Errors()) > 0 || len(plan.Replaces) > 0 {
		t.Errorf("a named type: %v, replaces %v", plan.Diags.Errors(), plan.Replaces)
	}
}
