package simcloud_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

const testKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJeYYpOX3XHPHbWZ4JIG8PPXzUTJ0YbZFmZ5kdyVKkpA admin@example.com"

// serve starts a simulator on loopback and answers its base URL.
func serve(t *testing.T, o simcloud.Options) (*simcloud.Sim, string) {
	t.Helper()
	sim, err := simcloud.New(o)
	if err != nil {
		t.Fatal(err)
	}
	served, err := sim.Serve("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := served.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	return sim, served.URL
}

// control makes a request to the control API and answers status and JSON.
func control(t *testing.T, method, url string, body any) (int, map[string]any) {
	t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	out := map[string]any{}
	if text, _ := io.ReadAll(resp.Body); len(text) > 0 {
		if err := json.Unmarshal(text, &out); err != nil {
			t.Fatalf("%s %s: %q: %v", method, url, text, err)
		}
	}
	return resp.StatusCode, out
}

func TestServeWithRealClock(t *testing.T) {
	// A hundred times as fast: a server is there after a tenth of a second.
	o := simcloud.Realistic()
	o.Clock = simcloud.NewClock(time.Time{}, 100)
	sim, url := serve(t, o)
	c := hcloud.NewClient(hcloud.WithEndpoint(url+"/v1"), hcloud.WithToken("x"),
		hcloud.WithPollOpts(hcloud.PollOpts{BackoffFunc: hcloud.ConstantBackoff(10 * time.Millisecond)}))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	r, _, err := c.Server.Create(ctx, hcloud.ServerCreateOpts{Name: "s", ServerType: &hcloud.ServerType{Name: "cax11"}, Image: &hcloud.Image{Name: "debian-13"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Action.WaitFor(ctx, append(r.NextActions, r.Action)...); err != nil {
		t.Fatal(err)
	}
	s, resp, err := c.Server.GetByID(ctx, r.Server.ID)
	if err != nil || s.Status != hcloud.ServerStatusRunning || s.Image.Architecture != hcloud.ArchitectureARM {
		t.Errorf("%+v, %v", s, err)
	}
	limit := resp.Meta.Ratelimit
	if limit.Limit != 3600 || limit.Remaining < 3500 || time.Until(limit.Reset) > time.Minute {
		t.Errorf("limit %+v: the bucket is full again within a real minute", limit)
	}
	if rq := sim.Requests(); rq.Routes["POST /v1/servers"] != 1 || rq.Routes["GET /v1/servers/{id}"] != 1 || rq.Total < 3 {
		t.Errorf("requests %+v", rq)
	}
}

func TestControl(t *testing.T) {
	_, url := serve(t, simcloud.Options{Clock: simcloud.NewClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), 0)})
	c := hcloud.NewClient(hcloud.WithEndpoint(url+"/v1"), hcloud.WithToken("x"),
		hcloud.WithRetryOpts(hcloud.RetryOpts{BackoffFunc: hcloud.ConstantBackoff(0), MaxRetries: 0}))
	key := func(name string) error {
		_, _, err := c.SSHKey.Create(t.Context(), hcloud.SSHKeyCreateOpts{Name: name, PublicKey: testKey})
		return err
	}
	status, out := control(t, "POST", url+"/_sim/faults", map[string]any{"kind": "error", "status": 503, "path": "ssh_keys"})
	if status != 201 || out["id"] != 1.0 {
		t.Fatalf("%d %v", status, out)
	}
	if err := key("a"); !hcloud.IsError(err, "unavailable") {
		t.Errorf("got %v, want the injected error", err)
	}
	if _, out = control(t, "GET", url+"/_sim/faults", nil); !strings.Contains(toJSON(out), `"struck":1`) {
		t.Errorf("faults %v", out)
	}
	for _, bad := range []any{map[string]any{"kind": "flood"}, map[string]any{"kind": "error", "pth": "x"}, "x"} {
		if status, _ := control(t, "POST", url+"/_sim/faults", bad); status < 400 {
			t.Errorf("%v was taken", bad)
		}
	}
	if status, _ = control(t, "DELETE", url+"/_sim/faults/1", nil); status != 204 {
		t.Errorf("disarming: %d", status)
	}
	if status, _ = control(t, "DELETE", url+"/_sim/faults/1", nil); status != 404 {
		t.Errorf("disarming again: %d", status)
	}
	if err := key("a"); err != nil {
		t.Error(err)
	}
	if _, out = control(t, "GET", url+"/_sim/requests", nil); out["total"] != 2.0 || !strings.Contains(toJSON(out), `"POST /v1/ssh_keys":2`) {
		t.Errorf("requests %v", out)
	}
	control(t, "POST", url+"/_sim/requests/reset", nil)
	if _, out = control(t, "GET", url+"/_sim/requests", nil); out["total"] != 0.0 {
		t.Errorf("requests after a reset %v", out)
	}
	if _, out = control(t, "GET", url+"/_sim/objects", nil); !strings.Contains(toJSON(out), `"ssh_key":1`) {
		t.Errorf("counts %v", out)
	}
	if _, out = control(t, "GET", url+"/_sim/objects?kind=ssh_key", nil); !strings.Contains(toJSON(out), testKey) {
		t.Errorf("objects %v", out)
	}
	if status, _ = control(t, "GET", url+"/_sim/objects?kind=unicorn", nil); status != 404 {
		t.Errorf("an unknown kind: %d", status)
	}
	if _, out = control(t, "POST", url+"/_sim/clock", map[string]any{"advance_seconds": 90}); out["now"] != "2026-01-01T00:01:30Z" {
		t.Errorf("clock %v", out)
	}
	if status, _ = control(t, "POST", url+"/_sim/clock", map[string]any{"advance_seconds": -1}); status != 422 {
		t.Errorf("back in time: %d", status)
	}
	if status, _ = control(t, "POST", url+"/_sim/limits", map[string]any{"rate_limit": 1}); status != 204 {
		t.Errorf("limits: %d", status)
	}
	_, _ = c.SSHKey.All(t.Context())
	if _, err := c.SSHKey.All(t.Context()); !hcloud.IsError(err, hcloud.ErrorCodeRateLimitExceeded) {
		t.Errorf("got %v, want the limit", err)
	}
	control(t, "DELETE", url+"/_sim/faults", nil)
}

func toJSON(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

func TestDataFileIsOurs(t *testing.T) {
	dir := t.TempDir()
	if _, err := simcloud.New(simcloud.Options{DataFile: filepath.Join(dir, "none", "sim.db")}); err == nil {
		t.Error("a file in a directory that is not there was opened")
	}
	first, err := simcloud.New(simcloud.Options{DataFile: filepath.Join(dir, "sim.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if _, err := simcloud.New(simcloud.Options{DataFile: filepath.Join(dir, "sim.db")}); err == nil {
		t.Error("a file that is in use was opened")
	}
}

func TestServeRefusesAnAddressInUse(t *testing.T) {
	sim, url := serve(t, simcloud.Options{})
	if _, err := sim.Serve(strings.TrimPrefix(url, "http://")); err == nil {
		t.Error("two listen on one address")
	}
}
