package google_test

import (
	"net/http"
	"testing"
	"time"

	compute "cloud.google.com/go/compute/apiv1"
	"cloud.google.com/go/compute/apiv1/computepb"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/google"
)

func (c *cloud) images() *compute.ImagesClient {
	c.t.Helper()
	return client(c, compute.NewImagesRESTClient)
}

func (c *cloud) insertImage(m *computepb.Image, force bool) (*compute.Operation, error) {
	return c.images().Insert(c.ctx, &computepb.InsertImageRequest{Project: testProject, ImageResource: m, ForceCreate: &force})
}

func (c *cloud) getImage(name string) *computepb.Image {
	c.t.Helper()
	m, err := c.images().Get(c.ctx, &computepb.GetImageRequest{Project: testProject, Image: name})
	if err != nil {
		c.t.Fatal(err)
	}
	return m
}

// poweredOff is a VM whose user data ends in switching it off.
func poweredOff(name, key string) *computepb.Instance {
	i := vm(name)
	i.Metadata = &computepb.Metadata{Items: []*computepb.Items{{Key: ptr(key), Value: ptr("#!/bin/sh\napt-get update\nsystemctl poweroff\n")}}}
	return i
}

// A machine that hardens itself is off after its time; an image is made of its
// disk only then, and outlives it.
func TestImageOfDisk(t *testing.T) {
	c := newCloud(t, google.Options{})
	c.vmSubnet("10.0.0.0/24")
	if _, err := c.insertVM(poweredOff("builder", "startup-script")); err != nil {
		t.Fatal(err)
	}
	c.advance(15 * time.Second)
	c.wantStatus("builder", "RUNNING")
	of := func(name string) *computepb.Image {
		return &computepb.Image{Name: &name, SourceDisk: ptr(zoneOf + "/disks/builder"), Labels: map[string]string{"a": "b"}, Family: ptr("hardened")}
	}
	_, err := c.insertImage(of("early"), false)
	c.refused(err, http.StatusBadRequest, "resourceInUseByAnotherResource")
	if _, err := c.insertImage(of("forced"), true); err != nil {
		t.Error(err)
	}
	c.advance(4 * time.Minute)
	c.wantStatus("builder", "TERMINATED")

	op, err := c.insertImage(of("base"), false)
	if err != nil {
		t.Fatal(err)
	}
	if m := c.getImage("base"); m.GetStatus() != "PENDING" {
		t.Errorf("while it is made the image is %s", m.GetStatus())
	}
	_, err = c.images().Delete(c.ctx, &computepb.DeleteImageRequest{Project: testProject, Image: "base"})
	c.refused(err, http.StatusBadRequest, "resourceNotReady")
	c.done(op, nil)
	m := c.getImage("base")
	if m.GetStatus() != "READY" || m.GetDiskSizeGb() != 10 || m.GetArchitecture() != "X86_64" || m.GetSourceDisk() != vendorBase+zoneOf+"/disks/builder" ||
		len(m.GetGuestOsFeatures()) == 0 || m.GetLabels()["a"] != "b" || m.GetFamily() != "hardened" {
		t.Errorf("%v", m)
	}
	_, err = c.insertImage(of("base"), false)
	c.refused(err, http.StatusConflict, "alreadyExists")

	c.done(c.vms().Delete(c.ctx, &computepb.DeleteInstanceRequest{Project: testProject, Zone: testZone, Instance: "builder"}))
	child := vm("child")
	child.Disks[0].InitializeParams.SourceImage = ptr("global/images/base")
	c.done(c.insertVM(child))
	c.done(c.images().Delete(c.ctx, &computepb.DeleteImageRequest{Project: testProject, Image: "base"}))
	_, err = c.images().Get(c.ctx, &computepb.GetImageRequest{Project: testProject, Image: "base"})
	c.refused(err, http.StatusNotFound, "notFound")
}

func TestImageChanges(t *testing.T) {
	c := newCloud(t, google.Options{})
	c.disk("data", 20)
	c.done(c.insertImage(&computepb.Image{Name: ptr("base"), SourceDisk: ptr(zoneOf + "/disks/data"), Family: ptr("mine")}, false))
	have := c.getImage("base")
	set := func(fingerprint string) (*compute.Operation, error) {
		return c.images().SetLabels(c.ctx, &computepb.SetLabelsImageRequest{Project: testProject, Resource: "base",
			GlobalSetLabelsRequestResource: &computepb.GlobalSetLabelsRequest{Labels: map[string]string{"x": "y"}, LabelFingerprint: &fingerprint}})
	}
	_, err := set("stale")
	c.refused(err, http.StatusPreconditionFailed, "conditionNotMet")
	c.done(set(have.GetLabelFingerprint()))
	c.done(c.images().Deprecate(c.ctx, &computepb.DeprecateImageRequest{Project: testProject, Image: "base",
		DeprecationStatusResource: &computepb.DeprecationStatus{State: ptr("DEPRECATED")}}))
	if m := c.getImage("base"); m.GetLabels()["x"] != "y" || m.GetDeprecated().GetState() != "DEPRECATED" {
		t.Errorf("%v", m)
	}
	_, err = c.images().GetFromFamily(c.ctx, &computepb.GetFromFamilyImageRequest{Project: testProject, Family: "mine"})
	c.refused(err, http.StatusNotFound, "notFound")
	for what, m := range map[string]*computepb.Image{
		"no source":   {Name: ptr("other")},
		"two sources": {Name: ptr("other"), SourceDisk: ptr(zoneOf + "/disks/data"), SourceImage: ptr("global/images/base")},
		"too small":   {Name: ptr("other"), SourceDisk: ptr(zoneOf + "/disks/data"), DiskSizeGb: ptr(int64(10))},
		"no object":   {Name: ptr("other"), RawDisk: &computepb.RawDisk{Source: ptr("https://storage.googleapis.com/b/o.tar.gz")}},
	} {
		t.Run(what, func(t *testing.T) {
			_, err := c.insertImage(m, false)
			c.refused(err, http.StatusBadRequest, "invalid")
		})
	}
}

// cloud-init runs user data at the first boot only; a machine whose user data
// says nothing of it stays on.
func TestGuestPowersOff(t *testing.T) {
	c := newCloud(t, google.Options{})
	c.vmSubnet("10.0.0.0/24")
	plain := vm("plain")
	plain.Metadata = &computepb.Metadata{Items: []*computepb.Items{{Key: ptr("user-data"), Value: ptr("#!/bin/sh\nsystemctl poweroff\ntrue\n")}}}
	for _, i := range []*computepb.Instance{poweredOff("script", "startup-script"), poweredOff("data", "user-data"), plain} {
		c.done(c.insertVM(i))
	}
	c.advance(5 * time.Minute)
	for name, status := range map[string]string{"script": "TERMINATED", "data": "TERMINATED", "plain": "RUNNING"} {
		c.wantStatus(name, status)
	}
	for _, name := range []string{"script", "data"} {
		c.done(c.vms().Start(c.ctx, &computepb.StartInstanceRequest{Project: testProject, Zone: testZone, Instance: name}))
	}
	c.advance(5 * time.Minute)
	c.wantStatus("data", "RUNNING")
	c.wantStatus("script", "TERMINATED")
}
