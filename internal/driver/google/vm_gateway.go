package google

import (
	"fmt"
	"slices"

	"cloud.google.com/go/compute/apiv1/computepb"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// checkGateway refuses a VM at whose address a route of its network ends and
// which may not pass on traffic of others: the vendor drops such packets
// without a word (cloud.google.com/vpc/docs/using-routes#canipforward). It
// knows the routes that this run has made or listed, and asks for none.
func (d *Driver) checkGateway(spec cloud.VMSpec) error {
	if !spec.PrivateIP.IsValid() || set(spec.Options, optionIPForwarding, false) {
		return nil
	}
	leading := d.routes.some(func(r *computepb.Route) bool {
		route, ok := routeFrom(r)
		return ok && lastPart(r.GetNetwork()) == spec.Network && route.Gateway == spec.PrivateIP
	})
	if len(leading) == 0 {
		return nil
	}
	var destinations []string
	for _, route := range leading {
		destinations = append(destinations, route.GetDestRange())
	}
	slices.Sort(destinations)
	return invalid(cloud.KindVM, blockOf(optionIPForwarding),
		fmt.Sprintf("the network %s sends what is for %s to %s, which is this VM, and Google Cloud drops what a VM is sent for others unless it is a gateway",
			spec.Network, quoted(destinations), spec.PrivateIP),
		"Set google { ip_forwarding = true } on the VM, or let the routes lead to another address.")
}
