package discovery_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/discovery"
)

func TestDocuments(t *testing.T) {
	tests := map[string]struct {
		file, method, path string
		ref                string // the answer's schema; "none" for no such method
	}{
		"a get":                       {"compute/v1/compute-api.json", "GET", "projects/p/zones/z/instances/i", "Instance"},
		"a literal beats a parameter": {"compute/v1/compute-api.json", "GET", "projects/p/aggregated/instances", "InstanceAggregatedList"},
		"unknown":                     {"compute/v1/compute-api.json", "PUT", "projects/p/zones/z/instances/i/nothing", "none"},
		"a custom verb":               {"cloudkms/v1/cloudkms-api.json", "GET", "v1/projects/p/locations/l/keyRings/r/cryptoKeys/k:getIamPolicy", "Policy"},
		"the object itself":           {"cloudkms/v1/cloudkms-api.json", "GET", "v1/projects/p/locations/l/keyRings/r/cryptoKeys/k", "CryptoKey"},
		"an escaped slash":            {"storage/v1/storage-api.json", "GET", "b/bucket/o/a%2Fb", "Object"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d, err := discovery.Load(test.file)
			if err != nil {
				t.Fatal(err)
			}
			got := "none"
			if s, ok := d.ResponseOf(test.method, test.path); ok && s != nil {
				got = s.Ref
			}
			if got != test.ref {
				t.Errorf("answers with %s, want %s", got, test.ref)
			}
		})
	}
}

func TestCheckReports(t *testing.T) {
	d, err := discovery.Load("compute/v1/compute-api.json")
	if err != nil {
		t.Fatal(err)
	}
	for body, want := range map[string]int{
		`{"name": "n", "autoCreateSubnetworks": false}`: 0,
		`{"name": 7}`:        1, // another type
		`{"invented": true}`: 1,
		`{"id": "seven"}`:    1, // no uint64
		`{"peerings": [{"state": "ACTIVE"}, {"state": "?"}]}`: 1,
		`no JSON`: 2, // and no object
	} {
		reports := 0
		h := discovery.Check(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }),
			func(*http.Request, *httptest.ResponseRecorder) (*discovery.Document, string, string) {
				return d, "GET", "projects/p/global/networks/n"
			}, func(string, ...any) { reports++ })
		out := httptest.NewRecorder()
		h.ServeHTTP(out, httptest.NewRequest("GET", "/", nil))
		if reports != want || out.Body.String() != body {
			t.Errorf("%s: %d reports, want %d; passed on %q", body, reports, want, out.Body)
		}
	}
}
