package vm

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/servicetest"
)

// world is a cloud with what a VM refers to, and a walk of Terraform over it.
type world struct {
	*servicetest.Cloud
	*servicetest.Terraform
	network, stranger, volume, foreign string
	// refused are server types that the cloud does not sell, whatever its
	// price list says.
	refused []string
	// refusesLate lets them fail after their id was told.
	refusesLate bool
}

// Driver implements service.Clouds.
func (w *world) Driver(name string) (cloud.Driver, error) {
	driver, err := w.Cloud.Driver(name)
	return stingy{driver, w}, err
}

const keys, wall = "hetzner/fsn1/901", "hetzner/fsn1/902"

func start(t *testing.T) *world {
	t.Helper()
	c := servicetest.NewCloud()
	c.Types = priceList()
	meta := func(name, tenant string) cloud.Meta {
		return cloud.Meta{Name: name, Tenant: tenant, Deployment: "test", Location: cloud.Location{Cloud: "hetzner", Name: "hel1"}}
	}
	w := &world{
		Cloud:    c,
		network:  c.NetworkStore.Put(cloud.NetworkSpec{Meta: meta("acme", "acme"), Subnets: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")}}).String(),
		stranger: c.NetworkStore.Put(cloud.NetworkSpec{Meta: meta("other", "other")}).String(),
		volume:   c.VolumeStore.Put(cloud.VolumeSpec{Meta: meta("acme", "acme")}).String(),
		foreign:  c.VolumeStore.Put(cloud.VolumeSpec{Meta: meta("other", "other")}).String(),
	}
	w.Terraform = servicetest.NewTerraform(t, servicetest.NewEnv(t, w), NewResource)
	return w
}

func (w *world) basic() servicetest.Config {
	return servicetest.Config{
		"name": "web", "location": "hetzner/hel1", "tenant": "acme", "cpus": 2, "memory_gb": 4.0, "image": "debian-12",
		"ssh_key_ids": []any{keys}, "network_id": w.network, "firewall_ids": []any{wall},
	}
}

// only gives the one VM that the cloud has.
func (w *world) only(t *testing.T) cloud.VM {
	t.Helper()
	all := w.VMStore.All()
	if len(all) != 1 {
		t.Fatalf("the cloud has %d VMs", len(all))
	}
	for _, vm := range all {
		return vm
	}
	return cloud.VM{}
}

func TestLifecycle(t *testing.T) {
	w := start(t)
	config := w.basic().With("volume_ids", []any{w.volume}).With("backup_plan_id", "standard").With("user_data", "#cloud-config\npackages: [htop]\n").
		With("public_ipv4", true).With("public_ipv6", true)
	made, diags := w.Apply(w.Plan(servicetest.Instance{}, config))
	if len(diags) > 0 {
		t.Fatal(diags.Errors(), diags.Warnings())
	}
	for name, want := range map[string]any{
		"server_type": "small", "architecture": "x86", "tier": "paid", "power_state": "running", "status": "running", "disk_gb": int64(40),
		"public_ipv4": true, "public_ipv6": true, "private_ip": "10.0.0.6", "ipv4_address": "198.51.100.5",
		"ipv6_address": "2001:db8:0:5::1", "ipv6_network": "2001:db8:0:5::/64", "cpus": int64(2), "id": "hetzner/hel1/5",
	} {
		if got := made.Get(t, name); got != want {
			t.Errorf("%s = %v, want %v", name, got, want)
		}
	}
	vm := w.only(t)
	if vm.Network != "1" || !slices.Equal(vm.Volumes, []string{"3"}) || !slices.Equal(vm.Firewalls, []string{"902"}) {
		t.Errorf("the cloud has network %s, volumes %v, firewalls %v", vm.Network, vm.Volumes, vm.Firewalls)
	}
	refreshed, diags := w.Refresh(made)
	if len(diags) > 0 {
		t.Fatal(diags.Errors())
	}
	before := w.Calls()
	if plan := w.Plan(refreshed, config); !plan.IsNoOp() {
		t.Errorf("the second plan is not empty:\nprior   %v\nplanned %v\n%v", refreshed.State, plan.Planned, plan.Diags.Errors())
	}
	if w.Calls() != before {
		t.Error("a plan that changes nothing asks the cloud")
	}
	w.VMStore.Remove("5")
	if gone, diags := w.Refresh(made); gone.Exists() || len(diags) > 0 {
		t.Errorf("a VM that is gone: in the state %t, %v", gone.Exists(), diags.Errors())
	}
}

func TestChangesInPlace(t *testing.T) {
	for _, test := range []struct {
		attribute string
		value     any
		is        func(*world, cloud.VM) bool
	}{
		{"name", "app", func(_ *world, vm cloud.VM) bool { return vm.Name == "app" }},
		{"labels", map[string]any{"role": "web"}, func(_ *world, vm cloud.VM) bool { return vm.Labels["role"] == "web" }},
		{"tier", "free", func(_ *world, vm cloud.VM) bool { return vm.Tier == cloud.TierFree }},
		{"cpus", 4, func(_ *world, vm cloud.VM) bool { return vm.ServerType == "medium" }},
		{"power_state", "stopped", func(_ *world, vm cloud.VM) bool { return vm.Power == cloud.PowerStopped }},
		{"volume_ids", []any{"hetzner/hel1/3"}, func(_ *world, vm cloud.VM) bool { return slices.Equal(vm.Volumes, []string{"3"}) }},
		{"firewall_ids", []any{"hetzner/fsn1/903"}, func(_ *world, vm cloud.VM) bool { return slices.Equal(vm.Firewalls, []string{"903"}) }},
		{"private_ip", "10.0.0.77", func(_ *world, vm cloud.VM) bool { return vm.PrivateIP == netip.MustParseAddr("10.0.0.77") }},
		{"deletion_protection", true, func(_ *world, vm cloud.VM) bool { return vm.Protected }},
		{"hetzner", map[string]any{"placement_group_id": "77"}, func(_ *world, vm cloud.VM) bool { return vm.Options[optionPlacementGroup] == "77" }},
	} {
		t.Run(test.attribute, func(t *testing.T) {
			w := start(t)
			basic := w.basic().With("backup_plan_id", "standard")
			made := w.Create(basic)
			config := basic.With(test.attribute, test.value)
			plan := w.Plan(made, config)
			if len(plan.Replaces) > 0 || plan.IsNoOp() {
				t.Fatalf("replaces because of %v, no-op %t", plan.Replaces, plan.IsNoOp())
			}
			changed, diags := w.Apply(plan)
			if len(diags.Errors()) > 0 {
				t.Fatal(diags.Errors())
			}
			if vm := w.only(t); !test.is(w, vm) {
				t.Errorf("the cloud has %+v", vm)
			}
			refreshed, _ := w.Refresh(changed)
			if plan := w.Plan(refreshed, config); !plan.IsNoOp() {
				t.Errorf("the next plan is not empty: %v", plan.Planned)
			}
		})
	}
}

func TestReplacements(t *testing.T) {
	for _, test := range []struct {
		attribute string
		value     any
		because   string
	}{
		{"image", "debian-13", "image"},
		{"image", servicetest.Unknown, "image"},
		{"ssh_key_ids", []any{keys, "hetzner/fsn1/905"}, "ssh_key_ids"},
		{"ssh_key_ids", []any{servicetest.Unknown}, "ssh_key_ids"},
		{"user_data", "#!/bin/sh\ntrue\n", "user_data"},
		{"public_ipv4", true, "public_ipv4"},
		{"public_ipv6", true, "public_ipv6"},
		{"architecture", "arm", "architecture"},
	} {
		t.Run(test.attribute, func(t *testing.T) {
			w := start(t)
			made := w.Create(w.basic())
			if plan := w.Plan(made, w.basic().With(test.attribute, test.value)); !slices.Equal(plan.Replaces, []string{test.because}) {
				t.Errorf("replaces because of %v, errors %v", plan.Replaces, plan.Diags.Errors())
			}
			protected := w.Change(made, w.basic().With("deletion_protection", true))
			plan := w.Plan(protected, w.basic().With("deletion_protection", true).With(test.attribute, test.value))
			expect(t, plan.Diags.Errors(), test.because+": ", "Deletion protection")
		})
	}
}

func TestImport(t *testing.T) {
	w := start(t)
	config := w.basic().With("user_data", "#!/bin/sh\ntrue\n")
	w.Create(config)
	imported, diags := w.Import("hetzner/hel1/5")
	if len(diags.Errors()) > 0 {
		t.Fatal(diags.Errors())
	}
	plan := w.Plan(imported, config)
	if len(plan.Replaces) > 0 || len(plan.Diags.Errors()) > 0 {
		t.Fatalf("the plan after the import replaces because of %v %v", plan.Replaces, plan.Diags.Errors())
	}
	taken, diags := w.Apply(plan)
	if len(diags.Errors()) > 0 {
		t.Fatal(diags.Errors())
	}
	if plan := w.Plan(taken, config); !plan.IsNoOp() {
		t.Errorf("the plan after that is not empty: %v", plan.Planned)
	}
	if plan := w.Plan(taken, config.With("user_data", "#!/bin/sh\nfalse\n")); !slices.Equal(plan.Replaces, []string{"user_data"}) {
		t.Errorf("after the import other user data replaces because of %v", plan.Replaces)
	}
}

// What changed behind Terraform's back shows up and is repaired.
func TestDriftIsRepaired(t *testing.T) {
	w := start(t)
	made := w.Create(w.basic())
	w.VMStore.Change("5", func(vm *cloud.VM) {
		vm.Firewalls, vm.Volumes, vm.Power, vm.Network = nil, []string{"4"}, cloud.PowerStopped, "2"
	})
	drifted, _ := w.Refresh(made)
	if plan := w.Plan(drifted, w.basic()); plan.IsNoOp() || len(plan.Diags.Errors()) > 0 {
		t.Fatalf("drift is not seen: %v", plan.Diags.Errors())
	}
	w.Change(drifted, w.basic())
	if vm := w.only(t); !slices.Equal(vm.Firewalls, []string{"902"}) || len(vm.Volumes) > 0 || vm.Power != cloud.PowerRunning || vm.Network != "1" {
		t.Errorf("drift is not repaired: %+v", vm)
	}
}

// The address that the cloud chose is read once more if the answer of the
// write lacked it.
func TestChosenAddressIsRead(t *testing.T) {
	w := start(t)
	s := store{VMs: forgetful{w.VMStore}, driver: nil}
	vm, err := s.Create(t.Context(), cloud.VMSpec{Meta: cloud.Meta{Name: "web", Location: hel1}, Network: "1"}, func(cloud.VM) {})
	if err != nil || vm.PrivateIP.String() != "10.0.0.6" {
		t.Errorf("the address is %v (%v)", vm.PrivateIP, err)
	}
	if n := w.Count("get", cloud.KindVM); n != 1 {
		t.Errorf("%d reads, want 1", n)
	}
}

// forgetful answers writes without the private address, as a vendor does that
// attaches the network later.
type forgetful struct{ cloud.VMs }

func (f forgetful) Create(ctx context.Context, spec cloud.VMSpec, saved func(cloud.VM)) (cloud.VM, error) {
	vm, err := f.VMs.Create(ctx, spec, saved)
	vm.PrivateIP = netip.Addr{}
	return vm, err
}

func expect(t *testing.T, problems []string, parts ...string) {
	t.Helper()
	if len(problems) != 1 {
		t.Fatalf("%d problems, want 1: %q", len(problems), problems)
	}
	for _, part := range parts {
		if !strings.Contains(problems[0], part) {
			t.Errorf("the message lacks %q: %s", part, problems[0])
		}
	}
}

// Nothing is reachable from the internet that was not asked to be.
func TestNoPublicAddressUnlessAsked(t *testing.T) {
	w := start(t)
	plan := w.Plan(servicetest.Instance{}, w.basic())
	made, diags := w.Apply(plan)
	if len(diags) > 0 {
		t.Fatal(diags.Errors())
	}
	for _, name := range []string{"public_ipv4", "public_ipv6"} {
		if got := made.Get(t, name); got != false {
			t.Errorf("%s = %v, want false", name, got)
		}
	}
	if vm := w.only(t); vm.PublicIPv4 || vm.PublicIPv6 || vm.IPv4.IsValid() || vm.IPv6.IsValid() {
		t.Errorf("the cloud has %+v", vm)
	}
}
