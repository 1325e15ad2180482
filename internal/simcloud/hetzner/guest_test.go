package hetzner_test

import (
	"testing"
	"time"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

// A machine whose script ends in switching it off is off after its time; a
// snapshot can be made of it, and outlives it. At its next boot it stays on.
func TestGuestPowersOff(t *testing.T) {
	c := newCloud(t, simcloud.Options{DurationScale: 1})
	s := c.testServer("builder", func(o *hcloud.ServerCreateOpts) { o.UserData = "#!/bin/sh\nsystemctl poweroff\n" })
	status := func(want hcloud.ServerStatus) {
		t.Helper()
		if now := must[*hcloud.Server](c)(c.client.Server.GetByID(c.ctx, s.ID)); now.Status != want {
			t.Errorf("it is %s, want %s", now.Status, want)
		}
	}
	c.Clock().Advance(5 * time.Minute)
	status(hcloud.ServerStatusOff)
	made := must[hcloud.ServerCreateImageResult](c)(c.client.Server.CreateImage(c.ctx, s, &hcloud.ServerCreateImageOpts{Type: hcloud.ImageTypeSnapshot}))
	c.settle()
	must[*hcloud.Action](c)(c.client.Server.Poweron(c.ctx, s))
	c.settle()
	c.Clock().Advance(5 * time.Minute)
	status(hcloud.ServerStatusRunning)
	must[*hcloud.ServerDeleteResult](c)(c.client.Server.DeleteWithResult(c.ctx, s))
	c.settle()
	if image := must[*hcloud.Image](c)(c.client.Image.GetByID(c.ctx, made.Image.ID)); image == nil || image.Status != hcloud.ImageStatusAvailable {
		t.Errorf("the snapshot is %+v", image)
	}
}
