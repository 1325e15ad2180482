package policy

import (
	"fmt"
	"net/netip"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// Bounds of private networks, in network bits, that every cloud accepts.
// Hetzner Cloud: a network of at least /24; Google Cloud: a subnet of at least
// /29 (https://cloud.google.com/vpc/docs/subnets).
const (
	MinNetworkBits = 8
	MaxNetworkBits = 24
	MaxSubnetBits  = 29
)

// publicGateway is Hetzner Cloud's gateway of the public interface in every
// server, which a private address or route must not hide
// (https://docs.hetzner.cloud/reference/cloud#networks). It is refused on
// every cloud, so that a network can move.
func publicGateway() netip.Addr { return netip.AddrFrom4([4]byte{172, 31, 1, 1}) }

const rangesRemedy = "Choose from 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16, such as \"10.0.0.0/16\"."

// CheckNetwork judges a private network (ISO-2). What is unknown is left out:
// without a CIDR (the zero value) nothing is compared with it. Fields: cidr,
// subnets[i], routes[i].destination, routes[i].gateway.
func CheckNetwork(n cloud.NetworkSpec) []Finding {
	findings := checkNetworkCIDR(n.CIDR)
	cidr := n.CIDR
	if len(findings) > 0 {
		cidr = netip.Prefix{}
	}
	findings = append(findings, checkSubnets(cidr, n.Subnets)...)
	return append(findings, checkRoutes(cidr, n.Subnets, n.Routes)...)
}

func checkNetworkCIDR(cidr netip.Prefix) []Finding {
	if !cidr.IsValid() {
		return nil
	}
	if f := checkPrefix(cidr); f != nil {
		f.Field = "cidr"
		return []Finding{*f}
	}
	switch {
	case !within(cidr, rfc1918()):
		return []Finding{{Promise: ISO2, Field: "cidr", Summary: "Network is not private",
			Detail: fmt.Sprintf("%s does not lie in a private IPv4 range (RFC 1918).", cidr), Remedy: rangesRemedy}}
	case cidr.Bits() < MinNetworkBits || cidr.Bits() > MaxNetworkBits:
		return []Finding{{Field: "cidr", Summary: "Network of unusable size",
			Detail: fmt.Sprintf("%s has %d network bits; a network has from %d to %d, on every cloud.", cidr, cidr.Bits(), MinNetworkBits, MaxNetworkBits),
			Remedy: "Choose a /16 if in doubt, and cut subnets from it."}}
	}
	return nil
}

func checkSubnets(cidr netip.Prefix, subnets []netip.Prefix) []Finding {
	var findings []Finding
	add := func(i int, promise, summary, detail, remedy string) {
		findings = append(findings, Finding{Promise: promise, Field: index("subnets", i), Summary: summary, Detail: detail, Remedy: remedy})
	}
	for i, s := range subnets {
		if f := checkPrefix(s); f != nil {
			f.Field = index("subnets", i)
			findings = append(findings, *f)
			continue
		}
		switch {
		case !within(s, rfc1918()):
			add(i, ISO2, "Subnet is not private", fmt.Sprintf("%s does not lie in a private IPv4 range (RFC 1918).", s), rangesRemedy)
			continue
		case cidr.IsValid() && !contains(cidr, s):
			add(i, "", "Subnet outside the network", fmt.Sprintf("%s does not lie in the network %s.", s, cidr), "Cut the subnet from the network, or widen cidr.")
		case s.Bits() > MaxSubnetBits:
			add(i, "", "Subnet too small", fmt.Sprintf("%s has %d network bits; at most %d are possible on every cloud.", s, s.Bits(), MaxSubnetBits), "Choose a /24 if in doubt.")
		}
		for j, other := range subnets[:i] {
			if other.IsValid() && s.Overlaps(other.Masked()) {
				add(i, "", "Subnets overlap", fmt.Sprintf("%s and %s (%s) have addresses in common.", s, other, index("subnets", j)), "Cut subnets that are disjoint.")
				break
			}
		}
	}
	return findings
}

func checkRoutes(cidr netip.Prefix, subnets []netip.Prefix, routes []cloud.Route) []Finding {
	var findings []Finding
	for i, r := range routes {
		field := index("routes", i)
		if f := checkDestination(i, subnets, routes); f != nil {
			f.Field = field + ".destination"
			findings = append(findings, *f)
		}
		if f := checkRouteGateway(cidr, r.Gateway); f != nil {
			f.Field = field + ".gateway"
			findings = append(findings, *f)
		}
	}
	return findings
}

func checkDestination(i int, subnets []netip.Prefix, routes []cloud.Route) *Finding {
	d := routes[i].Destination
	if !d.IsValid() {
		return nil
	}
	if f := checkPrefix(d); f != nil {
		return f
	}
	everything := d == netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	if !everything && !within(d, rfc1918()) {
		return &Finding{Summary: "Route to a public network", Detail: fmt.Sprintf("%s is neither private (RFC 1918) nor 0.0.0.0/0.", d),
			Remedy: "Name a private network, or 0.0.0.0/0 for everything that has no better route."}
	}
	for j, other := range routes[:i] {
		o := other.Destination
		if !o.IsValid() {
			continue
		}
		// The default route is meant to hold all others; it can only be there once.
		if d == o.Masked() || (!everything && o.Bits() != 0 && d.Overlaps(o.Masked())) {
			return &Finding{Summary: "Routes overlap", Detail: fmt.Sprintf("%s and %s (%s) have addresses in common.", d, o, index("routes", j)),
				Remedy: "Give each destination one route."}
		}
	}
	if everything {
		return nil
	}
	for j, s := range subnets {
		if s.IsValid() && d.Overlaps(s.Masked()) {
			return &Finding{Summary: "Route to the network's own subnet", Detail: fmt.Sprintf("%s and %s (%s) have addresses in common; machines of a subnet reach each other without a route.", d, s, index("subnets", j)),
				Remedy: "Name a destination outside the subnets."}
		}
	}
	if d.Contains(publicGateway()) {
		return &Finding{Summary: "Route hides the public gateway", Detail: fmt.Sprintf("%s holds %s, the gateway of a machine's public interface.", d, publicGateway()),
			Remedy: "Choose a destination without this address."}
	}
	return nil
}

func checkRouteGateway(cidr netip.Prefix, gateway netip.Addr) *Finding {
	if !gateway.IsValid() {
		return nil
	}
	switch {
	case gateway == publicGateway():
		return &Finding{Summary: "Reserved address", Detail: fmt.Sprintf("%s is the gateway of a machine's public interface.", gateway),
			Remedy: "Name the private address of the machine that forwards."}
	case !cidr.IsValid():
		return nil
	case !cidr.Contains(gateway):
		return &Finding{Promise: ISO2, Summary: "Gateway outside the network", Detail: fmt.Sprintf("%s does not lie in the network %s.", gateway, cidr),
			Remedy: "Name the private address of a machine of this network."}
	case gateway == cidr.Addr() || gateway == cidr.Addr().Next():
		return &Finding{Summary: "Reserved address", Detail: fmt.Sprintf("%s is the cloud's own, as one of the first two addresses of the network %s.", gateway, cidr),
			Remedy: "Name the private address of the machine that forwards."}
	}
	return nil
}

// CheckPrivateIP judges the address of a machine within the subnets of its
// network, in the field private_ip. The first two and the last two addresses
// of a subnet are the clouds' own: network and gateway, a spare of Google
// Cloud's, and broadcast (https://cloud.google.com/vpc/docs/subnets;
// Hetzner Cloud reserves the first two and the last). Without subnets only
// what can be said without them is judged.
func CheckPrivateIP(ip netip.Addr, subnets []netip.Prefix) []Finding {
	one := func(promise, summary, detail, remedy string) []Finding {
		return []Finding{{Promise: promise, Field: "private_ip", Summary: summary, Detail: detail, Remedy: remedy}}
	}
	switch {
	case !ip.IsValid() || !ip.Is4():
		return one("", "Not an IPv4 address", fmt.Sprintf("%q is not an IPv4 address.", ip), "Write an address of a subnet, such as \"10.0.1.10\".")
	case !within(netip.PrefixFrom(ip, 32), rfc1918()):
		return one(ISO2, "Address is not private", fmt.Sprintf("%s does not lie in a private IPv4 range (RFC 1918).", ip), "Write an address of one of the network's subnets.")
	case ip == publicGateway():
		return one("", "Reserved address", fmt.Sprintf("%s is the gateway of a machine's public interface.", ip), "Choose another address.")
	case len(subnets) == 0:
		return nil
	}
	for _, s := range subnets {
		if !s.IsValid() || !s.Addr().Is4() || !s.Contains(ip) {
			continue
		}
		first, last := s.Masked().Addr(), lastAddr(s)
		for _, reserved := range []struct {
			addr netip.Addr
			use  string
		}{
			{first, "the subnet's own"}, {first.Next(), "the gateway"},
			{last.Prev(), "kept by a cloud"}, {last, "the broadcast address"},
		} {
			if ip == reserved.addr {
				return one("", "Reserved address", fmt.Sprintf("%s is reserved: in the subnet %s it is %s.", ip, s, reserved.use),
					fmt.Sprintf("Choose an address from %s to %s.", first.Next().Next(), last.Prev().Prev()))
			}
		}
		return nil
	}
	return one("", "Address outside the subnets", fmt.Sprintf("%s lies in none of the network's subnets: %s.", ip, list(subnets)),
		"Choose an address of one of them, or add a subnet that holds it.")
}

// lastAddr is the highest address of an IPv4 prefix.
func lastAddr(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().As4()
	for bit := p.Bits(); bit < 32; bit++ {
		b[bit/8] |= 1 << (7 - bit%8)
	}
	return netip.AddrFrom4(b)
}
