package hetzner_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/hetzner"
)

func (c *cloud) fault(f simcloud.Fault) {
	c.t.Helper()
	if _, err := c.AddFault(f); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cloud) key(name string) (*hcloud.SSHKey, error) {
	k, _, err := c.client.SSHKey.Create(c.ctx, hcloud.SSHKeyCreateOpts{Name: name, PublicKey: testKey})
	return k, err
}

func TestInjectedErrors(t *testing.T) {
	for _, tc := range []struct {
		f      simcloud.Fault
		status int
		code   string
	}{
		{simcloud.Fault{Kind: simcloud.FaultError}, 500, "server_error"},
		{simcloud.Fault{Kind: simcloud.FaultError, Status: 502}, 502, "bad_gateway"},
		{simcloud.Fault{Kind: simcloud.FaultError, Status: 503}, 503, "unavailable"},
		{simcloud.Fault{Kind: simcloud.FaultError, Status: 504}, 504, "timeout"},
		{simcloud.Fault{Kind: simcloud.FaultError, Code: "locked"}, 423, "locked"},
		{simcloud.Fault{Kind: simcloud.FaultError, Code: "conflict"}, 409, "conflict"},
		{simcloud.Fault{Kind: simcloud.FaultError, Code: "resource_unavailable"}, 412, "resource_unavailable"},
		{simcloud.Fault{Kind: simcloud.FaultError, Code: "placement_error"}, 422, "placement_error"},
		{simcloud.Fault{Kind: simcloud.FaultRateLimit}, 429, "rate_limit_exceeded"},
	} {
		c := newCloud(t, simcloud.Options{})
		tc.f.Count, tc.f.Method, tc.f.Path = 1, "POST", "/ssh_keys$"
		c.fault(tc.f)
		c.refused("POST", "/ssh_keys", map[string]any{"name": "a", "public_key": testKey}, tc.status, tc.code)
		if n := len(c.Objects("ssh_key")); n != 0 {
			t.Errorf("%s: the request took effect", tc.code)
		}
		if _, err := c.key("a"); err != nil {
			t.Errorf("%s: the fault strikes once: %v", tc.code, err)
		}
	}
}

func TestDroppedConnections(t *testing.T) {
	c := newCloud(t, simcloud.Options{})
	c.fault(simcloud.Fault{Kind: simcloud.FaultDropBefore, Method: "POST", Count: 1})
	if _, err := c.key("a"); err == nil || isAPIError(err) {
		t.Errorf("got %v, want a broken connection", err)
	}
	if n := len(c.Objects("ssh_key")); n != 0 {
		t.Error("dropped before: it took effect")
	}
	c.fault(simcloud.Fault{Kind: simcloud.FaultDropAfter, Method: "POST", Count: 1})
	if _, err := c.key("a"); err == nil || isAPIError(err) {
		t.Errorf("got %v, want a broken connection", err)
	}
	if n := len(c.Objects("ssh_key")); n != 1 {
		t.Error("dropped after: it took no effect")
	}
	if r := c.Requests(); r.Status[0] != 2 || r.Routes["POST /v1/ssh_keys"] != 2 {
		t.Errorf("recorded %+v", r)
	}
}

func isAPIError(err error) bool {
	var e hcloud.Error
	return errors.As(err, &e)
}

func TestDelay(t *testing.T) {
	c := newCloud(t, simcloud.Options{Clock: simcloud.NewClock(time.Time{}, 1000)})
	c.fault(simcloud.Fault{Kind: simcloud.FaultDelay, DelaySeconds: 60})
	begin := c.Clock().Now()
	if _, err := c.key("a"); err != nil {
		t.Error(err)
	}
	if took := c.Clock().Now().Sub(begin); took < time.Minute {
		t.Errorf("took %s on the clock", took)
	}
}

func TestFailedActions(t *testing.T) {
	c := newCloud(t, simcloud.Options{})
	c.fault(simcloud.Fault{Kind: simcloud.FaultActionFailed, Command: "create_server", Count: 1})
	create := func(name string) hcloud.ServerCreateResult {
		return must[hcloud.ServerCreateResult](c)(c.client.Server.Create(c.ctx, hcloud.ServerCreateOpts{Name: name,
			ServerType: &hcloud.ServerType{Name: "cx23"}, Image: &hcloud.Image{Name: "debian-13"}, Location: &hcloud.Location{Name: "fsn1"}}))
	}
	r := create("a")
	a := must[*hcloud.Action](c)(c.client.Action.GetByID(c.ctx, r.Action.ID))
	next := must[*hcloud.Action](c)(c.client.Action.GetByID(c.ctx, r.NextActions[0].ID))
	if a.Status != hcloud.ActionStatusError || a.ErrorCode != "action_failed" || next.Status != hcloud.ActionStatusError {
		t.Errorf("actions %+v, %+v", a, next)
	}
	if s := must[*hcloud.Server](c)(c.client.Server.GetByID(c.ctx, r.Server.ID)); s.Status != hcloud.ServerStatusOff || s.Locked {
		t.Errorf("server %+v", s)
	}
	c.fault(simcloud.Fault{Kind: simcloud.FaultActionStuck, Command: "start_server", Count: 1})
	r = create("b")
	c.settle()
	s := must[*hcloud.Server](c)(c.client.Server.GetByID(c.ctx, r.Server.ID))
	if s.Status != hcloud.ServerStatusStarting || !s.Locked {
		t.Errorf("server with a stuck action %+v", s)
	}
	v := must[hcloud.VolumeCreateResult](c)(c.client.Volume.Create(c.ctx, hcloud.VolumeCreateOpts{Name: "v", Size: 10, Location: &hcloud.Location{Name: "fsn1"}})).Volume
	c.fault(simcloud.Fault{Kind: simcloud.FaultActionFailed, Command: "attach_volume"})
	must[*hcloud.Action](c)(c.client.Volume.Attach(c.ctx, v, must[*hcloud.Server](c)(c.client.Server.GetByName(c.ctx, "a"))))
	if v = must[*hcloud.Volume](c)(c.client.Volume.GetByID(c.ctx, v.ID)); v.Server != nil {
		t.Error("attached by an action that failed")
	}
}

func TestCapacity(t *testing.T) {
	c := newCloud(t, simcloud.Options{})
	c.fault(simcloud.Fault{Kind: simcloud.FaultCapacity, ServerType: "cx23", Location: "fsn1"})
	body := map[string]any{"name": "s", "server_type": "cx23", "image": "debian-13", "location": "fsn1"}
	c.refused("POST", "/servers", body, 412, "resource_unavailable")
	st := must[*hcloud.ServerType](c)(c.client.ServerType.GetByName(c.ctx, "cx23"))
	for _, l := range st.Locations {
		if l.Available == (l.Location.Name == "fsn1") {
			t.Errorf("availability in %s: %v", l.Location.Name, l.Available)
		}
	}
	body["location"] = "hel1"
	if status, out := c.do("POST", "/servers", body); status != 201 {
		t.Errorf("%d %v", status, out)
	}
}

func TestLostLocation(t *testing.T) {
	c := newCloud(t, simcloud.Options{})
	here, there := c.testServer("here"), c.testServer("there", func(o *hcloud.ServerCreateOpts) { o.Location = &hcloud.Location{Name: "hel1"} })
	vol := must[hcloud.VolumeCreateResult](c)(c.client.Volume.Create(c.ctx, hcloud.VolumeCreateOpts{Name: "v", Size: 10, Location: &hcloud.Location{Name: "fsn1"}})).Volume
	id, err := c.AddFault(simcloud.Fault{Kind: simcloud.FaultLocationLost, Location: "fsn1"})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []struct{ method, path string }{
		{"GET", "/servers/" + idText(here.ID)}, {"DELETE", "/servers/" + idText(here.ID)}, {"PUT", "/servers/" + idText(here.ID)},
		{"POST", "/servers/" + idText(here.ID) + "/actions/poweroff"}, {"GET", "/volumes/" + idText(vol.ID)}, {"DELETE", "/volumes/" + idText(vol.ID)},
	} {
		c.refused(r.method, r.path, nil, 503, "unavailable")
	}
	c.refused("POST", "/volumes", map[string]any{"name": "w", "size": 10, "location": "fsn1"}, 503, "unavailable")
	c.refused("POST", "/servers", map[string]any{"name": "s", "server_type": "cx23", "image": "debian-13", "location": "fsn1"}, 503, "unavailable")
	if s := must[*hcloud.Server](c)(c.client.Server.GetByID(c.ctx, there.ID)); s == nil {
		t.Error("the other location is lost, too")
	}
	if all, err := c.client.Server.All(c.ctx); err != nil || len(all) != 2 {
		t.Errorf("lists are not of a location: %d, %v", len(all), err)
	}
	c.RemoveFault(id)
	c.fault(simcloud.Fault{Kind: simcloud.FaultLocationLost, Location: "fsn1", Mode: simcloud.ModeHang})
	ctx, cancel := context.WithTimeout(c.ctx, 50*time.Millisecond)
	defer cancel()
	if _, _, err := c.client.Server.GetByID(ctx, here.ID); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want no answer", err)
	}
	if s := must[*hcloud.Server](c)(c.client.Server.GetByID(c.ctx, there.ID)); s == nil {
		t.Error("a hanging request blocks others")
	}
}

func TestRequestLimit(t *testing.T) {
	c := newCloud(t, simcloud.Options{Hetzner: hetzner.Options{RateLimit: 10}})
	get := func(path string) *http.Response {
		req, _ := http.NewRequestWithContext(c.ctx, "GET", c.url+path, nil)
		req.Header.Set("Authorization", "Bearer "+testToken)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp
	}
	for i := range 10 {
		if r := get("/locations"); r.StatusCode != 200 || r.Header.Get("RateLimit-Limit") != "10" || r.Header.Get("RateLimit-Remaining") != strconv.Itoa(9-i) {
			t.Fatalf("request %d: %d %v", i, r.StatusCode, r.Header)
		}
	}
	e := c.refused("GET", "/locations", nil, 429, "rate_limit_exceeded")
	if e["message"] != "limit of 10 requests per hour reached" {
		t.Errorf("message %v", e["message"])
	}
	r := get("/locations")
	if want := strconv.FormatInt(c.Clock().Now().Add(time.Hour).Unix(), 10); r.Header.Get("RateLimit-Reset") != want {
		t.Errorf("full again at %s, want %s", r.Header.Get("RateLimit-Reset"), want)
	}
	c.Clock().Advance(6 * time.Minute)
	if r := get("/locations"); r.StatusCode != 200 {
		t.Errorf("one request should have come back: %d", r.StatusCode)
	}
	c.refused("GET", "/locations", nil, 429, "rate_limit_exceeded")
	c.FillQuota(-1)
	c.fault(simcloud.Fault{Kind: simcloud.FaultQuota, TokensPerSecond: 1})
	c.Clock().Advance(time.Minute)
	c.refused("GET", "/locations", nil, 429, "rate_limit_exceeded")
}

func TestActionPollLimit(t *testing.T) {
	c := newCloud(t, simcloud.Options{Hetzner: hetzner.Options{RateLimit: 5, ActionPollLimit: 3}})
	k, err := c.key("a")
	if err != nil {
		t.Fatal(err)
	}
	_ = k
	for range 3 {
		c.refused("GET", "/actions/1", nil, 404, "not_found")
	}
	c.refused("GET", "/actions/1", nil, 429, "rate_limit_exceeded")
	if status, _ := c.do("GET", "/ssh_keys", nil); status != 200 {
		t.Errorf("polls used up the requests: %d", status)
	}
}

// A simulator that is killed between two requests has lost nothing, and goes on.
func TestRestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sim.db")
	clock := simcloud.NewClock(time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC), 0)
	c := newCloud(t, simcloud.Options{DataFile: file, Clock: clock, DurationScale: 1})
	v := must[hcloud.VolumeCreateResult](c)(c.client.Volume.Create(c.ctx, hcloud.VolumeCreateOpts{Name: "v", Size: 10, Location: &hcloud.Location{Name: "fsn1"}})).Volume
	c.settle()
	r := must[hcloud.ServerCreateResult](c)(c.client.Server.Create(c.ctx, hcloud.ServerCreateOpts{Name: "s", ServerType: &hcloud.ServerType{Name: "cx23"},
		Image: &hcloud.Image{Name: "debian-13"}, Volumes: []*hcloud.Volume{v}, Labels: map[string]string{"a": "b"}, UserData: "#!/bin/sh"}))
	clock.Advance(7 * time.Second) // created, starting
	before := must[*hcloud.Server](c)(c.client.Server.GetByID(c.ctx, r.Server.ID))
	if before.Status != hcloud.ServerStatusStarting {
		t.Fatalf("status %s", before.Status)
	}
	// What is in the file now is what a killed simulator leaves.
	left, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	file += ".left"
	if err := os.WriteFile(file, left, 0o600); err != nil {
		t.Fatal(err)
	}
	c = newCloud(t, simcloud.Options{DataFile: file, Clock: clock, DurationScale: 1})
	after := must[*hcloud.Server](c)(c.client.Server.GetByID(c.ctx, r.Server.ID))
	if after.Status != before.Status || !after.Locked || after.PublicNet.IPv4.IP.String() != before.PublicNet.IPv4.IP.String() || after.Labels["a"] != "b" {
		t.Errorf("before %+v, after %+v", before, after)
	}
	c.settle()
	after = must[*hcloud.Server](c)(c.client.Server.GetByID(c.ctx, r.Server.ID))
	if after.Status != hcloud.ServerStatusRunning || after.Locked || len(after.Volumes) != 1 {
		t.Errorf("after all actions: %+v", after)
	}
	second := c.testServer("second")
	if second.ID <= after.ID || second.PublicNet.IPv4.IP.Equal(after.PublicNet.IPv4.IP) {
		t.Error("an id or an address was given twice")
	}
}
