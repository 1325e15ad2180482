package hetzner

import (
	"net/netip"
	"slices"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

func changeServerDNSPtr(c *call) (any, error) {
	s, err := c.server()
	if err != nil {
		return nil, err
	}
	var in struct {
		IP     string  `json:"ip"`
		DNSPtr *string `json:"dns_ptr"`
	}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	addr, err := netip.ParseAddr(in.IP)
	if err != nil {
		return nil, invalid("ip", "is not a valid IP address")
	}
	version := "ipv6"
	if addr.Is4() {
		version = "ipv4"
	}
	p := primaryIPOf(c.tx, c.project, s.ID, version)
	if p == nil {
		return nil, invalid("ip", "does not belong to the resource")
	}
	entries, err := setDNSPtr(p.Type, p.IP, p.DNSPtr, in.IP, in.DNSPtr)
	if err != nil {
		return nil, err
	}
	primaryIPs.Edit(c.tx, c.project, p.ID).DNSPtr = entries
	return c.actionAnswer(c.instant("change_dns_ptr", nil, serverRef(s.ID)))
}

func attachServerToNetwork(c *call) (any, error) {
	s, err := c.freeServer()
	if err != nil {
		return nil, err
	}
	var in struct {
		Network  *int64   `json:"network"`
		IP       string   `json:"ip"`
		AliasIPs []string `json:"alias_ips"`
		IPRange  string   `json:"ip_range"`
	}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	if in.Network == nil {
		return nil, invalid("network", "missing data for required field")
	}
	n, err := lookup(c, networks, *in.Network)
	if err != nil {
		return nil, err
	}
	if err := checkSubnetRange(n, in.IPRange, in.IP); err != nil {
		return nil, err
	}
	if s.netOf(n.ID) == nil && len(s.PrivateNets) >= maxNetworksPerServer {
		return nil, limitExceeded("server_networks")
	}
	zone := c.api.cat.location(idOrName(s.Location)).NetworkZone
	if err := attachToNetwork(c.tx, s, n, zone, in.IP, in.AliasIPs, in.IPRange); err != nil {
		return nil, err
	}
	return c.actionAnswer(c.tx.StartAction(engine.ActionSpec{Cloud: Cloud, Project: c.project, Command: "attach_to_network",
		Params: serverParams{Server: s.ID, Network: n.ID}, Resources: []engine.Ref{serverRef(s.ID), networkRef(n.ID)},
		Locks: []engine.Ref{serverRef(s.ID), attachingRef(n.ID, s.ID)}}))
}

// checkSubnetRange refuses an ip_range that is no subnet of the network, and an
// address outside of it.
func checkSubnetRange(n *Network, ipRange, ip string) error {
	if ipRange == "" {
		return nil
	}
	sub, err := netip.ParsePrefix(ipRange)
	if err != nil || !slices.ContainsFunc(n.Subnets, func(s Subnet) bool { return s.IPRange == ipRange }) {
		return invalid("ip_range", "is not a subnet of the network")
	}
	if addr, err := netip.ParseAddr(ip); ip != "" && (err != nil || !sub.Contains(addr)) {
		return invalid("ip", "is not part of ip_range")
	}
	return nil
}

// attachedServer is a private copy of the free server in the path and the
// network of the request that it is attached to.
func (c *call) attachedServer(network *int64) (*Server, *Network, error) {
	s, err := c.freeServer()
	if err != nil {
		return nil, nil, err
	}
	if network == nil {
		return nil, nil, invalid("network", "missing data for required field")
	}
	n, err := lookup(c, networks, *network)
	if err != nil {
		return nil, nil, err
	}
	if s.netOf(n.ID) == nil {
		return nil, nil, fail("invalid_input", "server is not attached to network '%d'", n.ID)
	}
	return s, n, nil
}

func detachServerFromNetwork(c *call) (any, error) {
	var in struct {
		Network *int64 `json:"network"`
	}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	s, n, err := c.attachedServer(in.Network)
	if err != nil {
		return nil, err
	}
	return c.actionAnswer(c.tx.StartAction(engine.ActionSpec{Cloud: Cloud, Project: c.project, Command: "detach_from_network",
		Params: serverParams{Server: s.ID, Network: n.ID}, Resources: []engine.Ref{serverRef(s.ID), networkRef(n.ID)},
		Locks: []engine.Ref{serverRef(s.ID)}}))
}

func changeAliasIPs(c *call) (any, error) {
	var in struct {
		Network  *int64   `json:"network"`
		AliasIPs []string `json:"alias_ips"`
	}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	s, n, err := c.attachedServer(in.Network)
	if err != nil {
		return nil, err
	}
	if err := checkAliases(c.tx, n, s.ID, s.netOf(n.ID).IP, in.AliasIPs); err != nil {
		return nil, err
	}
	return c.actionAnswer(c.tx.StartAction(engine.ActionSpec{Cloud: Cloud, Project: c.project, Command: "change_alias_ips",
		Params:    serverParams{Server: s.ID, Network: n.ID, Aliases: in.AliasIPs},
		Resources: []engine.Ref{serverRef(s.ID), networkRef(n.ID)}, Locks: []engine.Ref{serverRef(s.ID)}}))
}

func addToPlacementGroup(c *call) (any, error) {
	s, err := c.freeServer()
	if err != nil {
		return nil, err
	}
	var in struct {
		PlacementGroup *int64 `json:"placement_group"`
	}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	if in.PlacementGroup == nil {
		return nil, invalid("placement_group", "missing data for required field")
	}
	if s.Status != off {
		return nil, fail("server_not_stopped", "server must be stopped")
	}
	if err := joinPlacementGroup(c.tx, s, *in.PlacementGroup); err != nil {
		return nil, err
	}
	s.Status = migrating
	return c.actionAnswer(c.tx.StartAction(engine.ActionSpec{Cloud: Cloud, Project: c.project, Command: "add_to_placement_group",
		Params:    serverParams{Server: s.ID, Group: s.PlacementGroup},
		Resources: []engine.Ref{serverRef(s.ID), {Type: "placement_group", ID: s.PlacementGroup}}, Locks: []engine.Ref{serverRef(s.ID)}}))
}

func removeFromPlacementGroup(c *call) (any, error) {
	s, err := c.freeServer()
	if err != nil {
		return nil, err
	}
	if s.PlacementGroup == 0 {
		return nil, fail("invalid_input", "server is not in a placement group")
	}
	return c.actionAnswer(c.tx.StartAction(engine.ActionSpec{Cloud: Cloud, Project: c.project, Command: "remove_from_placement_group",
		Params:    serverParams{Server: s.ID},
		Resources: []engine.Ref{serverRef(s.ID), {Type: "placement_group", ID: s.PlacementGroup}}, Locks: []engine.Ref{serverRef(s.ID)}}))
}

func serverNetCompletions() map[string]engine.Completion {
	return map[string]engine.Completion{
		// The interface was made when the action began: only a failure changes it.
		"attach_to_network": onServer(nil, func(_ *engine.Tx, s *Server, p serverParams) { detachFromNetwork(s, p.Network) }),
		"detach_from_network": onServer(func(_ *engine.Tx, s *Server, p serverParams) *engine.ActionError {
			detachFromNetwork(s, p.Network)
			return nil
		}, nil),
		"change_alias_ips": onServer(func(_ *engine.Tx, s *Server, p serverParams) *engine.ActionError {
			net := s.netOf(p.Network)
			if net == nil {
				return actionFailed("server is not attached to network %d anymore", p.Network)
			}
			net.AliasIPs = p.Aliases
			return nil
		}, nil),
		// The server moves to another host, and the vendor starts it there.
		"add_to_placement_group": onServer(func(tx *engine.Tx, s *Server, _ serverParams) *engine.ActionError {
			s.boot(tx)
			return nil
		}, func(_ *engine.Tx, s *Server, _ serverParams) { s.PlacementGroup, s.Status = 0, off }),
		"remove_from_placement_group": onServer(func(_ *engine.Tx, s *Server, _ serverParams) *engine.ActionError {
			s.PlacementGroup = 0
			return nil
		}, nil),
	}
}
