package hetzner_test

import (
	"testing"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

func TestVolumeLifecycle(t *testing.T) {
	c := newCloud(t, simcloud.Options{DurationScale: 1})
	s := c.testServer("s")
	other := c.testServer("other", func(o *hcloud.ServerCreateOpts) { o.Location = &hcloud.Location{Name: "nbg1"} })
	r := must[hcloud.VolumeCreateResult](c)(c.client.Volume.Create(c.ctx, hcloud.VolumeCreateOpts{Name: "data", Size: 10,
		Location: &hcloud.Location{Name: "fsn1"}, Format: hcloud.Ptr("ext4"), Labels: map[string]string{"a": "b"}}))
	v := r.Volume
	if v.Status != hcloud.VolumeStatusCreating || r.Action.Command != "create_volume" || len(r.NextActions) != 0 {
		t.Errorf("unexpected answer %+v", r)
	}
	_, err := c.client.Volume.Delete(c.ctx, v)
	wantCode(t, err, hcloud.ErrorCodeLocked)
	c.settle()
	_, _, err = c.client.Volume.Attach(c.ctx, v, other)
	wantCode(t, err, hcloud.ErrorCodeInvalidInput)
	must[*hcloud.Action](c)(c.client.Volume.Attach(c.ctx, v, s))
	if got := must[*hcloud.Volume](c)(c.client.Volume.GetByID(c.ctx, v.ID)); got.Server != nil {
		t.Error("attached before the action is over")
	}
	_, _, err = c.client.Server.Poweroff(c.ctx, s)
	wantCode(t, err, hcloud.ErrorCodeLocked) // attaching locks both
	c.settle()
	if v = must[*hcloud.Volume](c)(c.client.Volume.GetByID(c.ctx, v.ID)); v.Server == nil || v.Server.ID != s.ID || *v.Format != "ext4" {
		t.Errorf("not attached: %+v", v)
	}
	_, _, err = c.client.Volume.Attach(c.ctx, v, s)
	wantCode(t, err, hcloud.ErrorCodeVolumeAlreadyAttached)
	for size, ok := range map[int]bool{10: false, 5: false, 10241: false, 20: true} {
		if _, _, err := c.client.Volume.Resize(c.ctx, v, size); (err == nil) != ok {
			t.Errorf("resize to %d: %v", size, err)
		}
	}
	c.settle()
	if v = must[*hcloud.Volume](c)(c.client.Volume.GetByID(c.ctx, v.ID)); v.Size != 20 {
		t.Errorf("size %d", v.Size)
	}
	must[*hcloud.Action](c)(c.client.Volume.ChangeProtection(c.ctx, v, hcloud.VolumeChangeProtectionOpts{Delete: hcloud.Ptr(true)}))
	must[*hcloud.Action](c)(c.client.Volume.Detach(c.ctx, v))
	c.settle()
	_, _, err = c.client.Volume.Detach(c.ctx, v)
	wantCode(t, err, hcloud.ErrorCodeServiceError)
	_, err = c.client.Volume.Delete(c.ctx, v)
	wantCode(t, err, hcloud.ErrorCodeProtected)
	must[*hcloud.Action](c)(c.client.Volume.ChangeProtection(c.ctx, v, hcloud.VolumeChangeProtectionOpts{Delete: hcloud.Ptr(false)}))
	if up := must[*hcloud.Volume](c)(c.client.Volume.Update(c.ctx, v, hcloud.VolumeUpdateOpts{Name: "new", Labels: map[string]string{"x": ""}})); up.Name != "new" || len(up.Labels) != 1 {
		t.Errorf("not updated: %+v", up)
	}
	if _, err := c.client.Volume.Delete(c.ctx, v); err != nil {
		t.Error(err)
	}
	c.refused("GET", "/volumes/"+idText(v.ID), nil, 404, "not_found")
}

func TestVolumeForServer(t *testing.T) {
	c := newCloud(t, simcloud.Options{DurationScale: 1})
	s := c.testServer("s")
	r := must[hcloud.VolumeCreateResult](c)(c.client.Volume.Create(c.ctx, hcloud.VolumeCreateOpts{Name: "data", Size: 10, Server: s, Automount: hcloud.Ptr(true), Format: hcloud.Ptr("xfs")}))
	if len(r.NextActions) != 1 || r.NextActions[0].Command != "attach_volume" {
		t.Fatalf("next actions %v", r.NextActions)
	}
	c.settle()
	if v := must[*hcloud.Volume](c)(c.client.Volume.GetByID(c.ctx, r.Volume.ID)); v.Server == nil || v.Location.Name != "fsn1" {
		t.Errorf("not attached: %+v", v)
	}
}

func TestVolumeRefusals(t *testing.T) {
	c := newCloud(t, simcloud.Options{})
	must[hcloud.VolumeCreateResult](c)(c.client.Volume.Create(c.ctx, hcloud.VolumeCreateOpts{Name: "first", Size: 10, Location: &hcloud.Location{Name: "fsn1"}}))
	good := map[string]any{"name": "v", "size": 10, "location": "fsn1"}
	for _, tc := range []struct {
		name   string
		key    string
		value  any
		status int
		code   string
	}{
		{"no name", "name", "", 422, "invalid_input"},
		{"bad name", "name", "-x", 422, "invalid_input"},
		{"same name", "name", "first", 409, "uniqueness_error"},
		{"too small", "size", 9, 422, "invalid_input"},
		{"too large", "size", 10241, 422, "invalid_input"},
		{"no integer", "size", 10.5, 422, "invalid_input"},
		{"bad format", "format", "ntfs", 422, "invalid_input"},
		{"nowhere", "location", nil, 422, "invalid_input"},
		{"unknown location", "location", "mars", 422, "invalid_input"},
		{"unknown server", "server", 7, 422, "invalid_input"},
		{"automount of nothing", "automount", true, 422, "invalid_input"},
		{"bad label", "labels", map[string]string{"hetzner.cloud/x": "y"}, 422, "invalid_input"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			body := map[string]any{}
			for k, v := range good {
				body[k] = v
			}
			body[tc.key] = tc.value
			c.refused("POST", "/volumes", body, tc.status, tc.code)
		})
	}
	c.refused("POST", "/volumes", map[string]any{"name": "v", "size": 10, "server": 7}, 404, "not_found")
	if n := len(c.Objects("volume")); n != 1 {
		t.Errorf("%d volumes after refusals", n)
	}
}
