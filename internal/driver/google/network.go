package google

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	compute "cloud.google.com/go/compute/apiv1"
	"cloud.google.com/go/compute/apiv1/computepb"
	"golang.org/x/sync/errgroup"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// networks is the noun network: VPCs with their subnetworks and routes.
type networks struct{ d *Driver }

var _ noun[cloud.NetworkSpec, vpc, cloud.Network] = networks{}

func (networks) kind() cloud.Kind                                  { return cloud.KindNetwork }
func (networks) specMeta(spec cloud.NetworkSpec) cloud.Meta        { return spec.Meta }
func (networks) healthy(cloud.Network, cloud.NetworkSpec) bool     { return true }
func (networks) adoptable(vpc, cloud.NetworkSpec) error            { return nil }
func (networks) object(n cloud.Network) (cloud.Object, cloud.Meta) { return n.Object, n.Meta }
func (networks) observe(have vpc) cloud.Network                    { return networkFrom(have) }

func (networks) at(network cloud.Network, location cloud.Location) cloud.Network {
	network.ID.Location = location
	return network
}

// create makes the VPC alone: its parts need it to be ready, and follow as the
// difference that is left.
func (n networks) create(ctx context.Context, spec cloud.NetworkSpec) (cloud.Network, []cloud.Operation, error) {
	if err := n.d.checkZone(spec.Location, cloud.KindNetwork); err != nil {
		return cloud.Network{}, nil, err
	}
	pairs := networkPairs(spec)
	resource, operations, err := n.d.insertNetwork(ctx, nativeName(cloud.KindNetwork, spec.Meta), pairs)
	if err != nil {
		return cloud.Network{}, nil, err
	}
	return n.at(n.observe(vpc{network: resource, pairs: pairs}), spec.Location), operations, nil
}

// insertNetwork makes a VPC in custom mode: without subnetworks, and without
// any rule that lets something in.
func (d *Driver) insertNetwork(ctx context.Context, native string, pairs map[string]string) (*computepb.Network, []cloud.Operation, error) {
	text, err := describe(pairs)
	if err != nil {
		return nil, nil, err
	}
	resource := &computepb.Network{Name: &native, Description: &text, AutoCreateSubnetworks: new(false),
		RoutingConfig: &computepb.NetworkRoutingConfig{RoutingMode: new("REGIONAL")}}
	operations, err := d.write(ctx, func(requestID *string) (*compute.Operation, error) {
		return d.api.networks.Insert(ctx, &computepb.InsertNetworkRequest{Project: d.project, NetworkResource: resource, RequestId: requestID})
	})
	return resource, operations, err
}

func (n networks) read(ctx context.Context, id cloud.ID) (vpc, bool, error) {
	network, err := n.d.api.networks.Get(ctx, &computepb.GetNetworkRequest{Project: n.d.project, Network: id.Native})
	if err != nil {
		return vpc{}, false, err
	}
	found, err := n.complete(ctx, func(context.Context) ([]*computepb.Network, error) { return []*computepb.Network{network}, nil })
	if err != nil || len(found) == 0 {
		return vpc{}, false, err
	}
	return found[0], true, nil
}

func (n networks) list(ctx context.Context, _ cloud.Filter) ([]vpc, error) {
	// Labels may stand elsewhere than in the description: all are read.
	return n.complete(ctx, func(ctx context.Context) ([]*computepb.Network, error) {
		return all(n.d.api.networks.List(ctx, &computepb.ListNetworksRequest{Project: n.d.project, MaxResults: new(uint32(maxResults))}).Next)
	})
}

// complete joins networks with their parts: three lists of the project, shared
// with whoever else asks for them at the same time.
func (n networks) complete(ctx context.Context, networks func(context.Context) ([]*computepb.Network, error)) ([]vpc, error) {
	var (
		found   []*computepb.Network
		subnets map[string]*computepb.Subnetwork
		routes  map[string]*computepb.Route
		rules   map[string]*computepb.Firewall
	)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) { found, err = networks(ctx); return err })
	group.Go(func() (err error) { subnets, err = n.d.subnets.all(ctx, true); return err })
	group.Go(func() (err error) { routes, err = n.d.routes.all(ctx, true); return err })
	group.Go(func() (err error) { rules, err = n.d.rules.all(ctx, true); return err })
	if err := group.Wait(); err != nil {
		return nil, err
	}
	vpcs, place := make([]vpc, 0, len(found)), make(map[string]int, len(found))
	for _, network := range found {
		pairs := described(network.GetDescription())
		if pairs[labelAnchor] != "" {
			continue // it is no object of its own
		}
		if rule := rules[labelRuleName(network.GetName())]; rule != nil && lastPart(rule.GetNetwork()) == network.GetName() {
			if later := described(rule.GetDescription()); later != nil {
				pairs = later
			}
		}
		place[network.GetName()] = len(vpcs)
		vpcs = append(vpcs, vpc{network: network, pairs: pairs})
	}
	for _, subnet := range subnets {
		if i, ok := place[lastPart(subnet.GetNetwork())]; ok {
			vpcs[i].subnets = append(vpcs[i].subnets, subnet)
		}
	}
	for _, route := range routes {
		if i, ok := place[lastPart(route.GetNetwork())]; ok {
			vpcs[i].routes = append(vpcs[i].routes, route)
		}
	}
	return vpcs, nil
}

func (n networks) plan(current cloud.Network, want cloud.NetworkSpec) ([]step, error) {
	return planNetwork(current, want), nil
}

func (networks) merge(current cloud.Network, want cloud.NetworkSpec) cloud.Network {
	current.Object, current.Meta = mergedMeta(current.Object, want.Meta)
	current.CIDR, current.Subnets, current.Routes = want.CIDR, want.Subnets, want.Routes
	// The vendor does not protect networks.
	current.Protected = false
	return current
}

// remove deletes the network's parts first: its subnets and routes, the copies
// of firewalls that its VMs brought with them, and the rule with its labels.
// They are looked up in what the run knows; if something else turns out to be
// there, it looks again.
func (n networks) remove(ctx context.Context, native string) error {
	if err := n.empty(ctx, native, false); err != nil {
		return err
	}
	if err := n.d.sweepAnchors(ctx); err != nil {
		return err
	}
	again := false
	err := n.d.retry(ctx, patience, isInUse, func() error {
		if again {
			if err := n.empty(ctx, native, true); err != nil {
				return err
			}
		}
		again = true
		return n.d.done(ctx, func(requestID *string) (*compute.Operation, error) {
			return n.d.api.networks.Delete(ctx, &computepb.DeleteNetworkRequest{Project: n.d.project, Network: native, RequestId: requestID})
		})
	})
	if isInUse(err) {
		return n.stillUsed(ctx, native, err)
	}
	return err
}

// empty deletes what belongs to the network.
func (n networks) empty(ctx context.Context, native string, fresh bool) error {
	rules, err := n.d.rulesIn(ctx, native, fresh)
	if err != nil {
		return err
	}
	routes, err := n.d.routesOf(ctx, native, fresh)
	if err != nil {
		return err
	}
	subnets, err := n.d.subnetsOf(ctx, native, fresh)
	if err != nil {
		return err
	}
	var operations []cloud.Operation
	for _, rule := range rules {
		if rule.GetName() != labelRuleName(native) && !isCopy(rule) {
			continue
		}
		more, err := n.d.deleteRule(ctx, rule)
		if err != nil {
			return err
		}
		operations = append(operations, more...)
	}
	for _, route := range routes {
		if _, ours := routeFrom(route); !ours {
			continue
		}
		more, err := n.d.deleteRoute(ctx, route.GetName())
		if err != nil {
			return err
		}
		operations = append(operations, more...)
	}
	for _, subnet := range subnets {
		more, err := n.d.deleteSubnet(ctx, subnet)
		if err != nil {
			return err
		}
		operations = append(operations, more...)
	}
	return n.d.wait(ctx, operations)
}

// stillUsed says what keeps a network, as far as it can be told.
func (n networks) stillUsed(ctx context.Context, native string, cause error) error {
	refused := &cloud.Error{Code: cloud.CodeInUse, Cloud: Name, Kind: cloud.KindNetwork, ID: native, VendorCode: "resourceInUseByAnotherResource", Err: cause,
		Message: cause.Error(), Remedy: "Remove what stands in the network first. What Holdfast does not manage is removed in the Google Cloud Console."}
	rules, err := n.d.rulesIn(ctx, native, false)
	if err != nil {
		return refused
	}
	var names []string
	for _, rule := range rules {
		names = append(names, rule.GetName())
	}
	if len(names) > 0 {
		slices.Sort(names)
		refused.Message += "; the firewall rules " + quoted(names) + " stand in it"
	}
	return refused
}

// checkZone refuses a zone that the catalogue does not know, without a request.
func (d *Driver) checkZone(location cloud.Location, kind cloud.Kind) error {
	if _, err := d.catalog.Lookup(location); err != nil {
		return &cloud.Error{Code: cloud.CodeInvalid, Cloud: Name, Kind: kind, Field: "location", Message: err.Error(), Err: err}
	}
	return nil
}

// subnetKey names a subnetwork in the index: names are unique in a region.
func subnetKey(subnet *computepb.Subnetwork) string {
	return lastPart(subnet.GetRegion()) + "/" + subnet.GetName()
}

// listSubnets reads all subnetworks of the project.
func (d *Driver) listSubnets(ctx context.Context) ([]*computepb.Subnetwork, error) {
	list := d.api.subnetworks.AggregatedList(ctx, &computepb.AggregatedListSubnetworksRequest{Project: d.project, MaxResults: new(uint32(maxResults))})
	gaps := scopes{d: d}
	pairs, err := every[*computepb.SubnetworkAggregatedList](&gaps, list.Next, func() any { return list.Response })
	if err != nil {
		return nil, err
	}
	var found []*computepb.Subnetwork
	for _, pair := range pairs {
		gaps.note(pair.Key, pair.Value.GetWarning().GetCode())
		found = append(found, pair.Value.GetSubnetworks()...)
	}
	return found, gaps.err()
}

// listRoutes reads the routes that somebody made: the vendor makes several for
// each network, whose names begin alike.
func (d *Driver) listRoutes(ctx context.Context) ([]*computepb.Route, error) {
	found, err := all(d.api.routes.List(ctx, &computepb.ListRoutesRequest{Project: d.project, Filter: new(`name ne "default-route-.*"`), MaxResults: new(uint32(maxResults))}).Next)
	return slices.DeleteFunc(found, func(route *computepb.Route) bool {
		return strings.HasPrefix(route.GetName(), "default-route-")
	}), err
}

func (d *Driver) subnetsOf(ctx context.Context, network string, fresh bool) ([]*computepb.Subnetwork, error) {
	values, err := d.subnets.all(ctx, fresh)
	return chosen(values, func(s *computepb.Subnetwork) bool { return lastPart(s.GetNetwork()) == network }), err
}

func (d *Driver) routesOf(ctx context.Context, network string, fresh bool) ([]*computepb.Route, error) {
	values, err := d.routes.all(ctx, fresh)
	return chosen(values, func(r *computepb.Route) bool { return lastPart(r.GetNetwork()) == network }), err
}

// subnetFor chooses the subnetwork of a network from which a VM in a location
// takes its address: the one that holds ip, or, if that is invalid, the first.
// It asks the API only about networks that this run has not made.
func (d *Driver) subnetFor(ctx context.Context, network string, location cloud.Location, ip netip.Addr) (*computepb.Subnetwork, error) {
	suits := func(s *computepb.Subnetwork) bool {
		prefix, err := netip.ParsePrefix(s.GetIpCidrRange())
		return err == nil && lastPart(s.GetNetwork()) == network && lastPart(s.GetRegion()) == regionOf(location.Name) && (!ip.IsValid() || prefix.Contains(ip))
	}
	found := d.subnets.some(suits)
	if len(found) == 0 {
		values, err := d.subnets.all(ctx, true)
		if err != nil {
			return nil, err
		}
		found = chosen(values, suits)
	}
	if len(found) == 0 {
		if ip.IsValid() {
			return nil, invalid(cloud.KindVM, "private_ip", "no subnet of the network "+network+" in the region of "+location.Name+" holds "+ip.String(),
				"Choose a free address within one of the network's subnets; the first and the last two of a subnet are the vendor's.")
		}
		return nil, invalid(cloud.KindVM, "network_id", "the network "+network+" has no subnet in the region of "+location.Name, "Declare a subnet in the network, and the network in the VM's location.")
	}
	return slices.MinFunc(found, func(a, b *computepb.Subnetwork) int {
		x, _ := netip.ParsePrefix(a.GetIpCidrRange())
		y, _ := netip.ParsePrefix(b.GetIpCidrRange())
		return x.Compare(y)
	}), nil
}

// chosen gives the values of an index that a condition selects.
func chosen[H any](values map[string]H, choose func(H) bool) []H {
	var found []H
	for _, value := range values {
		if choose(value) {
			found = append(found, value)
		}
	}
	return found
}
