package hetzner

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// cleanupTime bounds the removal of a temporary server, which goes on when the
// run is interrupted: what is left costs money.
const cleanupTime = 3 * time.Minute

// imageStore is the store of images: a create takes a temporary server.
type imageStore struct {
	cloud.Images
	d *Driver
}

func newImageStore(d *Driver) cloud.Images {
	return imageStore{Images: d.imagesFrom(0), d: d}
}

// imagesFrom makes images of a server's disk.
func (d *Driver) imagesFrom(builder int64) *store[cloud.ImageSpec, *hcloud.Image, cloud.Image] {
	return &store[cloud.ImageSpec, *hcloud.Image, cloud.Image]{d: d, noun: images{d: d, builder: builder}}
}

// Create implements cloud.Store. Snapshots have no name that could be taken, so
// what is there already is looked for first.
func (s imageStore) Create(ctx context.Context, spec cloud.ImageSpec, saved func(cloud.Image)) (cloud.Image, error) {
	var none cloud.Image
	known := s.d.imagesFrom(0)
	if err := known.checkPlace(spec.Meta); err != nil {
		return none, err
	}
	if spec.Deployment != "" {
		found, err := known.find(ctx, cloud.Filter{Deployment: spec.Deployment, Keys: []string{known.keyOf(spec)}})
		switch {
		case err != nil:
			return none, err
		case len(found) > 1:
			return none, known.ambiguous(found)
		}
		if err := s.sweep(ctx, spec); err != nil || len(found) == 1 {
			if err != nil {
				return none, err
			}
			return known.adopt(ctx, found[0], spec, saved)
		}
	}
	return s.build(ctx, spec, saved)
}

// sweep removes the temporary servers that earlier runs have left for images of
// this name.
func (s imageStore) sweep(ctx context.Context, spec cloud.ImageSpec) error {
	left, err := s.d.vms.List(ctx, cloud.Filter{Deployment: spec.Deployment, Labels: map[string]string{cloud.LabelBuilds: cloud.BuilderMark(spec.Meta)}})
	if err != nil {
		return err
	}
	for _, vm := range left {
		s.d.log.WarnContext(ctx, "removing a temporary server that an earlier run has left", "server", vm.ID.Native, "image", spec.Name)
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
		s.d.log.InfoContext(ctx, "removing the temporary server", "server", builder, "image", spec.Name)
		if left := s.d.vms.Delete(cleaning, builder); left != nil {
			left = cloud.BuilderLeft(Name, builder, left)
			if err == nil {
				err = left
			} else {
				err = errors.Join(err, left)
			}
		}
	}()
	s.d.log.InfoContext(ctx, "making a temporary server that hardens itself", "image", spec.Name, "base", spec.Base)
	_, err = s.d.vms.Create(ctx, cloud.Builder(spec, cloud.PowerRunning), func(vm cloud.VM) { builder = vm.ID.Native })
	if err != nil {
		return made, err
	}
	s.d.log.InfoContext(ctx, "waiting until it has hardened itself and is off", "server", builder, "image", spec.Name, "limit", spec.TimeLimit)
	if err := s.hardened(ctx, spec, builder); err != nil {
		return made, err
	}
	id, err := parseNative(builder, cloud.KindVM, "id")
	if err != nil {
		return made, err
	}
	s.d.log.InfoContext(ctx, "making the image of its disk", "server", builder, "image", spec.Name)
	return s.d.imagesFrom(id).Create(ctx, spec, saved)
}

// hardened waits until the temporary server has switched itself off.
func (s imageStore) hardened(ctx context.Context, spec cloud.ImageSpec, builder string) error {
	limited, cancel := context.WithTimeout(ctx, spec.TimeLimit)
	defer cancel()
	err := s.d.waiter.Wait(limited, cloud.Operation{ID: offPrefix + builder + "/" + cloud.BuilderMark(spec.Meta), Command: "harden"})
	switch {
	case err != nil && ctx.Err() == nil && limited.Err() != nil:
		return cloud.BuildTimedOut(Name, spec, builder, "")
	case err != nil:
		return fail(err, cloud.KindImage, "", "harden an image")
	}
	return nil
}

// offPrefix tells the operations that stand for a server's own way down; the
// server's id and its mark follow.
const offPrefix = "off/"

// splitOff parts them from others.
func splitOff(ids []string) (offs, others []string) {
	for _, id := range ids {
		if strings.HasPrefix(id, offPrefix) {
			offs = append(offs, id)
		} else {
			others = append(others, id)
		}
	}
	return offs, others
}

// pollOff looks which temporary servers are off, with one list of them.
func (d *Driver) pollOff(ctx context.Context, ids []string) ([]cloud.OperationStatus, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	marks := make([]string, 0, len(ids))
	for _, id := range ids {
		marks = append(marks, id[strings.LastIndexByte(id, '/')+1:])
	}
	servers, resp, err := vms{d}.page(ctx, hcloud.ListOpts{PerPage: perPage, LabelSelector: cloud.LabelBuilds + " in (" + strings.Join(marks, ",") + ")"}, "")
	if err != nil {
		return nil, fail(answered(resp, err), cloud.KindVM, "", "look at temporary servers")
	}
	found := map[string]*hcloud.Server{}
	for _, server := range servers {
		found[native(server.ID)] = server
	}
	statuses := make([]cloud.OperationStatus, 0, len(ids))
	for _, id := range ids {
		number, _, _ := strings.Cut(strings.TrimPrefix(id, offPrefix), "/")
		status := cloud.OperationStatus{ID: id}
		switch server := found[number]; {
		case server == nil:
			status.Done, status.Err = true, &cloud.Error{Code: cloud.CodeOperationFailed, Cloud: Name, Kind: cloud.KindImage,
				Message: "somebody has removed the temporary server " + number}
		case server.Status == hcloud.ServerStatusOff && !server.Locked:
			status.Done, status.Progress = true, 100
		}
		statuses = append(statuses, status)
	}
	return statuses, nil
}
