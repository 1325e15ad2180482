package google_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/discovery"
)

// service is one of the vendor's APIs, as it is served here.
type service struct {
	mount, file string
	// base stands before the paths of the document.
	base string
}

func services() []service {
	return []service{
		{"/compute/v1/", "compute/v1/compute-api.json", ""},
		{"/kms/v1/", "cloudkms/v1/cloudkms-api.json", "v1/"},
		{"/cloudresourcemanager/v1/", "cloudresourcemanager/v1/cloudresourcemanager-api.json", "v1/"},
		{"/cloudresourcemanager/v3/", "cloudresourcemanager/v3/cloudresourcemanager-api.json", "v3/"},
	}
}

// documents are the vendor's descriptions by mount, read once for all tests.
var documents = sync.OnceValues(func() (map[string]*discovery.Document, error) {
	out := map[string]*discovery.Document{}
	for _, s := range services() {
		d, err := discovery.Load(s.file)
		if err != nil {
			return nil, err
		}
		out[s.mount] = d
	}
	return out, nil
})

// described gives the document that tells of a path, and the path in it. What
// has no mount is Compute Engine's.
func described(t *testing.T, path string) (*discovery.Document, string) {
	t.Helper()
	all, err := documents()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range services() {
		if rest, ok := strings.CutPrefix(path, s.mount); ok {
			return all[s.mount], s.base + rest
		}
	}
	return all["/compute/v1/"], strings.TrimPrefix(path, "/")
}

// checked lets every successful answer be compared with the vendor's shape.
func checked(t *testing.T, h http.Handler) http.Handler {
	return discovery.Check(h, func(r *http.Request, _ *httptest.ResponseRecorder) (*discovery.Document, string, string) {
		d, path := described(t, r.URL.Path)
		return d, r.Method, path
	}, t.Errorf)
}
