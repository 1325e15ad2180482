package google

import (
	"context"
	"errors"
	"strings"
	"time"

	"cloud.google.com/go/compute/apiv1/computepb"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

const (
	// cleanupTime bounds the removal of a temporary instance, which goes on when
	// the run is interrupted: what is left costs money.
	cleanupTime = 3 * time.Minute
	// consoleTime bounds the one read of its console after a failure.
	consoleTime = 30 * time.Second
	// consoleLines are shown of it.
	consoleLines = 45
)

// imageStore is the store of images: a create takes a temporary instance.
type imageStore struct {
	cloud.Images
	d *Driver
}

func newImageStore(d *Driver) cloud.Images { return imageStore{Images: d.imagesFrom(""), d: d} }

// imagesFrom makes images of a disk.
func (d *Driver) imagesFrom(disk string) *store[cloud.ImageSpec, *computepb.Image, cloud.Image] {
	return &store[cloud.ImageSpec, *computepb.Image, cloud.Image]{d: d, noun: images{d: d, disk: disk}}
}

// List implements cloud.Store: an image's key is not made of its name alone.
func (s imageStore) List(ctx context.Context, filter cloud.Filter) ([]cloud.Image, error) {
	found, err := images{d: s.d}.list(ctx, filter)
	if err != nil {
		return nil, s.d.fail(err, cloud.KindImage, "", "list images")
	}
	var list []cloud.Image
	for _, have := range found {
		if matches(filter, have.GetLabels()) {
			list = append(list, imageFrom(have))
		}
	}
	return list, nil
}

// Create implements cloud.Store. It looks for what is there already before the
// minutes begin that an image takes.
func (s imageStore) Create(ctx context.Context, spec cloud.ImageSpec, saved func(cloud.Image)) (cloud.Image, error) {
	var none cloud.Image
	known := s.d.imagesFrom("")
	if err := known.checkPlace(spec.Meta); err != nil {
		return none, err
	}
	have, exists, err := images{d: s.d}.read(ctx, cloud.ID{Native: imageName(spec)})
	if err != nil && !isNotFound(err) {
		return none, known.fail(err, "", "create")
	}
	if err := s.sweep(ctx, spec); err != nil {
		return none, err
	}
	if exists {
		owner := imageFrom(have)
		if spec.Deployment == "" || owner.Deployment != spec.Deployment || owner.Name != spec.Name {
			return none, known.nameTaken(spec, owner, &cloud.Error{Code: cloud.CodeNameTaken, Cloud: Name, Kind: cloud.KindImage, Doing: "create image",
				Field: "name", Message: "an image " + imageName(spec) + " exists"})
		}
		return known.adopt(ctx, have, spec, saved)
	}
	return s.build(ctx, spec, saved)
}

// sweep removes the temporary instances that earlier runs have left for images
// of this name.
func (s imageStore) sweep(ctx context.Context, spec cloud.ImageSpec) error {
	if spec.Deployment == "" {
		return nil
	}
	left, err := s.d.vms.List(ctx, cloud.Filter{Deployment: spec.Deployment, Labels: map[string]string{cloud.LabelBuilds: cloud.BuilderMark(spec.Meta)}})
	if err != nil {
		return err
	}
	for _, vm := range left {
		s.d.log.WarnContext(ctx, "removing a temporary instance that an earlier run has left", "instance", vm.ID.Native, "image", spec.Name)
		if err := s.d.vms.Delete(ctx, vm.ID.Native); err != nil {
			return err
		}
	}
	return nil
}

func (s imageStore) build(ctx context.Context, spec cloud.ImageSpec, saved func(cloud.Image)) (made cloud.Image, err error) {
	builder := ""
	defer func() {
		if builder == "" {
			return
		}
		// Whatever happened, and also when the run was interrupted.
		cleaning, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
		defer cancel()
		s.d.log.InfoContext(ctx, "removing the temporary instance", "instance", builder, "image", spec.Name)
		if left := s.d.vms.Delete(cleaning, builder); left != nil {
			left = cloud.BuilderLeft(Name, builder, left)
			if err == nil {
				err = left
			} else {
				err = errors.Join(err, left)
			}
		}
	}()
	s.d.log.InfoContext(ctx, "making a temporary instance that hardens itself", "image", spec.Name, "base", spec.Base)
	_, err = s.d.vms.Create(ctx, cloud.Builder(spec, cloud.PowerRunning), func(vm cloud.VM) { builder = vm.ID.Native })
	if err != nil {
		return made, err
	}
	s.d.log.InfoContext(ctx, "waiting until it has hardened itself and is off", "instance", builder, "image", spec.Name, "limit", spec.TimeLimit)
	if err := s.hardened(ctx, spec, builder); err != nil {
		return made, err
	}
	s.d.log.InfoContext(ctx, "making the image of its disk", "instance", builder, "image", spec.Name)
	store := s.d.imagesFrom(s.d.zoneURL(spec.Location.Name, "disks", childName(builder, "boot")))
	if made, err = store.Create(ctx, spec, saved); err != nil {
		return made, err
	}
	// Its size and architecture are the vendor's to tell.
	return store.read(ctx, made)
}

// hardened waits until the temporary instance has switched itself off.
func (s imageStore) hardened(ctx context.Context, spec cloud.ImageSpec, builder string) error {
	limited, cancel := context.WithTimeout(ctx, spec.TimeLimit)
	defer cancel()
	err := s.d.waiter.Wait(limited, cloud.Operation{ID: offPrefix + spec.Location.Name + "/" + builder, Command: "harden"})
	switch {
	case err != nil && ctx.Err() == nil && limited.Err() != nil:
		return cloud.BuildTimedOut(Name, spec, builder, s.console(ctx, spec.Location.Name, builder))
	case err != nil:
		return s.d.fail(err, cloud.KindImage, "", "harden an image")
	}
	return nil
}

// console gives the end of what an instance wrote on its first serial port, or
// why there is nothing to show.
func (s imageStore) console(ctx context.Context, zone, instance string) string {
	limited, cancel := context.WithTimeout(ctx, consoleTime)
	defer cancel()
	output, err := s.d.api.instances.GetSerialPortOutput(limited, &computepb.GetSerialPortOutputInstanceRequest{Project: s.d.project, Zone: zone, Instance: instance})
	if err != nil {
		return "(it could not be read: " + err.Error() + ")"
	}
	return lastLines(output.GetContents(), consoleLines)
}

// offPrefix tells the operations that stand for an instance's own way down; its
// zone and name follow.
const offPrefix = "off/"

// pollOff looks which temporary instances are off, one by one: there is one for
// each image that is being made.
func (d *Driver) pollOff(ctx context.Context, ids []string) (statuses []cloud.OperationStatus, others []string, err error) {
	for _, id := range ids {
		if !strings.HasPrefix(id, offPrefix) {
			others = append(others, id)
			continue
		}
		zone, name, _ := strings.Cut(strings.TrimPrefix(id, offPrefix), "/")
		have, err := d.api.instances.Get(ctx, &computepb.GetInstanceRequest{Project: d.project, Zone: zone, Instance: name})
		status := cloud.OperationStatus{ID: id}
		switch {
		case isNotFound(err):
			status.Done, status.Err = true, &cloud.Error{Code: cloud.CodeOperationFailed, Cloud: Name, Kind: cloud.KindImage,
				Message: "somebody has removed the temporary instance " + name}
		case err != nil:
			return nil, nil, d.fail(err, cloud.KindVM, name, "look at the temporary instance")
		case have.GetStatus() == statusTerminated:
			status.Done, status.Progress = true, 100
		}
		statuses = append(statuses, status)
	}
	return statuses, others, nil
}
