package hetzner_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/hetzner"
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
	_, _, err := c.client.Server.DeleteWithResult(c.ctx, r.Server)
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

func TestServerPower(t *testing.T) {
	c := newCloud(t, simcloud.Options{DurationScale: 1})
	s := c.testServer("s")
	status := func() hcloud.ServerStatus {
		t.Helper()
		return must[*hcloud.Server](c)(c.client.Server.GetByID(c.ctx, s.ID)).Status
	}
	do := func(f func(context.Context, *hcloud.Server) (*hcloud.Action, *hcloud.Response, error), command string) {
		t.Helper()
		if a := must[*hcloud.Action](c)(f(c.ctx, s)); a.Command != command {
			t.Errorf("got action %s, want %s", a.Command, command)
		}
	}
	do(c.client.Server.Poweroff, "stop_server")
	if got := status(); got != hcloud.ServerStatusStopping {
		t.Errorf("right after power off: %s", got)
	}
	c.settle()
	if got := status(); got != hcloud.ServerStatusOff {
		t.Errorf("after power off: %s", got)
	}
	_, _, err := c.client.Server.Reboot(c.ctx, s)
	wantCode(t, err, hcloud.ErrorCodeServiceError)
	do(c.client.Server.Poweron, "start_server")
	if got := status(); got != hcloud.ServerStatusStarting {
		t.Errorf("right after power on: %s", got)
	}
	_, _, err = c.client.Server.Poweroff(c.ctx, s)
	wantCode(t, err, hcloud.ErrorCodeLocked)
	c.settle()
	do(c.client.Server.Reboot, "reboot_server")
	c.settle()
	do(c.client.Server.Reset, "reset_server")
	c.settle()
	if got := status(); got != hcloud.ServerStatusRunning {
		t.Errorf("after resets: %s", got)
	}
	// The action of a shutdown is over before the guest is down.
	do(c.client.Server.Shutdown, "shutdown_server")
	c.Clock().Advance(1500 * time.Millisecond)
	if got := must[*hcloud.Server](c)(c.client.Server.GetByID(c.ctx, s.ID)); got.Locked || got.Status != hcloud.ServerStatusRunning {
		t.Errorf("the signal was only sent: %s, locked %v", got.Status, got.Locked)
	}
	c.settle()
	if got := status(); got != hcloud.ServerStatusOff {
		t.Errorf("after shutdown: %s", got)
	}
}

func TestServerRescueAndPasswords(t *testing.T) {
	c := newCloud(t, simcloud.Options{DurationScale: 1})
	s := c.testServer("s")
	r := must[hcloud.ServerEnableRescueResult](c)(c.client.Server.EnableRescue(c.ctx, s, hcloud.ServerEnableRescueOpts{Type: hcloud.ServerRescueTypeLinux64}))
	if r.RootPassword == "" {
		t.Error("no password of the rescue system")
	}
	c.settle()
	rescue := func() bool { return must[*hcloud.Server](c)(c.client.Server.GetByID(c.ctx, s.ID)).RescueEnabled }
	if !rescue() {
		t.Error("rescue should be enabled")
	}
	must[*hcloud.Action](c)(c.client.Server.Reset(c.ctx, s))
	c.settle()
	if rescue() {
		t.Error("booting into the rescue system disables it")
	}
	must[hcloud.ServerEnableRescueResult](c)(c.client.Server.EnableRescue(c.ctx, s, hcloud.ServerEnableRescueOpts{Type: hcloud.ServerRescueTypeLinux64}))
	c.settle()
	c.Clock().Advance(2 * time.Hour)
	if rescue() {
		t.Error("an hour unused disables it")
	}
	if p := must[hcloud.ServerResetPasswordResult](c)(c.client.Server.ResetPassword(c.ctx, s)); p.RootPassword == "" {
		t.Error("no new password")
	}
	c.settle()
	if p := must[hcloud.ServerRequestConsoleResult](c)(c.client.Server.RequestConsole(c.ctx, s)); p.WSSURL == "" || p.Password == "" {
		t.Errorf("no console: %+v", p)
	}
}

func TestServerProtection(t *testing.T) {
	c := newCloud(t, simcloud.Options{})
	s := c.testServer("s")
	_, _, err := c.client.Server.ChangeProtection(c.ctx, s, hcloud.ServerChangeProtectionOpts{Delete: hcloud.Ptr(true)})
	wantCode(t, err, hcloud.ErrorCodeInvalidInput) // both or none
	a := must[*hcloud.Action](c)(c.client.Server.ChangeProtection(c.ctx, s, hcloud.ServerChangeProtectionOpts{Delete: hcloud.Ptr(true), Rebuild: hcloud.Ptr(true)}))
	if a.Status != hcloud.ActionStatusSuccess {
		t.Errorf("it is over at once with the vendor: %s", a.Status)
	}
	_, _, err = c.client.Server.DeleteWithResult(c.ctx, s)
	wantCode(t, err, hcloud.ErrorCodeProtected)
	_, _, err = c.client.Server.RebuildWithResult(c.ctx, s, hcloud.ServerRebuildOpts{Image: &hcloud.Image{Name: "debian-12"}})
	wantCode(t, err, hcloud.ErrorCodeProtected)
}

func TestServerISOAndDNS(t *testing.T) {
	c := newCloud(t, simcloud.Options{})
	s := c.testServer("s")
	must[*hcloud.Action](c)(c.client.Server.AttachISO(c.ctx, s, &hcloud.ISO{Name: "debian-13.1.0-amd64-netinst.iso"}))
	s = must[*hcloud.Server](c)(c.client.Server.GetByID(c.ctx, s.ID))
	if s.ISO == nil || s.ISO.Name != "debian-13.1.0-amd64-netinst.iso" {
		t.Errorf("iso %v", s.ISO)
	}
	_, _, err := c.client.Server.AttachISO(c.ctx, s, &hcloud.ISO{Name: "debian-13.1.0-arm64-netinst.iso"})
	wantCode(t, err, hcloud.ErrorCodeInvalidInput)
	must[*hcloud.Action](c)(c.client.Server.DetachISO(c.ctx, s))
	if s = must[*hcloud.Server](c)(c.client.Server.GetByID(c.ctx, s.ID)); s.ISO != nil {
		t.Errorf("iso %v", s.ISO)
	}

	was := s.PublicNet.IPv4.DNSPtr
	must[*hcloud.Action](c)(c.client.Server.ChangeDNSPtr(c.ctx, s, s.PublicNet.IPv4.IP.String(), hcloud.Ptr("www.example.com")))
	v6 := strings.TrimSuffix(s.PublicNet.IPv6.Network.IP.String(), "::") + "::1"
	must[*hcloud.Action](c)(c.client.Server.ChangeDNSPtr(c.ctx, s, v6, hcloud.Ptr("six.example.com")))
	s = must[*hcloud.Server](c)(c.client.Server.GetByID(c.ctx, s.ID))
	if s.PublicNet.IPv4.DNSPtr != "www.example.com" || s.PublicNet.IPv6.DNSPtr[v6] != "six.example.com" {
		t.Errorf("reverse names %q, %v", s.PublicNet.IPv4.DNSPtr, s.PublicNet.IPv6.DNSPtr)
	}
	must[*hcloud.Action](c)(c.client.Server.ChangeDNSPtr(c.ctx, s, s.PublicNet.IPv4.IP.String(), nil))
	if s = must[*hcloud.Server](c)(c.client.Server.GetByID(c.ctx, s.ID)); s.PublicNet.IPv4.DNSPtr != was {
		t.Errorf("reverse name %q, want the default %q", s.PublicNet.IPv4.DNSPtr, was)
	}
	_, _, err = c.client.Server.ChangeDNSPtr(c.ctx, s, "1.2.3.4", hcloud.Ptr("x.example.com"))
	wantCode(t, err, hcloud.ErrorCodeInvalidInput)
}

func TestServerMetrics(t *testing.T) {
	c := newCloud(t, simcloud.Options{})
	s := c.testServer("s")
	now := c.Clock().Now()
	m := must[*hcloud.ServerMetrics](c)(c.client.Server.GetMetrics(c.ctx, s, hcloud.ServerGetMetricsOpts{
		Types: []hcloud.ServerMetricType{hcloud.ServerMetricCPU, hcloud.ServerMetricDisk, hcloud.ServerMetricNetwork},
		Start: now.Add(-time.Hour), End: now}))
	if len(m.TimeSeries) != 9 || len(m.TimeSeries["cpu"]) != 200 {
		t.Errorf("%d series, %d samples", len(m.TimeSeries), len(m.TimeSeries["cpu"]))
	}
	c.refused("GET", "/servers/"+idText(s.ID)+"/metrics?type=cpu", nil, 422, "invalid_input")
}

func idText(id int64) string { return strconv.FormatInt(id, 10) }

func TestServerCreateRefusals(t *testing.T) {
	c := newCloud(t, simcloud.Options{Hetzner: hetzner.Options{Limits: map[string]int{"server": 2}}})
	c.testServer("first")
	vol := must[hcloud.VolumeCreateResult](c)(c.client.Volume.Create(c.ctx, hcloud.VolumeCreateOpts{Name: "v", Size: 10, Location: &hcloud.Location{Name: "nbg1"}})).Volume
	good := func(change map[string]any) map[string]any {
		m := map[string]any{"name": "s", "server_type": "cx23", "image": "debian-13", "location": "fsn1"}
		for k, v := range change {
			m[k] = v
			if v == nil {
				delete(m, k)
			}
		}
		return m
	}
	for _, tc := range []struct {
		name   string
		change map[string]any
		status int
		code   string
		field  string
	}{
		{"no name", map[string]any{"name": nil}, 422, "invalid_input", "name"},
		{"no hostname", map[string]any{"name": "a_b"}, 422, "invalid_input", "name"},
		{"same name", map[string]any{"name": "first"}, 409, "uniqueness_error", "name"},
		{"no type", map[string]any{"server_type": nil}, 422, "invalid_input", "server_type"},
		{"unknown type", map[string]any{"server_type": "cx99"}, 422, "invalid_input", ""},
		{"unknown image", map[string]any{"image": "plan9"}, 422, "invalid_input", ""},
		{"unknown location", map[string]any{"location": "mars"}, 422, "invalid_input", ""},
		{"type is not sold there", map[string]any{"location": "ash"}, 422, "invalid_input", ""},
		{"type is not sold there anymore", map[string]any{"server_type": "cpx11"}, 422, "invalid_input", ""},
		{"bad label", map[string]any{"labels": map[string]string{"a b": "c"}}, 422, "invalid_input", "labels"},
		{"user data too long", map[string]any{"user_data": strings.Repeat("x", 32<<10+1)}, 422, "invalid_input", "user_data"},
		{"unknown key", map[string]any{"ssh_keys": []int{7}}, 404, "not_found", ""},
		{"unknown network", map[string]any{"networks": []int{7}}, 404, "not_found", ""},
		{"unknown firewall", map[string]any{"firewalls": []any{map[string]int{"firewall": 7}}}, 404, "not_found", ""},
		{"unknown placement group", map[string]any{"placement_group": 7}, 404, "not_found", ""},
		{"unknown volume", map[string]any{"volumes": []int{7}}, 404, "not_found", ""},
		{"volume elsewhere", map[string]any{"volumes": []int64{vol.ID}}, 422, "invalid_input", ""},
		{"automount without volume", map[string]any{"automount": true}, 422, "invalid_input", "automount"},
		{"no network at all", map[string]any{"public_net": map[string]any{"enable_ipv4": false, "enable_ipv6": false}}, 422, "invalid_input", "public_net"},
		{"data centres are gone", map[string]any{"location": nil, "datacenter": "fsn1-dc14"}, 422, "invalid_input", "datacenter"},
		{"wrong type of a field", map[string]any{"volumes": "all"}, 422, "invalid_input", "volumes"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := c.refused("POST", "/servers", good(tc.change), tc.status, tc.code)
			if tc.field != "" && !strings.Contains(fmt.Sprint(e["details"]), "name:"+tc.field) {
				t.Errorf("the details %v do not name %s", e["details"], tc.field)
			}
		})
	}
	if n := len(c.Objects("server")); n != 1 {
		t.Errorf("%d servers after refusals", n)
	}
	if n := len(c.Objects("primary_ip")); n != 2 {
		t.Errorf("%d primary IPs after refusals", n)
	}
	c.testServer("second")
	c.refused("POST", "/servers", good(nil), 403, "resource_limit_exceeded")
}

func TestServerWithVolumes(t *testing.T) {
	c := newCloud(t, simcloud.Options{DurationScale: 1})
	fsn := &hcloud.Location{Name: "fsn1"}
	v := must[hcloud.VolumeCreateResult](c)(c.client.Volume.Create(c.ctx, hcloud.VolumeCreateOpts{Name: "data", Size: 10, Location: fsn})).Volume
	create := hcloud.ServerCreateOpts{Name: "s", ServerType: &hcloud.ServerType{Name: "cx23"}, Image: &hcloud.Image{Name: "debian-13"},
		Location: fsn, Volumes: []*hcloud.Volume{v}}
	_, _, err := c.client.Server.Create(c.ctx, create)
	wantCode(t, err, hcloud.ErrorCodeLocked) // the volume is still being created
	c.settle()
	r := must[hcloud.ServerCreateResult](c)(c.client.Server.Create(c.ctx, create))
	if len(r.NextActions) != 2 || r.NextActions[1].Command != "attach_volume" {
		t.Fatalf("next actions %v", r.NextActions)
	}
	c.settle()
	s := must[*hcloud.Server](c)(c.client.Server.GetByID(c.ctx, r.Server.ID))
	if len(s.Volumes) != 1 || s.Volumes[0].ID != v.ID {
		t.Errorf("volumes %v", s.Volumes)
	}
	_, err = c.client.Volume.Delete(c.ctx, v)
	wantCode(t, err, hcloud.ErrorCodeServiceError)
	must[*hcloud.ServerDeleteResult](c)(c.client.Server.DeleteWithResult(c.ctx, s))
	c.settle()
	if v = must[*hcloud.Volume](c)(c.client.Volume.GetByID(c.ctx, v.ID)); v.Server != nil {
		t.Errorf("the volume is still attached to %v", v.Server)
	}
	if _, err := c.client.Volume.Delete(c.ctx, v); err != nil {
		t.Error(err)
	}
}

func TestServerListing(t *testing.T) {
	c := newCloud(t, simcloud.Options{})
	for i := range 3 {
		c.testServer(fmt.Sprintf("s%d", i), func(o *hcloud.ServerCreateOpts) { o.Labels = map[string]string{"n": idText(int64(i))} })
	}
	names := func(o hcloud.ServerListOpts) string {
		t.Helper()
		all, err := c.client.Server.AllWithOpts(c.ctx, o)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, s := range all {
			out = append(out, s.Name)
		}
		return strings.Join(out, " ")
	}
	for _, tc := range []struct {
		opts hcloud.ServerListOpts
		want string
	}{
		{hcloud.ServerListOpts{}, "s0 s1 s2"},
		{hcloud.ServerListOpts{Name: "s1"}, "s1"},
		{hcloud.ServerListOpts{ListOpts: hcloud.ListOpts{LabelSelector: "n!=1"}}, "s0 s2"},
		{hcloud.ServerListOpts{Sort: []string{"name:desc"}}, "s2 s1 s0"},
		{hcloud.ServerListOpts{Status: []hcloud.ServerStatus{hcloud.ServerStatusOff}}, ""},
		{hcloud.ServerListOpts{Status: []hcloud.ServerStatus{hcloud.ServerStatusOff, hcloud.ServerStatusRunning}}, "s0 s1 s2"},
		{hcloud.ServerListOpts{ListOpts: hcloud.ListOpts{PerPage: 1}}, "s0 s1 s2"},
	} {
		if got := names(tc.opts); got != tc.want {
			t.Errorf("%+v: got %q, want %q", tc.opts, got, tc.want)
		}
	}
	up := must[*hcloud.Server](c)(c.client.Server.Update(c.ctx, &hcloud.Server{ID: must[*hcloud.Server](c)(c.client.Server.GetByName(c.ctx, "s0")).ID},
		hcloud.ServerUpdateOpts{Name: "new", Labels: map[string]string{}}))
	if up.Name != "new" || len(up.Labels) != 0 {
		t.Errorf("not updated: %+v", up)
	}
	_, _, err := c.client.Server.Update(c.ctx, up, hcloud.ServerUpdateOpts{Name: "s1"})
	wantCode(t, err, hcloud.ErrorCodeUniquenessError)
}
