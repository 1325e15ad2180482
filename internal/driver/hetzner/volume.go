package hetzner

import (
	"context"
	"errors"
	"fmt"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// volumes is the noun volume: /volumes. They are attached by the VM that
// names them, and formatted by the guest (ENC-1), never by the vendor.
type volumes struct{ d *Driver }

var _ noun[cloud.VolumeSpec, *hcloud.Volume, cloud.Volume] = volumes{}

func (volumes) kind() cloud.Kind                                 { return cloud.KindVolume }
func (volumes) specMeta(spec cloud.VolumeSpec) cloud.Meta        { return spec.Meta }
func (volumes) adoptable(*hcloud.Volume, cloud.VolumeSpec) error { return nil }
func (volumes) object(v cloud.Volume) (cloud.Object, cloud.Meta) { return v.Object, v.Meta }
func (volumes) observe(have *hcloud.Volume) cloud.Volume         { return volumeFrom(have) }

func (volumes) quiet(have *hcloud.Volume) bool { return have.Status == hcloud.VolumeStatusAvailable }

// healthy trusts a volume that has got its device: it is there once the
// vendor has made the volume.
func (volumes) healthy(have cloud.Volume, _ cloud.VolumeSpec) bool { return have.Device != "" }

func (volumes) at(volume cloud.Volume, location cloud.Location) cloud.Volume {
	volume.ID.Location = location
	return volume
}

func volumeFrom(have *hcloud.Volume) cloud.Volume {
	var volume cloud.Volume
	location := ""
	if have.Location != nil {
		location = have.Location.Name
	}
	volume.Meta = metaOf(cloud.KindVolume, have.Name, location, have.Labels, have.Protection.Delete)
	volume.Object = objectOf(have.ID, have.Name, volume.Meta, have.Labels)
	volume.Created = have.Created
	volume.SizeGB = int64(have.Size)
	volume.Device = have.LinuxDevice
	if have.Server != nil {
		volume.AttachedTo = native(have.Server.ID)
	}
	return volume
}

func (n volumes) create(ctx context.Context, spec cloud.VolumeSpec) (cloud.Volume, []*hcloud.Action, error) {
	made, resp, err := n.d.client.Volume.Create(ctx, hcloud.VolumeCreateOpts{
		Name:     nativeName(cloud.KindVolume, spec.Meta),
		Size:     int(spec.SizeGB),
		Location: &hcloud.Location{Name: spec.Location.Name},
		Labels:   labelsOf(cloud.KindVolume, spec.Meta),
	})
	if err != nil {
		return cloud.Volume{}, nil, answered(resp, err)
	}
	return n.at(n.observe(made.Volume), spec.Location), append([]*hcloud.Action{made.Action}, made.NextActions...), nil
}

func (n volumes) read(ctx context.Context, id int64) (*hcloud.Volume, bool, error) {
	have, resp, err := n.d.client.Volume.GetByID(ctx, id)
	return have, have != nil, answered(resp, err)
}

func (n volumes) page(ctx context.Context, options hcloud.ListOpts, name string) ([]*hcloud.Volume, *hcloud.Response, error) {
	return n.d.client.Volume.List(ctx, hcloud.VolumeListOpts{ListOpts: options, Name: name, Sort: byID()})
}

func (n volumes) running(ctx context.Context, id int64) ([]*hcloud.Action, error) {
	return many(n.d.client.Volume.Action.ListFor(ctx, &hcloud.Volume{ID: id}, runningActions()))
}

func (n volumes) rivals(ctx context.Context, spec cloud.VolumeSpec) ([]*hcloud.Volume, error) {
	found, resp, err := n.page(ctx, hcloud.ListOpts{PerPage: 1}, nativeName(cloud.KindVolume, spec.Meta))
	return found, answered(resp, err)
}

func (volumes) plan(current cloud.Volume, want cloud.VolumeSpec) ([]step, error) {
	return planVolume(current, want)
}

func planVolume(current cloud.Volume, want cloud.VolumeSpec) ([]step, error) {
	if current.Location.Name != want.Location.Name {
		return nil, unsupported(cloud.KindVolume, current.ID.Native, "location", "a volume cannot move to another location")
	}
	steps := relabelIfNeeded(cloud.KindVolume, current.NativeName, current.Meta, want.Meta)
	switch {
	case want.SizeGB < current.SizeGB:
		return nil, unsupported(cloud.KindVolume, current.ID.Native, "size_gb",
			fmt.Sprintf("a volume can only grow: it has %d GB, %d GB are wanted", current.SizeGB, want.SizeGB))
	case want.SizeGB > current.SizeGB:
		steps = append(steps, resizeVolume{SizeGB: want.SizeGB})
	}
	return append(steps, protectIfNeeded(cloud.KindVolume, current.Meta, want.Meta)...), nil
}

type resizeVolume struct{ SizeGB int64 }

func (s resizeVolume) String() string { return fmt.Sprintf("grow volume to %d GB", s.SizeGB) }

func (s resizeVolume) run(ctx context.Context, d *Driver, id int64) ([]*hcloud.Action, error) {
	return one(d.client.Volume.Resize(ctx, &hcloud.Volume{ID: id}, int(s.SizeGB)))
}

func (volumes) merge(current cloud.Volume, want cloud.VolumeSpec) cloud.Volume {
	current.Object, current.Meta = mergedMeta(cloud.KindVolume, current.Object, want.Meta)
	current.SizeGB = want.SizeGB
	return current
}

// remove deletes a volume. Only when that is refused is it looked whether the
// volume is still attached, and then detached first.
func (n volumes) remove(ctx context.Context, id int64) error {
	once := func() error {
		return n.d.whileBusy(ctx, func() error {
			return answered(n.d.client.Volume.Delete(ctx, &hcloud.Volume{ID: id}))
		})
	}
	refused := once()
	if refused == nil || ctx.Err() != nil || hcloud.IsError(refused, hcloud.ErrorCodeNotFound, hcloud.ErrorCodeProtected,
		hcloud.ErrorCodeUnauthorized, hcloud.ErrorCodeForbidden, hcloud.ErrorCodeRateLimitExceeded) {
		return refused
	}
	have, exists, err := n.read(ctx, id)
	switch {
	case err != nil:
		return errors.Join(refused, err)
	case !exists:
		return nil
	case have.Server == nil:
		return refused
	}
	n.d.log.InfoContext(ctx, "detaching a volume that is to be deleted", "volume", id, "server", have.Server.ID)
	if err := n.d.detachVolume(ctx, id); err != nil {
		return err
	}
	return once()
}

// detachVolume takes a volume away from whatever holds it, and waits.
func (d *Driver) detachVolume(ctx context.Context, id int64) error {
	var actions []*hcloud.Action
	err := d.whileBusy(ctx, func() error {
		var err error
		actions, err = one(d.client.Volume.Detach(ctx, &hcloud.Volume{ID: id}))
		return err
	})
	if err != nil {
		return err
	}
	return d.wait(ctx, actions)
}
