package google_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/google"
)

// BenchmarkPoll measures a poll for fifty operations among those of a thousand
// networks: what a driver that waits for many at once asks for.
func BenchmarkPoll(b *testing.B) {
	eng, err := engine.Open(google.EngineOptions(engine.Options{}))
	if err != nil {
		b.Fatal(err)
	}
	api, err := google.New(eng, google.Options{})
	if err != nil {
		b.Fatal(err)
	}
	ask := func(method, path, body string) string {
		r := httptest.NewRequest(method, "/compute/v1/projects/acme-prod/global/"+path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer x")
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		text, _ := io.ReadAll(w.Body)
		if w.Code != http.StatusOK {
			b.Fatalf("%d %s", w.Code, text)
		}
		return string(text)
	}
	var filter []string
	for i := range 1000 {
		out := ask("POST", "networks", fmt.Sprintf(`{"name":"n%d","autoCreateSubnetworks":false}`, i))
		if _, name, _ := strings.Cut(out, `"name":"`); i%20 == 0 {
			name, _, _ = strings.Cut(name, `"`)
			filter = append(filter, "(name = "+name+")")
		}
	}
	query := "operations?filter=" + url.QueryEscape(strings.Join(filter, " OR "))
	b.ResetTimer()
	for range b.N {
		if n := strings.Count(ask("GET", query, ""), `"compute#operation"`); n != len(filter) {
			b.Fatalf("%d operations", n)
		}
	}
}
