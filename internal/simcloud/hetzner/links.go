package hetzner

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// What the objects know of each other. Each link is stored once (types.go);
// these functions read it from the other side, make it and undo it, so that the
// operations of two nouns share one truth. They check what the vendor checks
// about the link itself, not locks, protection or faults.

func serverRef(id int64) engine.Ref   { return engine.Ref{Type: "server", ID: id} }
func volumeRef(id int64) engine.Ref   { return engine.Ref{Type: "volume", ID: id} }
func networkRef(id int64) engine.Ref  { return engine.Ref{Type: "network", ID: id} }
func firewallRef(id int64) engine.Ref { return engine.Ref{Type: "firewall", ID: id} }
func groupRef(id int64) engine.Ref    { return engine.Ref{Type: "placement_group", ID: id} }

// ---- volumes

// volumesOf are the ids of the volumes that are attached to a server.
func volumesOf(tx *engine.Tx, project string, server int64) []int64 {
	var out []int64
	for _, v := range volumes.To(tx, project, serverRef(server)) {
		out = append(out, v.ID)
	}
	return out
}

// ---- private networks

// serversIn are the servers with an interface to the network, by id.
func serversIn(tx *engine.Tx, project string, network int64) []*Server {
	return servers.To(tx, project, networkRef(network))
}

// netOf is the server's interface to the network, or nil.
func (s *Server) netOf(network int64) *PrivateNet {
	if i := slices.IndexFunc(s.PrivateNets, func(p PrivateNet) bool { return p.Network == network }); i >= 0 {
		return &s.PrivateNets[i]
	}
	return nil
}

// privateIP chooses an address of the network for a server in a network zone,
// or checks the one that was asked for. within, when not empty, is the range of
// the one subnet that it may come from.
func privateIP(tx *engine.Tx, n *Network, zone, want, within string) (string, error) {
	used := usedIPs(tx, n)
	free := func(ip netip.Addr, sub netip.Prefix) bool { return !used[ip] && !n.reserved(ip, sub) }
	var asked netip.Addr
	if want != "" {
		var err error
		if asked, err = netip.ParseAddr(want); err != nil || !asked.Is4() {
			return "", invalid("ip", "is not a valid IPv4 address")
		}
	}
	found := false
	for _, s := range n.Subnets {
		sub, err := netip.ParsePrefix(s.IPRange)
		if err != nil || s.NetworkZone != zone || s.Type == "vswitch" || (within != "" && s.IPRange != within) {
			continue
		}
		found = true
		if asked.IsValid() {
			if sub.Contains(asked) && free(asked, sub) {
				return asked.String(), nil
			}
			continue
		}
		for ip := sub.Addr().Next(); sub.Contains(ip); ip = ip.Next() {
			if free(ip, sub) {
				return ip.String(), nil
			}
		}
	}
	if asked.IsValid() && found {
		return "", fail("ip_not_available", "IP %s is not available", want)
	}
	return "", fail("no_subnet_available", "no subnet or IP available")
}

func usedIPs(tx *engine.Tx, n *Network) map[netip.Addr]bool {
	used := map[netip.Addr]bool{}
	add := func(s string) {
		if ip, err := netip.ParseAddr(s); err == nil {
			used[ip] = true
		}
	}
	for _, s := range serversIn(tx, n.Project, n.ID) {
		p := s.netOf(n.ID)
		add(p.IP)
		for _, a := range p.AliasIPs {
			add(a)
		}
	}
	return used
}

// reserved tells whether no server may have an address of a subnet: the first of
// the whole network, which is the gateway, the first and the last of the subnet,
// and the gateway of the public interfaces
// (https://docs.hetzner.com/cloud/networks/faq).
func (n *Network) reserved(ip netip.Addr, sub netip.Prefix) bool {
	return ip == sub.Addr() || ip == lastOf(sub) || ip == prefixOf(n.IPRange).Addr().Next() || ip == publicGateway()
}

func lastOf(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().As4()
	for i := p.Bits(); i < 32; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	return netip.AddrFrom4(b)
}

// attachToNetwork gives a server, which must be a private copy, an interface to
// a network. ip and within may be empty: see privateIP.
func attachToNetwork(tx *engine.Tx, s *Server, n *Network, zone, ip string, aliases []string, within string) error {
	if s.netOf(n.ID) != nil {
		return fail("server_already_attached", "server is already attached to the network")
	}
	mine, err := netip.ParsePrefix(n.IPRange)
	if err != nil {
		return err
	}
	for _, p := range s.PrivateNets {
		other := networks.Get(tx, s.Project, p.Network)
		if other == nil {
			continue
		}
		if r, err := netip.ParsePrefix(other.IPRange); err == nil && r.Overlaps(mine) {
			return fail("networks_overlap", "network overlaps with network %d of the server", other.ID)
		}
	}
	ip, err = privateIP(tx, n, zone, ip, within)
	if err != nil {
		return err
	}
	if err := checkAliases(tx, n, s.ID, ip, aliases); err != nil {
		return err
	}
	mac := tx.Next("mac")
	s.PrivateNets = append(slices.Clone(s.PrivateNets), PrivateNet{Network: n.ID, IP: ip, AliasIPs: aliases,
		MAC: fmt.Sprintf("86:00:00:%02x:%02x:%02x", byte(mac>>16), byte(mac>>8), byte(mac))})
	return nil
}

// checkAliases refuses alias addresses that lie outside of the network's
// subnets, are the vendor's, or are used by anything but the server itself.
func checkAliases(tx *engine.Tx, n *Network, server int64, ip string, aliases []string) error {
	used := map[string]bool{ip: true}
	for _, s := range serversIn(tx, n.Project, n.ID) {
		p := s.netOf(n.ID)
		used[p.IP] = true
		if s.ID != server {
			for _, a := range p.AliasIPs {
				used[a] = true
			}
		}
	}
	for _, a := range aliases {
		addr, err := netip.ParseAddr(a)
		if err != nil || !addr.Is4() {
			return invalid("alias_ips", "%q is not a valid IPv4 address", a)
		}
		inside := slices.ContainsFunc(n.Subnets, func(s Subnet) bool {
			sub, err := netip.ParsePrefix(s.IPRange)
			return err == nil && sub.Contains(addr) && !n.reserved(addr, sub)
		})
		if !inside || used[addr.String()] {
			return fail("ip_not_available", "IP %s is not available", a)
		}
		used[addr.String()] = true
	}
	return nil
}

// detachFromNetwork removes the interface, if there is one, from a private copy.
func detachFromNetwork(s *Server, network int64) {
	s.PrivateNets = slices.DeleteFunc(slices.Clone(s.PrivateNets), func(p PrivateNet) bool { return p.Network == network })
}

// attachingRef is locked while a server is being attached to a network: until
// then its interface there, whose address is taken already, is not shown.
func attachingRef(network, server int64) engine.Ref {
	return engine.Ref{Type: fmt.Sprintf("network/%d", network), ID: server}
}

// ---- primary and floating IPs

// newIP is a fresh public address: IPv4 from the range that RFC 2544 sets aside
// for benchmarks, an IPv6 /64 from the documentation range of RFC 3849, so that
// nothing that is done with it ever reaches a stranger.
func newIP(tx *engine.Tx, version string) string {
	if version == "ipv6" {
		n := tx.Next("ipv6")
		return fmt.Sprintf("2001:db8:%x:%x::/64", uint16(n>>16), uint16(n))
	}
	n := uint32(tx.Next("ipv4")) % (1 << 17)
	return netip.AddrFrom4([4]byte{198, 18 + byte(n>>16), byte(n >> 8), byte(n)}).String()
}

// defaultDNSPtr is the reverse name that the vendor gives an IPv4 address; an
// IPv6 network has none.
func defaultDNSPtr(version, ip string) []DNSPtr {
	if version == "ipv6" {
		return nil
	}
	parts := strings.Split(ip, ".")
	slices.Reverse(parts)
	return []DNSPtr{{IP: ip, DNSPtr: "static." + strings.Join(parts, ".") + ".clients.your-server.de"}}
}

// primaryIPOf is the server's primary IP of a version ("ipv4", "ipv6"), or nil.
func primaryIPOf(tx *engine.Tx, project string, server int64, version string) *PrimaryIP {
	for _, p := range primaryIPs.To(tx, project, serverRef(server)) {
		if p.Type == version {
			return p
		}
	}
	return nil
}

// allocatePrimaryIP makes a primary IP for a new server, which takes it along
// when it is deleted.
func allocatePrimaryIP(tx *engine.Tx, project, version, location string, server int64) *PrimaryIP {
	p := &PrimaryIP{IP: newIP(tx, version), Type: version, Location: location, AssigneeID: server, AutoDelete: true}
	p.DNSPtr = defaultDNSPtr(version, p.IP)
	p.Project = project
	primaryIPs.Insert(tx, p)
	p.Name = fmt.Sprintf("primary_ip-%d", p.ID)
	return p
}

// releasePrimaryIPs unassigns the primary IPs of a server that goes away, and
// deletes those that go with it.
func releasePrimaryIPs(tx *engine.Tx, project string, server int64) {
	for _, p := range primaryIPs.To(tx, project, serverRef(server)) {
		if p.AutoDelete {
			primaryIPs.Delete(tx, p.ID)
		} else {
			primaryIPs.Edit(tx, project, p.ID).AssigneeID = 0
		}
	}
}

// floatingIPsOf are the ids of the floating IPs assigned to a server.
func floatingIPsOf(tx *engine.Tx, project string, server int64) []int64 {
	var out []int64
	for _, f := range floatingIPs.To(tx, project, serverRef(server)) {
		out = append(out, f.ID)
	}
	return out
}

// releaseFloatingIPs unassigns the floating IPs of a server that goes away.
func releaseFloatingIPs(tx *engine.Tx, project string, server int64) {
	for _, id := range floatingIPsOf(tx, project, server) {
		floatingIPs.Edit(tx, project, id).Server = 0
	}
}

// ---- placement groups

// maxSpread is how many servers a placement group of type spread can hold
// (https://docs.hetzner.com/cloud/placement-groups/overview).
const maxSpread = 10

// serversOfGroup are the ids of the servers in a placement group.
func serversOfGroup(tx *engine.Tx, project string, group int64) []int64 {
	var out []int64
	for _, s := range servers.To(tx, project, groupRef(group)) {
		out = append(out, s.ID)
	}
	return out
}

// joinPlacementGroup puts a server, a private copy, into a placement group.
func joinPlacementGroup(tx *engine.Tx, s *Server, group int64) error {
	if placementGroups.Get(tx, s.Project, group) == nil {
		return notFound("placement_group", group)
	}
	if s.PlacementGroup != 0 {
		return fail("already_in_placement_group", "server is already in a placement group")
	}
	if len(serversOfGroup(tx, s.Project, group)) >= maxSpread {
		return fail("placement_error", "error during placement: the placement group already has %d servers", maxSpread)
	}
	s.PlacementGroup = group
	return nil
}
