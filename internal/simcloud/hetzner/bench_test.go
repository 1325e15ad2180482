package hetzner_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

// region fills a simulator with n servers with a volume each.
func region(b *testing.B, n int) http.Handler {
	b.Helper()
	sim, err := simcloud.New(simcloud.Options{DataFile: filepath.Join(b.TempDir(), "sim.db")})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = sim.Close() })
	h := sim.HetznerHandler()
	for i := range n {
		call(b, h, "POST", "/v1/volumes", fmt.Sprintf(`{"name": "v%d", "size": 10, "location": "fsn1"}`, i), 201)
		call(b, h, "POST", "/v1/firewalls", fmt.Sprintf(`{"name": "f%d", "rules": [{"direction": "in", "protocol": "tcp", "port": "443", "source_ips": ["0.0.0.0/0"]}]}`, i), 201)
		call(b, h, "POST", "/v1/servers", fmt.Sprintf(`{"name": "s%d", "server_type": "cx23", "image": "debian-13", "location": "fsn1",
			"volumes": [%d], "firewalls": [{"firewall": %d}]}`, i, 40000001+i, 70000001+i), 201)
	}
	return h
}

func call(b *testing.B, h http.Handler, method, path, body string, want int) {
	b.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer x")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != want {
		b.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
}

func BenchmarkRegionOfThousand(b *testing.B) {
	h := region(b, 1000)
	b.Run("list page", func(b *testing.B) {
		for range b.N {
			call(b, h, "GET", "/v1/servers?per_page=50&page=7", "", 200)
		}
	})
	b.Run("get server", func(b *testing.B) {
		for range b.N {
			call(b, h, "GET", "/v1/servers/50000500", "", 200)
		}
	})
	b.Run("poll 25 actions", func(b *testing.B) {
		var q strings.Builder
		for i := range 25 {
			fmt.Fprintf(&q, "id=%d&", 10000100+i)
		}
		for range b.N {
			call(b, h, "GET", "/v1/actions?"+q.String(), "", 200)
		}
	})
	b.Run("create volume", func(b *testing.B) {
		for i := range b.N {
			call(b, h, "POST", "/v1/volumes", fmt.Sprintf(`{"name": "b%d-%d", "size": 10, "location": "fsn1"}`, b.N, i), 201)
		}
	})
	b.Run("update server", func(b *testing.B) {
		for i := range b.N {
			call(b, h, "PUT", "/v1/servers/50000500", fmt.Sprintf(`{"labels": {"n": "%d"}}`, i), 200)
		}
	})
}
