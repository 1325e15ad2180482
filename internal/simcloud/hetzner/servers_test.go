package hetzner_test

import (
	"testing"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

const testKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJeYYpOX3XHPHbWZ4JIG8PPXzUTJ0YbZFmZ5kdyVKkpA admin@example.com"

// testServer makes a plain server and waits until it runs.
func (c *cloud) testServer(name string, change ...func(*hcloud.ServerCreateOpts)) *hcloud.Server {
	c.t.Helper()
	opts := hcloud.ServerCreateOpts{Name: name, ServerType: &hcloud.ServerType{Name: "cx23"},
		Image: &hcloud.Image{Name: "debian-13"}, Location: &hcloud.Location{Name: "fsn1"}}
	for _, f := range change {
		f(&opts)
	}
	r := must[hcloud.ServerCreateResult](c)(c.client.Server.Create(c.ctx, opts))
	c.settle()
	return must[*hcloud.Server](c)(c.client.Server.GetByID(c.ctx, r.Server.ID))
}

func TestServerLifecycle(t *testing.T) {
	c := newCloud(t, simcloud.Options{DurationScale: 1})
	r := must[hcloud.ServerCreateResult](c)(c.client.Server.Create(c.ctx, hcloud.ServerCreateOpts{
		Name: "web-1", ServerType: &hcloud.ServerType{Name: "cx23"}, Image: &hcloud.Image{Name: "debian-13"},
		Location: &hcloud.Location{Name: "fsn1"}, Labels: map[string]string{"a": "b"}, UserData: "#cloud-config\n"}))
	if r.Server.Status != hcloud.ServerStatusInitializing || !r.Server.Locked || r.Action.Command != "create_server" ||
		len(r.NextActions) != 1 || r.NextActions[0].Command != "start_server" || r.RootPassword == "" {
		t.Fatalf("unexpected answer: %+v", r)
	}
	_, err := c.client.Server.Delete(c.ctx, r.Server) //nolint:staticcheck // the plain form is what is tested
	wantCode(t, err, hcloud.ErrorCodeLocked)
	c.settle()
	s := must[*hcloud.Server](c)(c.client.Server.GetByID(c.ctx, r.Server.ID))
	if s.Status != hcloud.ServerStatusRunning || s.Locked || s.PublicNet.IPv4.IP == nil || s.PublicNet.IPv6.Network == nil {
		t.Fatalf("the server should run: %+v", s)
	}
	d := must[*hcloud.ServerDeleteResult](c)(c.client.Server.DeleteWithResult(c.ctx, s))
	if d.Action.Command != "delete_server" {
		t.Errorf("unexpected action %+v", d.Action)
	}
	c.settle()
	if gone := must[*hcloud.Server](c)(c.client.Server.GetByID(c.ctx, s.ID)); gone != nil {
		t.Errorf("the server is still there: %+v", gone)
	}
	if ips := c.Objects("primary_ip"); len(ips) != 0 {
		t.Errorf("primary IPs are left behind: %v", ips)
	}
}
