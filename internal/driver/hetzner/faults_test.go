package hetzner_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

// The fault runs: a region of tenants is applied and destroyed while things go
// wrong at random, again and again until it succeeds, as people do. Then the
// cloud holds exactly what was declared: nothing lost, nothing doubled.
const (
	faultRuns     = 200
	shortRuns     = 40
	regionTenants = 5
	// maxApplies bounds how often a region is applied until it must stand.
	maxApplies = 60
)

// storm arms a run's faults. What takes effect without an answer, what fails
// without effect, and what fails later are all among them.
func storm(t *testing.T, w *world, random *rand.Rand) {
	some := func(most float64) float64 { return random.Float64()*most + 0.001 }
	for _, fault := range []simcloud.Fault{
		{Kind: simcloud.FaultError, Status: 500, Code: "server_error", Probability: some(0.1)},
		{Kind: simcloud.FaultError, Status: 503, Code: "unavailable", Probability: some(0.1)},
		{Kind: simcloud.FaultDropBefore, Probability: some(0.1)},
		{Kind: simcloud.FaultDropAfter, Probability: some(0.2)},
		{Kind: simcloud.FaultError, Method: "POST|PUT|DELETE", Status: 423, Code: "locked", Probability: some(0.1)},
		{Kind: simcloud.FaultError, Method: "POST|PUT", Status: 409, Code: "conflict", Probability: some(0.1)},
		{Kind: simcloud.FaultRateLimit, Probability: some(0.1)},
		{Kind: simcloud.FaultActionFailed, Probability: some(0.1)},
		{Kind: simcloud.FaultCapacity, ServerType: smallType, Probability: some(0.2)},
		{Kind: simcloud.FaultDelay, DelaySeconds: 2, Probability: some(0.2)},
	} {
		w.fault(t, fault)
	}
}

// region declares tenants and remembers, as a state file does, what stands.
type region struct {
	w      *world
	ctx    context.Context
	driver cloud.Driver
	mu     sync.Mutex
	// ids holds what stands, tainted what an error followed after its id was
	// known: that is replaced the next time.
	ids     map[string]string
	tainted map[string]bool
}

// ensure makes one object unless it stands, and returns its id.
func ensure[S, T any](r *region, name string, store cloud.Store[S, T], spec S, object func(T) cloud.Object) (string, error) {
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
		return "", err
	}
	return object(made).ID.Native, nil
}

// deleter is a cloud.Store of whatever types.
type deleter interface {
	Delete(ctx context.Context, native string) error
}

func (r *region) delete(name string, store deleter) error {
	r.mu.Lock()
	id := r.ids[name]
	r.mu.Unlock()
	if id == "" {
		return nil
	}
	if err := store.Delete(r.ctx, id); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.ids, name)
	delete(r.tainted, name)
	return nil
}

// each runs something for all tenants at once and counts those that failed.
func (r *region) each(run func(tenant string, n int) error) (failed int, last error) {
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

func (r *region) apply() (int, error) {
	key, err := ensure(r, "key", r.driver.SSHKeys(), keySpec(), func(o cloud.SSHKey) cloud.Object { return o.Object })
	if err != nil {
		return 1, err
	}
	return r.each(func(tenant string, n int) error {
		place := meta(tenant)
		place.Tenant = tenant
		network, err := ensure(r, tenant+"/network", r.driver.Networks(), cloud.NetworkSpec{Meta: place, CIDR: netip.MustParsePrefix("10.1.0.0/16"),
			Subnets: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/24")}}, func(o cloud.Network) cloud.Object { return o.Object })
		if err != nil {
			return err
		}
		rules := firewallSpec().Rules
		firewall, err := ensure(r, tenant+"/firewall", r.driver.Firewalls(), cloud.FirewallSpec{Meta: place, Rules: rules}, func(o cloud.Firewall) cloud.Object { return o.Object })
		if err != nil {
			return err
		}
		volume, err := ensure(r, tenant+"/volume", r.driver.Volumes(), cloud.VolumeSpec{Meta: place, SizeGB: 10}, func(o cloud.Volume) cloud.Object { return o.Object })
		if err != nil {
			return err
		}
		spec := cloud.VMSpec{Meta: place, ServerType: smallType, Image: "debian-13", SSHKeys: []string{key}, Network: network, Firewalls: []string{firewall},
			Volumes: []string{volume}, Power: cloud.PowerRunning, PublicIPv4: true, PublicIPv6: true}
		if n%2 == 1 {
			spec.PrivateIP = netip.MustParseAddr("10.1.0.77")
		}
		_, err = ensure(r, tenant+"/vm", r.driver.VMs(), spec, func(o cloud.VM) cloud.Object { return o.Object })
		return err
	})
}

func (r *region) destroy() (int, error) {
	failed, err := r.each(func(tenant string, _ int) error {
		if err := r.delete(tenant+"/vm", r.driver.VMs()); err != nil {
			return err
		}
		if err := r.delete(tenant+"/volume", r.driver.Volumes()); err != nil {
			return err
		}
		if err := r.delete(tenant+"/firewall", r.driver.Firewalls()); err != nil {
			return err
		}
		return r.delete(tenant+"/network", r.driver.Networks())
	})
	if failed > 0 {
		return failed, err
	}
	if err := r.delete("key", r.driver.SSHKeys()); err != nil {
		return 1, err
	}
	return 0, nil
}

// until repeats a phase; each time with a driver that remembers nothing.
func (r *region) until(t *testing.T, what string, phase func() (int, error)) {
	t.Helper()
	for attempt := 1; ; attempt++ {
		r.driver = r.w.connect(t)
		failed, err := phase()
		if failed == 0 {
			return
		}
		if attempt == maxApplies {
			t.Fatalf("%s has not converged after %d attempts: %v", what, attempt, err)
		}
	}
}

func (r *region) check(t *testing.T, want int) {
	t.Helper()
	for kind, n := range map[string]int{"ssh_key": min(want, 1), "network": want, "firewall": want, "volume": want, "server": want} {
		var names []string
		for _, record := range r.w.sim.Objects(kind) {
			names = append(names, record.Base().Name)
		}
		slices.Sort(names)
		if len(slices.Compact(names)) != n || len(names) != n {
			t.Errorf("the cloud holds the %ss %v, want %d", kind, names, n)
		}
	}
	r.w.sim.ClearFaults()
	driver := r.w.connect(t)
	servers, err := driver.VMs().List(r.ctx, cloud.Filter{Deployment: "acme-eu"})
	if err != nil {
		t.Fatal(err)
	}
	for _, vm := range servers {
		if vm.Status != "running" || len(vm.Volumes) != 1 || len(vm.Firewalls) != 1 || vm.Network == "" {
			t.Errorf("VM %s is %s with the volumes %v, firewalls %v, network %q", vm.Name, vm.Status, vm.Volumes, vm.Firewalls, vm.Network)
		}
		if !slices.Contains([]string{"tenant0", "tenant2", "tenant4"}, vm.Name) && vm.PrivateIP.String() != "10.1.0.77" {
			t.Errorf("VM %s has the address %s", vm.Name, vm.PrivateIP)
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
			r := &region{w: w, ctx: ctx, ids: map[string]string{}, tainted: map[string]bool{}}
			storm(t, w, random)
			r.until(t, "apply", r.apply)
			r.check(t, regionTenants)
			storm(t, w, random)
			r.until(t, "destroy", r.destroy)
			r.check(t, 0)
		})
	}
}
