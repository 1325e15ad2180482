package google

import (
	"context"
	"fmt"
	"net/netip"

	compute "cloud.google.com/go/compute/apiv1"
	"cloud.google.com/go/compute/apiv1/computepb"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

type (
	relabelNetwork struct{ Pairs map[string]string }
	addSubnets     struct{ Subnets []netip.Prefix }
	dropSubnets    struct{ Subnets []netip.Prefix }
	growSubnet     struct{ From, To netip.Prefix }
	addRoutes      struct{ Routes []cloud.Route }
	dropRoutes     struct{ Routes []cloud.Route }
)

func (relabelNetwork) String() string { return "set the labels of network" }
func (s addSubnets) String() string   { return fmt.Sprintf("add the subnets %v to network", s.Subnets) }
func (s dropSubnets) String() string {
	return fmt.Sprintf("delete the subnets %v of network", s.Subnets)
}
func (s growSubnet) String() string {
	return fmt.Sprintf("grow subnet %s to %s of network", s.From, s.To)
}
func (s addRoutes) String() string  { return fmt.Sprintf("add %d routes to network", len(s.Routes)) }
func (s dropRoutes) String() string { return fmt.Sprintf("delete %d routes of network", len(s.Routes)) }

// lowestPriority is that of the rules which nothing shall depend on.
const lowestPriority = 65535

// run makes the rule that carries the labels, or changes its description.
func (s relabelNetwork) run(ctx context.Context, d *Driver, id cloud.ID) ([]cloud.Operation, error) {
	text, err := describe(s.Pairs)
	if err != nil {
		return nil, err
	}
	rule := &computepb.Firewall{
		Name: new(labelRuleName(id.Native)), Network: new(d.globalURL("networks", id.Native)), Description: &text,
		Direction: new(ingress), Priority: new(int32(lowestPriority)), Disabled: new(true),
		Denied: []*computepb.Denied{{IPProtocol: new("all")}}, SourceRanges: []string{"0.0.0.0/0"},
	}
	operations, err := d.insertRule(ctx, rule)
	if codeOf(err) != cloud.CodeNameTaken {
		return operations, err
	}
	return d.patchRule(ctx, rule.GetName(), &computepb.Firewall{Description: &text})
}

func (s addSubnets) run(ctx context.Context, d *Driver, id cloud.ID) ([]cloud.Operation, error) {
	var operations []cloud.Operation
	for _, prefix := range s.Subnets {
		more, err := d.insertSubnet(ctx, id, prefix)
		if err != nil {
			return nil, err
		}
		operations = append(operations, more...)
	}
	return operations, nil
}

func (d *Driver) insertSubnet(ctx context.Context, id cloud.ID, prefix netip.Prefix) ([]cloud.Operation, error) {
	region := regionOf(id.Location.Name)
	subnet := &computepb.Subnetwork{
		Name:        new(childName(id.Native, "subnet", prefix.String())),
		Network:     new(d.globalURL("networks", id.Native)),
		IpCidrRange: new(prefix.String()),
		// A VM without a public address reaches the vendor's storage, and so
		// its backups, over the vendor's own network.
		PrivateIpGoogleAccess: new(true),
	}
	operations, err := d.write(ctx, func(requestID *string) (*compute.Operation, error) {
		return d.api.subnetworks.Insert(ctx, &computepb.InsertSubnetworkRequest{Project: d.project, Region: region, SubnetworkResource: subnet, RequestId: requestID})
	})
	if err == nil {
		subnet.Region = &region
		d.subnets.put(subnet)
	}
	return operations, err
}

func (s dropSubnets) run(ctx context.Context, d *Driver, id cloud.ID) ([]cloud.Operation, error) {
	subnets, err := d.subnetsOf(ctx, id.Native, true)
	if err != nil {
		return nil, err
	}
	var operations []cloud.Operation
	for _, subnet := range subnets {
		for _, prefix := range s.Subnets {
			if subnet.GetIpCidrRange() != prefix.String() {
				continue
			}
			more, err := d.deleteSubnet(ctx, subnet)
			if err != nil {
				return nil, err
			}
			operations = append(operations, more...)
		}
	}
	return operations, nil
}

// deleteSubnet waits a while for VMs that are going, as it is in use by them.
func (d *Driver) deleteSubnet(ctx context.Context, subnet *computepb.Subnetwork) ([]cloud.Operation, error) {
	var operations []cloud.Operation
	err := d.retry(ctx, patience, isInUse, func() error {
		var err error
		operations, err = d.write(ctx, func(requestID *string) (*compute.Operation, error) {
			return d.api.subnetworks.Delete(ctx, &computepb.DeleteSubnetworkRequest{Project: d.project, Region: lastPart(subnet.GetRegion()),
				Subnetwork: subnet.GetName(), RequestId: requestID})
		})
		return err
	})
	if err == nil || isNotFound(err) {
		d.subnets.drop(subnetKey(subnet))
		return operations, nil
	}
	return nil, err
}

func (s growSubnet) run(ctx context.Context, d *Driver, id cloud.ID) ([]cloud.Operation, error) {
	subnets, err := d.subnetsOf(ctx, id.Native, true)
	if err != nil {
		return nil, err
	}
	for _, subnet := range subnets {
		if subnet.GetIpCidrRange() != s.From.String() {
			continue
		}
		return d.write(ctx, func(requestID *string) (*compute.Operation, error) {
			return d.api.subnetworks.ExpandIpCidrRange(ctx, &computepb.ExpandIpCidrRangeSubnetworkRequest{Project: d.project, Region: lastPart(subnet.GetRegion()),
				Subnetwork: subnet.GetName(), RequestId: requestID,
				SubnetworksExpandIpCidrRangeRequestResource: &computepb.SubnetworksExpandIpCidrRangeRequest{IpCidrRange: new(s.To.String())}})
		})
	}
	return nil, &cloud.Error{Code: cloud.CodeNotFound, Cloud: Name, Kind: cloud.KindNetwork, ID: id.Native, Message: "the network has no subnet " + s.From.String() + " any more"}
}

func (s addRoutes) run(ctx context.Context, d *Driver, id cloud.ID) ([]cloud.Operation, error) {
	var operations []cloud.Operation
	for _, route := range s.Routes {
		resource := &computepb.Route{
			Name:      new(childName(id.Native, "route", route.Destination.String(), route.Gateway.String())),
			Network:   new(d.globalURL("networks", id.Native)),
			DestRange: new(route.Destination.String()),
			NextHopIp: new(route.Gateway.String()),
			Priority:  new(uint32(defaultPriority)),
		}
		more, err := d.write(ctx, func(requestID *string) (*compute.Operation, error) {
			return d.api.routes.Insert(ctx, &computepb.InsertRouteRequest{Project: d.project, RouteResource: resource, RequestId: requestID})
		})
		if err != nil {
			return nil, err
		}
		d.routes.put(resource)
		operations = append(operations, more...)
	}
	return operations, nil
}

func (s dropRoutes) run(ctx context.Context, d *Driver, id cloud.ID) ([]cloud.Operation, error) {
	routes, err := d.routesOf(ctx, id.Native, true)
	if err != nil {
		return nil, err
	}
	var operations []cloud.Operation
	for _, have := range routes {
		found, ok := routeFrom(have)
		for _, route := range s.Routes {
			if !ok || found != route {
				continue
			}
			more, err := d.deleteRoute(ctx, have.GetName())
			if err != nil {
				return nil, err
			}
			operations = append(operations, more...)
		}
	}
	return operations, nil
}

func (d *Driver) deleteRoute(ctx context.Context, name string) ([]cloud.Operation, error) {
	operations, err := d.write(ctx, func(requestID *string) (*compute.Operation, error) {
		return d.api.routes.Delete(ctx, &computepb.DeleteRouteRequest{Project: d.project, Route: name, RequestId: requestID})
	})
	if err == nil || isNotFound(err) {
		d.routes.drop(name)
		return operations, nil
	}
	return nil, err
}
