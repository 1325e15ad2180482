package hetzner

import (
	"cmp"
	"net"
	"net/netip"
	"slices"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

func networkOpts(spec cloud.NetworkSpec, zone hcloud.NetworkZone) hcloud.NetworkCreateOpts {
	options := hcloud.NetworkCreateOpts{
		Name:    nativeName(cloud.KindNetwork, spec.Meta),
		IPRange: ipNet(spec.CIDR),
		Labels:  labelsOf(cloud.KindNetwork, spec.Meta),
	}
	for _, subnet := range spec.Subnets {
		options.Subnets = append(options.Subnets, subnetOf(subnet, zone))
	}
	for _, route := range spec.Routes {
		options.Routes = append(options.Routes, routeOf(route))
	}
	return options
}

func subnetOf(prefix netip.Prefix, zone hcloud.NetworkZone) hcloud.NetworkSubnet {
	return hcloud.NetworkSubnet{Type: hcloud.NetworkSubnetTypeCloud, IPRange: ipNet(prefix), NetworkZone: zone}
}

func routeOf(route cloud.Route) hcloud.NetworkRoute {
	return hcloud.NetworkRoute{Destination: ipNet(route.Destination), Gateway: route.Gateway.AsSlice()}
}

// networkFrom translates what the API says. Subnets and routes come sorted:
// the vendor's order means nothing.
func networkFrom(have *hcloud.Network) cloud.Network {
	var network cloud.Network
	network.Meta = metaOf(cloud.KindNetwork, have.Name, "", have.Labels, have.Protection.Delete)
	network.Object = objectOf(have.ID, have.Name, network.Meta, have.Labels)
	network.Created = have.Created
	network.CIDR = prefix(have.IPRange)
	for _, subnet := range have.Subnets {
		network.Subnets = append(network.Subnets, prefix(subnet.IPRange))
	}
	for _, route := range have.Routes {
		network.Routes = append(network.Routes, cloud.Route{Destination: prefix(route.Destination), Gateway: addr(route.Gateway)})
	}
	slices.SortFunc(network.Subnets, netip.Prefix.Compare)
	slices.SortFunc(network.Routes, func(a, b cloud.Route) int {
		return cmp.Or(a.Destination.Compare(b.Destination), a.Gateway.Compare(b.Gateway))
	})
	return network
}

// planNetwork grows the range first and takes away before it adds, so that a
// subnet or route that moves does not collide with itself.
func planNetwork(current cloud.Network, want cloud.NetworkSpec, zone hcloud.NetworkZone) ([]step, error) {
	steps := relabelIfNeeded(cloud.KindNetwork, current.NativeName, current.Meta, want.Meta)
	if current.CIDR != want.CIDR {
		if want.CIDR.Addr() != current.CIDR.Addr() || want.CIDR.Bits() > current.CIDR.Bits() {
			return nil, unsupported(cloud.KindNetwork, current.ID.Native, "cidr",
				"the range "+current.CIDR.String()+" can only grow, keeping its first address: "+want.CIDR.String()+" does not")
		}
		steps = append(steps, growNetwork{Range: want.CIDR})
	}
	for _, route := range missing(want.Routes, current.Routes) {
		steps = append(steps, dropRoute{route})
	}
	for _, subnet := range missing(want.Subnets, current.Subnets) {
		steps = append(steps, dropSubnet{subnet})
	}
	for _, subnet := range missing(current.Subnets, want.Subnets) {
		steps = append(steps, addSubnet{subnet, zone})
	}
	for _, route := range missing(current.Routes, want.Routes) {
		steps = append(steps, addRoute{route})
	}
	return append(steps, protectIfNeeded(cloud.KindNetwork, current.Meta, want.Meta)...), nil
}

// ipNet, prefix and addr translate between the standard library's two ways of
// writing addresses; the SDK keeps the older.
func ipNet(p netip.Prefix) *net.IPNet {
	if !p.IsValid() {
		return nil
	}
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

func prefix(n *net.IPNet) netip.Prefix {
	if n == nil {
		return netip.Prefix{}
	}
	ones, _ := n.Mask.Size()
	return netip.PrefixFrom(addr(n.IP), ones)
}

func addr(ip net.IP) netip.Addr {
	a, _ := netip.AddrFromSlice(ip)
	return a.Unmap()
}
