package google

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	compute "cloud.google.com/go/compute/apiv1"
	"cloud.google.com/go/compute/apiv1/computepb"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

type (
	labelVM struct{ Labels map[string]string }
	// tagVM sets which firewalls protect the VM. Network is where it stands
	// now.
	tagVM struct {
		Network   string
		Firewalls []string
	}
	detachVolume struct{ Volume string }
	attachVolume struct{ Volume string }
	// moveVM gives a VM that is off another network, another address, or both.
	moveVM struct {
		Network string
		// IP is invalid if the vendor shall choose.
		IP        netip.Addr
		IPv6      bool
		Firewalls []string
	}
	changeType struct{ Type string }
	stopVM     struct{}
	startVM    struct{}
	resumeVM   struct{}
	protectVM  struct{ On bool }
)

func (labelVM) String() string        { return "set the labels of VM" }
func (s tagVM) String() string        { return "put behind the firewalls " + quoted(s.Firewalls) + " VM" }
func (s detachVolume) String() string { return fmt.Sprintf("detach volume %s from VM", s.Volume) }
func (s attachVolume) String() string { return fmt.Sprintf("attach volume %s to VM", s.Volume) }
func (s moveVM) String() string {
	if s.IP.IsValid() {
		return fmt.Sprintf("move into network %s with the address %s VM", s.Network, s.IP)
	}
	return fmt.Sprintf("move into network %s VM", s.Network)
}
func (s changeType) String() string { return "change the server type to " + s.Type + " of VM" }
func (stopVM) String() string       { return "stop VM" }
func (startVM) String() string      { return "start VM" }
func (resumeVM) String() string     { return "resume VM" }
func (s protectVM) String() string {
	if s.On {
		return "protect from deletion VM"
	}
	return "take the deletion protection off VM"
}

// instance reads the VM that a step changes.
func (d *Driver) instance(ctx context.Context, id cloud.ID) (*computepb.Instance, error) {
	return d.api.instances.Get(ctx, &computepb.GetInstanceRequest{Project: d.project, Zone: id.Location.Name, Instance: id.Native})
}

// withInstance reads a VM and sends a write that carries one of its
// fingerprints, again if somebody else was quicker.
func (d *Driver) withInstance(ctx context.Context, id cloud.ID, send func(*computepb.Instance, *string) (*compute.Operation, error)) ([]cloud.Operation, error) {
	var operations []cloud.Operation
	err := d.fresh(ctx, func() error {
		have, err := d.instance(ctx, id)
		if err != nil {
			return err
		}
		operations, err = d.write(ctx, func(request *string) (*compute.Operation, error) { return send(have, request) })
		return err
	})
	return operations, err
}

func (s labelVM) run(ctx context.Context, d *Driver, id cloud.ID) ([]cloud.Operation, error) {
	return d.withInstance(ctx, id, func(have *computepb.Instance, request *string) (*compute.Operation, error) {
		return d.api.instances.SetLabels(ctx, &computepb.SetLabelsInstanceRequest{Project: d.project, Zone: id.Location.Name, Instance: id.Native, RequestId: request,
			InstancesSetLabelsRequestResource: &computepb.InstancesSetLabelsRequest{Labels: s.Labels, LabelFingerprint: new(have.GetLabelFingerprint())}})
	})
}

func (s tagVM) run(ctx context.Context, d *Driver, id cloud.ID) ([]cloud.Operation, error) {
	if err := d.ensureFirewalls(ctx, s.Network, id.Location, s.Firewalls); err != nil {
		return nil, err
	}
	d.noteTags(id, s.Firewalls)
	return d.withInstance(ctx, id, func(have *computepb.Instance, request *string) (*compute.Operation, error) {
		return d.api.instances.SetTags(ctx, &computepb.SetTagsInstanceRequest{Project: d.project, Zone: id.Location.Name, Instance: id.Native, RequestId: request,
			TagsResource: &computepb.Tags{Items: s.Firewalls, Fingerprint: new(have.GetTags().GetFingerprint())}})
	})
}

// run takes the device name for the volume's, as this driver attaches it; only
// if the vendor does not know it is the VM read.
func (s detachVolume) run(ctx context.Context, d *Driver, id cloud.ID) ([]cloud.Operation, error) {
	return d.detach(ctx, id, s.Volume)
}

// detach takes a volume away from a VM.
func (d *Driver) detach(ctx context.Context, vm cloud.ID, volume string) ([]cloud.Operation, error) {
	send := func(device string) ([]cloud.Operation, error) {
		return d.write(ctx, func(request *string) (*compute.Operation, error) {
			return d.api.instances.DetachDisk(ctx, &computepb.DetachDiskInstanceRequest{Project: d.project, Zone: vm.Location.Name, Instance: vm.Native, DeviceName: device, RequestId: request})
		})
	}
	operations, refused := send(volume)
	if refused == nil || ctx.Err() != nil || !anyOfCodes(codeOf(refused), cloud.CodeInvalid, cloud.CodeNotFound) {
		return operations, refused
	}
	have, err := d.instance(ctx, vm)
	if err != nil {
		return nil, err
	}
	disk := attached(have, volume)
	switch {
	case disk == nil: // an earlier attempt, whose answer was lost, did it
		return nil, nil
	case disk.GetDeviceName() == volume:
		return nil, refused
	}
	return send(disk.GetDeviceName())
}

// attached finds a volume among a VM's disks; nil if it is not there.
func attached(have *computepb.Instance, volume string) *computepb.AttachedDisk {
	i := slices.IndexFunc(have.GetDisks(), func(disk *computepb.AttachedDisk) bool { return lastPart(disk.GetSource()) == volume })
	if i < 0 {
		return nil
	}
	return have.GetDisks()[i]
}

// run waits for a while when another VM still holds the volume: in the same
// plan that VM may be about to let it go. It never takes the volume away from
// a machine that may have it mounted.
func (s attachVolume) run(ctx context.Context, d *Driver, id cloud.ID) ([]cloud.Operation, error) {
	var holder string
	err := d.retry(ctx, patience, isInUse, func() error {
		err := d.done(ctx, func(request *string) (*compute.Operation, error) {
			return d.api.instances.AttachDisk(ctx, &computepb.AttachDiskInstanceRequest{Project: d.project, Zone: id.Location.Name, Instance: id.Native,
				RequestId: request, AttachedDiskResource: d.attachment(id.Location.Name, s.Volume)})
		})
		if err == nil || ctx.Err() != nil || !(isInUse(err) || codeOf(err) == cloud.CodeInvalid) {
			return err
		}
		disk, lookErr := volumes{d}.get(ctx, id.Location.Name, s.Volume)
		switch {
		case lookErr != nil:
			return err
		case slices.Contains(holders(disk), id.Native):
			// An earlier attempt, whose answer was lost, did it.
			return nil
		case len(disk.GetUsers()) > 0:
			holder = holders(disk)[0]
		}
		return err
	})
	if isInUse(err) && holder != "" && ctx.Err() == nil {
		return nil, heldBy(holder, s.Volume, err)
	}
	return nil, err
}

// waitedFor marks an error that has been waited out: trying again at once is
// no use.
type waitedFor struct{ error }

func (w waitedFor) Unwrap() error { return w.error }

// heldBy says which VM holds a volume, after it was waited for.
func heldBy(holder, volume string, err error) error {
	return &cloud.Error{Code: cloud.CodeInUse, Cloud: Name, Field: "volume_ids", VendorCode: "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE", Err: waitedFor{err},
		Message: fmt.Sprintf("VM %s holds volume %s", holder, volume),
		Remedy:  "Take the volume out of the other VM's volume_ids and apply again."}
}

// run sets up the new network's firewall rules first. The address of a VM can
// change only while it is off.
func (s moveVM) run(ctx context.Context, d *Driver, id cloud.ID) ([]cloud.Operation, error) {
	if err := d.ensureFirewalls(ctx, s.Network, id.Location, s.Firewalls); err != nil {
		return nil, err
	}
	subnetwork, err := d.subnetworkFor(ctx, s.Network, id.Location, s.IP, s.IPv6)
	if err != nil {
		return nil, err
	}
	return d.withInstance(ctx, id, func(have *computepb.Instance, request *string) (*compute.Operation, error) {
		if len(have.GetNetworkInterfaces()) == 0 {
			return nil, &cloud.Error{Code: cloud.CodeUnsupported, Cloud: Name, Field: "network_id", Message: "the VM has no network interface"}
		}
		nic := have.GetNetworkInterfaces()[0]
		patch := &computepb.NetworkInterface{Fingerprint: new(nic.GetFingerprint()), Network: new(d.globalURL("networks", s.Network)), Subnetwork: &subnetwork}
		if s.IP.IsValid() {
			patch.NetworkIP = new(s.IP.String())
		}
		if s.IPv6 {
			patch.StackType, patch.Ipv6AccessConfigs = new(stackDual), externalIPv6()
		}
		return d.api.instances.UpdateNetworkInterface(ctx, &computepb.UpdateNetworkInterfaceInstanceRequest{Project: d.project, Zone: id.Location.Name, Instance: id.Native,
			RequestId: request, NetworkInterface: interfaceNameOf(nic), NetworkInterfaceResource: patch})
	})
}

// lookAfterwards: the vendor chooses addresses.
func (moveVM) lookAfterwards() bool { return true }

func interfaceNameOf(nic *computepb.NetworkInterface) string {
	if name := nic.GetName(); name != "" {
		return name
	}
	return interfaceName
}

func (s changeType) run(ctx context.Context, d *Driver, id cloud.ID) ([]cloud.Operation, error) {
	return d.write(ctx, func(request *string) (*compute.Operation, error) {
		return d.api.instances.SetMachineType(ctx, &computepb.SetMachineTypeInstanceRequest{Project: d.project, Zone: id.Location.Name, Instance: id.Native, RequestId: request,
			InstancesSetMachineTypeRequestResource: &computepb.InstancesSetMachineTypeRequest{MachineType: new(d.zoneURL(id.Location.Name, "machineTypes", s.Type))}})
	})
}

// run asks the guest to shut down; the vendor takes the power away when it has
// not done so within 90 s (cloud.google.com/compute/docs/instances/
// stop-start-instance). The operation ends when the VM is off.
func (stopVM) run(ctx context.Context, d *Driver, id cloud.ID) ([]cloud.Operation, error) {
	return d.write(ctx, func(request *string) (*compute.Operation, error) {
		return d.api.instances.Stop(ctx, &computepb.StopInstanceRequest{Project: d.project, Zone: id.Location.Name, Instance: id.Native, RequestId: request})
	})
}

// run remembers a machine type that the zone has none left of: a VM that was
// off may find its place taken.
func (startVM) run(ctx context.Context, d *Driver, id cloud.ID) ([]cloud.Operation, error) {
	return d.write(ctx, func(request *string) (*compute.Operation, error) {
		return d.api.instances.Start(ctx, &computepb.StartInstanceRequest{Project: d.project, Zone: id.Location.Name, Instance: id.Native, RequestId: request})
	})
}

// lookAfterwards: a VM that was off has another public address.
func (startVM) lookAfterwards() bool { return true }

// run continues a VM that somebody has suspended, with what was in its memory;
// starting is refused. One that is still being suspended is waited for.
func (resumeVM) run(ctx context.Context, d *Driver, id cloud.ID) ([]cloud.Operation, error) {
	return d.write(ctx, func(request *string) (*compute.Operation, error) {
		return d.api.instances.Resume(ctx, &computepb.ResumeInstanceRequest{Project: d.project, Zone: id.Location.Name, Instance: id.Native, RequestId: request})
	})
}

// lookAfterwards: as after a start.
func (resumeVM) lookAfterwards() bool { return true }

func (s protectVM) run(ctx context.Context, d *Driver, id cloud.ID) ([]cloud.Operation, error) {
	return d.write(ctx, func(request *string) (*compute.Operation, error) {
		return d.api.instances.SetDeletionProtection(ctx, &computepb.SetDeletionProtectionInstanceRequest{Project: d.project, Zone: id.Location.Name, Resource: id.Native,
			RequestId: request, DeletionProtection: &s.On})
	})
}

// anyOfCodes tells whether a code is one of those.
func anyOfCodes(code cloud.Code, codes ...cloud.Code) bool { return slices.Contains(codes, code) }

// protectedMessage is part of the refusal to delete a protected instance,
// whose reason is shared with other refusals.
const protectedMessage = "protected against deletion"

// isProtected tells whether an error says that the VM is protected.
func isProtected(err error) bool {
	return err != nil && strings.Contains(err.Error(), protectedMessage)
}
