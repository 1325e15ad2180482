package hetzner

import (
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// Cloud is the name of this cloud in faults.
const Cloud = "hetzner"

// Token is what an API token stands for.
type Token struct {
	Project  string `json:"project"`
	ReadOnly bool   `json:"read_only,omitempty"`
}

// Options configure the API.
type Options struct {
	// Tokens are the known API tokens. Without any, every token is good and
	// has a project of its own.
	Tokens map[string]Token
	// RateLimit is the number of requests an hour and project (the vendor's:
	// 3600); 0 turns the limit off.
	RateLimit int
	// ActionPollLimit is a limit of its own for reading actions, which then do
	// not count as requests; 0 turns it off, and they count like all others.
	ActionPollLimit int
	// Limits is how many objects of a kind a project may have, by kind
	// ("server", "volume", …); kinds that are not named have DefaultLimit.
	Limits map[string]int
	// LegacyDatacenters keeps /datacenters alive, which the vendor removed
	// after 2026-10-01, and the datacenter of servers and primary IPs.
	LegacyDatacenters bool
	// VSwitches are the ids of the vSwitches that the account has among its
	// dedicated servers; subnets can be of no others.
	VSwitches []int64
	// UnassignedPrimaryIPs lets primary IPs that are not assigned answer
	// "unassigned" as the type of their assignee, as the vendor announced for
	// 2026-08-01
	// (https://docs.hetzner.cloud/changelog#2026-04-27-primary-ips-will-return-unassigned).
	// Off, they answer "server": the only value that the vendor's description
	// enumerates, and that its clients of 2026 (Terraform provider v1.68) bear.
	UnassignedPrimaryIPs bool
}

// DefaultLimit is how many objects of a kind a project may have. The vendor's
// own limits are given out account by account.
const DefaultLimit = 10_000

// API is the vendor's HTTP API over an engine.
type API struct {
	eng      *engine.Engine
	opts     Options
	cat      *catalogue
	routes   map[string][]*route
	limit    *engine.Limiter
	polls    *engine.Limiter
	faults   engine.CloudFaults
	recorder *engine.Recorder
	serial   atomic.Int64
	// vendorText is what SetVendorData gave.
	vendorText atomic.Pointer[string]
}

// EngineOptions completes the options of the engine that is to carry the API:
// the kinds of records, what actions do, and how long they take. Durations
// already given win.
func EngineOptions(o engine.Options) engine.Options {
	o.Kinds = append(o.Kinds, allKinds()...)
	o.Completions = completions()
	d := defaultDurations()
	maps.Copy(d, o.Durations)
	o.Durations = d
	if o.DefaultDuration == 0 {
		o.DefaultDuration = time.Second
	}
	return o
}

// New makes the API over an engine that was opened with EngineOptions.
func New(eng *engine.Engine, o Options) (*API, error) {
	cat, err := loadCatalogue()
	if err != nil {
		return nil, err
	}
	a := &API{eng: eng, opts: o, cat: cat, routes: map[string][]*route{},
		limit: engine.NewLimiter(eng.Clock, o.RateLimit), polls: engine.NewLimiter(eng.Clock, o.ActionPollLimit),
		faults: eng.Faults.In(Cloud), recorder: engine.NewRecorder()}
	for _, r := range a.allRoutes() {
		a.mount(r)
	}
	return a, nil
}

// Recorder counts the requests.
func (a *API) Recorder() *engine.Recorder { return a.recorder }

// Limiter is the request limit, one bucket a project.
func (a *API) Limiter() *engine.Limiter { return a.limit }

// route is one operation. Its path may hold {id} and {action_id}, which match
// numbers only.
type route struct {
	method string
	path   string // below /v1
	do     func(*call) (any, error)
	status int  // of success; 0: 201 for POST, 204 for DELETE, otherwise 200
	poll   bool // it reads actions

	segments []string
}

func (a *API) mount(r *route) {
	r.segments = strings.Split(strings.TrimPrefix(r.path, "/"), "/")
	if r.status == 0 {
		r.status = map[string]int{http.MethodPost: http.StatusCreated, http.MethodDelete: http.StatusNoContent}[r.method]
	}
	if r.status == 0 {
		r.status = http.StatusOK
	}
	a.routes[r.segments[0]] = append(a.routes[r.segments[0]], r)
}

// find looks a request's path up. It answers the route, or when the path exists
// for other methods only, the path's template; ids are those in the path.
func (a *API) find(method, path string) (found *route, template string, ids map[string]int64) {
	rest, ok := strings.CutPrefix(path, "/v1/")
	if !ok {
		return nil, "", nil
	}
	segments := strings.Split(rest, "/")
	for _, r := range a.routes[segments[0]] {
		got, ok := match(r.segments, segments)
		if !ok {
			continue
		}
		template, ids = "/v1"+r.path, got
		if r.method == method {
			return r, template, ids
		}
	}
	return nil, template, ids
}

func match(pattern, segments []string) (map[string]int64, bool) {
	if len(pattern) != len(segments) {
		return nil, false
	}
	var ids map[string]int64
	for i, p := range pattern {
		if !strings.HasPrefix(p, "{") {
			if p != segments[i] {
				return nil, false
			}
			continue
		}
		n, err := strconv.ParseInt(segments[i], 10, 64)
		if err != nil || n < 1 {
			return nil, false
		}
		if ids == nil {
			ids = map[string]int64{}
		}
		ids[strings.Trim(p, "{}")] = n
	}
	return ids, true
}

// objectLimit is how many objects of a kind a project may have.
func (a *API) objectLimit(kind string) int {
	if n, ok := a.opts.Limits[kind]; ok {
		return n
	}
	return DefaultLimit
}

// RouteNames are all operations, as the recorder counts them.
func (a *API) RouteNames() []string {
	var out []string
	for _, rs := range a.routes {
		for _, r := range rs {
			out = append(out, fmt.Sprintf("%s /v1%s", r.method, r.path))
		}
	}
	return out
}
