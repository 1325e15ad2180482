package google_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud/cloudtest"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/driver/google"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

// estate is an embedded cloud with what a tenant's VM needs.
type estate struct {
	t       *testing.T
	sim     *simcloud.Sim
	url     string
	d       *google.Driver
	key     cloud.SSHKey
	network cloud.Network
	wall    cloud.Firewall
	volume  cloud.Volume
}

// newEstate opens one whose operations have ended when they are first looked
// at.
func newEstate(t *testing.T) *estate {
	t.Helper()
	sim, err := simcloud.New(simcloud.Options{Clock: simcloud.NewClock(time.Time{}, 1000), DurationScale: 0, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim.Handler())
	t.Cleanup(func() {
		server.Close()
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	e := &estate{t: t, sim: sim, url: server.URL}
	e.d = e.connect()
	e.key = build(t, e.d.SSHKeys(), cloud.SSHKeySpec{Meta: wireMeta("alice"), PublicKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMiGFjQRtzmOkPWKqe3kD4sYTDJbGPY0V3u3V8xM0kYj alice"})
	e.network = build(t, e.d.Networks(), networkNamed("acme", "10.1.0.0/16"))
	e.wall = build(t, e.d.Firewalls(), wallIn(e.network))
	e.volume = build(t, e.d.Volumes(), cloud.VolumeSpec{Meta: wireMeta("data"), SizeGB: 20})
	return e
}

func networkNamed(name, cidr string) cloud.NetworkSpec {
	prefix := netip.MustParsePrefix(cidr)
	return cloud.NetworkSpec{Meta: wireMeta(name), CIDR: prefix, Subnets: []netip.Prefix{netip.PrefixFrom(prefix.Addr(), 24)}}
}

func wallIn(network cloud.Network) cloud.FirewallSpec {
	return cloud.FirewallSpec{Meta: wireMeta("web"), Network: network.ID.Native, Rules: []cloud.FirewallRule{{Direction: cloud.Inbound, Protocol: "tcp",
		FromPort: 443, ToPort: 443, Networks: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}}}}
}

// bearer adds a token, as the HTTP client of the provider does.
type bearer struct{ base http.RoundTripper }

func (b bearer) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.Header.Set("Authorization", "Bearer test")
	return b.base.RoundTrip(request)
}

// connect makes a driver of its own, as each run of the program does.
func (e *estate) connect() *google.Driver {
	e.t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	e.t.Cleanup(transport.CloseIdleConnections)
	d, err := google.New(google.Options{Project: wireProject, Endpoint: e.url, Version: "test", HTTPClient: &http.Client{Transport: bearer{transport}},
		NewWaiter: func(p cloud.OperationPoller) cloud.Waiter {
			return cloudtest.Waiter{Poller: p, Pause: time.Millisecond}
		},
		Sleep: e.sim.Clock().Wait})
	if err != nil {
		e.t.Fatal(err)
	}
	return d
}

func build[S, T any](t *testing.T, store cloud.Store[S, T], spec S) T {
	t.Helper()
	made, err := store.Create(t.Context(), spec, func(T) {})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func (e *estate) vmSpec() cloud.VMSpec {
	return cloud.VMSpec{Meta: wireMeta("db"), ServerType: "e2-standard-2", Image: "debian-12", SSHKeys: []string{e.key.ID.Native}, Network: e.network.ID.Native,
		Firewalls: []string{e.wall.ID.Native}, Volumes: []string{e.volume.ID.Native}, UserData: "#cloud-config\n", Power: cloud.PowerRunning, PublicIPv4: true}
}

// spends runs something and compares the requests that it took.
func (e *estate) spends(what string, want map[string]int, run func() error) {
	e.t.Helper()
	e.sim.ResetRequests()
	if err := run(); err != nil {
		e.t.Fatalf("%s: %v", what, err)
	}
	got := map[string]int{}
	for route, n := range e.sim.RequestsOf(simcloud.Google).Routes {
		route = strings.Replace(route, " /compute/v1/projects/{project}/", " ", 1)
		got[strings.Replace(route, "zones/{zone}", "{z}", 1)] += n
	}
	if diff := cmp.Diff(want, got); diff != "" {
		e.t.Errorf("%s takes other requests (-want +got):\n%s", what, diff)
	}
}

func (e *estate) fault(fault simcloud.Fault) {
	e.t.Helper()
	fault.Cloud = simcloud.Google
	if _, err := e.sim.AddFault(fault); err != nil {
		e.t.Fatal(err)
	}
}

const pollOne = "GET {z}/operations/{operation}"

func TestVolumesAndVMsTakeTheLeastRequests(t *testing.T) {
	e, ctx := newEstate(t), t.Context()
	e.spends("a volume", map[string]int{"POST {z}/disks": 1, pollOne: 1}, func() error {
		_, err := e.d.Volumes().Create(ctx, cloud.VolumeSpec{Meta: wireMeta("more"), SizeGB: 10}, func(cloud.Volume) {})
		return err
	})
	var vm cloud.VM
	e.spends("a VM with volume, firewall, key and user data", map[string]int{"POST {z}/instances": 1, pollOne: 1}, func() (err error) {
		vm, err = e.d.VMs().Create(ctx, e.vmSpec(), func(cloud.VM) {})
		return err
	})
	have, err := e.d.VMs().Get(ctx, vm.ID.Native)
	if err != nil {
		t.Fatal(err)
	}
	if have.Status != "RUNNING" || !slices.Equal(have.Volumes, vm.Volumes) || have.Network != e.network.ID.Native || !have.PrivateIP.IsValid() || !have.IPv4.IsValid() ||
		have.Image != "debian-12" || have.DiskGB < 10 || have.CPUs != 2 || !slices.Equal(have.Firewalls, []string{e.wall.ID.Native}) {
		t.Errorf("the VM is %+v", have)
	}
	disk, err := e.d.Volumes().Get(ctx, e.volume.ID.Native)
	if err != nil || disk.AttachedTo != vm.ID.Native || disk.Device == "" {
		t.Errorf("the volume is %+v, %v", disk, err)
	}
	e.spends("reading all VMs and volumes", map[string]int{"GET aggregated/instances": 1, "GET aggregated/disks": 1}, func() error {
		mine := cloud.Filter{Deployment: "acme-eu"}
		machines, err1 := e.d.VMs().List(ctx, mine)
		disks, err2 := e.d.Volumes().List(ctx, mine)
		if len(machines) != 1 || len(disks) != 2 {
			t.Errorf("%d VMs and %d volumes", len(machines), len(disks))
		}
		return errors.Join(err1, err2)
	})
	e.spends("deleting the VM", map[string]int{"DELETE {z}/instances/{instance}": 1, pollOne: 1}, func() error { return e.d.VMs().Delete(ctx, vm.ID.Native) })
	e.spends("deleting the volume", map[string]int{"DELETE {z}/disks/{disk}": 1, pollOne: 1}, func() error { return e.d.Volumes().Delete(ctx, e.volume.ID.Native) })
	e.spends("deleting what is gone", map[string]int{"DELETE {z}/disks/{disk}": 1}, func() error { return e.d.Volumes().Delete(ctx, e.volume.ID.Native) })
}

func TestUpdatesOfVMsTakeOnlyWhatDiffers(t *testing.T) {
	e, ctx := newEstate(t), t.Context()
	vm := build(t, e.d.VMs(), e.vmSpec())
	const instance = "{z}/instances/{instance}"
	update := func(what string, want map[string]int, change func(*cloud.VMSpec)) {
		t.Helper()
		spec := e.vmSpec()
		spec.Meta, spec.ServerType, spec.Volumes, spec.Power = vm.Meta, vm.ServerType, vm.Volumes, vm.Power
		change(&spec)
		e.spends(what, want, func() (err error) {
			vm, err = e.d.VMs().Update(ctx, vm, spec)
			return err
		})
	}
	update("no change", map[string]int{}, func(*cloud.VMSpec) {})
	update("labels", map[string]int{"GET " + instance: 1, "POST " + instance + "/setLabels": 1, pollOne: 1}, func(s *cloud.VMSpec) { s.Labels = map[string]string{"a": "b"} })
	update("detaching a volume", map[string]int{"POST " + instance + "/detachDisk": 1, pollOne: 1}, func(s *cloud.VMSpec) { s.Volumes = nil })
	update("attaching it", map[string]int{"POST " + instance + "/attachDisk": 1, pollOne: 1}, func(s *cloud.VMSpec) { s.Volumes = []string{e.volume.ID.Native} })
	update("protecting", map[string]int{"POST " + instance + "/setDeletionProtection": 1, pollOne: 1}, func(s *cloud.VMSpec) { s.Protected = true })
	if err := e.d.VMs().Delete(ctx, vm.ID.Native); cloud.CodeOf(err) != cloud.CodeProtected {
		t.Errorf("deleting a protected VM: %v", err)
	}
	update("rescaling", map[string]int{"POST " + instance + "/stop": 1, "POST " + instance + "/setMachineType": 1, "POST " + instance + "/start": 1, pollOne: 3, "GET " + instance: 1},
		func(s *cloud.VMSpec) { s.ServerType = "e2-standard-4" })
	if have, err := e.d.VMs().Get(ctx, vm.ID.Native); err != nil || have.CPUs != 4 || vm.CPUs != 4 || have.IPv4 != vm.IPv4 || have.ServerType != "e2-standard-4" {
		t.Errorf("the VM is %+v, told was %+v, %v", have, vm, err)
	}
	e.spends("a larger volume", map[string]int{"POST {z}/disks/{disk}/resize": 1, pollOne: 1}, func() error {
		_, err := e.d.Volumes().Update(ctx, e.volume, cloud.VolumeSpec{Meta: e.volume.Meta, SizeGB: 30})
		return err
	})
}

func TestAVMMovesToAnotherNetwork(t *testing.T) {
	e, ctx := newEstate(t), t.Context()
	spec := e.vmSpec()
	spec.PublicIPv6 = true
	vm := build(t, e.d.VMs(), spec)
	other := build(t, e.d.Networks(), networkNamed("other", "10.9.0.0/16"))
	spec.Network, spec.PrivateIP = other.ID.Native, netip.MustParseAddr("10.9.0.77")
	moved, err := e.d.VMs().Update(ctx, vm, spec)
	if err != nil || moved.PrivateIP != spec.PrivateIP || moved.Network != other.ID.Native || moved.Power != cloud.PowerRunning {
		t.Fatalf("%+v, %v", moved, err)
	}
	have, err := e.d.VMs().Get(ctx, vm.ID.Native)
	if err != nil || have.PrivateIP != spec.PrivateIP || !have.IPv4.IsValid() || !have.IPv6.IsValid() {
		t.Errorf("%+v, %v", have, err)
	}
}

func TestAVMThatShallBeOff(t *testing.T) {
	e := newEstate(t)
	spec := e.vmSpec()
	spec.Power = cloud.PowerStopped
	vm := build(t, e.d.VMs(), spec)
	have, err := e.d.VMs().Get(t.Context(), vm.ID.Native)
	if err != nil || have.Power != cloud.PowerStopped || vm.Power != cloud.PowerStopped || have.Status != "TERMINATED" {
		t.Errorf("%s, told was %s, %v", have.Status, vm.Status, err)
	}
}

func TestAVolumeMovesFromOneVMToAnother(t *testing.T) {
	e, ctx := newEstate(t), t.Context()
	holder := build(t, e.d.VMs(), e.vmSpec())
	spec := e.vmSpec()
	spec.Name, spec.Volumes = "other", nil
	other := build(t, e.d.VMs(), spec)
	spec.Volumes = []string{e.volume.ID.Native}
	attached := make(chan error, 1)
	go func() {
		_, err := e.d.VMs().Update(ctx, other, spec)
		attached <- err
	}()
	released := e.vmSpec()
	released.Volumes = nil
	if _, err := e.d.VMs().Update(ctx, holder, released); err != nil {
		t.Fatal(err)
	}
	if err := <-attached; err != nil {
		t.Fatal(err)
	}
	// Nobody lets it go this time: the error names who has it.
	without, err := e.d.VMs().Get(ctx, holder.ID.Native)
	if err != nil {
		t.Fatal(err)
	}
	_, err = e.d.VMs().Update(ctx, without, e.vmSpec())
	if cloud.CodeOf(err) != cloud.CodeInUse || !strings.Contains(err.Error(), other.ID.Native) {
		t.Errorf("got %v", err)
	}
	// A volume can be deleted although a VM holds it.
	if err := e.d.Volumes().Delete(ctx, e.volume.ID.Native); err != nil {
		t.Error(err)
	}
}

func TestAKilledRunIsTakenOver(t *testing.T) {
	e := newEstate(t)
	first := build(t, e.d.VMs(), e.vmSpec())
	again := e.connect()
	spec := e.vmSpec()
	spec.Labels = map[string]string{"round": "two"}
	second, err := again.VMs().Create(t.Context(), spec, func(cloud.VM) {})
	if err != nil || second.ID != first.ID || second.Labels["round"] != "two" {
		t.Errorf("%+v, %v", second, err)
	}
	spec.UserData = "#cloud-config\npackages: []\n"
	_, err = again.VMs().Create(t.Context(), spec, func(cloud.VM) {})
	if cloud.CodeOf(err) != cloud.CodeUnsupported {
		t.Errorf("a VM of other user data is adopted: %v", err)
	}
}

func TestFailedAndLostWritesOfVMs(t *testing.T) {
	e := newEstate(t)
	e.fault(simcloud.Fault{Kind: simcloud.FaultCapacity, ServerType: "e2-standard-2", Location: wireZone, Count: 1})
	_, err := e.d.VMs().Create(t.Context(), e.vmSpec(), func(cloud.VM) {})
	if cloud.CodeOf(err) != cloud.CodeCapacity {
		t.Errorf("no room: %v", err)
	}
	e.fault(simcloud.Fault{Kind: simcloud.FaultActionFailed, Command: "instances.insert", Count: 1})
	_, err = e.d.VMs().Create(t.Context(), e.vmSpec(), func(cloud.VM) {})
	if cloud.CodeOf(err) != cloud.CodeOperationFailed {
		t.Errorf("a failed operation: %v", err)
	}
	e.fault(simcloud.Fault{Kind: simcloud.FaultDropAfter, Method: "POST", Path: "/instances$", Count: 1})
	vm, err := e.d.VMs().Create(t.Context(), e.vmSpec(), func(cloud.VM) {})
	if err != nil {
		t.Fatalf("a lost answer: %v", err)
	}
	spec := e.vmSpec()
	for path, change := range map[string]func(){
		"/setLabels$":  func() { spec.Labels = map[string]string{"a": "b"} },
		"/detachDisk$": func() { spec.Volumes = nil },
		"/stop$":       func() { spec.Power = cloud.PowerStopped },
	} {
		e.fault(simcloud.Fault{Kind: simcloud.FaultDropAfter, Method: "POST", Path: path, Count: 1})
		change()
		if vm, err = e.d.VMs().Update(t.Context(), vm, spec); err != nil {
			t.Errorf("a lost answer of %s: %v", path, err)
		}
	}
	if have, err := e.d.VMs().Get(t.Context(), vm.ID.Native); err != nil || len(have.Volumes) > 0 || have.Power != cloud.PowerStopped || have.Labels["a"] != "b" {
		t.Errorf("the VM is %+v, %v", have, err)
	}
	e.fault(simcloud.Fault{Kind: simcloud.FaultDropAfter, Method: "POST", Path: "/resize$", Count: 1})
	if got, err := e.d.Volumes().Update(t.Context(), e.volume, cloud.VolumeSpec{Meta: e.volume.Meta, SizeGB: 40}); err != nil || got.SizeGB != 40 {
		t.Errorf("a lost resize: %d GB, %v", got.SizeGB, err)
	}
}

// A network's second subnet is used when the first is full.
func TestAFullSubnetLeadsToTheNext(t *testing.T) {
	e := newEstate(t)
	spec := networkNamed("narrow", "10.7.0.0/16")
	// A /29 holds four VMs: the vendor keeps four addresses.
	spec.Subnets = []netip.Prefix{netip.MustParsePrefix("10.7.0.0/29"), netip.MustParsePrefix("10.7.1.0/29")}
	network := build(t, e.d.Networks(), spec)
	addresses := map[netip.Addr]bool{}
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		vm := e.vmSpec()
		vm.Name, vm.Network, vm.Volumes = name, network.ID.Native, nil
		made := build(t, e.d.VMs(), vm)
		have, err := e.d.VMs().Get(t.Context(), made.ID.Native)
		if err != nil {
			t.Fatal(err)
		}
		addresses[have.PrivateIP] = true
	}
	if len(addresses) != 6 {
		t.Errorf("the VMs have %v", addresses)
	}
	for _, name := range []string{"g", "h", "i"} {
		vm := e.vmSpec()
		vm.Name, vm.Network, vm.Volumes = name, network.ID.Native, nil
		if _, err := e.d.VMs().Create(t.Context(), vm, func(cloud.VM) {}); err != nil && (name != "i" || !strings.Contains(err.Error(), "exhausted")) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A run that knows nothing, and makes many VMs at once, asks what they share
// about once.
func TestManyVMsShareTheirReads(t *testing.T) {
	e := newEstate(t)
	const count = 30
	fresh := e.connect()
	e.sim.ResetRequests()
	var group sync.WaitGroup
	for i := range count {
		group.Go(func() {
			spec := e.vmSpec()
			spec.Name, spec.Volumes = "vm"+strconv.Itoa(i), nil
			if _, err := fresh.VMs().Create(t.Context(), spec, func(cloud.VM) {}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	reads := 0
	for route, n := range e.sim.RequestsOf(simcloud.Google).Routes {
		switch {
		case strings.Contains(route, "POST "):
			if n != count {
				t.Errorf("%d of %s", n, route)
			}
		case !strings.Contains(route, "operations"):
			reads += n
		}
	}
	// Keys, subnetworks, rules: once each, twice where a question came while
	// the answer to an earlier one was under way.
	if reads > 6 {
		t.Errorf("%d reads: %v", reads, e.sim.RequestsOf(simcloud.Google).Routes)
	}
}
