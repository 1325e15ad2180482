package vm

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// store is a cloud's VMs as the resource wants them: what was written is
// answered completely, and exhausted capacity leads to other choices.
type store struct {
	cloud.VMs
	driver cloud.Driver
}

// storeOf picks the VMs of a driver.
func storeOf(d cloud.Driver) cloud.Store[cloud.VMSpec, cloud.VM] {
	return store{VMs: d.VMs(), driver: d}
}

// Create implements cloud.Store. What is sold out is replaced by the next
// type that the spec names.
func (s store) Create(ctx context.Context, spec cloud.VMSpec, saved func(cloud.VM)) (cloud.VM, error) {
	native := ""
	record := func(vm cloud.VM) { native = vm.ID.Native; saved(vm) }
	vm, err := s.VMs.Create(ctx, spec, record)
	tried := []string{spec.ServerType}
	for _, other := range spec.Alternatives {
		if !soldOut(err) || !s.absent(ctx, native) {
			break
		}
		spec.ServerType = other
		tried = append(tried, other)
		vm, err = s.VMs.Create(ctx, spec, record)
	}
	if err != nil {
		return vm, s.suggest(ctx, err, spec.Location, tried, 0)
	}
	return s.complete(ctx, vm, spec), nil
}

// absent tells that a create which was refused for want of room left nothing
// behind. Some clouds refuse at once, others only when the work that they
// began, and gave an id for, has failed.
func (s store) absent(ctx context.Context, native string) bool {
	if native == "" {
		return true
	}
	_, err := s.Get(ctx, native)
	return cloud.IsNotFound(err)
}

// Update implements cloud.Store. What is sold out is replaced by the next
// type that the spec names, and a machine that a failed change has stopped is
// started again.
func (s store) Update(ctx context.Context, current cloud.VM, want cloud.VMSpec) (cloud.VM, error) {
	vm, err := s.VMs.Update(ctx, current, want)
	tried := []string{want.ServerType}
	for _, other := range want.Alternatives {
		if !soldOut(err) {
			break
		}
		now, readErr := s.Get(ctx, current.ID.Native)
		if readErr != nil {
			break
		}
		want.ServerType = other
		tried = append(tried, other)
		vm, err = s.VMs.Update(ctx, now, want)
	}
	if err != nil {
		return vm, s.restart(ctx, current, want, s.suggest(ctx, err, want.Location, tried, current.DiskGB))
	}
	return s.complete(ctx, vm, want), nil
}

// restartTime bounds the attempt to start a machine again: starting takes
// seconds, and a cloud that does not answer must not hold up the report.
const restartTime = 5 * time.Minute

// restart starts a machine that ran before a change that failed, and that the
// change has stopped. It answers the failure.
func (s store) restart(ctx context.Context, before cloud.VM, want cloud.VMSpec, failure error) error {
	if ctx.Err() != nil || before.Power != cloud.PowerRunning || want.Power == cloud.PowerStopped {
		return failure
	}
	ctx, cancel := context.WithTimeout(ctx, restartTime)
	defer cancel()
	now, err := s.Get(ctx, before.ID.Native)
	if err != nil || now.Power != cloud.PowerStopped {
		return failure // gone, running, or the next plan has to find out
	}
	running := now.VMSpec
	running.Power = cloud.PowerRunning
	if _, err := s.VMs.Update(ctx, now, running); err != nil {
		stopped := &cloud.Error{Code: cloud.CodeOf(failure), Message: failure.Error(), Err: failure}
		errors.As(failure, &stopped)
		told := *stopped
		told.Message += "; the VM was stopped for the change, and starting it again failed: " + err.Error()
		return &told
	}
	return failure
}

func soldOut(err error) bool { return cloud.CodeOf(err) == cloud.CodeCapacity }

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

// suggest adds to an error about exhausted capacity what was tried, and which
// other types the location sells, the price list being at hand. disk is what
// the machine has already, which no choice may be below.
func (s store) suggest(ctx context.Context, err error, location cloud.Location, tried []string, disk int64) error {
	var refused *cloud.Error
	if !errors.As(err, &refused) || refused.Code != cloud.CodeCapacity {
		return err
	}
	types, listErr := s.driver.ServerTypes(ctx, location)
	if listErr != nil {
		return err
	}
	better := *refused
	if len(tried) > 1 {
		better.Message += " (tried " + strings.Join(tried, ", ") + ")"
	}
	better.Remedy = "Choose another location, or try again later."
	others := slices.DeleteFunc(alternatives(types, tried[0], disk), func(name string) bool { return slices.Contains(tried, name) })
	if len(others) > 0 {
		better.Remedy = "Name another server_type that " + location.String() + " sells (" + strings.Join(others, ", ") + "), choose another location, or try again later."
	}
	return &better
}
