package google

import (
	"context"
	"net/netip"
	"slices"

	compute "cloud.google.com/go/compute/apiv1"
	"cloud.google.com/go/compute/apiv1/computepb"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// Words of the API: fields stackType and ipv6AccessType of a subnetwork.
const (
	stackDual      = "IPV4_IPV6"
	accessExternal = "EXTERNAL"
)

// isDual tells whether a subnetwork gives its VMs public IPv6 addresses.
func isDual(have *computepb.Subnetwork) bool {
	return have.GetStackType() == stackDual && have.GetIpv6AccessType() == accessExternal
}

// subnetworkFor gives the path of the subnetwork in which a VM of the network
// stands. One that shall give public IPv6 addresses is made to if it does not
// yet.
func (d *Driver) subnetworkFor(ctx context.Context, network string, location cloud.Location, ip netip.Addr, ipv6 bool) (string, error) {
	if network == "" {
		return "", invalid(cloud.KindVM, "network_id", "Google Cloud has no VM without a network", "Name a network.")
	}
	subnet, err := d.subnetFor(ctx, network, location, ip)
	if err != nil {
		return "", err
	}
	region := regionOf(location.Name)
	if !ip.IsValid() && d.full.has(subnet.GetName(), region) {
		if next, err := d.roomyFor(ctx, network, location); err == nil && next != nil {
			subnet = next
		}
	}
	if ipv6 && !isDual(subnet) {
		if err := d.widen(ctx, region, network, subnet.GetName()); err != nil {
			return "", err
		}
	}
	return d.regionURL(region, "subnetworks", subnet.GetName()), nil
}

// roomyFor chooses a subnetwork of a network, in the location's region, that
// nobody has called full yet: the one with the lowest range, nil if there is
// none.
func (d *Driver) roomyFor(ctx context.Context, network string, location cloud.Location) (*computepb.Subnetwork, error) {
	found, err := d.subnetsOf(ctx, network, false)
	region := regionOf(location.Name)
	found = slices.DeleteFunc(found, func(s *computepb.Subnetwork) bool {
		return lastPart(s.GetRegion()) != region || s.GetIpCidrRange() == "" || d.full.has(s.GetName(), region)
	})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return slices.MinFunc(found, func(a, b *computepb.Subnetwork) int {
		x, _ := netip.ParsePrefix(a.GetIpCidrRange())
		y, _ := netip.ParsePrefix(b.GetIpCidrRange())
		return x.Compare(y)
	}), nil
}

// widen gives a subnetwork public IPv6 addresses beside its own range; once,
// however many VMs wait for it.
func (d *Driver) widen(ctx context.Context, region, network, name string) error {
	// The first caller's end must not fail the others who wait with it.
	result := d.shared.DoChan("widen "+region+"/"+name, func() (any, error) {
		return nil, d.widenOnce(context.WithoutCancel(ctx), region, network, name)
	})
	select {
	case <-ctx.Done():
		return ctx.Err()
	case outcome := <-result:
		return outcome.Err
	}
}

func (d *Driver) widenOnce(ctx context.Context, region, network, name string) error {
	var (
		operations []cloud.Operation
		subnet     *computepb.Subnetwork
	)
	err := d.fresh(ctx, func() error {
		have, err := d.api.subnetworks.Get(ctx, &computepb.GetSubnetworkRequest{Project: d.project, Region: region, Subnetwork: name})
		if subnet = have; err != nil || isDual(have) {
			return err
		}
		operations, err = d.write(ctx, func(request *string) (*compute.Operation, error) {
			return d.api.subnetworks.Patch(ctx, &computepb.PatchSubnetworkRequest{Project: d.project, Region: region, Subnetwork: name, RequestId: request,
				SubnetworkResource: &computepb.Subnetwork{StackType: new(stackDual), Ipv6AccessType: new(accessExternal), Fingerprint: new(have.GetFingerprint())}})
		})
		return err
	})
	if err == nil {
		err = d.wait(ctx, operations)
	}
	if err != nil {
		return d.fail(err, cloud.KindNetwork, network, "give IPv6 addresses to the subnetwork "+name+" of network")
	}
	wide, _ := proto.Clone(subnet).(*computepb.Subnetwork)
	wide.StackType, wide.Ipv6AccessType = new(stackDual), new(accessExternal)
	d.subnets.put(wide)
	return nil
}
