package hetzner_test

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/driver/hetzner"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

func hcloudRange(text string) *net.IPNet {
	_, n, err := net.ParseCIDR(text)
	if err != nil {
		panic(err)
	}
	return n
}

// tenant is one tenant's stack, as the examples declare it.
type tenant struct {
	t        *testing.T
	w        *world
	d        *hetzner.Driver
	key      cloud.SSHKey
	network  cloud.Network
	firewall cloud.Firewall
	volume   cloud.Volume
	vm       cloud.VM
}

func meta(name string) cloud.Meta {
	return cloud.Meta{Name: name, Location: cloud.Location{Cloud: hetzner.Name, Name: "fsn1"}, Deployment: "acme-eu", Tenant: "acme", Tier: cloud.TierPaid}
}

func keySpec() cloud.SSHKeySpec {
	return cloud.SSHKeySpec{Meta: meta("alice"), PublicKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMiGFjQRtzmOkPWKqe3kD4sYTDJbGPY0V3u3V8xM0kYj alice"}
}

func networkSpec() cloud.NetworkSpec {
	return cloud.NetworkSpec{Meta: meta("acme"), CIDR: netip.MustParsePrefix("10.1.0.0/16"), Subnets: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/24")},
		Routes: []cloud.Route{{Destination: netip.MustParsePrefix("192.168.0.0/16"), Gateway: netip.MustParseAddr("10.1.0.9")}}}
}

func firewallSpec() cloud.FirewallSpec {
	return cloud.FirewallSpec{Meta: meta("web"), Rules: []cloud.FirewallRule{{Direction: cloud.Inbound, Protocol: "tcp", FromPort: 443, ToPort: 443,
		Networks: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}}}}
}

func volumeSpec() cloud.VolumeSpec { return cloud.VolumeSpec{Meta: meta("data"), SizeGB: 20} }

func (s *tenant) vmSpec() cloud.VMSpec {
	return cloud.VMSpec{Meta: meta("db"), ServerType: smallType, Image: "debian-13", SSHKeys: []string{s.key.ID.Native}, Network: s.network.ID.Native,
		Firewalls: []string{s.firewall.ID.Native}, Volumes: []string{s.volume.ID.Native}, UserData: "#cloud-config\n", Power: cloud.PowerRunning,
		PublicIPv4: true, PublicIPv6: true}
}

// spends runs something and compares the requests that it took. Actions end
// at once here, so there is one poll for each time that something waits.
func (s *tenant) spends(what string, want map[string]int, run func() error) {
	s.t.Helper()
	s.w.sim.ResetRequests()
	if err := run(); err != nil {
		s.t.Fatalf("%s: %v", what, err)
	}
	if diff := cmp.Diff(want, s.w.spent()); diff != "" {
		s.t.Errorf("%s takes other requests (-want +got):\n%s", what, diff)
	}
}

func makes[S, T any](s *tenant, store cloud.Store[S, T], spec S, into *T) func() error {
	return func() (err error) {
		*into, err = store.Create(s.t.Context(), spec, func(T) {})
		return err
	}
}

func newTenant(t *testing.T) *tenant {
	w := newWorld(t, 0)
	s := &tenant{t: t, w: w, d: w.connect(t)}
	s.spends("an SSH key", map[string]int{"POST /ssh_keys": 1}, makes(s, s.d.SSHKeys(), keySpec(), &s.key))
	s.spends("a network with subnet and route", map[string]int{"POST /networks": 1}, makes(s, s.d.Networks(), networkSpec(), &s.network))
	s.spends("a firewall with rules", map[string]int{"POST /firewalls": 1}, makes(s, s.d.Firewalls(), firewallSpec(), &s.firewall))
	s.spends("a volume", map[string]int{"POST /volumes": 1, "GET /actions": 1}, makes(s, s.d.Volumes(), volumeSpec(), &s.volume))
	s.spends("a VM with all of them", map[string]int{"POST /servers": 1, "GET /servers": 1}, makes(s, s.d.VMs(), s.vmSpec(), &s.vm))
	return s
}

func TestATenantTakesTheLeastRequests(t *testing.T) {
	s := newTenant(t)
	have, err := s.d.VMs().Get(t.Context(), s.vm.ID.Native)
	if err != nil || have.Status != "running" || !slices.Equal(have.Volumes, s.vm.Volumes) || have.Network != s.network.ID.Native || !have.PrivateIP.IsValid() {
		t.Fatalf("the VM is %+v, %v", have, err)
	}
	if s.vm.IPv4 != have.IPv4 || s.vm.IPv6 != have.IPv6 || !s.vm.IPv4.IsValid() || !s.vm.IPv6.IsValid() {
		t.Errorf("the create told %s and %s, the API tells %s and %s", s.vm.IPv4, s.vm.IPv6, have.IPv4, have.IPv6)
	}

	s.spends("reading everything", map[string]int{"GET /ssh_keys": 1, "GET /networks": 1, "GET /firewalls": 1, "GET /volumes": 1, "GET /servers": 1}, func() error {
		mine := cloud.Filter{Deployment: "acme-eu"}
		_, err1 := s.d.SSHKeys().List(t.Context(), mine)
		_, err2 := s.d.Networks().List(t.Context(), mine)
		_, err3 := s.d.Firewalls().List(t.Context(), mine)
		_, err4 := s.d.Volumes().List(t.Context(), mine)
		_, err5 := s.d.VMs().List(t.Context(), mine)
		for _, err := range []error{err1, err2, err3, err4, err5} {
			if err != nil {
				return err
			}
		}
		return nil
	})

	ctx := t.Context()
	s.spends("deleting the VM", map[string]int{"DELETE /servers/{id}": 1, "GET /actions": 1}, func() error { return s.d.VMs().Delete(ctx, s.vm.ID.Native) })
	s.spends("deleting the volume", map[string]int{"DELETE /volumes/{id}": 1}, func() error { return s.d.Volumes().Delete(ctx, s.volume.ID.Native) })
	s.spends("deleting the network", map[string]int{"DELETE /networks/{id}": 1}, func() error { return s.d.Networks().Delete(ctx, s.network.ID.Native) })
	s.spends("deleting the SSH key", map[string]int{"DELETE /ssh_keys/{id}": 1}, func() error { return s.d.SSHKeys().Delete(ctx, s.key.ID.Native) })
	if err := s.d.Firewalls().Delete(ctx, s.firewall.ID.Native); err != nil {
		t.Error(err)
	}
	for _, kind := range []string{"server", "volume", "network", "firewall", "ssh_key"} {
		if left := s.w.sim.Objects(kind); len(left) > 0 {
			t.Errorf("%d %ss are left", len(left), kind)
		}
	}
}

func TestAFixedAddressTakesOneMoreRequest(t *testing.T) {
	s := newTenant(t)
	spec := s.vmSpec()
	spec.Name, spec.Volumes, spec.PrivateIP = "fixed", nil, netip.MustParseAddr("10.1.0.50")
	var vm cloud.VM
	s.spends("a VM with a fixed private address", map[string]int{"POST /servers": 1, "POST /servers/{id}/actions/attach_to_network": 1, "GET /servers": 1, "GET /actions": 1}, makes(s, s.d.VMs(), spec, &vm))
	spec.Name, spec.PrivateIP, spec.PublicIPv4, spec.PublicIPv6 = "inner", netip.MustParseAddr("10.1.0.51"), false, false
	s.spends("a VM with only that address",
		map[string]int{"POST /servers": 1, "POST /servers/{id}/actions/attach_to_network": 1, "POST /servers/{id}/actions/poweron": 1, "GET /servers": 1, "GET /actions": 2}, makes(s, s.d.VMs(), spec, &vm))
	if have, err := s.d.VMs().Get(t.Context(), vm.ID.Native); err != nil || have.PrivateIP != spec.PrivateIP || have.Status != "running" || !slices.Equal(have.Firewalls, spec.Firewalls) {
		t.Errorf("it has %s and is %s, %v", have.PrivateIP, have.Status, err)
	}
	spec = s.vmSpec()
	spec.Name, spec.Volumes, spec.Protected = "kept", nil, true
	s.spends("a protected VM", map[string]int{"POST /servers": 1, "POST /servers/{id}/actions/change_protection": 1, "GET /servers": 1}, makes(s, s.d.VMs(), spec, &vm))
}

func TestUpdatesTakeOnlyWhatDiffers(t *testing.T) {
	s := newTenant(t)
	ctx := t.Context()
	vm := s.vm
	update := func(what string, want map[string]int, change func(*cloud.VMSpec)) {
		t.Helper()
		spec := s.vmSpec()
		spec.Meta, spec.ServerType, spec.Volumes = vm.Meta, vm.ServerType, vm.Volumes
		change(&spec)
		s.spends(what, want, func() (err error) {
			vm, err = s.d.VMs().Update(ctx, vm, spec)
			return err
		})
	}
	update("no change", map[string]int{}, func(*cloud.VMSpec) {})
	update("a new name and labels", map[string]int{"PUT /servers/{id}": 1}, func(spec *cloud.VMSpec) {
		spec.Name, spec.Labels = "sql", map[string]string{"a": "b"}
	})
	update("detaching a volume", map[string]int{"POST /volumes/{id}/actions/detach": 1, "GET /actions": 1}, func(spec *cloud.VMSpec) { spec.Volumes = nil })
	// The vendor starts the server itself afterwards: powering it on ends at once.
	update("rescaling", map[string]int{"POST /servers/{id}/actions/shutdown": 1, "POST /servers/{id}/actions/change_type": 1,
		"POST /servers/{id}/actions/poweron": 1, "GET /servers/{id}": 2, "GET /actions": 2}, func(spec *cloud.VMSpec) { spec.ServerType = largeType })
	if vm.CPUs < 4 {
		t.Errorf("after the rescale the VM is said to have %d CPUs", vm.CPUs)
	}

	wall := firewallSpec()
	wall.Rules = nil
	s.spends("new rules", map[string]int{"POST /firewalls/{id}/actions/set_rules": 1, "GET /actions": 1}, func() error {
		_, err := s.d.Firewalls().Update(ctx, s.firewall, wall)
		return err
	})
	disk := volumeSpec()
	disk.SizeGB = 30
	s.spends("a larger volume", map[string]int{"POST /volumes/{id}/actions/resize": 1, "GET /actions": 1}, func() error {
		_, err := s.d.Volumes().Update(ctx, s.volume, disk)
		return err
	})
	net := networkSpec()
	net.CIDR, net.Subnets = netip.MustParsePrefix("10.0.0.0/15"), append(net.Subnets, netip.MustParsePrefix("10.1.1.0/24"))
	if _, err := s.d.Networks().Update(ctx, s.network, net); cloud.CodeOf(err) != cloud.CodeUnsupported {
		t.Errorf("a range with another first address: %v", err)
	}
	net.CIDR = networkSpec().CIDR
	s.spends("another subnet", map[string]int{"POST /networks/{id}/actions/add_subnet": 1, "GET /actions": 1}, func() error {
		_, err := s.d.Networks().Update(ctx, s.network, net)
		return err
	})
}

func TestAdoptionTakesALookup(t *testing.T) {
	s := newTenant(t)
	var again cloud.VM
	s.spends("adopting a VM that is as it should be", map[string]int{"POST /servers": 1, "GET /servers": 1},
		makes(s, s.d.VMs(), s.vmSpec(), &again))
	if again.ID != s.vm.ID {
		t.Errorf("adopted %s, made %s", again.ID, s.vm.ID)
	}
	var key cloud.SSHKey
	s.spends("adopting an SSH key", map[string]int{"POST /ssh_keys": 1, "GET /ssh_keys": 1}, makes(s, s.d.SSHKeys(), keySpec(), &key))
}

func TestAVMOfAnotherOriginIsHandedOverForReplacement(t *testing.T) {
	s := newTenant(t)
	spec := s.vmSpec()
	spec.UserData = "#cloud-config\npackages: []\n"
	var saved cloud.VM
	_, err := s.d.VMs().Create(t.Context(), spec, func(vm cloud.VM) { saved = vm })
	if cloud.CodeOf(err) != cloud.CodeUnsupported || saved.ID != s.vm.ID {
		t.Errorf("got %v with the id %s", err, saved.ID)
	}
}

func TestThePublicKeyOfAnotherSSHKeyIsNotAdopted(t *testing.T) {
	s := newTenant(t)
	spec := keySpec()
	spec.Name = "bob"
	_, err := s.d.SSHKeys().Create(t.Context(), spec, func(cloud.SSHKey) { t.Error("adopted") })
	if cloud.CodeOf(err) != cloud.CodeNameTaken || !strings.Contains(err.Error(), s.key.ID.Native) || !strings.Contains(err.Error(), "alice") {
		t.Errorf("got %v", err)
	}
	// Renaming would not help.
	var taken *cloud.Error
	if !errors.As(err, &taken) || taken.Field != "public_key" || strings.Contains(taken.Remedy, "Rename") || !strings.Contains(taken.Remedy, s.key.ID.Native) {
		t.Errorf("got %+v", taken)
	}
}

func TestAPartOfACreationThatFailedIsDoneAgain(t *testing.T) {
	for _, command := range []string{"attach_volume", "attach_to_network", "apply_firewall"} {
		s := newTenant(t)
		released := s.vmSpec()
		released.Volumes = nil
		if _, err := s.d.VMs().Update(t.Context(), s.vm, released); err != nil {
			t.Fatal(err)
		}
		spec := s.vmSpec()
		spec.Name = "limping"
		s.w.fault(t, simcloud.Fault{Kind: simcloud.FaultActionFailed, Command: command, Count: 1})
		vm, err := s.d.VMs().Create(t.Context(), spec, func(cloud.VM) {})
		if err != nil {
			t.Errorf("%s: %v", command, err)
			continue
		}
		if struck := s.w.sim.Faults()[0].Struck; struck != 1 {
			t.Errorf("%s failed %d times", command, struck)
		}
		have, err := s.d.VMs().Get(t.Context(), vm.ID.Native)
		if err != nil || !slices.Equal(have.Volumes, spec.Volumes) || have.Network != spec.Network || !slices.Equal(have.Firewalls, spec.Firewalls) {
			t.Errorf("%s: the VM is %+v, %v", command, have, err)
		}
	}
}

func TestAVMThatDoesNotStartIsHandedOver(t *testing.T) {
	s := newTenant(t)
	s.w.fault(t, simcloud.Fault{Kind: simcloud.FaultActionFailed, Command: "start_server", Count: 1})
	spec := s.vmSpec()
	spec.Name, spec.Volumes = "limping", nil
	vm, err := s.d.VMs().Create(t.Context(), spec, func(cloud.VM) {})
	if cloud.CodeOf(err) != cloud.CodeOperationFailed || vm.ID.Native == "" {
		t.Errorf("%+v, %v", vm.ID, err)
	}
}

func TestBusyObjectsAreWaitedFor(t *testing.T) {
	s := newTenant(t)
	s.w.fault(t, simcloud.Fault{Kind: simcloud.FaultError, Method: "POST", Path: "/v1/volumes/.*/actions/resize", Status: 423, Code: "locked", Count: 3})
	s.w.fault(t, simcloud.Fault{Kind: simcloud.FaultError, Method: "POST", Path: "/v1/networks$", Status: 409, Code: "conflict", Count: 2})
	disk := volumeSpec()
	disk.SizeGB = 30
	if got, err := s.d.Volumes().Update(t.Context(), s.volume, disk); err != nil || got.SizeGB != 30 {
		t.Errorf("%d GB, %v", got.SizeGB, err)
	}
	spec := networkSpec()
	spec.Name = "second"
	if _, err := s.d.Networks().Create(t.Context(), spec, func(cloud.Network) {}); err != nil {
		t.Error(err)
	}
}

func TestALostAnswerOfAStepIsNoError(t *testing.T) {
	s := newTenant(t)
	ctx := t.Context()
	for _, path := range []string{"/actions/detach$", "/actions/resize$", "/actions/add_subnet$", "/actions/poweroff$", "/actions/apply_to_resources$"} {
		s.w.fault(t, simcloud.Fault{Kind: simcloud.FaultDropAfter, Method: "POST", Path: path, Count: 1})
	}
	spec := s.vmSpec()
	spec.Volumes = nil
	vm, err := s.d.VMs().Update(ctx, s.vm, spec)
	if err != nil || len(vm.Volumes) > 0 {
		t.Errorf("detaching: %v, %v", vm.Volumes, err)
	}
	disk := volumeSpec()
	disk.SizeGB = 40
	if _, err := s.d.Volumes().Update(ctx, s.volume, disk); err != nil {
		t.Errorf("resizing: %v", err)
	}
	net := networkSpec()
	net.Subnets = append(net.Subnets, netip.MustParsePrefix("10.1.1.0/24"))
	if got, err := s.d.Networks().Update(ctx, s.network, net); err != nil || len(got.Subnets) != 2 {
		t.Errorf("adding a subnet: %v, %v", got.Subnets, err)
	}
	var wall cloud.Firewall
	other := firewallSpec()
	other.Name = "second"
	if err := makes(s, s.d.Firewalls(), other, &wall)(); err != nil {
		t.Fatal(err)
	}
	spec.Firewalls = append(spec.Firewalls, wall.ID.Native)
	if got, err := s.d.VMs().Update(ctx, vm, spec); err != nil || len(got.Firewalls) != 2 {
		t.Errorf("applying a firewall: %v, %v", got.Firewalls, err)
	}
}

func TestAVolumeMovesFromOneVMToAnother(t *testing.T) {
	s := newTenant(t)
	spec := s.vmSpec()
	spec.Name, spec.Volumes = "other", nil
	other, err := s.d.VMs().Create(t.Context(), spec, func(cloud.VM) {})
	if err != nil {
		t.Fatal(err)
	}
	spec.Volumes = []string{s.volume.ID.Native}
	attached := make(chan error, 1)
	go func() {
		_, err := s.d.VMs().Update(t.Context(), other, spec)
		attached <- err
	}()
	released := s.vmSpec()
	released.Volumes = nil
	if _, err := s.d.VMs().Update(t.Context(), s.vm, released); err != nil {
		t.Fatal(err)
	}
	if err := <-attached; err != nil {
		t.Fatal(err)
	}
	// Nobody lets it go this time: the error names who has it.
	without, err := s.d.VMs().Get(t.Context(), s.vm.ID.Native)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.d.VMs().Update(t.Context(), without, s.vmSpec())
	if cloud.CodeOf(err) != cloud.CodeInUse || !strings.Contains(err.Error(), other.ID.Native) {
		t.Errorf("got %v", err)
	}
}

func TestServerTypesAreListedOnce(t *testing.T) {
	w := newWorld(t, 0)
	d := w.connect(t)
	for _, location := range []string{"fsn1", "hel1", "fsn1"} {
		if types, err := d.ServerTypes(t.Context(), cloud.Location{Cloud: hetzner.Name, Name: location}); err != nil || len(types) == 0 {
			t.Fatalf("%d types, %v", len(types), err)
		}
	}
	if diff := cmp.Diff(map[string]int{"GET /server_types": 1}, w.spent()); diff != "" {
		t.Error(diff)
	}
	failing := newWorld(t, 0)
	failing.fault(t, simcloud.Fault{Kind: simcloud.FaultError, Path: "server_types", Status: 503, Code: "unavailable", Count: 1})
	d = failing.connect(t)
	here := cloud.Location{Cloud: hetzner.Name, Name: "fsn1"}
	if _, err := d.ServerTypes(t.Context(), here); cloud.CodeOf(err) != cloud.CodeUnavailable {
		t.Errorf("got %v", err)
	}
	if types, err := d.ServerTypes(t.Context(), here); err != nil || len(types) == 0 {
		t.Errorf("the error was kept: %d types, %v", len(types), err)
	}
}

func TestPollsAreBatched(t *testing.T) {
	s := newTenant(t)
	s.w.sim.ResetRequests()
	ids := []string{"999999999"}
	for _, action := range s.w.sim.Objects("action") {
		ids = append(ids, strconv.FormatInt(action.Base().ID, 10))
	}
	statuses, err := s.d.PollOperations(t.Context(), ids)
	if err != nil || len(statuses) != len(ids) || len(ids) < 3 {
		t.Fatalf("%d statuses of %d, %v", len(statuses), len(ids), err)
	}
	for _, status := range statuses {
		if status.ID == ids[0] {
			if !status.Done || cloud.CodeOf(status.Err) != cloud.CodeNotFound {
				t.Errorf("an unknown action is %+v", status)
			}
		} else if !status.Done || status.Err != nil {
			t.Errorf("an action that has ended is %+v", status)
		}
	}
	if total := s.w.sim.Requests().Total; total != 1 {
		t.Errorf("%d requests", total)
	}
}
