package cloudtest

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// vmChanges tries each change that a VM takes without being replaced.
func vmChanges(t *testing.T, e *env) {
	n := vms()
	want := n.spec(t, e, e.meta("changing"))
	id := n.create(t, e, want).ID.Native
	walls, nets := firewalls(), networks()
	wall := walls.create(t, e, walls.spec(t, e, e.meta("second-wall"))).ID.Native
	other := nets.spec(t, e, e.meta("second-net"))
	other.CIDR, other.Subnets, other.Routes = netip.MustParsePrefix("10.30.0.0/16"), []netip.Prefix{netip.MustParsePrefix("10.30.0.0/24")}, nil
	net := nets.create(t, e, other).ID.Native
	fixed := netip.MustParseAddr("10.30.0.77")
	for _, change := range []struct {
		what string
		make func()
	}{
		{"attach a volume", func() { want.Volumes = []string{e.volume} }},
		{"a second firewall", func() { want.Firewalls = []string{e.firewall, wall} }},
		{"without the first firewall", func() { want.Firewalls = []string{wall} }},
		{"stop", func() { want.Power = cloud.PowerStopped }},
		{"rescale while stopped", func() { want.ServerType = e.LargerType }},
		{"start", func() { want.Power = cloud.PowerRunning }},
		{"rescale while running", func() { want.ServerType = e.ServerType }},
		{"another network, with a fixed address", func() { want.Network, want.PrivateIP = net, fixed }},
		{"another address", func() { want.PrivateIP = fixed.Next() }},
		{"detach the volume", func() { want.Volumes = nil }},
		{"without a network", func() { want.Network, want.PrivateIP = "", netip.Addr{} }},
	} {
		current, err := e.driver.VMs().Get(e.ctx, id)
		if err != nil {
			t.Fatalf("%s: %v", change.what, err)
		}
		before := want
		change.make()
		updated, err := e.driver.VMs().Update(e.ctx, current, want)
		if want.Network == "" && cloud.CodeOf(err) == cloud.CodeUnsupported {
			// Some clouds have no VM without a network. They say so, and leave
			// the VM as it is.
			want, updated, err = before, current, nil
		}
		if err != nil {
			t.Fatalf("%s: %v", change.what, err)
		}
		n.check(t, change.what+": what the update returned", want, updated)
		after, err := e.driver.VMs().Get(e.ctx, id)
		if err != nil {
			t.Fatalf("%s: %v", change.what, err)
		}
		n.check(t, change.what+": what is read", want, after)
		if want.PrivateIP.IsValid() && (after.PrivateIP != want.PrivateIP || updated.PrivateIP != want.PrivateIP) {
			t.Errorf("%s: the address is %s, returned as %s, wanted %s", change.what, after.PrivateIP, updated.PrivateIP, want.PrivateIP)
		}
		if updated.CPUs != after.CPUs || updated.MemoryGB != after.MemoryGB {
			t.Errorf("%s: %d CPUs and %g GB were returned, %d and %g are read", change.what, updated.CPUs, updated.MemoryGB, after.CPUs, after.MemoryGB)
		}
	}
	fixedSpec := n.spec(t, e, e.meta("fixed"))
	fixedSpec.PrivateIP = netip.MustParseAddr("10.20.1.40")
	made := n.create(t, e, fixedSpec)
	if read, err := e.driver.VMs().Get(e.ctx, made.ID.Native); err != nil || read.PrivateIP != fixedSpec.PrivateIP || read.Power != cloud.PowerRunning {
		t.Errorf("a VM made with a fixed address has %s and is %s, %v", read.PrivateIP, read.Power, err)
	}
	unlike := fixedSpec
	unlike.PublicIPv4 = false
	_, err := e.driver.VMs().Update(e.ctx, made, unlike)
	wantCode(t, err, cloud.CodeUnsupported)
}

// failedCreation: the caller has the id and an error that says what failed.
func failedCreation(t *testing.T, e *env) {
	if e.FailCreation == nil {
		t.Skip("this cloud cannot be made to fail")
	}
	n := vms()
	spec := n.spec(t, e, e.meta("unlucky"))
	e.FailCreation()
	var saved cloud.VM
	_, err := e.driver.VMs().Create(e.ctx, spec, func(vm cloud.VM) { saved = vm })
	wantCode(t, err, cloud.CodeOperationFailed)
	if saved.ID.Native == "" || !strings.Contains(err.Error(), saved.ID.Native) {
		t.Errorf("the id is %s, the error %v", saved.ID, err)
	}
	if err := e.driver.VMs().Delete(e.ctx, saved.ID.Native); err != nil {
		t.Fatalf("what is left of it cannot be deleted: %v", err)
	}
	n.create(t, e, spec)
}

// deleteAttached: a volume goes although a VM still holds it, and a VM's
// volumes survive the VM.
func deleteAttached(t *testing.T, e *env) {
	n, disks := vms(), volumes()
	spec := n.spec(t, e, e.meta("holder"))
	second := disks.create(t, e, disks.spec(t, e, e.meta("second-disk"))).ID.Native
	spec.Volumes = []string{e.volume, second}
	vm := n.create(t, e, spec)
	if held, err := e.driver.Volumes().Get(e.ctx, second); err != nil || held.AttachedTo != vm.ID.Native || held.Device == "" {
		t.Errorf("the volume is attached to %q at %q, %v", held.AttachedTo, held.Device, err)
	}
	if err := e.driver.Volumes().Delete(e.ctx, second); err != nil {
		t.Fatal(err)
	}
	if left, err := e.driver.VMs().Get(e.ctx, vm.ID.Native); err != nil || !slices.Equal(left.Volumes, []string{e.volume}) {
		t.Errorf("the VM holds %v, %v", left.Volumes, err)
	}
	if err := e.driver.VMs().Delete(e.ctx, vm.ID.Native); err != nil {
		t.Fatal(err)
	}
	if kept, err := e.driver.Volumes().Get(e.ctx, e.volume); err != nil || kept.AttachedTo != "" {
		t.Errorf("after its VM is gone, the volume is attached to %q, %v", kept.AttachedTo, err)
	}
}

// firewallInUse: a firewall that protects a VM stays, and the error names it.
func firewallInUse(t *testing.T, e *env) {
	n := vms()
	vm := n.create(t, e, n.spec(t, e, e.meta("protected")))
	err := e.driver.Firewalls().Delete(e.ctx, e.firewall)
	wantCode(t, err, cloud.CodeInUse)
	if !strings.Contains(err.Error(), vm.ID.Native) {
		t.Errorf("the error does not name VM %s: %v", vm.ID.Native, err)
	}
	if err := e.driver.VMs().Delete(e.ctx, vm.ID.Native); err != nil {
		t.Fatal(err)
	}
	if err := e.driver.Firewalls().Delete(e.ctx, e.firewall); err != nil {
		t.Errorf("after the VM is gone: %v", err)
	}
}

func serverTypes(t *testing.T, e *env) {
	types, err := e.driver.ServerTypes(e.ctx, e.Location)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{e.ServerType, e.LargerType} {
		i := slices.IndexFunc(types, func(s cloud.ServerType) bool { return s.Name == name })
		if i < 0 {
			t.Fatalf("%s is not among the %d types", name, len(types))
		}
		if s := types[i]; s.CPUs < 1 || s.MemoryGB <= 0 || s.DiskGB < 1 || s.PriceMonthly <= 0 || s.Architecture == "" || !s.Available {
			t.Errorf("%+v is incomplete", s)
		}
	}
	if fitting := cloud.Fitting(types, cloud.Size{CPUs: 1, MemoryGB: 1}); len(fitting) == 0 {
		t.Error("nothing fits the smallest size")
	}
	if nothing, err := e.driver.ServerTypes(e.ctx, cloud.Location{Cloud: e.Location.Cloud, Name: "nowhere"}); err != nil || len(nothing) != 0 {
		t.Errorf("%d types are sold nowhere, %v", len(nothing), err)
	}
}
