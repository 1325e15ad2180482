package s3_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/s3"
)

// TestABucketsOwnHost: a key that ends with a slash, with which tools mark
// folders, is not the key without it.
func TestABucketsOwnHost(t *testing.T) {
	c := newCloud(t, s3.Options{})
	c.bucket("acme-backups", false)
	server := httptest.NewServer(c.api.Bucket("fsn1", "acme-backups"))
	t.Cleanup(server.Close)
	send := func(method, path, body string) int {
		r, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, strings.NewReader(body))
		c.ok(err)
		signByHand(r, body, "OWNER", keys["OWNER"].Secret, time.Now().UTC())
		response, err := http.DefaultClient.Do(r)
		c.ok(err)
		c.ok(response.Body.Close())
		return response.StatusCode
	}
	for _, path := range []string{"/folder/", "/plain"} {
		if status := send("PUT", path, ""); status != 200 {
			t.Errorf("PUT %s: %d", path, status)
		}
	}
	for path, want := range map[string]int{"/folder/": 200, "/folder": 404, "/plain": 200, "/plain/": 404, "/": 200, "/?list-type=2": 200} {
		if status := send("GET", path, ""); status != want {
			t.Errorf("GET %s: %d, want %d", path, status, want)
		}
	}
}
