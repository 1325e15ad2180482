package hetzner_test

import (
	"testing"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

func TestServerChangeTypeRebuildImages(t *testing.T) {
	c := newCloud(t, simcloud.Options{DurationScale: 1})
	s := c.testServer("s")
	get := func() *hcloud.Server { return must[*hcloud.Server](c)(c.client.Server.GetByID(c.ctx, s.ID)) }
	change := func(name string, disk bool) error {
		_, _, err := c.client.Server.ChangeType(c.ctx, s, hcloud.ServerChangeTypeOpts{ServerType: &hcloud.ServerType{Name: name}, UpgradeDisk: disk})
		return err
	}
	wantCode(t, change("cx33", false), hcloud.ErrorCodeServerNotStopped)
	must[*hcloud.Action](c)(c.client.Server.Poweroff(c.ctx, s))
	c.settle()
	wantCode(t, change("cax11", false), hcloud.ErrorCodeInvalidServerType)
	wantCode(t, change("cx23", false), hcloud.ErrorCodeInvalidServerType)
	wantCode(t, change("cx99", false), hcloud.ErrorCodeInvalidInput)
	if err := change("cx43", false); err != nil {
		t.Fatal(err)
	}
	if got := get(); got.Status != hcloud.ServerStatusMigrating {
		t.Errorf("status %s", got.Status)
	}
	c.settle()
	if got := get(); got.ServerType.Name != "cx43" || got.PrimaryDiskSize != 40 || got.Status != hcloud.ServerStatusRunning {
		t.Errorf("type %s, disk %d, %s; the vendor starts it again", got.ServerType.Name, got.PrimaryDiskSize, got.Status)
	}
	must[*hcloud.Action](c)(c.client.Server.Poweroff(c.ctx, s))
	c.settle()
	if err := change("cx33", true); err != nil {
		t.Fatal(err)
	}
	c.settle()
	if got := get(); got.PrimaryDiskSize != 80 {
		t.Errorf("disk %d", got.PrimaryDiskSize)
	}
	must[*hcloud.Action](c)(c.client.Server.Poweroff(c.ctx, s))
	c.settle()
	wantCode(t, change("cx23", false), hcloud.ErrorCodeInvalidServerType) // its disk is too small now

	img := must[hcloud.ServerCreateImageResult](c)(c.client.Server.CreateImage(c.ctx, s, &hcloud.ServerCreateImageOpts{
		Type: hcloud.ImageTypeSnapshot, Description: hcloud.Ptr("golden"), Labels: map[string]string{"k": "v"}})).Image
	if img.Status != hcloud.ImageStatusCreating {
		t.Errorf("status %s", img.Status)
	}
	c.settle()
	_, _, err := c.client.Server.Create(c.ctx, hcloud.ServerCreateOpts{Name: "small", ServerType: &hcloud.ServerType{Name: "cx23"},
		Image: &hcloud.Image{ID: img.ID}, Location: &hcloud.Location{Name: "fsn1"}})
	wantCode(t, err, hcloud.ErrorCodeInvalidInput) // 80 GB do not fit on 40 GB
	_, _, err = c.client.Server.Create(c.ctx, hcloud.ServerCreateOpts{Name: "arm", ServerType: &hcloud.ServerType{Name: "cax41"},
		Image: &hcloud.Image{ID: img.ID}, Location: &hcloud.Location{Name: "fsn1"}})
	wantCode(t, err, hcloud.ErrorCodeInvalidInput)
	if got := must[hcloud.ServerRebuildResult](c)(c.client.Server.RebuildWithResult(c.ctx, s, hcloud.ServerRebuildOpts{Image: img})); got.RootPassword == "" {
		t.Error("no password after a rebuild without keys")
	}
	c.settle()
	if got := get(); got.Image.ID != img.ID || got.Status != hcloud.ServerStatusRunning {
		t.Errorf("image %v, %s", got.Image, got.Status)
	}
	c.imageRules(s, img)
}

// imageRules are the rules of snapshots and backups.
func (c *cloud) imageRules(s *hcloud.Server, img *hcloud.Image) {
	c.t.Helper()
	up := must[*hcloud.Image](c)(c.client.Image.Update(c.ctx, img, hcloud.ImageUpdateOpts{Description: hcloud.Ptr("new"), Labels: map[string]string{}}))
	if up.Description != "new" || len(up.Labels) != 0 {
		c.t.Errorf("not updated: %+v", up)
	}
	must[*hcloud.Action](c)(c.client.Image.ChangeProtection(c.ctx, img, hcloud.ImageChangeProtectionOpts{Delete: hcloud.Ptr(true)}))
	_, err := c.client.Image.Delete(c.ctx, img)
	wantCode(c.t, err, hcloud.ErrorCodeProtected)
	must[*hcloud.Action](c)(c.client.Image.ChangeProtection(c.ctx, img, hcloud.ImageChangeProtectionOpts{Delete: hcloud.Ptr(false)}))
	if _, err := c.client.Image.Delete(c.ctx, img); err != nil {
		c.t.Error(err)
	}
	c.refused("DELETE", "/images/114690387", nil, 422, "invalid_input")
	c.refused("DELETE", "/images/1", nil, 404, "not_found")

	_, _, err = c.client.Server.CreateImage(c.ctx, s, &hcloud.ServerCreateImageOpts{Type: hcloud.ImageTypeBackup})
	wantCode(c.t, err, hcloud.ErrorCodeInvalidInput)
	must[*hcloud.Action](c)(c.client.Server.EnableBackup(c.ctx, s, ""))
	c.settle()
	if got := must[*hcloud.Server](c)(c.client.Server.GetByID(c.ctx, s.ID)); got.BackupWindow != "22-02" {
		c.t.Errorf("backup window %q", got.BackupWindow)
	}
	for range 8 {
		must[hcloud.ServerCreateImageResult](c)(c.client.Server.CreateImage(c.ctx, s, &hcloud.ServerCreateImageOpts{Type: hcloud.ImageTypeBackup}))
		c.settle()
	}
	backups, err := c.client.Image.AllWithOpts(c.ctx, hcloud.ImageListOpts{BoundTo: s, Type: []hcloud.ImageType{hcloud.ImageTypeBackup}})
	if err != nil || len(backups) != 7 {
		c.t.Errorf("%d backups, %v; the vendor keeps 7", len(backups), err)
	}
	must[*hcloud.Action](c)(c.client.Server.DisableBackup(c.ctx, s))
	c.settle()
	if n := len(c.Objects("image")); n != 0 {
		c.t.Errorf("%d images are left", n)
	}
}
