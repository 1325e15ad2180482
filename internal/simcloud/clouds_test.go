package simcloud_test

import (
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

// ask makes a request with a token and answers the status and the body.
func ask(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer x")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

const blue = `{"name":"blue","autoCreateSubnetworks":false}`

func TestBothCloudsOnOneListener(t *testing.T) {
	sim, url := serve(t, simcloud.Options{})
	for _, path := range []string{"/v1/locations", "/compute/v1/projects/acme-prod/zones", "/projects/acme-prod/zones", "/compute/v1/projects/acme-prod/regions"} {
		if status, body := ask(t, "GET", url+path, ""); status != 200 {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if g, h, all := sim.RequestsOf(simcloud.Google), sim.RequestsOf(simcloud.Hetzner), sim.Requests(); g.Total != 3 || h.Total != 1 || all.Total != 4 ||
		g.Routes["GET /compute/v1/projects/{project}/zones"] != 2 || all.Routes["GET /v1/locations"] != 1 {
		t.Errorf("google %+v, hetzner %+v, all %+v", g, h, all)
	}
	if _, out := control(t, "GET", url+"/_sim/requests?cloud=google", nil); out["total"] != 3.0 {
		t.Errorf("control API: %v", out)
	}
	sim.ResetRequests()
	if all := sim.Requests(); all.Total != 0 {
		t.Errorf("after a reset %+v", all)
	}
	control(t, "POST", url+"/_sim/limits", map[string]any{"google_rate_limit": 1})
	for i, want := range []int{200, 403} {
		if status, body := ask(t, "GET", url+"/compute/v1/projects/other-project/zones", ""); status != want {
			t.Errorf("request %d: %d %s", i, status, body)
		}
	}
}

func TestOneCloudIsLostAlone(t *testing.T) {
	for lost, there := range map[string]string{"/v1/locations": "/compute/v1/projects/acme-prod/zones", "/compute/v1/projects/acme-prod/zones": "/v1/locations"} {
		sim, url := serve(t, simcloud.Options{})
		cloud := simcloud.Google
		if strings.HasPrefix(lost, "/v1/") {
			cloud = simcloud.Hetzner
		}
		if _, err := sim.AddFault(simcloud.Fault{Kind: simcloud.FaultLocationLost, Cloud: cloud}); err != nil {
			t.Fatal(err)
		}
		if status, _ := ask(t, "GET", url+lost, ""); status != 503 {
			t.Errorf("%s lost, but %s answers %d", cloud, lost, status)
		}
		if status, body := ask(t, "GET", url+there, ""); status != 200 {
			t.Errorf("%s lost, and %s answers %d %s", cloud, there, status, body)
		}
		sim.ClearFaults()
		if status, _ := ask(t, "GET", url+lost, ""); status != 200 {
			t.Errorf("%s is back, but %s answers %d", cloud, lost, status)
		}
	}
}

func TestDataFileHoldsBothClouds(t *testing.T) {
	o := simcloud.Options{DataFile: filepath.Join(t.TempDir(), "sim.db"), Clock: simcloud.NewClock(time.Time{}, 1)}
	t.Run("write", func(t *testing.T) {
		_, url := serve(t, o)
		if status, body := ask(t, "POST", url+"/v1/networks", `{"name":"n","ip_range":"10.0.0.0/16"}`); status != 201 {
			t.Fatal(body)
		}
		if status, body := ask(t, "POST", url+"/compute/v1/projects/acme-prod/global/networks", blue); status != 200 {
			t.Fatal(body)
		}
	})
	t.Run("read", func(t *testing.T) {
		sim, url := serve(t, o)
		if _, body := ask(t, "GET", url+"/compute/v1/projects/acme-prod/global/networks", ""); !strings.Contains(body, `"blue"`) {
			t.Errorf("Google's network is gone: %s", body)
		}
		if n, g := len(sim.Objects("network")), len(sim.Objects("google_network")); n != 1 || g != 1 {
			t.Errorf("%d and %d networks", n, g)
		}
	})
}
