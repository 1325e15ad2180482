package faults

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// kinds maps the cloud's kinds of objects to the resource types.
var kinds = map[string]string{
	"server": "holdfast_vm", "volume": "holdfast_volume", "network": "holdfast_network",
	"firewall": "holdfast_firewall", "ssh_key": "holdfast_ssh_key",
}

// nativeName is what a tenant's objects are called in the cloud.
func nativeName(i int) string { return fmt.Sprintf("t%d-fsn1", i) }

// complete compares the cloud with what testdata/region declares: each object
// once, in order, connected to its own tenant's, and known to the state by its
// id.
func (r *region) complete(t *testing.T) {
	t.Helper()
	want := map[string]int{"server": tenants, "volume": tenants, "network": tenants, "firewall": tenants,
		"ssh_key": 1, "primary_ip": 2 * tenants, "floating_ip": 0, "placement_group": 0}
	if diff := cmp.Diff(want, r.Inventory()); diff != "" {
		t.Fatalf("the cloud does not hold what is declared:\n%s", diff)
	}
	ids := map[string]string{}
	for _, server := range all(t, r.client.Server.All) {
		ids["server "+server.Name] = strconv.FormatInt(server.ID, 10)
	}
	names := map[int64]string{}
	for _, network := range all(t, r.client.Network.All) {
		names[network.ID] = network.Name
		ids["network "+network.Name] = strconv.FormatInt(network.ID, 10)
		if len(network.Subnets) != 1 {
			t.Errorf("network %s has %d subnets", network.Name, len(network.Subnets))
		}
	}
	for _, firewall := range all(t, r.client.Firewall.All) {
		names[firewall.ID] = firewall.Name
		ids["firewall "+firewall.Name] = strconv.FormatInt(firewall.ID, 10)
		if len(firewall.Rules) != 1 {
			t.Errorf("firewall %s has %d rules", firewall.Name, len(firewall.Rules))
		}
	}
	for _, volume := range all(t, r.client.Volume.All) {
		names[volume.ID] = volume.Name
		ids["volume "+volume.Name] = strconv.FormatInt(volume.ID, 10)
	}
	for _, key := range all(t, r.client.SSHKey.All) {
		ids["ssh_key "+key.Name] = strconv.FormatInt(key.ID, 10)
	}
	for _, server := range all(t, r.client.Server.All) {
		r.connected(t, server, names)
	}
	r.known(t, ids)
}

// connected checks one server: it runs, behind its firewall, in its network,
// with its volume.
func (r *region) connected(t *testing.T, server *hcloud.Server, names map[int64]string) {
	t.Helper()
	has := []string{string(server.Status), server.ServerType.Name}
	for _, net := range server.PrivateNet {
		has = append(has, "network "+names[net.Network.ID])
	}
	for _, firewall := range server.PublicNet.Firewalls {
		has = append(has, fmt.Sprintf("firewall %s %s", names[firewall.Firewall.ID], firewall.Status))
	}
	for _, volume := range server.Volumes {
		has = append(has, "volume "+names[volume.ID])
	}
	want := []string{"running", "cx23", "network " + server.Name, fmt.Sprintf("firewall %s applied", server.Name), "volume " + server.Name}
	if diff := cmp.Diff(want, has); diff != "" {
		t.Errorf("server %s is not as declared:\n%s", server.Name, diff)
	}
	if server.PublicNet.IPv4.IsUnspecified() || server.PublicNet.IPv6.IsUnspecified() {
		t.Errorf("server %s lacks a public address", server.Name)
	}
}

// known compares the state with the cloud's ids.
func (r *region) known(t *testing.T, ids map[string]string) {
	t.Helper()
	want := map[string]recordedObject{}
	for kind, resource := range kinds {
		if kind == "ssh_key" {
			want[resource] = recordedObject{native: ids["ssh_key admin"]}
			continue
		}
		for i := range tenants {
			want[fmt.Sprintf("%s.t%d", resource, i)] = recordedObject{native: ids[kind+" "+nativeName(i)]}
		}
	}
	if diff := cmp.Diff(want, r.recorded(t), cmp.AllowUnexported(recordedObject{})); diff != "" {
		t.Errorf("the state is not what the cloud holds:\n%s", diff)
	}
}

// objects lists all there are, as "server 4711".
func (r *region) objects() map[string]bool {
	found := map[string]bool{}
	for kind := range kinds {
		for _, record := range r.Objects(kind) {
			found[fmt.Sprintf("%s %d", kind, record.Base().ID)] = true
		}
	}
	return found
}

// kept checks that nothing has replaced the objects that were there before,
// except those whose creation had failed.
func (r *region) kept(t *testing.T, before map[string]bool) {
	t.Helper()
	gone := maps.Clone(before)
	maps.DeleteFunc(gone, func(object string, _ bool) bool { return r.objects()[object] })
	for _, record := range r.Objects("action") {
		action, ok := record.(*engine.Action)
		if !ok || action.Status != engine.Failed || !slices.Contains([]string{"create_server", "start_server", "create_volume"}, action.Command) {
			continue
		}
		for _, spoiled := range action.Resources {
			delete(gone, fmt.Sprintf("%s %d", spoiled.Type, spoiled.ID))
		}
	}
	if len(gone) > 0 {
		t.Errorf("healthy objects were replaced: %s", strings.Join(slices.Sorted(maps.Keys(gone)), ", "))
	}
}

// all reads a whole list.
func all[T any](t *testing.T, list func(context.Context) ([]T, error)) []T {
	t.Helper()
	found, err := list(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return found
}
