package google_test

import (
	"fmt"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

// Terraform works on many objects at once, and at this vendor one that is
// coming or going refuses whoever needs it. Firewalls that belong to no network
// share the anchor, and their copies go with the network or with the firewall,
// whichever is first: none of this is sent twice.
func TestSharedFirewallsComeAndGoTogether(t *testing.T) {
	const tenants, rules = 6, 2
	w := newWorld(t, 1)
	d := w.connect(t)
	together := func(what string, run func(tenant string) error) {
		t.Helper()
		var group errgroup.Group
		for i := range tenants {
			group.Go(func() error { return run(fmt.Sprint("tenant", i)) })
		}
		if err := group.Wait(); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	accepted := func(what string, want map[string]int) {
		t.Helper()
		spent := w.spent()
		for route, n := range want {
			if spent[route] != n {
				t.Errorf("%s: %s %d times, want %d", what, route, spent[route], n)
			}
		}
		for status, n := range w.sim.RequestsOf(simcloud.Google).Status {
			if status >= 400 {
				t.Errorf("%s: %d answers with status %d", what, n, status)
			}
		}
		w.sim.ResetRequests()
	}
	if err := create(t, d.SSHKeys(), keySpec()); err != nil {
		t.Fatal(err)
	}
	w.sim.ResetRequests()
	together("create firewalls", func(name string) error { return create(t, d.Firewalls(), tenantFirewall(name, "")) })
	accepted("create firewalls", map[string]int{"POST /global/networks": 1, "POST /global/firewalls": tenants})
	together("create networks", func(name string) error { return create(t, d.Networks(), tenantNetwork(name)) })
	together("create VMs", func(name string) error {
		spec := tenantVM(name)
		spec.Volumes = nil
		return create(t, d.VMs(), spec)
	})
	accepted("create VMs", map[string]int{"POST /global/firewalls": tenants})
	together("delete VMs", func(name string) error { return d.VMs().Delete(t.Context(), name+"-"+zone) })
	w.sim.ResetRequests()
	together("delete networks and firewalls", func(name string) error {
		var group errgroup.Group
		group.Go(func() error { return d.Networks().Delete(t.Context(), name+"-"+zone) })
		group.Go(func() error { return d.Firewalls().Delete(t.Context(), name+"-"+zone) })
		return group.Wait()
	})
	accepted("delete networks and firewalls", map[string]int{"DELETE /global/firewalls/{firewall}": tenants * rules, "DELETE /global/networks/{network}": tenants + 1})
}
