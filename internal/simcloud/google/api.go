package google

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// Cloud is the name of this cloud in faults.
const Cloud = "google"

// Token is what an access token stands for.
type Token struct {
	// Projects are those that the token may use; empty: all.
	Projects []string `json:"projects,omitempty"`
	// ReadOnly tokens may read only.
	ReadOnly bool `json:"read_only,omitempty"`
}

// Options configure the API.
type Options struct {
	// Tokens are the known access tokens. Without any, every token is good.
	Tokens map[string]Token
	// ServiceAccounts are the access tokens that instances get from their metadata
	// server, with the addresses of their service accounts. To the API they are
	// worth nothing.
	ServiceAccounts map[string]string
	// Projects are those that exist; empty: every well-formed name does.
	Projects []string
	// RateLimit is the number of requests a minute, project and group of
	// methods (the vendor's: RealisticRateLimit); 0 turns the limit off.
	RateLimit int
	// Limits are quotas by the vendor's metric ("NETWORKS", "CPUS", …); what is
	// not named has DefaultLimit. VendorLimits are those of a new project.
	Limits map[string]float64
}

// DefaultLimit is the quota of what Options.Limits does not name: enough for
// regions of a thousand tenants.
const DefaultLimit = 100_000

// API is the vendor's HTTP API over an engine.
type API struct {
	eng      *engine.Engine
	opts     Options
	cat      *catalogue
	routes   []*route
	quotas   map[string]func(tx *engine.Tx, project, region string) float64
	limit    *engine.Window
	faults   engine.CloudFaults
	recorder *engine.Recorder
}

// EngineOptions completes the options of the engine that is to carry the API:
// the kinds of records, what operations do, and how long they take. What is
// already there stays.
func EngineOptions(o engine.Options) engine.Options {
	o.Kinds = slices.Clone(o.Kinds)
	completions, durations := maps.Clone(o.Completions), map[string]time.Duration{}
	if completions == nil {
		completions = map[string]engine.Completion{}
	}
	for _, m := range modules() {
		o.Kinds = append(o.Kinds, m.kinds...)
		maps.Copy(completions, m.completions)
		maps.Copy(durations, m.durations)
	}
	maps.Copy(durations, o.Durations)
	o.Completions, o.Durations = completions, durations
	return o
}

// New makes the API over an engine that was opened with EngineOptions.
func New(eng *engine.Engine, o Options) (*API, error) {
	cat, err := loadCatalogue()
	if err != nil {
		return nil, err
	}
	a := &API{eng: eng, opts: o, cat: cat, quotas: map[string]func(*engine.Tx, string, string) float64{},
		limit: engine.NewWindow(eng.Clock, time.Minute, o.RateLimit), faults: eng.Faults.In(Cloud), recorder: engine.NewRecorder()}
	for _, m := range modules() {
		for _, r := range m.routes {
			a.mount(r)
		}
		maps.Copy(a.quotas, m.usage)
	}
	return a, nil
}

// Recorder counts the requests.
func (a *API) Recorder() *engine.Recorder { return a.recorder }

// Limiter is the request limit, one window a project and group.
func (a *API) Limiter() *engine.Window { return a.limit }

// route is one method of the vendor's. Its path may hold {names}.
type route struct {
	method string
	// path is below /compute/v1/, or begins with another service's mount. The
	// last element may end with a verb: {key}:getIamPolicy.
	path  string
	group quotaGroup
	do    func(*call) (any, error)
	// waits lets the front hold the answer back while do says so; see
	// call.pending.
	waits bool
	// reads tells that a POST changes nothing.
	reads bool

	segments []string
}

// Mounts are the prefixes of the vendor's other services, which are served
// beside Compute Engine: kms/v1/… is cloudkms.googleapis.com/v1/…,
// cloudresourcemanager/… the host of that name.
func Mounts() []string { return []string{"/kms/", "/cloudresourcemanager/"} }

// template is the path as the recorder names it.
func (r *route) template() string {
	if slices.ContainsFunc(Mounts(), func(mount string) bool { return strings.HasPrefix("/"+r.path, mount) }) {
		return "/" + r.path
	}
	return "/compute/v1/" + r.path
}

// writes tells whether a method changes anything.
func (r *route) writes() bool { return isWrite[r.method] && !r.reads }

func (a *API) mount(r *route) {
	r.segments = strings.Split(r.path, "/")
	if r.group == (quotaGroup{}) {
		r.group = groupQueries
	}
	a.routes = append(a.routes, r)
}

// find looks a request up. The path may begin with /compute/v1/, or with
// projects/ at once, as of a client that was given the host alone. It answers
// the route, or when the path exists for other methods only, the path's
// template.
func (a *API) find(method, path string) (found *route, template string, vars map[string]string) {
	rest := strings.TrimPrefix(strings.TrimPrefix(path, "/compute/v1"), "/")
	segments := strings.Split(rest, "/")
	for _, r := range a.routes {
		got, ok := match(r.segments, segments)
		if !ok || (template != "" && r.method != method) {
			continue
		}
		template, vars = r.template(), got
		if r.method == method {
			return r, template, vars
		}
	}
	return nil, template, vars
}

// match is the values of the pattern's placeholders. A literal wins over a
// placeholder by standing earlier in the list of routes.
func match(pattern, segments []string) (map[string]string, bool) {
	if len(pattern) != len(segments) {
		return nil, false
	}
	vars := map[string]string{}
	for i, p := range pattern {
		switch {
		case strings.HasPrefix(p, "{"):
			name, verb, _ := strings.Cut(p[1:], "}")
			value, ok := strings.CutSuffix(segments[i], verb)
			if !ok || value == "" {
				return nil, false
			}
			vars[name] = value
		case p != segments[i]:
			return nil, false
		}
	}
	return vars, true
}

// RouteNames are all methods, as the recorder counts them.
func (a *API) RouteNames() []string {
	var out []string
	for _, r := range a.routes {
		out = append(out, r.method+" "+r.template())
	}
	slices.Sort(out)
	return out
}

// scopeOf is the scope that a request's path names.
func scopeOf(vars map[string]string) string {
	switch {
	case vars["zone"] != "":
		return inZone(vars["zone"])
	case vars["region"] != "":
		return inRegion(vars["region"])
	}
	return global
}

var isWrite = map[string]bool{http.MethodPost: true, http.MethodPut: true, http.MethodPatch: true, http.MethodDelete: true}
