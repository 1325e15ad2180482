package faults

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/provider"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

const publicKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA+8tMsKN4vulNVD7Cf0iuJURfLJapXFm/DxMX1ScBtx faults@example.com"

var fsn1 = cloud.Location{Cloud: "hetzner", Name: "fsn1"}

// world does what Terraform does with a configuration of n tenants: it keeps
// a state, creates what is missing in the order of the references, replaces
// what a failed create left, and destroys in reverse.
type world struct {
	sim *simcloud.Sim
	n   int

	mu sync.Mutex
	// state maps an address to what Terraform would have recorded.
	state map[string]record
}

type record struct {
	native  string
	tainted bool
}

// run is one process of the provider: it starts with empty caches.
type run struct {
	*world
	driver cloud.Driver
}

func newWorld(sim *simcloud.Sim, tenants int) *world {
	return &world{sim: sim, n: tenants, state: map[string]record{}}
}

func (w *world) start() (*run, error) {
	clouds := provider.NewClouds(provider.CloudsConfig{
		Deployment: "faults", Version: "test", Transport: direct{w.sim},
		Hetzner: &provider.HetznerConfig{Token: "faults-token", Endpoint: "http://sim.invalid/v1"},
	})
	driver, err := clouds.Driver("hetzner")
	if err != nil {
		return nil, err
	}
	return &run{world: w, driver: driver}, nil
}

func (w *world) get(address string) (record, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r, ok := w.state[address]
	return r, ok
}

func (w *world) set(address string, r record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state[address] = r
}

func (w *world) drop(address string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.state, address)
}

// ensure brings one resource to its spec: refresh, then create, update or
// replace.
func ensure[S any, T cloud.Identified](ctx context.Context, w *world, store cloud.Store[S, T], address string, spec S) (string, error) {
	if have, ok := w.get(address); ok {
		current, err := store.Get(ctx, have.native)
		switch {
		case cloud.IsNotFound(err):
			w.drop(address)
		case err != nil:
			return "", fmt.Errorf("%s: refresh: %w", address, err)
		case have.tainted:
			if err := store.Delete(ctx, have.native); err != nil {
				return "", fmt.Errorf("%s: replace: %w", address, err)
			}
			w.drop(address)
		default:
			_, err := store.Update(ctx, current, spec)
			if err != nil {
				return "", fmt.Errorf("%s: update: %w", address, err)
			}
			return have.native, nil
		}
	}
	// As the services do: the id counts as soon as it is known, and a
	// failure after that taints unless the object turns out healthy, lacks
	// only what an update can bring, or the run was interrupted.
	var saved string
	made, err := store.Create(ctx, spec, func(object T) { saved = object.Identity().Native })
	if err == nil {
		w.set(address, record{native: made.Identity().Native})
		return made.Identity().Native, nil
	}
	if saved != "" && !killed(ctx) {
		w.set(address, record{native: saved, tainted: ctx.Err() == nil && cloud.CodeOf(err) != cloud.CodeUnfinished})
	}
	return "", fmt.Errorf("%s: create: %w", address, err)
}

func remove[S any, T cloud.Identified](ctx context.Context, w *world, store cloud.Store[S, T], address string) error {
	have, ok := w.get(address)
	if !ok {
		return nil
	}
	if err := store.Delete(ctx, have.native); err != nil {
		return fmt.Errorf("%s: delete: %w", address, err)
	}
	if !killed(ctx) {
		w.drop(address)
	}
	return nil
}

type killedKey struct{}

// kill makes a context that ends at a moment as kill -9 ends a process: what
// is under way records nothing any more.
func kill(parent context.Context, after time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(parent, after)
	return context.WithValue(ctx, killedKey{}, true), cancel
}

func killed(ctx context.Context) bool {
	return ctx.Err() != nil && ctx.Value(killedKey{}) != nil
}

func meta(name, tenant string) cloud.Meta {
	return cloud.Meta{Name: name, Location: fsn1, Deployment: "faults", Tenant: tenant, Tier: cloud.TierPaid}
}

// apply makes one attempt at the whole region.
func (r *run) apply(ctx context.Context) error {
	ctx = cloud.WithPriority(ctx, cloud.PriorityPaid)
	key, err := ensure(ctx, r.world, r.driver.SSHKeys(), "ssh_key", cloud.SSHKeySpec{Meta: meta("admin", ""), PublicKey: publicKey})
	if err != nil {
		return err
	}
	var group sync.WaitGroup
	errs := make([]error, r.n)
	for i := range r.n {
		group.Go(func() { errs[i] = r.tenant(ctx, fmt.Sprintf("t%d", i), key) })
	}
	group.Wait()
	return errors.Join(errs...)
}

func (r *run) tenant(ctx context.Context, name, key string) error {
	var group sync.WaitGroup
	var network, firewall, volume string
	errs := make([]error, 3)
	cidr := netip.MustParsePrefix("10.0.0.0/24")
	group.Go(func() {
		network, errs[0] = ensure(ctx, r.world, r.driver.Networks(), name+"/network",
			cloud.NetworkSpec{Meta: meta(name, name), CIDR: cidr, Subnets: []netip.Prefix{cidr}})
	})
	group.Go(func() {
		firewall, errs[1] = ensure(ctx, r.world, r.driver.Firewalls(), name+"/firewall", cloud.FirewallSpec{Meta: meta(name, name),
			Rules: []cloud.FirewallRule{{Direction: cloud.Inbound, Protocol: "tcp", FromPort: 443, ToPort: 443,
				Networks: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}}}})
	})
	group.Go(func() {
		volume, errs[2] = ensure(ctx, r.world, r.driver.Volumes(), name+"/volume", cloud.VolumeSpec{Meta: meta(name, name), SizeGB: 10})
	})
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	_, err := ensure(ctx, r.world, r.driver.VMs(), name+"/vm", cloud.VMSpec{
		Meta: meta(name, name), ServerType: "cx23", Image: "debian-12", SSHKeys: []string{key}, Network: network,
		Firewalls: []string{firewall}, Volumes: []string{volume}, Power: cloud.PowerRunning, PublicIPv4: true, PublicIPv6: true,
	})
	return err
}

// destroy makes one attempt at taking everything down.
func (r *run) destroy(ctx context.Context) error {
	ctx = cloud.WithPriority(ctx, cloud.PriorityPaid)
	var group sync.WaitGroup
	errs := make([]error, r.n)
	for i := range r.n {
		name := fmt.Sprintf("t%d", i)
		group.Go(func() {
			if errs[i] = remove(ctx, r.world, r.driver.VMs(), name+"/vm"); errs[i] != nil {
				return
			}
			errs[i] = errors.Join(
				remove(ctx, r.world, r.driver.Networks(), name+"/network"),
				remove(ctx, r.world, r.driver.Firewalls(), name+"/firewall"),
				remove(ctx, r.world, r.driver.Volumes(), name+"/volume"))
		})
	}
	group.Wait()
	return errors.Join(append(errs, remove(ctx, r.world, r.driver.SSHKeys(), "ssh_key"))...)
}

// inventory counts what the cloud holds.
func (w *world) inventory() map[string]int {
	counts := map[string]int{}
	for _, kind := range []string{"server", "volume", "network", "firewall", "ssh_key", "primary_ip", "floating_ip", "placement_group"} {
		if n := len(w.sim.Objects(kind)); n > 0 {
			counts[kind] = n
		}
	}
	return counts
}
