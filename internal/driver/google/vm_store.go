package google

import (
	"context"
	"errors"
	"regexp"
	"strings"

	"cloud.google.com/go/compute/apiv1/computepb"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// vmStore is the store of VMs. It learns from refusals what is used up: a
// machine type in a zone, which its callers choose, and the addresses of a
// subnetwork, which it chooses itself.
type vmStore struct {
	cloud.VMs
	d *Driver
}

func newVMStore(d *Driver) cloud.VMs {
	return vmStore{VMs: &store[cloud.VMSpec, *computepb.Instance, cloud.VM]{d: d, noun: vms{d}}, d: d}
}

// Create implements cloud.Store. After cloud.CodeCapacity no VM is left,
// although its id was handed over: the vendor says so only at the end of the
// operation. A VM whose subnetwork is full goes into the network's next one.
func (s vmStore) Create(ctx context.Context, spec cloud.VMSpec, saved func(cloud.VM)) (cloud.VM, error) {
	for {
		vm, err := s.VMs.Create(ctx, spec, saved)
		full := fullSubnet(err)
		if full == "" || spec.PrivateIP.IsValid() || ctx.Err() != nil {
			s.remember(spec, err)
			return vm, err
		}
		region := regionOf(spec.Location.Name)
		s.d.full.add(full, region)
		if next, lookErr := s.d.roomyFor(ctx, spec.Network, spec.Location); lookErr != nil || next == nil {
			return vm, err
		}
		s.d.log.InfoContext(ctx, "a subnetwork is full, taking the next", "subnetwork", full, "vm", nativeName(cloud.KindVM, spec.Meta))
	}
}

// Update implements cloud.Store.
func (s vmStore) Update(ctx context.Context, current cloud.VM, want cloud.VMSpec) (cloud.VM, error) {
	vm, err := s.VMs.Update(ctx, current, want)
	s.remember(want, err)
	return vm, err
}

func (s vmStore) remember(spec cloud.VMSpec, err error) {
	if cloud.CodeOf(err) == cloud.CodeCapacity {
		s.d.types.refused.add(spec.ServerType, spec.Location.Name)
	}
}

// exhausted begins the codes of an operation that found no free address.
const exhausted = "IP_SPACE_EXHAUSTED"

var subnetInMessage = regexp.MustCompile(`subnetworks/([-a-z0-9]+)`)

// fullSubnet gives the name of the subnetwork that has no free address, if an
// error says so.
func fullSubnet(err error) string {
	var failed *cloud.Error
	if !errors.As(err, &failed) || !strings.HasPrefix(failed.VendorCode, exhausted) {
		return ""
	}
	if found := subnetInMessage.FindStringSubmatch(failed.Message); found != nil {
		return found[1]
	}
	return ""
}
