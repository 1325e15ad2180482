package google

import (
	"context"
	"errors"
	"fmt"

	compute "cloud.google.com/go/compute/apiv1"
	"cloud.google.com/go/compute/apiv1/computepb"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// volumes is the noun volume: disks. They are attached by the VM that names
// them. The vendor encrypts all of them (ENC-1).
type volumes struct{ d *Driver }

var _ noun[cloud.VolumeSpec, *computepb.Disk, cloud.Volume] = volumes{}

func (volumes) kind() cloud.Kind                                 { return cloud.KindVolume }
func (volumes) specMeta(spec cloud.VolumeSpec) cloud.Meta        { return spec.Meta }
func (volumes) object(v cloud.Volume) (cloud.Object, cloud.Meta) { return v.Object, v.Meta }
func (volumes) observe(have *computepb.Disk) cloud.Volume        { return volumeFrom(have) }

func (volumes) at(volume cloud.Volume, location cloud.Location) cloud.Volume {
	volume.ID.Location = location
	return volume
}

func (n volumes) create(ctx context.Context, spec cloud.VolumeSpec) (cloud.Volume, []cloud.Operation, error) {
	if err := checkVolumeOptions(spec.Options); err != nil {
		return cloud.Volume{}, nil, err
	}
	if err := n.d.grants.check(ctx, cloud.KindVolume, spec.Options[optionKMSKey]); err != nil {
		return cloud.Volume{}, nil, err
	}
	operations, err := n.d.write(ctx, func(request *string) (*compute.Operation, error) {
		return n.d.api.disks.Insert(ctx, &computepb.InsertDiskRequest{Project: n.d.project, Zone: spec.Location.Name, DiskResource: n.d.diskOf(spec), RequestId: request})
	})
	if err != nil {
		return cloud.Volume{}, nil, err
	}
	made := madeVolume(spec)
	n.d.diskTypes.put(made.ID.Native, typeOf(spec.Options))
	return made, operations, nil
}

func (n volumes) get(ctx context.Context, zone, native string) (*computepb.Disk, error) {
	return n.d.api.disks.Get(ctx, &computepb.GetDiskRequest{Project: n.d.project, Zone: zone, Disk: native})
}

// read counts a boot disk as no volume: it is its VM's.
func (n volumes) read(ctx context.Context, id cloud.ID) (*computepb.Disk, bool, error) {
	if zone := zoneOf(id); zone != "" {
		have, err := n.get(ctx, zone, id.Native)
		return have, err == nil && !isBoot(have), err
	}
	found, err := n.search(ctx, equal("name", id.Native))
	if err != nil || len(found) == 0 {
		return nil, false, err
	}
	return found[0], true, nil
}

func (n volumes) list(ctx context.Context, filter cloud.Filter) ([]*computepb.Disk, error) {
	return n.search(ctx, labelFilter(filter))
}

// search reads the volumes of all zones that an expression selects.
func (n volumes) search(ctx context.Context, expression string) ([]*computepb.Disk, error) {
	request := &computepb.AggregatedListDisksRequest{Project: n.d.project, MaxResults: new(uint32(maxResults))}
	if expression != "" {
		request.Filter = &expression
	}
	list := n.d.api.disks.AggregatedList(ctx, request)
	missed := scopes{d: n.d}
	pairs, err := every[*computepb.DiskAggregatedList](&missed, list.Next, func() any { return list.Response })
	if err != nil {
		return nil, err
	}
	var found []*computepb.Disk
	for _, pair := range pairs {
		missed.note(pair.Key, pair.Value.GetWarning().GetCode())
		for _, disk := range pair.Value.GetDisks() {
			if !isBoot(disk) {
				found = append(found, disk)
			}
		}
	}
	return found, missed.err()
}

// adoptable compares what a disk keeps for its life. A type that the spec does
// not name may be any.
func (volumes) adoptable(have *computepb.Disk, spec cloud.VolumeSpec) error {
	_, err := planVolume(volumeFrom(have), spec)
	return err
}

// healthy trusts a disk that the vendor calls ready.
func (volumes) healthy(cloud.Volume, cloud.VolumeSpec) bool { return true }

func (volumes) plan(current cloud.Volume, want cloud.VolumeSpec) ([]step, error) {
	return planVolume(current, want)
}

func (volumes) merge(current cloud.Volume, want cloud.VolumeSpec) cloud.Volume {
	current.Object, current.Meta = mergedMeta(current.Object, want.Meta)
	current.Protected = false // the vendor does not protect disks
	current.SizeGB = want.SizeGB
	return current
}

// remove deletes a disk. Only when that is refused is it looked whether it is
// still attached, and then detached first.
func (n volumes) remove(ctx context.Context, native string) error {
	zone := zoneIn(native)
	if zone == "" {
		have, exists, err := n.read(ctx, cloud.ID{Native: native})
		if err != nil || !exists {
			return err
		}
		zone = lastPart(have.GetZone())
	}
	once := func() error {
		return n.d.done(ctx, func(request *string) (*compute.Operation, error) {
			return n.d.api.disks.Delete(ctx, &computepb.DeleteDiskRequest{Project: n.d.project, Zone: zone, Disk: native, RequestId: request})
		})
	}
	refused := once()
	if ctx.Err() != nil || !anyOfCodes(codeOf(refused), cloud.CodeInUse, cloud.CodeInvalid) {
		return refused
	}
	have, err := n.get(ctx, zone, native)
	switch {
	case isNotFound(err):
		return nil
	case err != nil:
		return errors.Join(refused, err)
	case isBoot(have):
		return fmt.Errorf("%w: the disk belongs to VM %s", refused, have.GetLabels()[labelBoot])
	case len(holders(have)) == 0:
		// The vendor frees a disk some moments after its VM is gone.
		return n.d.retry(ctx, patience, isInUse, once)
	}
	for _, vm := range holders(have) {
		n.d.log.InfoContext(ctx, "detaching a volume that is to be deleted", "volume", native, "vm", vm)
		id := cloud.ID{Location: cloud.Location{Cloud: Name, Name: zone}, Native: vm}
		operations, err := n.d.detach(ctx, id, native)
		if err == nil {
			err = n.d.wait(ctx, operations)
		}
		if err != nil && !isNotFound(err) {
			return err
		}
	}
	return n.d.retry(ctx, patience, isInUse, once)
}
