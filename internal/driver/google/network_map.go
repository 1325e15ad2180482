package google

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"

	"cloud.google.com/go/compute/apiv1/computepb"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// labelCIDR keeps a network's range: a VPC has none of its own.
const labelCIDR = cloud.LabelPrefix + "cidr"

// vpc is what the vendor says of a network and its parts.
type vpc struct {
	network *computepb.Network
	subnets []*computepb.Subnetwork
	routes  []*computepb.Route
	// pairs are the labels that hold now: the network's description, or that
	// of its label rule.
	pairs map[string]string
}

// networkPairs gives what a network's description carries.
func networkPairs(spec cloud.NetworkSpec) map[string]string {
	pairs := labelsOf(cloud.KindNetwork, spec.Meta)
	if spec.CIDR.IsValid() {
		pairs[labelCIDR] = spec.CIDR.String()
	}
	return pairs
}

// labelRuleName names the rule that carries a network's later labels.
func labelRuleName(native string) string {
	const suffix = "-labels"
	if len(native)+len(suffix) > maxName {
		return childName(native, "labels")
	}
	return native + suffix
}

// networkFrom translates. Subnets and routes come sorted: the vendor's order
// means nothing.
func networkFrom(have vpc) cloud.Network {
	var network cloud.Network
	native := have.network.GetName()
	network.Meta = metaOf(native, "", have.pairs, false)
	network.Object = objectOf(native, have.network.GetCreationTimestamp(), network.Meta, have.pairs)
	network.CIDR, _ = netip.ParsePrefix(have.pairs[labelCIDR])
	for _, subnet := range have.subnets {
		if prefix, err := netip.ParsePrefix(subnet.GetIpCidrRange()); err == nil {
			network.Subnets = append(network.Subnets, prefix)
		}
	}
	for _, route := range have.routes {
		if found, ok := routeFrom(route); ok {
			network.Routes = append(network.Routes, found)
		}
	}
	slices.SortFunc(network.Subnets, netip.Prefix.Compare)
	slices.SortFunc(network.Routes, func(a, b cloud.Route) int {
		return cmp.Or(a.Destination.Compare(b.Destination), a.Gateway.Compare(b.Gateway))
	})
	return network
}

// routeFrom reads a static route to a machine; the vendor's own routes, to
// subnetworks and to the internet, are none.
func routeFrom(route *computepb.Route) (cloud.Route, bool) {
	destination, err := netip.ParsePrefix(route.GetDestRange())
	if err != nil {
		return cloud.Route{}, false
	}
	gateway, err := netip.ParseAddr(route.GetNextHopIp())
	return cloud.Route{Destination: destination, Gateway: gateway}, err == nil
}

// planNetwork takes away before it adds, so that a subnet or route that moves
// does not collide with itself. A subnet that only becomes larger grows in
// place.
func planNetwork(current cloud.Network, want cloud.NetworkSpec) []step {
	var steps []step
	have := networkPairs(current.NetworkSpec)
	if pairs := networkPairs(want); !maps.Equal(have, pairs) {
		steps = append(steps, relabelNetwork{pairs})
	}
	drop, add := missing(want.Subnets, current.Subnets), missing(current.Subnets, want.Subnets)
	var grow []growSubnet
	drop = slices.DeleteFunc(drop, func(old netip.Prefix) bool {
		i := slices.IndexFunc(add, func(p netip.Prefix) bool { return p.Addr() == old.Addr() && p.Bits() < old.Bits() })
		if i < 0 {
			return false
		}
		grow = append(grow, growSubnet{From: old, To: add[i]})
		add = slices.Delete(add, i, i+1)
		return true
	})
	if routes := missing(want.Routes, current.Routes); len(routes) > 0 {
		steps = append(steps, dropRoutes{routes})
	}
	if len(drop) > 0 {
		steps = append(steps, dropSubnets{drop})
	}
	for _, s := range grow {
		steps = append(steps, s)
	}
	if len(add) > 0 {
		steps = append(steps, addSubnets{add})
	}
	if routes := missing(current.Routes, want.Routes); len(routes) > 0 {
		steps = append(steps, addRoutes{routes})
	}
	return steps
}
