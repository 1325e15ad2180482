package google_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/google"
)

// fault arms one and answers a function that disarms it.
func (c *cloud) fault(f engine.Fault) (disarm func()) {
	c.t.Helper()
	id, err := c.eng.Faults.Add(f)
	if err != nil {
		c.t.Fatal(err)
	}
	return func() { c.eng.Faults.Remove(id) }
}

// noAnswer expects that a request gets none within a short time; it answers
// whether the client had to give up.
func (c *cloud) noAnswer(path string) (hung bool) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.ctx, 200*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", c.url+"/compute/v1/projects/acme-prod"+path, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	resp, err := (&http.Client{Transport: bearer{"t"}}).Do(req)
	if err == nil {
		resp.Body.Close()
		c.t.Errorf("%s was answered with %d", path, resp.StatusCode)
	}
	return errors.Is(err, context.DeadlineExceeded)
}

func TestLostZone(t *testing.T) {
	c := newCloud(t, google.Options{})
	c.network("blue")
	disarm := c.fault(engine.Fault{Kind: engine.FaultLocationLost, Location: "europe-west3-a"})
	c.wantReason("GET", "/zones/europe-west3-a/operations", nil, 503, "backendError")
	c.wantReason("GET", "/zones/europe-west3-a", nil, 503, "backendError")
	c.wantReason("GET", "/aggregated/machineTypes", nil, 503, "backendError")
	for _, path := range []string{"/zones/europe-west3-b/operations", "/regions/europe-west3/subnetworks", "/global/networks/blue", "/zones", "/aggregated/subnetworks"} {
		if status, out := c.do("GET", path, nil); status != 200 {
			t.Errorf("%s: %v", path, out)
		}
	}
	_, out := c.do("GET", "/aggregated/operations?returnPartialSuccess=true", nil)
	if u, _ := out["unreachables"].([]any); len(u) != 1 || u[0] != "projects/acme-prod/zones/europe-west3-a" {
		t.Errorf("unreachables %v", out["unreachables"])
	}
	disarm()
	disarm = c.fault(engine.Fault{Kind: engine.FaultLocationLost, Location: "europe-west3", Mode: engine.ModeHang})
	if !c.noAnswer("/zones/europe-west3-c/operations") || !c.noAnswer("/regions/europe-west3/subnetworks") || !c.noAnswer("/aggregated/operations") {
		t.Error("a lost region that hangs closes connections")
	}
	if status, _ := c.do("GET", "/global/networks/blue", nil); status != 200 {
		t.Errorf("global resources are gone with a region: %d", status)
	}
	disarm()
	if status, _ := c.do("GET", "/zones/europe-west3-a/operations", nil); status != 200 {
		t.Errorf("back again, but %d", status)
	}
}

func TestLostVendor(t *testing.T) {
	c := newCloud(t, google.Options{})
	for mode, hangs := range map[string]bool{engine.ModeHang: true, engine.ModeDrop: false} {
		disarm := c.fault(engine.Fault{Kind: engine.FaultLocationLost, Cloud: google.Cloud, Mode: mode})
		for _, path := range []string{"/global/networks", "/zones/europe-west3-a/operations", ""} {
			if c.noAnswer(path) != hangs {
				t.Errorf("mode %s: %s", mode, path)
			}
		}
		disarm()
	}
	disarm := c.fault(engine.Fault{Kind: engine.FaultLocationLost, Cloud: google.Cloud})
	c.wantReason("GET", "/global/networks", nil, 503, "backendError")
	disarm()
	if status, _ := c.do("GET", "/global/networks", nil); status != 200 {
		t.Errorf("back again, but %d", status)
	}
}

func TestInjectedErrors(t *testing.T) {
	c := newCloud(t, google.Options{})
	c.fault(engine.Fault{Kind: engine.FaultError, Status: 502, Count: 1, Path: "/networks$"})
	c.wantReason("GET", "/global/networks", nil, 502, "backendError")
	c.fault(engine.Fault{Kind: engine.FaultError, Status: 403, Code: "forbidden", Message: "no", Count: 1})
	if m := c.wantReason("GET", "/global/networks", nil, 403, "forbidden"); m != "no" {
		t.Errorf("message %q", m)
	}
	c.fault(engine.Fault{Kind: engine.FaultRateLimit, Count: 1})
	c.wantReason("GET", "/global/networks", nil, 403, "rateLimitExceeded")
	// An answer that is lost after the write took effect.
	c.fault(engine.Fault{Kind: engine.FaultDropAfter, Method: "POST", Count: 1})
	req, err := http.NewRequestWithContext(c.ctx, "POST", c.url+"/compute/v1/projects/acme-prod/global/networks",
		strings.NewReader(`{"name":"blue","autoCreateSubnetworks":false}`))
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := (&http.Client{Transport: bearer{"t"}}).Do(req); err == nil {
		resp.Body.Close()
		t.Errorf("answered %d", resp.StatusCode)
	}
	if status, _ := c.do("GET", "/global/networks/blue", nil); status != 200 {
		t.Errorf("the write had no effect: %d", status)
	}
}

func TestRateLimit(t *testing.T) {
	c := newCloud(t, google.Options{RateLimit: 3})
	for range 3 {
		if status, out := c.do("GET", "/global/networks", nil); status != 200 {
			t.Fatal(out)
		}
	}
	status, out := c.do("GET", "/global/networks", nil)
	e := out["error"].(map[string]any)
	if status != 403 || e["status"] != "PERMISSION_DENIED" || !strings.Contains(e["message"].(string), "'List requests per minute' of service 'compute.googleapis.com'") {
		t.Errorf("%d %v", status, out)
	}
	item := e["errors"].([]any)[0].(map[string]any)
	detail := e["details"].([]any)[0].(map[string]any)
	if item["reason"] != "rateLimitExceeded" || item["domain"] != "usageLimits" || detail["reason"] != "RATE_LIMIT_EXCEEDED" {
		t.Errorf("%v", out)
	}
	// Each group has a limit of its own, and each project.
	if status, out := c.do("GET", "/zones/europe-west3-a", nil); status != 200 {
		t.Errorf("another group: %v", out)
	}
	if status, _ := c.do("POST", "/global/networks", map[string]any{"name": "blue", "autoCreateSubnetworks": false}); status != 200 {
		t.Errorf("another group: %d", status)
	}
	c.advance(59 * time.Second)
	c.wantReason("GET", "/global/networks", nil, 403, "rateLimitExceeded")
	c.advance(time.Second)
	if status, _ := c.do("GET", "/global/networks", nil); status != 200 {
		t.Errorf("the next minute: %d", status)
	}
}

func TestTokens(t *testing.T) {
	c := newCloud(t, google.Options{Projects: []string{"acme-prod", "acme-test"}, Tokens: map[string]google.Token{
		"all": {}, "one": {Projects: []string{"acme-test"}}, "audit": {ReadOnly: true}}})
	tests := map[string]struct {
		token, method, project string
		status                 int
	}{
		"good":            {"all", "GET", "acme-prod", 200},
		"none":            {"", "GET", "acme-prod", 401},
		"unknown":         {"other", "GET", "acme-prod", 401},
		"own project":     {"one", "GET", "acme-test", 200},
		"foreign project": {"one", "GET", "acme-prod", 403},
		"no project":      {"all", "GET", "acme-dev", 404},
		"malformed":       {"all", "GET", "A", 400},
		"reading":         {"audit", "GET", "acme-prod", 200},
		"writing":         {"audit", "POST", "acme-prod", 403},
		"stock images":    {"one", "GET", "debian-cloud", 200},
		"stock project":   {"all", "POST", "debian-cloud", 403},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(c.ctx, test.method, c.url+"/compute/v1/projects/"+test.project+"/global/networks",
				strings.NewReader(`{"name":"n","autoCreateSubnetworks":false}`))
			if err != nil {
				t.Fatal(err)
			}
			if test.token != "" {
				req.Header.Set("Authorization", "Bearer "+test.token)
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if resp.StatusCode != test.status {
				t.Errorf("status %d, want %d", resp.StatusCode, test.status)
			}
		})
	}
}

func TestRecorder(t *testing.T) {
	c := newCloud(t, google.Options{})
	c.do("GET", "/global/networks/x", nil)
	c.do("GET", "/global/networks/y", nil)
	c.do("GET", "/nonsense", nil)
	r := c.api.Recorder().Snapshot()
	if r.Routes["GET /compute/v1/projects/{project}/global/networks/{network}"] != 2 || r.Routes["GET unknown"] != 1 || r.Status[404] != 3 {
		t.Errorf("%+v", r)
	}
}
