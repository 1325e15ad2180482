package hetzner_test

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/hetzner"
)

func cidr(t *testing.T, s string) *net.IPNet {
	t.Helper()
	_, n, err := net.ParseCIDR(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// testNetwork makes a network with subnets in eu-central.
func (c *cloud) testNetwork(name, ipRange string, subnets ...string) *hcloud.Network {
	c.t.Helper()
	opts := hcloud.NetworkCreateOpts{Name: name, IPRange: cidr(c.t, ipRange)}
	for _, s := range subnets {
		opts.Subnets = append(opts.Subnets, hcloud.NetworkSubnet{Type: hcloud.NetworkSubnetTypeCloud,
			NetworkZone: hcloud.NetworkZoneEUCentral, IPRange: cidr(c.t, s)})
	}
	return must[*hcloud.Network](c)(c.client.Network.Create(c.ctx, opts))
}

func (c *cloud) network(id int64) *hcloud.Network {
	c.t.Helper()
	return must[*hcloud.Network](c)(c.client.Network.GetByID(c.ctx, id))
}

func subnetsOf(n *hcloud.Network) string {
	var out []string
	for _, s := range n.Subnets {
		out = append(out, s.IPRange.String())
	}
	return strings.Join(out, " ")
}

func TestNetworkLifecycle(t *testing.T) {
	c := newCloud(t, simcloud.Options{DurationScale: 1})
	n := must[*hcloud.Network](c)(c.client.Network.Create(c.ctx, hcloud.NetworkCreateOpts{Name: "n",
		IPRange: cidr(t, "10.0.0.0/16"), Labels: map[string]string{"a": "b"},
		Subnets: []hcloud.NetworkSubnet{{Type: hcloud.NetworkSubnetTypeCloud, NetworkZone: hcloud.NetworkZoneEUCentral, IPRange: cidr(t, "10.0.1.0/24")}},
		Routes:  []hcloud.NetworkRoute{{Destination: cidr(t, "10.100.1.0/24"), Gateway: net.ParseIP("10.0.1.1")}}}))
	if got := n.Subnets[0]; got.Gateway.String() != "10.0.0.1" || got.NetworkZone != "eu-central" || len(n.Routes) != 1 || n.Labels["a"] != "b" {
		t.Fatalf("unexpected network %+v", n)
	}
	expose := true
	n = must[*hcloud.Network](c)(c.client.Network.Update(c.ctx, n, hcloud.NetworkUpdateOpts{Name: "m",
		Labels: map[string]string{"c": "d"}, ExposeRoutesToVSwitch: &expose}))
	if n.Name != "m" || n.Labels["c"] != "d" || len(n.Labels) != 1 || !n.ExposeRoutesToVSwitch {
		t.Errorf("after the update: %+v", n)
	}
	if got := must[*hcloud.Network](c)(c.client.Network.GetByName(c.ctx, "m")); got == nil || got.ID != n.ID {
		t.Errorf("by name: %+v", got)
	}
	protect := must[*hcloud.Action](c)(c.client.Network.ChangeProtection(c.ctx, n, hcloud.NetworkChangeProtectionOpts{Delete: hcloud.Ptr(true)}))
	if protect.Status != hcloud.ActionStatusSuccess || protect.Command != "change_protection" {
		t.Errorf("unexpected action %+v", protect)
	}
	_, err := c.client.Network.Delete(c.ctx, n)
	wantCode(t, err, hcloud.ErrorCodeProtected)
	must[*hcloud.Action](c)(c.client.Network.ChangeProtection(c.ctx, n, hcloud.NetworkChangeProtectionOpts{Delete: hcloud.Ptr(false)}))
	if _, err := c.client.Network.Delete(c.ctx, n); err != nil {
		t.Fatal(err)
	}
	if got := c.network(n.ID); got != nil {
		t.Errorf("still there: %+v", got)
	}
}

func TestNetworkChanges(t *testing.T) {
	c := newCloud(t, simcloud.Options{DurationScale: 1})
	n := c.testNetwork("n", "10.0.0.0/16", "10.0.0.0/24")
	zone := hcloud.NetworkZoneEUCentral
	add := func(ipRange *net.IPNet) (*hcloud.Action, *hcloud.Response, error) {
		return c.client.Network.AddSubnet(c.ctx, n, hcloud.NetworkAddSubnetOpts{
			Subnet: hcloud.NetworkSubnet{Type: hcloud.NetworkSubnetTypeCloud, NetworkZone: zone, IPRange: ipRange}})
	}
	a := must[*hcloud.Action](c)(add(cidr(t, "10.0.4.0/22")))
	if a.Status != hcloud.ActionStatusRunning || a.Command != "add_subnet" || len(a.Resources) != 1 || a.Resources[0].ID != n.ID {
		t.Errorf("unexpected action %+v", a)
	}
	// Whatever else is asked of it meanwhile conflicts; reading does not.
	_, _, err := add(nil)
	wantCode(t, err, hcloud.ErrorCodeConflict)
	_, _, err = c.client.Network.Update(c.ctx, n, hcloud.NetworkUpdateOpts{Name: "x"})
	wantCode(t, err, hcloud.ErrorCodeConflict)
	_, err = c.client.Network.Delete(c.ctx, n)
	wantCode(t, err, hcloud.ErrorCodeConflict)
	if got := subnetsOf(c.network(n.ID)); got != "10.0.0.0/24" {
		t.Errorf("before the end of the action: %s", got)
	}
	c.settle()
	must[*hcloud.Action](c)(add(nil)) // the first free /24
	c.settle()
	if got := subnetsOf(c.network(n.ID)); got != "10.0.0.0/24 10.0.4.0/22 10.0.1.0/24" {
		t.Errorf("subnets: %s", got)
	}
	must[*hcloud.Action](c)(c.client.Network.DeleteSubnet(c.ctx, n, hcloud.NetworkDeleteSubnetOpts{Subnet: hcloud.NetworkSubnet{IPRange: cidr(t, "10.0.4.0/22")}}))
	c.settle()
	if got := subnetsOf(c.network(n.ID)); got != "10.0.0.0/24 10.0.1.0/24" {
		t.Errorf("after the deletion: %s", got)
	}

	route := hcloud.NetworkRoute{Destination: cidr(t, "10.100.1.0/24"), Gateway: net.ParseIP("10.0.1.1")}
	must[*hcloud.Action](c)(c.client.Network.AddRoute(c.ctx, n, hcloud.NetworkAddRouteOpts{Route: route}))
	c.settle()
	everywhere := hcloud.NetworkRoute{Destination: cidr(t, "0.0.0.0/0"), Gateway: net.ParseIP("10.0.1.1")}
	must[*hcloud.Action](c)(c.client.Network.AddRoute(c.ctx, n, hcloud.NetworkAddRouteOpts{Route: everywhere}))
	c.settle()
	if got := c.network(n.ID).Routes; len(got) != 2 || got[0].Destination.String() != "10.100.1.0/24" {
		t.Errorf("routes: %v", got)
	}
	must[*hcloud.Action](c)(c.client.Network.DeleteRoute(c.ctx, n, hcloud.NetworkDeleteRouteOpts{Route: route}))
	c.settle()
	_, _, err = c.client.Network.DeleteRoute(c.ctx, n, hcloud.NetworkDeleteRouteOpts{Route: route})
	wantCode(t, err, hcloud.ErrorCodeNotFound)

	must[*hcloud.Action](c)(c.client.Network.ChangeIPRange(c.ctx, n, hcloud.NetworkChangeIPRangeOpts{IPRange: cidr(t, "10.0.0.0/8")}))
	c.settle()
	if got := c.network(n.ID).IPRange.String(); got != "10.0.0.0/8" {
		t.Errorf("range: %s", got)
	}
	actions := must[[]*hcloud.Action](c)(c.client.Network.Action.List(c.ctx, hcloud.ActionListOpts{Sort: []string{"id:desc"}}))
	if len(actions) != 7 || actions[0].Command != "change_ip_range" || actions[0].Status != hcloud.ActionStatusSuccess {
		t.Errorf("actions: %v", actions)
	}
}

func TestNetworkRefusals(t *testing.T) {
	c := newCloud(t, simcloud.Options{})
	n := c.testNetwork("n", "10.0.0.0/16", "10.0.1.0/24")
	must[*hcloud.Action](c)(c.client.Network.AddRoute(c.ctx, n, hcloud.NetworkAddRouteOpts{
		Route: hcloud.NetworkRoute{Destination: cidr(t, "10.0.7.0/24"), Gateway: net.ParseIP("10.0.1.9")}}))
	c.settle()
	type m = map[string]any
	sub := func(ipRange string) m {
		return m{"type": "cloud", "network_zone": "eu-central", "ip_range": ipRange}
	}
	route := func(destination, gateway string) m { return m{"destination": destination, "gateway": gateway} }
	self := fmt.Sprintf("/networks/%d", n.ID)
	for _, tc := range []struct {
		name, path string
		body       m
		status     int
		code       string
		field      string
	}{
		{"no name", "/networks", m{"ip_range": "10.0.0.0/16"}, 422, "invalid_input", "name"},
		{"long name", "/networks", m{"name": strings.Repeat("n", 129), "ip_range": "10.0.0.0/16"}, 422, "invalid_input", "name"},
		{"no range", "/networks", m{"name": "x"}, 422, "invalid_input", "ip_range"},
		{"host bits", "/networks", m{"name": "x", "ip_range": "10.0.0.1/16"}, 422, "invalid_input", "ip_range"},
		{"public range", "/networks", m{"name": "x", "ip_range": "11.0.0.0/16"}, 422, "invalid_input", "ip_range"},
		{"more than private", "/networks", m{"name": "x", "ip_range": "172.0.0.0/8"}, 422, "invalid_input", "ip_range"},
		{"too small", "/networks", m{"name": "x", "ip_range": "10.0.0.0/25"}, 422, "invalid_input", "ip_range"},
		{"IPv6", "/networks", m{"name": "x", "ip_range": "fd00::/64"}, 422, "invalid_input", "ip_range"},
		{"bad label", "/networks", m{"name": "x", "ip_range": "10.0.0.0/16", "labels": m{"-": "x"}}, 422, "invalid_input", "labels"},
		{"name taken", "/networks", m{"name": "n", "ip_range": "10.0.0.0/16"}, 409, "uniqueness_error", "name"},
		{"inline subnet outside", "/networks", m{"name": "x", "ip_range": "10.0.0.0/16", "subnets": []m{sub("10.1.0.0/24")}}, 422, "invalid_input", "subnets[].ip_range"},
		{"inline subnets overlap", "/networks", m{"name": "x", "ip_range": "10.0.0.0/16", "subnets": []m{sub("10.0.0.0/24"), sub("10.0.0.128/25")}}, 422, "invalid_input", "subnets[].ip_range"},
		{"inline route", "/networks", m{"name": "x", "ip_range": "10.0.0.0/16", "routes": []m{route("8.8.8.0/24", "10.0.0.2")}}, 422, "invalid_input", "routes[].destination"},
		{"wrong type", "/networks", m{"name": 7}, 422, "invalid_input", "name"},

		{"overlapping subnet", self + "/actions/add_subnet", sub("10.0.0.0/23"), 422, "invalid_input", "ip_range"},
		{"subnet on a route", self + "/actions/add_subnet", sub("10.0.7.128/25"), 422, "invalid_input", "ip_range"},
		{"subnet too small", self + "/actions/add_subnet", sub("10.0.2.0/31"), 422, "invalid_input", "ip_range"},
		{"subnet outside", self + "/actions/add_subnet", sub("10.0.0.0/15"), 422, "invalid_input", "ip_range"},
		{"no such zone", self + "/actions/add_subnet", m{"type": "cloud", "network_zone": "moon"}, 422, "invalid_input", "network_zone"},
		{"no zone", self + "/actions/add_subnet", m{"type": "cloud"}, 422, "invalid_input", "network_zone"},
		{"another zone", self + "/actions/add_subnet", m{"type": "cloud", "network_zone": "us-east"}, 422, "invalid_input", "network_zone"},
		{"no such type", self + "/actions/add_subnet", m{"type": "x", "network_zone": "eu-central"}, 422, "invalid_input", "type"},
		{"vSwitch without id", self + "/actions/add_subnet", m{"type": "vswitch", "network_zone": "eu-central"}, 422, "invalid_input", "vswitch_id"},
		{"id without vSwitch", self + "/actions/add_subnet", m{"type": "cloud", "network_zone": "eu-central", "vswitch_id": 7}, 422, "invalid_input", "vswitch_id"},
		{"unknown subnet", self + "/actions/delete_subnet", m{"ip_range": "10.0.9.0/24"}, 404, "not_found", ""},
		{"nonsense subnet", self + "/actions/delete_subnet", m{"ip_range": "x"}, 422, "invalid_input", "ip_range"},

		{"public destination", self + "/actions/add_route", route("1.2.3.0/24", "10.0.1.9"), 422, "invalid_input", "destination"},
		{"the vendor's gateway as destination", self + "/actions/add_route", route("172.31.0.0/16", "10.0.1.9"), 422, "invalid_input", "destination"},
		{"route on a subnet", self + "/actions/add_route", route("10.0.1.0/25", "10.0.1.9"), 422, "invalid_input", ""},
		{"route twice", self + "/actions/add_route", route("10.0.7.0/24", "10.0.1.8"), 422, "invalid_input", ""},
		{"gateway outside", self + "/actions/add_route", route("10.9.0.0/24", "10.9.0.1"), 422, "invalid_input", "gateway"},
		{"the network's gateway", self + "/actions/add_route", route("10.9.0.0/24", "10.0.0.1"), 422, "invalid_input", "gateway"},

		{"shrunk", self + "/actions/change_ip_range", m{"ip_range": "10.0.0.0/17"}, 422, "invalid_input", "ip_range"},
		{"moved", self + "/actions/change_ip_range", m{"ip_range": "10.2.0.0/15"}, 422, "invalid_input", "ip_range"},
		{"unknown network", "/networks/7/actions/change_ip_range", m{"ip_range": "10.2.0.0/15"}, 404, "not_found", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			wantField(t, c.refused(http.MethodPost, tc.path, tc.body, tc.status, tc.code), tc.field)
		})
	}
	if got := c.Objects("network"); len(got) != 1 {
		t.Errorf("%d networks after refusals", len(got))
	}
}

// wantField expects the error's details to name a field; "" expects nothing.
func wantField(t *testing.T, e map[string]any, field string) {
	t.Helper()
	if field == "" {
		return
	}
	details, _ := e["details"].(map[string]any)
	list, _ := details["fields"].([]any)
	for _, f := range list {
		if f.(map[string]any)["name"] == field {
			return
		}
	}
	t.Errorf("the error does not name the field %s: %v", field, e)
}

func TestNetworkVSwitch(t *testing.T) {
	c := newCloud(t, simcloud.Options{Hetzner: hetzner.Options{VSwitches: []int64{4711}}})
	a, b := c.testNetwork("a", "10.0.0.0/16"), c.testNetwork("b", "10.1.0.0/16")
	opts := hcloud.NetworkAddSubnetOpts{Subnet: hcloud.NetworkSubnet{Type: hcloud.NetworkSubnetTypeVSwitch,
		NetworkZone: hcloud.NetworkZoneEUCentral, VSwitchID: 4711}}
	unknown := opts
	unknown.Subnet.VSwitchID = 42
	_, _, err := c.client.Network.AddSubnet(c.ctx, a, unknown)
	wantCode(t, err, hcloud.ErrorCodeServiceError)
	must[*hcloud.Action](c)(c.client.Network.AddSubnet(c.ctx, a, opts))
	c.settle()
	_, _, err = c.client.Network.AddSubnet(c.ctx, b, opts)
	wantCode(t, err, hcloud.ErrorCodeVSwitchAlreadyUsed)
	s := c.network(a.ID).Subnets[0]
	if s.VSwitchID != 4711 || s.IPRange.String() != "10.0.0.0/24" || s.Gateway.String() != "10.0.0.1" {
		t.Errorf("unexpected subnet %+v", s)
	}
	// Cloud servers get no address there.
	srv := c.testServer("s")
	_, _, err = c.client.Server.AttachToNetwork(c.ctx, srv, hcloud.ServerAttachToNetworkOpts{Network: a})
	wantCode(t, err, hcloud.ErrorCodeNoSubnetAvailable)
	// Behind the switch no route can end.
	c.refused(http.MethodPost, fmt.Sprintf("/networks/%d/actions/add_route", a.ID),
		map[string]any{"destination": "10.9.0.0/16", "gateway": "10.0.0.7"}, 422, "invalid_input")
}

func TestNetworkServers(t *testing.T) {
	c := newCloud(t, simcloud.Options{DurationScale: 1})
	n := c.testNetwork("n", "10.0.0.0/16", "10.0.0.0/29", "10.0.1.0/24")
	in := func(o *hcloud.ServerCreateOpts) { o.Networks = []*hcloud.Network{n} }
	// The first address of the network is the gateway, the last of the subnet
	// its broadcast; the first of another subnet is free.
	for i, want := range []string{"10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6", "10.0.1.1"} {
		s := c.testServer(fmt.Sprintf("s%d", i), in)
		if len(s.PrivateNet) != 1 || s.PrivateNet[0].IP.String() != want {
			t.Fatalf("server %d: %+v, want %s", i, s.PrivateNet, want)
		}
	}
	members, err := c.client.Network.AllMembersWithOpts(c.ctx, n, hcloud.NetworkMemberListOpts{Subnet: []*net.IPNet{cidr(t, "10.0.1.0/24")}})
	if err != nil || len(members) != 1 || members[0].IP.String() != "10.0.1.1" || members[0].Status != hcloud.NetworkMemberStatusOK {
		t.Errorf("members: %v %v", members, err)
	}
	if got := c.network(n.ID).Servers; len(got) != 6 {
		t.Errorf("%d servers in the network", len(got))
	}
	_, _, err = c.client.Network.DeleteSubnet(c.ctx, n, hcloud.NetworkDeleteSubnetOpts{Subnet: n.Subnets[1]})
	wantCode(t, err, hcloud.ErrorCodeServiceError)
	if err == nil || !strings.Contains(err.Error(), "servers are attached") {
		t.Errorf("clients look for other words: %v", err)
	}
	if _, err := c.client.Network.Delete(c.ctx, n); err != nil {
		t.Fatal(err)
	}
	for _, s := range must[[]*hcloud.Server](c)(c.client.Server.List(c.ctx, hcloud.ServerListOpts{})) {
		if len(s.PrivateNet) != 0 {
			t.Errorf("%s is still attached: %+v", s.Name, s.PrivateNet)
		}
	}
}

// A server that comes while a subnet is being deleted keeps it alive.
func TestNetworkSubnetRace(t *testing.T) {
	c := newCloud(t, simcloud.Options{DurationScale: 1})
	n := c.testNetwork("n", "10.0.0.0/16", "10.0.0.0/24")
	s := c.testServer("s")
	del := must[*hcloud.Action](c)(c.client.Network.DeleteSubnet(c.ctx, n, hcloud.NetworkDeleteSubnetOpts{Subnet: n.Subnets[0]}))
	must[*hcloud.Action](c)(c.client.Server.AttachToNetwork(c.ctx, s, hcloud.ServerAttachToNetworkOpts{Network: n}))
	c.settle()
	if got := must[*hcloud.Action](c)(c.client.Action.GetByID(c.ctx, del.ID)); got.Status != hcloud.ActionStatusError || got.ErrorCode != "action_failed" {
		t.Errorf("the deletion: %+v", got)
	}
	if got := subnetsOf(c.network(n.ID)); got != "10.0.0.0/24" {
		t.Errorf("subnets: %s", got)
	}
}

func TestNetworkRestart(t *testing.T) {
	file := t.TempDir() + "/sim.db"
	clock := simcloud.NewClock(time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC), 0)
	c := newCloud(t, simcloud.Options{DataFile: file, Clock: clock, DurationScale: 1})
	n := c.testNetwork("n", "10.0.0.0/16")
	must[*hcloud.Action](c)(c.client.Network.AddSubnet(c.ctx, n, hcloud.NetworkAddSubnetOpts{Subnet: hcloud.NetworkSubnet{
		Type: hcloud.NetworkSubnetTypeCloud, NetworkZone: hcloud.NetworkZoneEUCentral, IPRange: cidr(t, "10.0.3.0/24")}}))
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	c = newCloud(t, simcloud.Options{DataFile: file, Clock: clock, DurationScale: 1})
	if got := c.network(n.ID); len(got.Subnets) != 0 {
		t.Errorf("too early: %+v", got)
	}
	c.settle()
	if got := subnetsOf(c.network(n.ID)); got != "10.0.3.0/24" {
		t.Errorf("subnets after the restart: %s", got)
	}
}
