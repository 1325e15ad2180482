package failover

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// front stands before the embedded clouds: it writes down each request with
// its path, and plays the vendor that is gone as a whole.
type front struct {
	*httptest.Server
	inner http.Handler

	mu sync.Mutex
	// requests are "GET /v1/servers/4711".
	requests []string
	// gone maps the prefix of a vendor's paths to how it does not answer.
	gone map[string]absence
}

// absence is how somebody does not answer.
type absence string

const (
	// refusing closes the connection at once.
	refusing absence = "refusing"
	// hanging accepts the request and never answers.
	hanging absence = "hanging"
)

// newFront serves the handler on loopback.
func newFront(t *testing.T, inner http.Handler) *front {
	t.Helper()
	f := &front{inner: inner, gone: map[string]absence{}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

// ServeHTTP implements http.Handler.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.requests = append(f.requests, r.Method+" "+r.URL.Path)
	var how absence
	for prefix, one := range f.gone {
		if strings.HasPrefix(r.URL.Path, prefix) {
			how = one
		}
	}
	f.mu.Unlock()
	switch how {
	case refusing:
		panic(http.ErrAbortHandler)
	case hanging:
		// Only who has read the body hears that the client has gone.
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	}
	f.inner.ServeHTTP(w, r)
}

// lose lets a vendor be gone; the empty absence brings it back.
func (f *front) lose(prefix string, how absence) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.gone[prefix] = how
}

// heard gives the requests since it was last asked.
func (f *front) heard() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	heard := f.requests
	f.requests = nil
	return heard
}
