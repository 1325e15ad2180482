package s3

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/objects"
)

// Cloud is the name of this service in faults and in counts of requests. A lost
// location of Vendor takes its object store with it.
const (
	Cloud  = "s3"
	Vendor = "hetzner"
)

// Locations are those in which the vendor has its object store: the host names
// are <location>.your-objectstorage.com.
func Locations() []string { return []string{"fsn1", "nbg1", "hel1"} }

// The credentials that are good where Options names none.
const (
	DefaultAccessKey = "SIMACCESSKEY00000001"
	DefaultSecretKey = "sim-secret-key-sim-secret-key-0000000001"
	DefaultProject   = "1"
)

// Key is a pair of credentials. Every key of a project may do everything in it,
// unless a bucket's policy denies it.
type Key struct {
	Secret  string `json:"secret"`
	Project string `json:"project"`
}

// Options configure the API.
type Options struct {
	// Keys are the known access keys. Without any, DefaultAccessKey is good.
	Keys map[string]Key
	// RateLimit is the number of requests a second and bucket; 0 turns the
	// limit off.
	RateLimit int
	// Wall is the clock by which clients sign; nil means the real time. It is
	// not the simulation's, which may run faster than the clients'.
	Wall func() time.Time
}

// API is the vendor's HTTP API over a store.
type API struct {
	store    *objects.Store
	opts     Options
	limit    *engine.Window
	faults   engine.CloudFaults
	vendor   engine.CloudFaults
	clock    *engine.Clock
	recorder *engine.Recorder
	routes   []operation
}

// New makes the API.
func New(eng *engine.Engine, store *objects.Store, o Options) *API {
	if len(o.Keys) == 0 {
		o.Keys = map[string]Key{DefaultAccessKey: {Secret: DefaultSecretKey, Project: DefaultProject}}
	}
	if o.Wall == nil {
		o.Wall = time.Now
	}
	return &API{store: store, opts: o, clock: eng.Clock, limit: engine.NewWindow(eng.Clock, time.Second, o.RateLimit),
		faults: eng.Faults.In(Cloud), vendor: eng.Faults.In(Vendor), recorder: engine.NewRecorder(), routes: operations()}
}

// Recorder counts the requests.
func (a *API) Recorder() *engine.Recorder { return a.recorder }

// Limiter is the request limit, one window a bucket.
func (a *API) Limiter() *engine.Window { return a.limit }

// At serves one location's endpoint: /<bucket>/<key>.
func (a *API) At(location string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.serve(w, r, location, r.URL.Path) })
}

// Bucket serves one location's endpoint under a bucket's own host name: /<key>.
func (a *API) Bucket(location, bucket string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := "/" + bucket
		if r.URL.Path != "/" {
			path += r.URL.Path
		}
		a.serve(w, r, location, path)
	})
}

// ServeHTTP serves all locations under /s3/<location>/<bucket>/<key>.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	location, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/s3/"), "/")
	if !slices.Contains(Locations(), location) {
		http.Error(w, "there is no such location: /s3/fsn1/, /s3/nbg1/, /s3/hel1/", http.StatusNotFound)
		return
	}
	a.serve(w, r, location, "/"+rest)
}
