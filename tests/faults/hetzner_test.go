package faults

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

func onHetzner() vendor {
	return vendor{
		name: simcloud.Hetzner,
		environment: func(base string) []string {
			return []string{"HCLOUD_TOKEN=" + token, "HCLOUD_ENDPOINT=" + base + "/v1"}
		},
		runs:      24,
		requests:  22,
		scenarios: hetznerScenarios(),
		holds: map[string]int{"server": tenants, "volume": tenants, "network": tenants, "firewall": tenants,
			"ssh_key": 1, "primary_ip": 2 * tenants, "floating_ip": 0, "placement_group": 0},
		lasting:   []string{"server", "volume", "network", "firewall", "ssh_key"},
		passing:   func(string, string) bool { return false },
		creations: []string{"create_server", "start_server", "create_volume"},
		inspect:   inspectHetzner,
		empty:     func(*testing.T, *region) {},
	}
}

// hetznerScenarios are those of the runs in simulated time, as long and as
// heavy as a command with timeouts of seconds meets them.
func hetznerScenarios() []scenario {
	writes := "POST|PUT|DELETE"
	return []scenario{
		{name: "server errors", arm: func(r *rand.Rand, sim *simcloud.Sim) {
			for _, status := range []int{500, 502, 503, 504} {
				add(sim, simcloud.Fault{Kind: simcloud.FaultError, Status: status, Probability: 0.05 + r.Float64()/12})
			}
		}},
		{name: "dropped before", arm: func(r *rand.Rand, sim *simcloud.Sim) {
			add(sim, simcloud.Fault{Kind: simcloud.FaultDropBefore, Probability: 0.1 + r.Float64()/4})
		}},
		{name: "dropped after the write took effect", arm: func(r *rand.Rand, sim *simcloud.Sim) {
			add(sim, simcloud.Fault{Kind: simcloud.FaultDropAfter, Probability: 0.1 + r.Float64()/4})
		}},
		{name: "every first answer to a write lost", arm: func(_ *rand.Rand, sim *simcloud.Sim) {
			add(sim, simcloud.Fault{Kind: simcloud.FaultDropAfter, Method: writes, Count: 25})
		}},
		{name: "action failed", arm: func(r *rand.Rand, sim *simcloud.Sim) {
			add(sim, simcloud.Fault{Kind: simcloud.FaultActionFailed, Probability: 0.1 + r.Float64()/3, Count: 8})
		}},
		{name: "action stuck", arm: func(r *rand.Rand, sim *simcloud.Sim) {
			add(sim, simcloud.Fault{Kind: simcloud.FaultActionStuck, Probability: 0.2 + r.Float64()/3, Count: 1 + r.IntN(2)})
		}},
		{name: "no capacity", arm: func(r *rand.Rand, sim *simcloud.Sim) {
			add(sim, simcloud.Fault{Kind: simcloud.FaultCapacity, ServerType: "cx23", Location: "fsn1", Count: 1 + r.IntN(4)})
		}},
		{name: "location lost", arm: func(r *rand.Rand, sim *simcloud.Sim) {
			add(sim, simcloud.Fault{Kind: simcloud.FaultLocationLost, Location: "fsn1", Seconds: 2 + 20*r.Float64()})
		}},
		{name: "storm of 429", arm: func(r *rand.Rand, sim *simcloud.Sim) {
			add(sim, simcloud.Fault{Kind: simcloud.FaultRateLimit, Probability: 0.5 + r.Float64()/2, Seconds: 2 + 4*r.Float64()})
		}},
		{name: "locked and conflict", arm: func(_ *rand.Rand, sim *simcloud.Sim) {
			add(sim, simcloud.Fault{Kind: simcloud.FaultError, Status: 423, Code: "locked", Method: writes, Probability: 0.3, Count: 20},
				simcloud.Fault{Kind: simcloud.FaultError, Status: 409, Code: "conflict", Method: writes, Probability: 0.3, Count: 20})
		}},
		{name: "quota used up", arm: func(r *rand.Rand, sim *simcloud.Sim) {
			sim.FillQuota(3 + r.IntN(10))
		}},
		{name: "everything", arm: func(r *rand.Rand, sim *simcloud.Sim) {
			add(sim, simcloud.Fault{Kind: simcloud.FaultError, Status: 503, Probability: 0.1},
				simcloud.Fault{Kind: simcloud.FaultDropBefore, Probability: 0.05},
				simcloud.Fault{Kind: simcloud.FaultDropAfter, Probability: 0.1},
				simcloud.Fault{Kind: simcloud.FaultRateLimit, Probability: 0.05},
				simcloud.Fault{Kind: simcloud.FaultActionFailed, Probability: 0.1, Count: 4},
				simcloud.Fault{Kind: simcloud.FaultActionStuck, Probability: 0.05, Count: 1},
				simcloud.Fault{Kind: simcloud.FaultCapacity, ServerType: "cx23", Location: "fsn1", Probability: 0.2, Count: 2},
				simcloud.Fault{Kind: simcloud.FaultError, Status: 423, Code: "locked", Method: writes, Probability: 0.1, Count: 20})
		}},
	}
}

// hetznerTenant is whose object it is: its name is the tenant's and the location's.
func hetznerTenant(name string) string { return strings.TrimSuffix(name, "-fsn1") }

func inspectHetzner(t *testing.T, r *region) map[string]string {
	t.Helper()
	client := hcloud.NewClient(hcloud.WithToken(token), hcloud.WithEndpoint(r.HetznerEndpoint()))
	ids, names := map[string]string{}, map[int64]string{}
	saw := func(resource, name string, id int64) {
		names[id] = name
		ids[resource+"."+hetznerTenant(name)] = strconv.FormatInt(id, 10)
	}
	for _, network := range all(t, client.Network.All) {
		saw("holdfast_network", network.Name, network.ID)
		if len(network.Subnets) != 1 {
			t.Errorf("network %s has %d subnets", network.Name, len(network.Subnets))
		}
	}
	for _, firewall := range all(t, client.Firewall.All) {
		saw("holdfast_firewall", firewall.Name, firewall.ID)
		if len(firewall.Rules) != 1 {
			t.Errorf("firewall %s has %d rules", firewall.Name, len(firewall.Rules))
		}
	}
	for _, volume := range all(t, client.Volume.All) {
		saw("holdfast_volume", volume.Name, volume.ID)
	}
	for _, server := range all(t, client.Server.All) {
		ids["holdfast_vm."+hetznerTenant(server.Name)] = strconv.FormatInt(server.ID, 10)
		connectedHetzner(t, server, names)
	}
	for _, key := range all(t, client.SSHKey.All) {
		if key.Name == "admin" {
			ids["holdfast_ssh_key"] = strconv.FormatInt(key.ID, 10)
		}
	}
	return ids
}

// connectedHetzner checks one server: it runs, behind its firewall, in its
// network, with its volume.
func connectedHetzner(t *testing.T, server *hcloud.Server, names map[int64]string) {
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
