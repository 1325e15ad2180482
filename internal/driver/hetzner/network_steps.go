package hetzner

import (
	"context"
	"net/netip"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

type (
	growNetwork struct{ Range netip.Prefix }
	addSubnet   struct {
		Subnet netip.Prefix
		Zone   hcloud.NetworkZone
	}
	dropSubnet struct{ Subnet netip.Prefix }
	addRoute   struct{ Route cloud.Route }
	dropRoute  struct{ Route cloud.Route }
)

func (s growNetwork) String() string { return "grow network to " + s.Range.String() }
func (s addSubnet) String() string   { return "add subnet " + s.Subnet.String() + " to network" }
func (s dropSubnet) String() string  { return "delete subnet " + s.Subnet.String() + " of network" }
func (s addRoute) String() string {
	return "add route " + s.Route.Destination.String() + " to network"
}
func (s dropRoute) String() string {
	return "delete route " + s.Route.Destination.String() + " of network"
}

func (s growNetwork) run(ctx context.Context, d *Driver, id int64) ([]*hcloud.Action, error) {
	return one(d.client.Network.ChangeIPRange(ctx, &hcloud.Network{ID: id}, hcloud.NetworkChangeIPRangeOpts{IPRange: ipNet(s.Range)}))
}

func (s addSubnet) run(ctx context.Context, d *Driver, id int64) ([]*hcloud.Action, error) {
	return one(d.client.Network.AddSubnet(ctx, &hcloud.Network{ID: id}, hcloud.NetworkAddSubnetOpts{Subnet: subnetOf(s.Subnet, s.Zone)}))
}

func (s dropSubnet) run(ctx context.Context, d *Driver, id int64) ([]*hcloud.Action, error) {
	return one(d.client.Network.DeleteSubnet(ctx, &hcloud.Network{ID: id}, hcloud.NetworkDeleteSubnetOpts{Subnet: hcloud.NetworkSubnet{IPRange: ipNet(s.Subnet)}}))
}

func (s addRoute) run(ctx context.Context, d *Driver, id int64) ([]*hcloud.Action, error) {
	return one(d.client.Network.AddRoute(ctx, &hcloud.Network{ID: id}, hcloud.NetworkAddRouteOpts{Route: routeOf(s.Route)}))
}

func (s dropRoute) run(ctx context.Context, d *Driver, id int64) ([]*hcloud.Action, error) {
	return one(d.client.Network.DeleteRoute(ctx, &hcloud.Network{ID: id}, hcloud.NetworkDeleteRouteOpts{Route: routeOf(s.Route)}))
}
