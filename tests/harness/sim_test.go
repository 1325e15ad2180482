package harness

import (
	"net/http"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

func TestRequestsAreToldApart(t *testing.T) {
	sim, err := StartSim(simcloud.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	const google = "projects/harness-test/"
	for _, request := range []struct{ method, url string }{
		{http.MethodGet, sim.HetznerEndpoint() + "/servers"},
		{http.MethodGet, sim.HetznerEndpoint() + "/actions?id=1"},
		{http.MethodPost, sim.HetznerEndpoint() + "/servers"},
		{http.MethodGet, sim.GoogleEndpoint() + google + "aggregated/instances"},
		{http.MethodGet, sim.GoogleEndpoint() + google + "aggregated/operations"},
		{http.MethodGet, sim.GoogleEndpoint() + google + "global/operations/operation-1"},
		{http.MethodDelete, sim.GoogleEndpoint() + google + "zones/europe-west3-a/disks/data"},
		{http.MethodPost, sim.GoogleEndpoint() + google + "zones/europe-west3-a/disks"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), request.method, request.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer harness")
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
	}
	type split struct{ reads, writes, polls int }
	for name, one := range map[string]struct {
		counts Requests
		want   split
	}{
		simcloud.Hetzner: {sim.CountsOf(simcloud.Hetzner), split{reads: 1, writes: 1, polls: 1}},
		simcloud.Google:  {sim.CountsOf(simcloud.Google), split{reads: 1, writes: 2, polls: 2}},
		"both":           {sim.Counts(), split{reads: 2, writes: 3, polls: 3}},
	} {
		var got split
		if got.reads, got.writes, got.polls = one.counts.Split(); got != one.want || one.counts.Total != got.reads+got.writes+got.polls {
			t.Errorf("%s: %+v of %d, want %+v: %v", name, got, one.counts.Total, one.want, one.counts.Routes)
		}
	}
}
