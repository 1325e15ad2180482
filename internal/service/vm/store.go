package vm

import (
	"context"
	"errors"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// store is a cloud's VMs as the resource wants them: what was written is
// answered completely, and exhausted capacity comes with other choices.
type store struct {
	cloud.VMs
	driver cloud.Driver
}

// storeOf picks the VMs of a driver.
func storeOf(d cloud.Driver) cloud.Store[cloud.VMSpec, cloud.VM] {
	return store{VMs: d.VMs(), driver: d}
}

// Create implements cloud.Store.
func (s store) Create(ctx context.Context, spec cloud.VMSpec, saved func(cloud.VM)) (cloud.VM, error) {
	vm, err := s.VMs.Create(ctx, spec, saved)
	if err != nil {
		return vm, s.suggest(ctx, err, spec)
	}
	return s.complete(ctx, vm, spec), nil
}

// Update implements cloud.Store.
func (s store) Update(ctx context.Context, current cloud.VM, want cloud.VMSpec) (cloud.VM, error) {
	vm, err := s.VMs.Update(ctx, current, want)
	if err != nil {
		return vm, s.suggest(ctx, err, want)
	}
	return s.complete(ctx, vm, want), nil
}

// complete reads a machine again whose answer lacks an address that the cloud
// has chosen: the budget answers many such reads with one request. If that
// fails, the next refresh finds the address.
func (s store) complete(ctx context.Context, vm cloud.VM, spec cloud.VMSpec) cloud.VM {
	if (spec.Network == "" || vm.PrivateIP.IsValid()) &&
		(!spec.PublicIPv4 || vm.IPv4.IsValid()) && (!spec.PublicIPv6 || vm.IPv6.IsValid()) {
		return vm
	}
	if read, err := s.Get(ctx, vm.ID.Native); err == nil {
		return read
	}
	return vm
}

// suggest adds to an error about exhausted capacity which other types the
// location sells. The price list is at hand from the plan.
func (s store) suggest(ctx context.Context, err error, spec cloud.VMSpec) error {
	var refused *cloud.Error
	if !errors.As(err, &refused) || refused.Code != cloud.CodeCapacity {
		return err
	}
	types, listErr := s.driver.ServerTypes(ctx, spec.Location)
	if listErr != nil {
		return err
	}
	better := *refused
	better.Remedy = "Choose another location, or try again later."
	if others := alternatives(types, spec.ServerType); len(others) > 0 {
		better.Remedy = "Name another server_type that " + spec.Location.String() + " sells (" + strings.Join(others, ", ") + "), choose another location, or try again later."
	}
	return &better
}
