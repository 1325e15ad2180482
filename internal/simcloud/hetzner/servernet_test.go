package hetzner_test

import (
	"net"
	"testing"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

func (c *cloud) get(s *hcloud.Server) *hcloud.Server {
	c.t.Helper()
	return must[*hcloud.Server](c)(c.client.Server.GetByID(c.ctx, s.ID))
}

func TestServerNetworks(t *testing.T) {
	c := newCloud(t, simcloud.Options{DurationScale: 1})
	s := c.testServer("s")
	n := c.testNetwork("n", "10.0.0.0/16", "10.0.1.0/24")
	attach := func(s *hcloud.Server, n *hcloud.Network, ip string, aliases ...string) error {
		o := hcloud.ServerAttachToNetworkOpts{Network: n, IP: net.ParseIP(ip)}
		for _, a := range aliases {
			o.AliasIPs = append(o.AliasIPs, net.ParseIP(a))
		}
		_, _, err := c.client.Server.AttachToNetwork(c.ctx, s, o)
		return err
	}
	for ip, code := range map[string]hcloud.ErrorCode{"10.0.1.0": hcloud.ErrorCodeIPNotAvailable, "10.0.1.255": hcloud.ErrorCodeIPNotAvailable,
		"10.0.2.5": hcloud.ErrorCodeIPNotAvailable, "192.168.0.1": hcloud.ErrorCodeIPNotAvailable} {
		if err := attach(s, n, ip); !hcloud.IsError(err, code) {
			t.Errorf("address %s: %v, want %s", ip, err, code)
		}
	}
	if err := attach(s, n, "10.0.1.5", "10.0.1.6"); err != nil {
		t.Fatal(err)
	}
	if got := c.get(s); len(got.PrivateNet) != 0 || !got.Locked {
		t.Errorf("before the action is over: %+v", got.PrivateNet)
	}
	c.settle()
	got := c.get(s)
	if len(got.PrivateNet) != 1 || got.PrivateNet[0].IP.String() != "10.0.1.5" || len(got.PrivateNet[0].Aliases) != 1 || got.PrivateNet[0].MACAddress == "" {
		t.Fatalf("private net %+v", got.PrivateNet)
	}
	wantCode(t, attach(s, n, ""), hcloud.ErrorCodeServerAlreadyAttached)
	second := c.testServer("second")
	wantCode(t, attach(second, n, "10.0.1.5"), hcloud.ErrorCodeIPNotAvailable)
	wantCode(t, attach(second, n, "10.0.1.6"), hcloud.ErrorCodeIPNotAvailable)
	wantCode(t, attach(second, n, "", "10.0.1.5"), hcloud.ErrorCodeIPNotAvailable)
	wantCode(t, attach(second, n, "10.0.1.9", "10.0.1.9"), hcloud.ErrorCodeIPNotAvailable)
	if err := attach(second, n, ""); err != nil {
		t.Fatal(err)
	}
	c.settle()
	if ip := c.get(second).PrivateNet[0].IP.String(); ip == "10.0.1.5" || ip == "10.0.1.6" {
		t.Errorf("the address %s was given twice", ip)
	}
	wantCode(t, attach(s, c.testNetwork("overlap", "10.0.0.0/8", "10.0.1.0/24"), ""), hcloud.ErrorCodeNetworksOverlap)
	ash := c.testServer("ash", func(o *hcloud.ServerCreateOpts) {
		o.Location, o.ServerType = &hcloud.Location{Name: "ash"}, &hcloud.ServerType{Name: "cpx11"}
	})
	wantCode(t, attach(ash, n, ""), hcloud.ErrorCodeNoSubnetAvailable) // its zone has none

	alias := func(s *hcloud.Server, ips ...string) error {
		o := hcloud.ServerChangeAliasIPsOpts{Network: n, AliasIPs: []net.IP{}}
		for _, ip := range ips {
			o.AliasIPs = append(o.AliasIPs, net.ParseIP(ip))
		}
		_, _, err := c.client.Server.ChangeAliasIPs(c.ctx, s, o)
		return err
	}
	wantCode(t, alias(second, "10.0.1.6"), hcloud.ErrorCodeIPNotAvailable)
	wantCode(t, alias(ash), hcloud.ErrorCodeInvalidInput)
	if err := alias(s, "10.0.1.6", "10.0.1.7"); err != nil {
		t.Error(err) // its own may stay
	}
	c.settle()
	if got := c.get(s).PrivateNet[0].Aliases; len(got) != 2 {
		t.Errorf("aliases %v", got)
	}
	must[*hcloud.Action](c)(c.client.Server.DetachFromNetwork(c.ctx, s, hcloud.ServerDetachFromNetworkOpts{Network: n}))
	c.settle()
	if got := c.get(s); len(got.PrivateNet) != 0 {
		t.Errorf("private net %+v", got.PrivateNet)
	}
	_, _, err := c.client.Server.DetachFromNetwork(c.ctx, s, hcloud.ServerDetachFromNetworkOpts{Network: n})
	wantCode(t, err, hcloud.ErrorCodeInvalidInput)
}

func TestServerAttachToSubnet(t *testing.T) {
	c := newCloud(t, simcloud.Options{})
	s, n := c.testServer("s"), c.testNetwork("n", "10.0.0.0/16", "10.0.1.0/24")
	_, second, _ := net.ParseCIDR("10.0.2.0/24")
	must[*hcloud.Action](c)(c.client.Network.AddSubnet(c.ctx, n, hcloud.NetworkAddSubnetOpts{
		Subnet: hcloud.NetworkSubnet{Type: hcloud.NetworkSubnetTypeCloud, NetworkZone: "eu-central", IPRange: second}}))
	path := "/servers/" + idText(s.ID) + "/actions/attach_to_network"
	c.refused("POST", path, map[string]any{"network": n.ID, "ip_range": "10.0.3.0/24"}, 422, "invalid_input")
	c.refused("POST", path, map[string]any{"network": n.ID, "ip_range": "10.0.2.0/24", "ip": "10.0.1.5"}, 422, "invalid_input")
	c.refused("POST", path, map[string]any{}, 422, "invalid_input")
	c.refused("POST", path, map[string]any{"network": 7}, 404, "not_found")
	if status, out := c.do("POST", path, map[string]any{"network": n.ID, "ip_range": "10.0.2.0/24"}); status != 201 {
		t.Fatalf("%d %v", status, out)
	}
	if ip := c.get(s).PrivateNet[0].IP; !second.Contains(ip) {
		t.Errorf("address %s is not of the subnet asked for", ip)
	}
}

// All that the tenants of a region need in one request.
func TestServerWithEverything(t *testing.T) {
	c := newCloud(t, simcloud.Options{DurationScale: 1})
	n := c.testNetwork("n", "10.0.0.0/16", "10.0.1.0/24")
	fw := must[hcloud.FirewallCreateResult](c)(c.client.Firewall.Create(c.ctx, hcloud.FirewallCreateOpts{Name: "f"})).Firewall
	group := must[hcloud.PlacementGroupCreateResult](c)(c.client.PlacementGroup.Create(c.ctx, hcloud.PlacementGroupCreateOpts{Name: "g", Type: hcloud.PlacementGroupTypeSpread})).PlacementGroup
	ip := must[*hcloud.PrimaryIPCreateResult](c)(c.client.PrimaryIP.Create(c.ctx, hcloud.PrimaryIPCreateOpts{Name: "p", Type: hcloud.PrimaryIPTypeIPv4, Location: "fsn1"})).PrimaryIP
	create := hcloud.ServerCreateOpts{Name: "s", ServerType: &hcloud.ServerType{Name: "cx23"}, Image: &hcloud.Image{Name: "debian-13"},
		Location: &hcloud.Location{Name: "fsn1"}, Networks: []*hcloud.Network{n}, PlacementGroup: group,
		Firewalls: []*hcloud.ServerCreateFirewall{{Firewall: *fw}},
		PublicNet: &hcloud.ServerCreatePublicNet{EnableIPv4: true, IPv4: ip}}
	r := must[hcloud.ServerCreateResult](c)(c.client.Server.Create(c.ctx, create))
	var next []string
	for _, a := range r.NextActions {
		next = append(next, a.Command)
	}
	if len(next) != 3 || next[0] != "start_server" || next[1] != "attach_to_network" || next[2] != "apply_firewall" {
		t.Errorf("next actions %v", next)
	}
	if fws := r.Server.PublicNet.Firewalls; len(fws) != 1 || fws[0].Status != hcloud.FirewallStatusPending {
		t.Errorf("firewalls at first: %+v", fws)
	}
	c.settle()
	s := c.get(r.Server)
	if s.PublicNet.IPv4.ID != ip.ID || !s.PublicNet.IPv6.IsUnspecified() || len(s.PrivateNet) != 1 || s.PlacementGroup == nil ||
		s.PublicNet.Firewalls[0].Status != hcloud.FirewallStatusApplied || s.Status != hcloud.ServerStatusRunning {
		t.Errorf("server %+v", s)
	}
	create.Name, create.PlacementGroup, create.Networks, create.Firewalls = "t", nil, nil, nil
	_, _, err := c.client.Server.Create(c.ctx, create)
	wantCode(t, err, hcloud.ErrorCodePrimaryIPAssigned)
	free := must[*hcloud.PrimaryIPCreateResult](c)(c.client.PrimaryIP.Create(c.ctx, hcloud.PrimaryIPCreateOpts{Name: "q", Type: hcloud.PrimaryIPTypeIPv6, Location: "nbg1"})).PrimaryIP
	create.PublicNet = &hcloud.ServerCreatePublicNet{EnableIPv6: true, IPv6: free}
	_, _, err = c.client.Server.Create(c.ctx, create)
	wantCode(t, err, hcloud.ErrorCodePrimaryIPDatacenterMismatch)
	create.PublicNet = &hcloud.ServerCreatePublicNet{EnableIPv4: true, IPv4: free}
	_, _, err = c.client.Server.Create(c.ctx, create)
	wantCode(t, err, hcloud.ErrorCodePrimaryIPVersionMismatch)

	_, err = c.client.Firewall.Delete(c.ctx, fw)
	wantCode(t, err, hcloud.ErrorCodeResourceInUse)
	must[*hcloud.ServerDeleteResult](c)(c.client.Server.DeleteWithResult(c.ctx, s))
	c.settle()
	if _, err := c.client.Firewall.Delete(c.ctx, fw); err != nil {
		t.Errorf("the firewall is still in use: %v", err)
	}
	if p := must[*hcloud.PrimaryIP](c)(c.client.PrimaryIP.GetByID(c.ctx, ip.ID)); p == nil || p.AssigneeID != 0 {
		t.Errorf("an IP of one's own survives the server: %+v", p)
	}
	if got := must[*hcloud.Network](c)(c.client.Network.GetByID(c.ctx, n.ID)); len(got.Servers) != 0 {
		t.Errorf("servers of the network %v", got.Servers)
	}
}

func TestServerPlacement(t *testing.T) {
	c := newCloud(t, simcloud.Options{DurationScale: 1})
	s := c.testServer("s")
	group := must[hcloud.PlacementGroupCreateResult](c)(c.client.PlacementGroup.Create(c.ctx, hcloud.PlacementGroupCreateOpts{Name: "g", Type: hcloud.PlacementGroupTypeSpread})).PlacementGroup
	_, _, err := c.client.Server.AddToPlacementGroup(c.ctx, s, group)
	wantCode(t, err, hcloud.ErrorCodeServerNotStopped)
	must[*hcloud.Action](c)(c.client.Server.Poweroff(c.ctx, s))
	c.settle()
	must[*hcloud.Action](c)(c.client.Server.AddToPlacementGroup(c.ctx, s, group))
	c.settle()
	if got := c.get(s); got.PlacementGroup == nil || got.Status != hcloud.ServerStatusRunning {
		t.Errorf("group %v, %s; the vendor starts the server", got.PlacementGroup, got.Status)
	}
	must[*hcloud.Action](c)(c.client.Server.RemoveFromPlacementGroup(c.ctx, s))
	c.settle()
	if got := c.get(s); got.PlacementGroup != nil {
		t.Errorf("group %v", got.PlacementGroup)
	}
	_, _, err = c.client.Server.RemoveFromPlacementGroup(c.ctx, s)
	wantCode(t, err, hcloud.ErrorCodeInvalidInput)
}

func TestFailedAttachmentsLeaveNothing(t *testing.T) {
	c := newCloud(t, simcloud.Options{})
	n := c.testNetwork("n", "10.0.0.0/16", "10.0.1.0/24")
	fw := must[hcloud.FirewallCreateResult](c)(c.client.Firewall.Create(c.ctx, hcloud.FirewallCreateOpts{Name: "f"})).Firewall
	c.fault(simcloud.Fault{Kind: simcloud.FaultActionFailed, Command: "attach_to_network|apply_firewall"})
	s := c.testServer("s", func(o *hcloud.ServerCreateOpts) {
		o.Networks, o.Firewalls = []*hcloud.Network{n}, []*hcloud.ServerCreateFirewall{{Firewall: *fw}}
	})
	if len(s.PrivateNet) != 0 || len(s.PublicNet.Firewalls) != 0 || s.Status != hcloud.ServerStatusRunning {
		t.Errorf("server %+v", s)
	}
}
