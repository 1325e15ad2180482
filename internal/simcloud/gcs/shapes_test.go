package gcs_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/discovery"
)

// document is the vendor's description, read once for all tests.
var document = sync.OnceValues(func() (*discovery.Document, error) { return discovery.Load("storage/v1/storage-api.json") })

// checked lets every successful JSON answer be compared with the vendor's shape.
func checked(t *testing.T, h http.Handler) http.Handler {
	d, err := document()
	if err != nil {
		t.Fatal(err)
	}
	return discovery.Check(h, func(r *http.Request, answer *httptest.ResponseRecorder) (*discovery.Document, string, string) {
		path, ok := strings.CutPrefix(strings.TrimPrefix(r.URL.EscapedPath(), "/upload"), "/storage/v1/")
		if !ok || !strings.HasPrefix(answer.Header().Get("Content-Type"), "application/json") || r.URL.Query().Get("alt") == "media" {
			return nil, "", ""
		}
		method := r.Method
		if method == http.MethodPut && r.URL.Query().Has("upload_id") {
			method = http.MethodPost // the end of a resumable upload answers as its beginning would
		}
		return d, method, path
	}, t.Errorf)
}
