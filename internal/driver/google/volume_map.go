package google

import (
	"context"
	"fmt"
	"maps"

	compute "cloud.google.com/go/compute/apiv1"
	"cloud.google.com/go/compute/apiv1/computepb"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// defaultDiskType is the vendor's own default for general use: SSD at a
// moderate price (cloud.google.com/compute/docs/disks/persistent-disks).
const defaultDiskType = "pd-balanced"

// diskOf translates a spec into the one request that makes it.
func (d *Driver) diskOf(spec cloud.VolumeSpec) *computepb.Disk {
	return &computepb.Disk{
		Name:              new(nativeName(cloud.KindVolume, spec.Meta)),
		SizeGb:            new(spec.SizeGB),
		Type:              new(d.zoneURL(spec.Location.Name, "diskTypes", typeOf(spec.Options))),
		Labels:            labelsOf(cloud.KindVolume, spec.Meta),
		DiskEncryptionKey: encryption(spec.Options),
	}
}

func typeOf(options map[string]string) string {
	if wanted := options[optionDiskType]; wanted != "" {
		return wanted
	}
	return defaultDiskType
}

// isBoot tells whether a disk is a VM's own.
func isBoot(disk *computepb.Disk) bool {
	return disk.GetLabels()[labelBoot] != "" || disk.GetSourceImage() != ""
}

// holders gives the native ids of the VMs that hold a disk.
func holders(disk *computepb.Disk) []string {
	var names []string
	for _, user := range disk.GetUsers() {
		names = append(names, lastPart(user))
	}
	return names
}

// deviceOf is the path at which a Linux guest finds a volume: the vendor's
// images name disks by their device name, which is the volume's native id.
func deviceOf(native string) string { return "/dev/disk/by-id/google-" + native }

// volumeFrom translates what the API says of a disk. The type is an option
// only where it is not the default.
func volumeFrom(have *computepb.Disk) cloud.Volume {
	var volume cloud.Volume
	volume.Meta = metaOf(have.GetName(), lastPart(have.GetZone()), have.GetLabels(), false)
	volume.Object = objectOf(have.GetName(), have.GetCreationTimestamp(), volume.Meta, have.GetLabels())
	volume.SizeGB = have.GetSizeGb()
	volume.Device = deviceOf(have.GetName())
	if users := holders(have); len(users) > 0 {
		volume.AttachedTo = users[0]
	}
	options := map[string]string{}
	if kind := lastPart(have.GetType()); kind != "" && kind != defaultDiskType {
		options[optionDiskType] = kind
	}
	if key := keyVersion.ReplaceAllString(have.GetDiskEncryptionKey().GetKmsKeyName(), ""); key != "" {
		options[optionKMSKey] = key
	}
	if len(options) > 0 {
		volume.Options = options
	}
	return volume
}

// madeVolume is what is known of a volume when its creation has ended.
func madeVolume(spec cloud.VolumeSpec) cloud.Volume {
	native := nativeName(cloud.KindVolume, spec.Meta)
	volume := cloud.Volume{Object: objectOf(native, "", spec.Meta, nil), VolumeSpec: spec, Device: deviceOf(native)}
	volume.Labels = maps.Clone(spec.Labels)
	volume.Protected = false
	volume.Options = given(spec.Options, optionKMSKey, optionDiskType)
	if volume.Options[optionDiskType] == defaultDiskType {
		delete(volume.Options, optionDiskType)
	}
	return volume
}

// planVolume gives the steps from what was observed to what is wanted.
func planVolume(current cloud.Volume, want cloud.VolumeSpec) ([]step, error) {
	if err := checkVolumeOptions(want.Options); err != nil {
		return nil, err
	}
	refuse := func(field, message string) error {
		return unsupported(cloud.KindVolume, current.ID.Native, field, message)
	}
	switch key := want.Options[optionKMSKey]; {
	case current.Location.Name != want.Location.Name:
		return nil, refuse("location", "a volume cannot move to another location")
	case key != current.Options[optionKMSKey] && key != "":
		return nil, refuse(blockOf(optionKMSKey), "a disk keeps the key that it was made with")
	case want.Options[optionDiskType] != "" && typeOf(want.Options) != typeOf(current.Options):
		return nil, refuse(blockOf(optionDiskType), fmt.Sprintf("the disk is of type %s and keeps it", typeOf(current.Options)))
	case want.SizeGB < current.SizeGB:
		return nil, refuse("size_gb", fmt.Sprintf("a volume can only grow: it has %d GB, %d GB are wanted", current.SizeGB, want.SizeGB))
	}
	var steps []step
	if !sameLabels(cloud.KindVolume, current.Meta, want.Meta) {
		steps = append(steps, labelVolume{labelsOf(cloud.KindVolume, want.Meta)})
	}
	if want.SizeGB > current.SizeGB {
		steps = append(steps, resizeVolume{want.SizeGB})
	}
	return steps, nil
}

type (
	labelVolume  struct{ Labels map[string]string }
	resizeVolume struct{ SizeGB int64 }
)

func (labelVolume) String() string    { return "set the labels of volume" }
func (s resizeVolume) String() string { return fmt.Sprintf("grow to %d GB volume", s.SizeGB) }

func (s labelVolume) run(ctx context.Context, d *Driver, id cloud.ID) ([]cloud.Operation, error) {
	var operations []cloud.Operation
	err := d.fresh(ctx, func() error {
		have, err := volumes{d}.get(ctx, id.Location.Name, id.Native)
		if err != nil {
			return err
		}
		operations, err = d.write(ctx, func(request *string) (*compute.Operation, error) {
			return d.api.disks.SetLabels(ctx, &computepb.SetLabelsDiskRequest{Project: d.project, Zone: id.Location.Name, Resource: id.Native, RequestId: request,
				ZoneSetLabelsRequestResource: &computepb.ZoneSetLabelsRequest{Labels: s.Labels, LabelFingerprint: new(have.GetLabelFingerprint())}})
		})
		return err
	})
	return operations, err
}

func (s resizeVolume) run(ctx context.Context, d *Driver, id cloud.ID) ([]cloud.Operation, error) {
	return d.write(ctx, func(request *string) (*compute.Operation, error) {
		return d.api.disks.Resize(ctx, &computepb.ResizeDiskRequest{Project: d.project, Zone: id.Location.Name, Disk: id.Native, RequestId: request,
			DisksResizeRequestResource: &computepb.DisksResizeRequest{SizeGb: &s.SizeGB}})
	})
}
