package google_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/driver/google"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

// spent gives the requests since the last reset by method and path below the
// project, polls left out: operations end at once here, and how many share a
// poll is the waiter's business.
func (w *world) spent() map[string]int {
	counts := map[string]int{}
	for route, n := range w.sim.RequestsOf(simcloud.Google).Routes {
		method, path, _ := strings.Cut(route, " ")
		if strings.Contains(path, "operations") {
			continue
		}
		if _, below, ok := strings.Cut(path, "/projects/{project}"); ok {
			path = below
		}
		counts[method+" "+path] += n
	}
	return counts
}

func (w *world) spends(t *testing.T, what string, want map[string]int, run func() error) {
	t.Helper()
	w.sim.ResetRequests()
	if err := run(); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if diff := cmp.Diff(want, w.spent()); diff != "" {
		t.Errorf("%s takes other requests (-want +got):\n%s", what, diff)
	}
}

func tenantNetwork(name string) cloud.NetworkSpec {
	return cloud.NetworkSpec{Meta: regionMeta(name), CIDR: netip.MustParsePrefix("10.1.0.0/16"), Subnets: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/24")}}
}

func tenantFirewall(name, network string) cloud.FirewallSpec {
	return cloud.FirewallSpec{Meta: regionMeta(name), Network: network, Rules: []cloud.FirewallRule{
		{Direction: cloud.Inbound, Protocol: "tcp", FromPort: 443, ToPort: 443, Networks: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}},
		{Direction: cloud.Inbound, Protocol: "icmp", Networks: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}}}}
}

func create[S, T any](t *testing.T, store cloud.Store[S, T], spec S) error {
	_, err := store.Create(t.Context(), spec, func(T) {})
	return err
}

func TestATenantTakesTheLeastRequests(t *testing.T) {
	w := newWorld(t, 0)
	d := w.connect(t)
	w.spends(t, "an SSH key", map[string]int{"GET ": 1, "POST /setCommonInstanceMetadata": 1}, func() error { return create(t, d.SSHKeys(), keySpec()) })
	const tenants = 3
	for i := range tenants {
		name := fmt.Sprint("tenant", i)
		native := name + "-" + zone
		w.spends(t, "a network with a subnet", map[string]int{"POST /global/networks": 1, "POST /regions/{region}/subnetworks": 1},
			func() error { return create(t, d.Networks(), tenantNetwork(name)) })
		w.spends(t, "a firewall in it", map[string]int{"POST /global/firewalls": 1},
			func() error { return create(t, d.Firewalls(), tenantFirewall(name, native)) })
		w.spends(t, "a volume", map[string]int{"POST /zones/{zone}/disks": 1},
			func() error { return create(t, d.Volumes(), cloud.VolumeSpec{Meta: regionMeta(name), SizeGB: 10}) })
		w.sim.ResetRequests()
		if err := create(t, d.VMs(), tenantVM(name)); err != nil {
			t.Fatal(err)
		}
		if writes := w.spent()["POST /zones/{zone}/instances"]; writes != 1 {
			t.Errorf("a VM takes %d creating requests: %v", writes, w.spent())
		}
	}
	mine := cloud.Filter{Deployment: "acme-eu"}
	w.spends(t, "reading every network", map[string]int{"GET /global/networks": 1, "GET /aggregated/subnetworks": 1, "GET /global/routes": 1, "GET /global/firewalls": 1},
		func() error { _, err := d.Networks().List(t.Context(), mine); return err })
	w.spends(t, "reading every firewall", map[string]int{"GET /global/firewalls": 1},
		func() error { _, err := d.Firewalls().List(t.Context(), mine); return err })
	w.spends(t, "reading every key", map[string]int{"GET ": 1},
		func() error { _, err := d.SSHKeys().List(t.Context(), mine); return err })

	// Another run, which has read nothing, looks once what belongs to all.
	d = w.connect(t)
	w.sim.ResetRequests()
	for i := range tenants {
		native := fmt.Sprint("tenant", i, "-", zone)
		for _, store := range []deleter{d.VMs(), d.Volumes(), d.Firewalls(), d.Networks()} {
			if err := store.Delete(t.Context(), native); err != nil {
				t.Fatal(err)
			}
		}
	}
	spent := w.spent()
	for route, want := range map[string]int{"DELETE /global/networks/{network}": tenants, "DELETE /regions/{region}/subnetworks/{subnetwork}": tenants,
		"DELETE /global/firewalls/{firewall}": tenants, "GET /aggregated/subnetworks": 1, "GET /global/routes": 1, "GET /global/firewalls": 1, "GET /aggregated/instances": 1} {
		if spent[route] != want {
			t.Errorf("%s: %d requests, want %d of %v", route, spent[route], want, spent)
		}
	}
}

func tenantVM(name string) cloud.VMSpec {
	native := name + "-" + zone
	return cloud.VMSpec{Meta: regionMeta(name), ServerType: smallType, Image: "debian-12", SSHKeys: []string{"alice"}, Network: native,
		Firewalls: []string{native}, Volumes: []string{native}, Power: cloud.PowerRunning}
}

// A firewall that belongs to no network stands in the anchor, and in every
// network whose VMs carry it; it changes and goes everywhere.
func TestASharedFirewallFollowsItsVMs(t *testing.T) {
	w := newWorld(t, 0)
	d := w.connect(t)
	shared := tenantFirewall("common", "")
	if err := create(t, d.SSHKeys(), keySpec()); err != nil {
		t.Fatal(err)
	}
	w.spends(t, "the first shared firewall", map[string]int{"POST /global/networks": 1, "POST /global/firewalls": 1},
		func() error { return create(t, d.Firewalls(), shared) })
	for _, name := range []string{"one", "two"} {
		if err := create(t, d.Networks(), tenantNetwork(name)); err != nil {
			t.Fatal(err)
		}
		spec := tenantVM(name)
		spec.Volumes, spec.Firewalls = nil, []string{"common-" + zone}
		w.sim.ResetRequests()
		if err := create(t, d.VMs(), spec); err != nil {
			t.Fatal(err)
		}
		if copies := w.spent()["POST /global/firewalls"]; copies != 1 {
			t.Errorf("%d copies for the first VM of network %s", copies, name)
		}
	}
	// The network that keeps the rules is the deployment's, and no object of its
	// own: nobody may take it for something that was left behind.
	nets, err := d.Networks().List(t.Context(), cloud.Filter{Deployment: "acme-eu"})
	if err != nil || len(nets) != 2 {
		t.Errorf("%d networks, want the two that were declared: %+v, %v", len(nets), nets, err)
	}
	current, err := d.Firewalls().Get(t.Context(), "common-"+zone)
	if err != nil || current.Network != "" || len(current.Rules) != 2 {
		t.Fatalf("%+v, %v", current, err)
	}
	shared.Rules[0].FromPort = 80
	w.spends(t, "a change of one rule in three networks", map[string]int{"GET /global/firewalls": 1, "PATCH /global/firewalls/{firewall}": 3},
		func() error { _, err := d.Firewalls().Update(t.Context(), current, shared); return err })
	for _, name := range []string{"one", "two"} {
		if err := d.VMs().Delete(t.Context(), name+"-"+zone); err != nil {
			t.Fatal(err)
		}
		// The copy goes with its network.
		if err := d.Networks().Delete(t.Context(), name+"-"+zone); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Firewalls().Delete(t.Context(), "common-"+zone); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"google_network", "google_subnetwork", "google_firewall", "google_instance"} {
		if left := w.sim.Objects(kind); len(left) > 0 {
			t.Errorf("%d of %s are left", len(left), kind)
		}
	}
}

// A removal that was cut short after a firewall's last rule leaves an anchor
// that no state knows: it goes with the next network.
func TestAnAnchorThatIsLeftGoesWithTheNextNetwork(t *testing.T) {
	w := newWorld(t, 0)
	d := w.connect(t)
	for _, name := range []string{"one", "two"} {
		if err := create(t, d.Networks(), tenantNetwork(name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := create(t, d.Firewalls(), tenantFirewall("common", "")); err != nil {
		t.Fatal(err)
	}
	w.fault(t, simcloud.Fault{Kind: simcloud.FaultError, Status: 403, Code: "forbidden", Method: "DELETE", Path: "/global/networks/holdfast-acme-eu$", Count: 1})
	if err := d.Firewalls().Delete(t.Context(), "common-"+zone); err == nil {
		t.Fatal("the removal was not cut short")
	}
	if _, err := d.Firewalls().Get(t.Context(), "common-"+zone); !cloud.IsNotFound(err) {
		t.Fatalf("the firewall is there: %v", err)
	}
	d = w.connect(t) // another run, which knows nothing
	w.sim.ResetRequests()
	for _, name := range []string{"one", "two"} {
		if err := d.Networks().Delete(t.Context(), name+"-"+zone); err != nil {
			t.Fatal(err)
		}
	}
	if left := w.sim.Objects("google_network"); len(left) > 0 {
		t.Errorf("%d networks are left", len(left))
	}
	if looked := w.spent()["GET /global/networks"]; looked != 1 {
		t.Errorf("looked for anchors %d times, want once a run", looked)
	}
}

// Many VMs that begin at once in one network copy a shared firewall into it
// once, and none is made before the copy stands.
func TestManyVMsCopyAFirewallOnce(t *testing.T) {
	w := newWorld(t, 1)
	d := w.connect(t)
	for _, err := range []error{create(t, d.SSHKeys(), keySpec()), create(t, d.Networks(), tenantNetwork("one")),
		create(t, d.Firewalls(), cloud.FirewallSpec{Meta: regionMeta("common"), Rules: webRules()})} {
		if err != nil {
			t.Fatal(err)
		}
	}
	w.sim.ResetRequests()
	var group sync.WaitGroup
	failures := make([]error, 12)
	for i := range failures {
		spec := tenantVM(fmt.Sprint("vm", i))
		spec.Network, spec.Volumes, spec.Firewalls = "one-"+zone, nil, []string{"common-" + zone}
		group.Go(func() { failures[i] = create(t, d.VMs(), spec) })
	}
	group.Wait()
	if err := errors.Join(failures...); err != nil {
		t.Fatal(err)
	}
	spent := w.spent()
	if spent["POST /global/firewalls"] != 5 || spent["PATCH /global/firewalls/{firewall}"] != 0 || spent["POST /zones/{zone}/instances"] != len(failures) {
		t.Errorf("%v", spent)
	}
}

// What a failed copy left in the run's memory is not there: the next VM makes it.
func TestAFailedCopyIsMadeAgain(t *testing.T) {
	w := newWorld(t, 0)
	d := w.connect(t)
	for _, err := range []error{create(t, d.SSHKeys(), keySpec()), create(t, d.Networks(), tenantNetwork("one")),
		create(t, d.Firewalls(), cloud.FirewallSpec{Meta: regionMeta("common"), Rules: webRules()})} {
		if err != nil {
			t.Fatal(err)
		}
	}
	w.fault(t, simcloud.Fault{Kind: simcloud.FaultActionFailed, Command: "firewalls.insert", Count: 2})
	spec := tenantVM("one")
	spec.Volumes, spec.Firewalls = nil, []string{"common-" + zone}
	if err := create(t, d.VMs(), spec); cloud.CodeOf(err) != cloud.CodeOperationFailed {
		t.Fatal(err)
	}
	if err := create(t, d.VMs(), spec); err != nil {
		t.Fatal(err)
	}
	if rules := len(w.sim.Objects("google_firewall")); rules != 10 {
		t.Errorf("%d rules, want 5 in the anchor and 5 with the VM", rules)
	}
}

// A run that gives up leaves no copy of a firewall behind that is still being
// made: the next run would take it for there, also if it fails.
func TestFailedCopiesAreWaitedFor(t *testing.T) {
	w := newWorld(t, 0)
	d := w.connect(t)
	for _, err := range []error{create(t, d.SSHKeys(), keySpec()), create(t, d.Networks(), tenantNetwork("one")),
		create(t, d.Firewalls(), cloud.FirewallSpec{Meta: regionMeta("common"), Rules: webRules()})} {
		if err != nil {
			t.Fatal(err)
		}
	}
	var begun, settled []string
	failing := w.connectWith(t, func(options *google.Options) {
		options.NewWaiter = func(cloud.OperationPoller) cloud.Waiter {
			return waiterFunc(func(operations []cloud.Operation) error {
				for _, one := range operations {
					if len(operations) > 1 {
						begun = append(begun, one.ID)
					} else {
						settled = append(settled, one.ID)
					}
				}
				return &cloud.Error{Code: cloud.CodeOperationFailed, Message: "the first of them has failed"}
			})
		}
	})
	spec := tenantVM("one")
	spec.Volumes, spec.Firewalls = nil, []string{"common-" + zone}
	w.fault(t, simcloud.Fault{Kind: simcloud.FaultActionStuck, Command: "firewalls.insert"})
	if err := create(t, failing.VMs(), spec); cloud.CodeOf(err) != cloud.CodeOperationFailed {
		t.Fatal(err)
	}
	slices.Sort(begun)
	slices.Sort(settled)
	if len(begun) != 5 || !slices.Equal(begun, settled) {
		t.Errorf("begun %v, and waited for one by one %v", begun, settled)
	}
}

type waiterFunc func([]cloud.Operation) error

func (f waiterFunc) Wait(_ context.Context, operations ...cloud.Operation) error {
	return f(operations)
}
