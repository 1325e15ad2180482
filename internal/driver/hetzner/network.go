package hetzner

import (
	"context"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// networks is the noun network: /networks with their subnets and routes.
type networks struct{ d *Driver }

var _ noun[cloud.NetworkSpec, *hcloud.Network, cloud.Network] = networks{}

func (networks) kind() cloud.Kind                                   { return cloud.KindNetwork }
func (networks) specMeta(spec cloud.NetworkSpec) cloud.Meta         { return spec.Meta }
func (networks) healthy(cloud.Network, cloud.NetworkSpec) bool      { return true }
func (networks) adoptable(*hcloud.Network, cloud.NetworkSpec) error { return nil }
func (networks) object(n cloud.Network) (cloud.Object, cloud.Meta)  { return n.Object, n.Meta }
func (networks) observe(have *hcloud.Network) cloud.Network         { return networkFrom(have) }

// quiet: networks are made at once.
func (networks) quiet(*hcloud.Network) bool { return true }

func (networks) at(network cloud.Network, location cloud.Location) cloud.Network {
	network.ID.Location = location
	return network
}

func (n networks) create(ctx context.Context, spec cloud.NetworkSpec) (cloud.Network, []*hcloud.Action, error) {
	zone, err := n.d.networkZone(spec.Location)
	if err != nil {
		return cloud.Network{}, nil, err
	}
	made, resp, err := n.d.client.Network.Create(ctx, networkOpts(spec, zone))
	if err != nil {
		return cloud.Network{}, nil, answered(resp, err)
	}
	return n.at(n.observe(made), spec.Location), nil, nil
}

func (n networks) read(ctx context.Context, id int64) (*hcloud.Network, bool, error) {
	have, resp, err := n.d.client.Network.GetByID(ctx, id)
	return have, have != nil, answered(resp, err)
}

func (n networks) page(ctx context.Context, options hcloud.ListOpts, name string) ([]*hcloud.Network, *hcloud.Response, error) {
	return n.d.client.Network.List(ctx, hcloud.NetworkListOpts{ListOpts: options, Name: name, Sort: byID()})
}

func (n networks) running(ctx context.Context, id int64) ([]*hcloud.Action, error) {
	return many(n.d.client.Network.Action.ListFor(ctx, &hcloud.Network{ID: id}, runningActions()))
}

func (n networks) rivals(ctx context.Context, spec cloud.NetworkSpec) ([]*hcloud.Network, error) {
	found, resp, err := n.page(ctx, hcloud.ListOpts{PerPage: 1}, nativeName(cloud.KindNetwork, spec.Meta))
	return found, answered(resp, err)
}

func (n networks) plan(current cloud.Network, want cloud.NetworkSpec) ([]step, error) {
	zone, err := n.d.networkZone(want.Location)
	if err != nil {
		return nil, err
	}
	return planNetwork(current, want, zone)
}

func (networks) merge(current cloud.Network, want cloud.NetworkSpec) cloud.Network {
	current.Object, current.Meta = mergedMeta(cloud.KindNetwork, current.Object, want.Meta)
	current.CIDR, current.Subnets, current.Routes = want.CIDR, want.Subnets, want.Routes
	return current
}

func (n networks) remove(ctx context.Context, id int64) error {
	return n.d.whileBusy(ctx, func() error {
		return answered(n.d.client.Network.Delete(ctx, &hcloud.Network{ID: id}))
	})
}

// networkZone tells from the catalogue, without a request, the area within
// which the networks of a location reach.
func (d *Driver) networkZone(location cloud.Location) (hcloud.NetworkZone, error) {
	entry, err := d.catalog.Lookup(location)
	if err != nil {
		return "", &cloud.Error{Code: cloud.CodeInvalid, Cloud: Name, Kind: cloud.KindNetwork, Field: "location", Message: err.Error(), Err: err}
	}
	return hcloud.NetworkZone(entry.NetworkZone), nil
}

// runningActions selects what is at work on an object. More than a page of
// actions at once does not happen: the vendor locks the object.
func runningActions() hcloud.ActionListOpts {
	return hcloud.ActionListOpts{ListOpts: hcloud.ListOpts{PerPage: perPage}, Status: []hcloud.ActionStatus{hcloud.ActionStatusRunning}, Sort: byID()}
}
