package hetzner

import (
	"net/netip"
	"slices"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// The vendor's bounds of networks: the smallest network and subnet are in the
// descriptions of the operations, the numbers in
// https://docs.hetzner.com/cloud/networks/overview.
const (
	maxNetworkBits = 24
	maxSubnetBits  = 30
	freeSubnetBits = 24 // of a subnet whose range the client leaves to the vendor
	maxSubnets     = 50
	maxRoutes      = 100
)

// rfc1918 are the private ranges in which networks and routes have to lie.
func rfc1918() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16")}
}

// publicGateway is the gateway of every server's public interface, which no
// private network may use.
func publicGateway() netip.Addr { return netip.AddrFrom4([4]byte{172, 31, 1, 1}) }

// within tells whether the outer range holds all of the inner one.
func within(outer, inner netip.Prefix) bool {
	return outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
}

func isPrivate(p netip.Prefix) bool {
	return slices.ContainsFunc(rfc1918(), func(r netip.Prefix) bool { return within(r, p) })
}

// privateRange parses the range of a network.
func privateRange(s string) (netip.Prefix, bool) {
	p, ok := cleanPrefix(s)
	return p, ok && p.Addr().Is4() && p.Bits() <= maxNetworkBits && isPrivate(p)
}

// prefixOf parses a range that was checked when it was stored.
func prefixOf(s string) netip.Prefix {
	p, _ := netip.ParsePrefix(s)
	return p
}

type subnetRequest struct {
	Type        string `json:"type"`
	IPRange     string `json:"ip_range"`
	NetworkZone string `json:"network_zone"`
	VSwitchID   int64  `json:"vswitch_id"`
}

// newSubnet checks a subnet that is to be added to n and completes it. The
// names of wrong fields get the prefix at.
func (c *call) newSubnet(n *Network, in subnetRequest, at string) (Subnet, error) {
	var v fields
	if !slices.Contains([]string{"cloud", "server", "vswitch"}, in.Type) {
		v.add(at+"type", "must be one of: cloud, server, vswitch")
	}
	switch {
	case in.NetworkZone == "":
		v.add(at+"network_zone", "missing data for required field")
	case !c.api.cat.hasZone(in.NetworkZone):
		v.add(at+"network_zone", "network zone '%s' not found", in.NetworkZone)
	case in.Type == "vswitch" && in.NetworkZone != "eu-central":
		v.add(at+"network_zone", "vSwitches are only available in eu-central")
	case len(n.Subnets) > 0 && n.Subnets[0].NetworkZone != in.NetworkZone:
		// https://docs.hetzner.com/cloud/networks/faq: all subnets of a
		// network have to be from the same network zone.
		v.add(at+"network_zone", "all subnets of a network must be in the same network zone")
	}
	if (in.Type == "vswitch") != (in.VSwitchID != 0) {
		v.add(at+"vswitch_id", "must be given for subnets of type vswitch, and for no others")
	}
	r, problem := n.roomFor(in.IPRange)
	if problem != "" {
		v.add(at+"ip_range", "%s", problem)
	}
	if err := v.err(); err != nil {
		return Subnet{}, err
	}
	if len(n.Subnets) >= maxSubnets {
		return Subnet{}, limitExceeded("network_subnets")
	}
	if in.VSwitchID != 0 && !slices.Contains(c.api.opts.VSwitches, in.VSwitchID) {
		return Subnet{}, fail("service_error", "vswitch not found")
	}
	if in.VSwitchID != 0 && networks.Find(c.tx, c.project, func(o *Network) bool {
		return o.ID != n.ID && slices.ContainsFunc(o.Subnets, func(s Subnet) bool { return s.VSwitchID == in.VSwitchID })
	}) != nil {
		return Subnet{}, fail("vswitch_id_already_used", "vSwitch %d is already used in another network", in.VSwitchID)
	}
	s := Subnet{Type: in.Type, IPRange: r.String(), NetworkZone: in.NetworkZone, VSwitchID: in.VSwitchID}
	// The gateway is the first address of the whole network, but of the subnet
	// when that is a vSwitch's layer 2.
	s.Gateway = prefixOf(n.IPRange).Addr().Next().String()
	if s.Type == "vswitch" {
		s.Gateway = r.Addr().Next().String()
	}
	return s, nil
}

// roomFor checks the range asked for a new subnet, or finds the first free one
// when none was; otherwise it answers what is wrong.
func (n *Network) roomFor(want string) (netip.Prefix, string) {
	net := prefixOf(n.IPRange)
	if want != "" {
		r, ok := cleanPrefix(want)
		switch {
		case !ok || !r.Addr().Is4() || r.Bits() > maxSubnetBits:
			return r, "must be an IPv4 range of at least /30 in CIDR notation"
		case !within(net, r):
			return r, "must be part of the network's ip_range"
		case n.taken(r):
			return r, "overlaps with another subnet or a route"
		}
		return r, ""
	}
	for r := netip.PrefixFrom(net.Addr(), freeSubnetBits); net.Contains(r.Addr()); {
		if !n.taken(r) {
			return r, ""
		}
		r = netip.PrefixFrom(lastOf(r).Next(), freeSubnetBits)
	}
	return netip.Prefix{}, "no free /24 range is left in the network"
}

// taken tells whether a range overlaps with a subnet or a route's destination.
// The default route overlaps with everything and counts for nothing.
func (n *Network) taken(r netip.Prefix) bool {
	return slices.ContainsFunc(n.Subnets, func(s Subnet) bool { return prefixOf(s.IPRange).Overlaps(r) }) ||
		slices.ContainsFunc(n.Routes, func(o Route) bool {
			d := prefixOf(o.Destination)
			return d.Bits() > 0 && d.Overlaps(r)
		})
}

// checkRoute refuses a route that the network cannot have.
func (n *Network) checkRoute(r Route, at string) error {
	var v fields
	d, ok := cleanPrefix(r.Destination)
	if isDefault := ok && d.Addr().Is4() && d.Bits() == 0; !isDefault && (!ok || !d.Addr().Is4() || !isPrivate(d) || d.Contains(publicGateway())) {
		v.add(at+"destination", "must be a private IPv4 range (RFC1918) without 172.31.1.1, or 0.0.0.0/0")
	}
	gw, err := netip.ParseAddr(r.Gateway)
	net := prefixOf(n.IPRange)
	behindSwitch := slices.ContainsFunc(n.Subnets, func(s Subnet) bool { return s.Type == "vswitch" && prefixOf(s.IPRange).Contains(gw) })
	if err != nil || !net.Contains(gw) || gw == net.Addr().Next() || gw == publicGateway() || behindSwitch {
		v.add(at+"gateway", "must be an IP of the network, but neither its first IP nor one behind a vSwitch")
	}
	if err := v.err(); err != nil {
		return err
	}
	same := slices.ContainsFunc(n.Routes, func(o Route) bool { return o.Destination == d.String() })
	if same || (d.Bits() > 0 && n.taken(d)) {
		return fail("invalid_input", "network route destination overlaps with another subnetwork or network route")
	}
	if len(n.Routes) >= maxRoutes {
		return limitExceeded("network_routes")
	}
	return nil
}

// networkParams are what the completions of a network's changes need.
type networkParams struct {
	Network int64   `json:"network"`
	Subnet  *Subnet `json:"subnet,omitempty"`
	Route   *Route  `json:"route,omitempty"`
	IPRange string  `json:"ip_range,omitempty"`
}

func (c *call) changeNetwork(command string, n *Network, p networkParams) (any, error) {
	p.Network = n.ID
	return c.actionAnswer(c.start(command, p, networkRef(n.ID)))
}

func addSubnet(c *call) (any, error) {
	n, err := c.calmNetwork()
	if err != nil {
		return nil, err
	}
	var in subnetRequest
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	s, err := c.newSubnet(n, in, "")
	if err != nil {
		return nil, err
	}
	return c.changeNetwork("add_subnet", n, networkParams{Subnet: &s})
}

func deleteSubnet(c *call) (any, error) {
	n, err := c.calmNetwork()
	if err != nil {
		return nil, err
	}
	var in struct {
		IPRange string `json:"ip_range"`
	}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	if _, ok := cleanPrefix(in.IPRange); !ok {
		return nil, invalid("ip_range", "must be an IPv4 range in CIDR notation")
	}
	i := slices.IndexFunc(n.Subnets, func(s Subnet) bool { return s.IPRange == in.IPRange })
	if i < 0 {
		return nil, fail("not_found", "subnet with IP range '%s' not found", in.IPRange)
	}
	if subnetInUse(c.tx, n, n.Subnets[i]) {
		return nil, fail("service_error", subnetInUseText)
	}
	return c.changeNetwork("delete_subnet", n, networkParams{Subnet: &n.Subnets[i]})
}

// subnetInUseText is the vendor's message, which clients recognize by its words.
const subnetInUseText = "cannot remove subnet because servers are attached to it"

func subnetInUse(tx *engine.Tx, n *Network, s Subnet) bool {
	r := prefixOf(s.IPRange)
	for ip := range usedIPs(tx, n) {
		if r.Contains(ip) {
			return true
		}
	}
	return false
}

func addRoute(c *call) (any, error) {
	n, in, err := c.routeAsked()
	if err != nil {
		return nil, err
	}
	if err := n.checkRoute(in, ""); err != nil {
		return nil, err
	}
	return c.changeNetwork("add_route", n, networkParams{Route: &in})
}

func deleteRoute(c *call) (any, error) {
	n, in, err := c.routeAsked()
	if err != nil {
		return nil, err
	}
	if !slices.Contains(n.Routes, in) {
		return nil, fail("not_found", "route to '%s' via '%s' not found", in.Destination, in.Gateway)
	}
	return c.changeNetwork("delete_route", n, networkParams{Route: &in})
}

func (c *call) routeAsked() (*Network, Route, error) {
	n, err := c.calmNetwork()
	if err != nil {
		return nil, Route{}, err
	}
	var in Route
	return n, in, c.bind(&in)
}

func changeIPRange(c *call) (any, error) {
	n, err := c.calmNetwork()
	if err != nil {
		return nil, err
	}
	var in struct {
		IPRange string `json:"ip_range"`
	}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	r, ok := privateRange(in.IPRange)
	was := prefixOf(n.IPRange)
	switch {
	case !ok:
		return nil, invalid("ip_range", "must be a private IPv4 range (RFC1918) of at least /%d in CIDR notation", maxNetworkBits)
	case r.Addr() != was.Addr():
		return nil, invalid("ip_range", "only the netmask can be changed")
	case r.Bits() > was.Bits():
		return nil, invalid("ip_range", "can only be extended")
	}
	return c.changeNetwork("change_ip_range", n, networkParams{IPRange: r.String()})
}

func networkCompletions() map[string]engine.Completion {
	change := func(f func(tx *engine.Tx, n *Network, p networkParams) *engine.ActionError) engine.Completion {
		return engine.Completion{OK: func(tx *engine.Tx, a *engine.Action) *engine.ActionError {
			var p networkParams
			if err := a.Decode(&p); err != nil {
				return actionFailed("%s", err)
			}
			n := networks.Edit(tx, a.Project, p.Network)
			if n == nil {
				return actionFailed("network %d does not exist anymore", p.Network)
			}
			return f(tx, n, p)
		}}
	}
	return map[string]engine.Completion{
		"add_subnet": change(func(_ *engine.Tx, n *Network, p networkParams) *engine.ActionError {
			n.Subnets = append(n.Subnets, *p.Subnet)
			return nil
		}),
		"delete_subnet": change(func(tx *engine.Tx, n *Network, p networkParams) *engine.ActionError {
			if subnetInUse(tx, n, *p.Subnet) { // a server came while it was waited for
				return actionFailed(subnetInUseText)
			}
			n.Subnets = slices.DeleteFunc(n.Subnets, func(s Subnet) bool { return s.IPRange == p.Subnet.IPRange })
			return nil
		}),
		"add_route": change(func(_ *engine.Tx, n *Network, p networkParams) *engine.ActionError {
			n.Routes = append(n.Routes, *p.Route)
			return nil
		}),
		"delete_route": change(func(_ *engine.Tx, n *Network, p networkParams) *engine.ActionError {
			n.Routes = slices.DeleteFunc(n.Routes, func(r Route) bool { return r == *p.Route })
			return nil
		}),
		"change_ip_range": change(func(_ *engine.Tx, n *Network, p networkParams) *engine.ActionError {
			n.IPRange = p.IPRange
			return nil
		}),
	}
}
