package google_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/budget"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/driver/google"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
	simgoogle "github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/google"
)

// The fault runs: a region of tenants is applied and destroyed while things go
// wrong at random, again and again until it succeeds, as people do. Then the
// cloud holds exactly what was declared: nothing lost, nothing doubled. Even
// tenants have a firewall in their network, odd ones share one.
const (
	faultRuns     = 30
	shortRuns     = 12
	regionTenants = 5
	// maxApplies bounds how often a region is applied until it must stand.
	maxApplies = 60
)

// storm arms a run's faults. What takes effect without an answer, what fails
// without effect, and what fails later are all among them.
func storm(t *testing.T, w *world, random *rand.Rand) {
	some := func(most float64) float64 { return random.Float64()*most + 0.001 }
	for _, fault := range []simcloud.Fault{
		{Kind: simcloud.FaultError, Status: 500, Code: "internalError", Probability: some(0.1)},
		{Kind: simcloud.FaultError, Status: 503, Code: "backendError", Probability: some(0.1)},
		{Kind: simcloud.FaultDropBefore, Probability: some(0.1)},
		{Kind: simcloud.FaultDropAfter, Probability: some(0.2)},
		{Kind: simcloud.FaultError, Method: "POST|PATCH|DELETE", Status: 400, Code: "resourceNotReady", Probability: some(0.1)},
		{Kind: simcloud.FaultRateLimit, Probability: some(0.1)},
		{Kind: simcloud.FaultActionFailed, Probability: some(0.1)},
		{Kind: simcloud.FaultCapacity, ServerType: smallType, Probability: some(0.2)},
		{Kind: simcloud.FaultDelay, DelaySeconds: 2, Probability: some(0.2)},
	} {
		w.fault(t, fault)
	}
}

func regionMeta(name string) cloud.Meta {
	return cloud.Meta{Name: name, Location: cloud.Location{Cloud: google.Name, Name: zone}, Deployment: "acme-eu", Tenant: name, Tier: cloud.TierPaid}
}

func keySpec() cloud.SSHKeySpec {
	shared := regionMeta("alice")
	shared.Tenant = ""
	return cloud.SSHKeySpec{Meta: shared, PublicKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMiGFjQRtzmOkPWKqe3kD4sYTDJbGPY0V3u3V8xM0kYj alice"}
}

func webRules() []cloud.FirewallRule {
	return []cloud.FirewallRule{
		{Direction: cloud.Inbound, Protocol: "tcp", FromPort: 443, ToPort: 443, Networks: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}},
		{Direction: cloud.Outbound, Protocol: "udp", FromPort: 53, ToPort: 53, Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.53/32")}},
	}
}

// estateOfTenants declares tenants and remembers, as a state file does, what stands.
type estateOfTenants struct {
	w      *world
	ctx    context.Context
	driver cloud.Driver
	// thrifty lets all callers share their polls.
	thrifty bool
	mu      sync.Mutex
	// ids holds what stands, tainted what an error followed after its id was
	// known: that is replaced the next time.
	ids     map[string]string
	tainted map[string]bool
}

// ensure makes one object unless it stands, and returns its id.
func ensure[S, T any](r *estateOfTenants, name string, store cloud.Store[S, T], spec S, object func(T) cloud.Object) (string, error) {
	r.mu.Lock()
	id, tainted := r.ids[name], r.tainted[name]
	r.mu.Unlock()
	if id != "" && !tainted {
		return id, nil
	}
	if tainted {
		if err := r.delete(name, store); err != nil {
			return "", err
		}
	}
	keep := func(made T) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.ids[name] = object(made).ID.Native
	}
	made, err := store.Create(r.ctx, spec, keep)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.tainted[name] = r.ids[name] != ""
		return "", fmt.Errorf("%s: %w", name, err)
	}
	return object(made).ID.Native, nil
}

// deleter is a cloud.Store of whatever types.
type deleter interface {
	Delete(ctx context.Context, native string) error
}

func (r *estateOfTenants) delete(name string, store deleter) error {
	r.mu.Lock()
	id := r.ids[name]
	r.mu.Unlock()
	if id == "" {
		return nil
	}
	if err := store.Delete(r.ctx, id); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.ids, name)
	delete(r.tainted, name)
	return nil
}

// each runs something for all tenants at once and counts those that failed.
func (r *estateOfTenants) each(run func(tenant string, n int) error) (failed int, last error) {
	var (
		group sync.WaitGroup
		mu    sync.Mutex
	)
	for n := range regionTenants {
		group.Go(func() {
			if err := run(fmt.Sprintf("tenant%d", n), n); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failed, last = failed+1, err
			}
		})
	}
	group.Wait()
	return failed, last
}

func firewallObject(o cloud.Firewall) cloud.Object { return o.Object }

func (r *estateOfTenants) apply() (int, error) {
	key, err := ensure(r, "key", r.driver.SSHKeys(), keySpec(), func(o cloud.SSHKey) cloud.Object { return o.Object })
	if err != nil {
		return 1, err
	}
	common := regionMeta("common")
	common.Tenant = ""
	shared, err := ensure(r, "firewall", r.driver.Firewalls(), cloud.FirewallSpec{Meta: common, Rules: webRules()}, firewallObject)
	if err != nil {
		return 1, err
	}
	return r.each(func(tenant string, n int) error {
		place := regionMeta(tenant)
		network, err := ensure(r, tenant+"/network", r.driver.Networks(), cloud.NetworkSpec{Meta: place, CIDR: netip.MustParsePrefix("10.1.0.0/16"),
			Subnets: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/24")},
			Routes:  []cloud.Route{{Destination: netip.MustParsePrefix("192.168.0.0/16"), Gateway: netip.MustParseAddr("10.1.0.9")}}},
			func(o cloud.Network) cloud.Object { return o.Object })
		if err != nil {
			return err
		}
		firewall := shared
		if n%2 == 0 {
			firewall, err = ensure(r, tenant+"/firewall", r.driver.Firewalls(), cloud.FirewallSpec{Meta: place, Network: network, Rules: webRules()}, firewallObject)
			if err != nil {
				return err
			}
		}
		volume, err := ensure(r, tenant+"/volume", r.driver.Volumes(), cloud.VolumeSpec{Meta: place, SizeGB: 10}, func(o cloud.Volume) cloud.Object { return o.Object })
		if err != nil {
			return err
		}
		spec := cloud.VMSpec{Meta: place, ServerType: smallType, Image: "debian-12", SSHKeys: []string{key}, Network: network, Firewalls: []string{firewall},
			Volumes: []string{volume}, Power: cloud.PowerRunning}
		if n%2 == 1 {
			spec.PrivateIP = netip.MustParseAddr("10.1.0.77")
		}
		_, err = ensure(r, tenant+"/vm", r.driver.VMs(), spec, func(o cloud.VM) cloud.Object { return o.Object })
		return err
	})
}

func (r *estateOfTenants) destroy() (int, error) {
	failed, err := r.each(func(tenant string, _ int) error {
		for _, step := range []struct {
			what  string
			store deleter
		}{{"vm", r.driver.VMs()}, {"volume", r.driver.Volumes()}, {"firewall", r.driver.Firewalls()}, {"network", r.driver.Networks()}} {
			if err := r.delete(tenant+"/"+step.what, step.store); err != nil {
				return err
			}
		}
		return nil
	})
	if failed > 0 {
		return failed, err
	}
	if err := r.delete("firewall", r.driver.Firewalls()); err != nil {
		return 1, err
	}
	if err := r.delete("key", r.driver.SSHKeys()); err != nil {
		return 1, err
	}
	return 0, nil
}

// until repeats a phase; each time with a driver that remembers nothing.
func (r *estateOfTenants) until(t *testing.T, what string, phase func() (int, error)) {
	t.Helper()
	for attempt := 1; ; attempt++ {
		r.driver = r.w.connectPatiently(t, r.thrifty)
		failed, err := phase()
		if failed == 0 {
			return
		}
		if attempt == maxApplies {
			t.Fatalf("%s has not converged after %d attempts: %v", what, attempt, err)
		}
	}
}

// fastClock is the budget's clock, which goes as fast as the cloud's.
type fastClock struct{ *simcloud.Clock }

func (c fastClock) AfterFunc(d time.Duration, f func()) func() {
	timer := time.AfterFunc(d/speed, f)
	return func() { timer.Stop() }
}

// connectPatiently makes a driver that sends what failed once more, as the
// provider's own client does eight times: many faults still come through.
func (w *world) connectPatiently(t *testing.T, thrifty bool) *google.Driver {
	t.Helper()
	clock := fastClock{w.sim.Clock()}
	plain := client(t)
	patient := budget.NewHTTPClient(budget.HTTPOptions{Bucket: budget.NewRateBucket(clock, 1_000_000), Base: plain.Transport,
		Attempts: 2, MinDelay: time.Millisecond, MaxDelay: 4 * time.Millisecond})
	if thrifty {
		return w.connectWith(t, func(options *google.Options) { options.HTTPClient, options.NewWaiter = patient, w.sharedPolls })
	}
	return w.connectOver(t, patient)
}

// check compares what the cloud holds with what is declared for a number of
// tenants: all of them, or none.
func (r *estateOfTenants) check(t *testing.T, want int) {
	t.Helper()
	own, sharing, some := (want+1)/2, want/2, min(want, 1)
	// A firewall has two inbound rules, one outbound, and two that end those.
	const rules = 5
	for kind, n := range map[string]int{"google_network": want + some, "google_subnetwork": want, "google_disk": 2 * want, "google_instance": want,
		"google_firewall": rules * (own + sharing + some)} {
		var names []string
		for _, record := range r.w.sim.Objects(kind) {
			name := record.Base().Name
			if wall, ok := record.(*simgoogle.Firewall); ok {
				name = fmt.Sprintf("%d/%s", wall.Network, name)
			}
			names = append(names, name)
		}
		slices.Sort(names)
		if len(slices.Compact(slices.Clone(names))) != n || len(names) != n {
			t.Errorf("the cloud holds the %ss %v, want %d", kind, names, n)
		}
	}
	r.w.sim.ClearFaults()
	driver := r.w.connect(t)
	mine := cloud.Filter{Deployment: "acme-eu"}
	vms, err := driver.VMs().List(r.ctx, mine)
	if err != nil || len(vms) != want {
		t.Fatalf("%d VMs, %v", len(vms), err)
	}
	for _, vm := range vms {
		if vm.Power != cloud.PowerRunning || len(vm.Volumes) != 1 || len(vm.Firewalls) != 1 || vm.Network == "" {
			t.Errorf("VM %s is %s with the volumes %v, firewalls %v, network %q", vm.Name, vm.Status, vm.Volumes, vm.Firewalls, vm.Network)
		}
		if slices.Contains([]string{"tenant1", "tenant3"}, vm.Name) && vm.PrivateIP.String() != "10.1.0.77" {
			t.Errorf("VM %s has the address %s", vm.Name, vm.PrivateIP)
		}
	}
	keys, err := driver.SSHKeys().List(r.ctx, mine)
	if err != nil || len(keys) != some {
		t.Errorf("%d keys, %v", len(keys), err)
	}
	walls, err := driver.Firewalls().List(r.ctx, mine)
	if err != nil || len(walls) != own+some {
		t.Errorf("%d firewalls, %v", len(walls), err)
	}
	for _, wall := range walls {
		if len(wall.Rules) != len(webRules()) {
			t.Errorf("firewall %s has the rules %v", wall.Name, wall.Rules)
		}
	}
	nets, err := driver.Networks().List(r.ctx, mine)
	if err != nil || len(nets) != want {
		t.Errorf("%d networks, %v", len(nets), err)
	}
	for _, net := range nets {
		if len(net.Subnets) != 1 || len(net.Routes) != 1 {
			t.Errorf("network %s has the subnets %v and routes %v", net.Name, net.Subnets, net.Routes)
		}
	}
}

func TestARegionConvergesUnderFaults(t *testing.T) {
	runs := faultRuns
	if testing.Short() {
		runs = shortRuns
	}
	for seed := range uint64(runs) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 1)
			random := rand.New(rand.NewPCG(seed, 1))
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
			defer cancel()
			r := &estateOfTenants{w: w, ctx: ctx, thrifty: seed%2 == 0, ids: map[string]string{}, tainted: map[string]bool{}}
			storm(t, w, random)
			r.until(t, "apply", r.apply)
			r.check(t, regionTenants)
			storm(t, w, random)
			r.until(t, "destroy", r.destroy)
			r.check(t, 0)
		})
	}
}
