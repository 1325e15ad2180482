package simcloud

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/google"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/hetzner"
)

// The engine's and the vendor's types that callers need.
type (
	Fault    = engine.Fault
	Requests = engine.Requests
	Record   = engine.Record
	Clock    = engine.Clock
	Token    = hetzner.Token
)

// The names of the clouds in faults and in RequestsOf.
const (
	Hetzner = hetzner.Cloud
	Google  = google.Cloud
)

// The kinds of faults: see engine.FaultKind.
const (
	FaultError        = engine.FaultError
	FaultDropBefore   = engine.FaultDropBefore
	FaultDropAfter    = engine.FaultDropAfter
	FaultDelay        = engine.FaultDelay
	FaultRateLimit    = engine.FaultRateLimit
	FaultActionFailed = engine.FaultActionFailed
	FaultActionStuck  = engine.FaultActionStuck
	FaultCapacity     = engine.FaultCapacity
	FaultLocationLost = engine.FaultLocationLost
	FaultQuota        = engine.FaultQuota
	ModeHang          = engine.ModeHang
	ModeDrop          = engine.ModeDrop
)

// NewClock makes a clock: see engine.NewClock.
func NewClock(start time.Time, speed float64) *Clock { return engine.NewClock(start, speed) }

// Options configure a simulator. The zero value is a fast, lenient one for
// tests: in memory, in real time, actions that end at once, no request limit.
// Realistic has the vendor's numbers.
type Options struct {
	// DataFile keeps everything over a restart; empty keeps it in memory.
	DataFile string
	// Clock is the simulation's time; nil means real time.
	Clock *Clock
	// Durations say how long actions take on the clock, by command; what is
	// not named takes the time it usually takes with the vendor.
	Durations map[string]time.Duration
	// DurationScale multiplies all durations; 0 ends actions at once.
	DurationScale float64
	// Seed of the faults' chances.
	Seed uint64
	// Hetzner configures the Hetzner Cloud.
	Hetzner hetzner.Options
	// Google configures Google Cloud.
	Google google.Options
}

// Realistic are options with the vendors' request limits and usual durations.
func Realistic() Options {
	return Options{DurationScale: 1, Hetzner: hetzner.Options{RateLimit: 3600},
		Google: google.Options{RateLimit: google.RealisticRateLimit}}
}

// GoogleVendorLimits are the quotas of a new Google Cloud project, for
// Options.Google.Limits.
func GoogleVendorLimits() map[string]float64 { return google.VendorLimits() }

// Sim is a running simulation.
type Sim struct {
	eng     *engine.Engine
	hetzner *hetzner.API
	google  *google.API
}

// New opens a simulation, and continues the one in its data file if there is
// one. It fails when the file is in use or is none of ours.
func New(o Options) (*Sim, error) {
	if o.Clock == nil {
		o.Clock = NewClock(time.Time{}, 1)
	}
	eng, err := engine.Open(google.EngineOptions(hetzner.EngineOptions(engine.Options{DataFile: o.DataFile, Clock: o.Clock,
		Durations: o.Durations, DurationScale: o.DurationScale, Seed: o.Seed})))
	if err != nil {
		return nil, err
	}
	api, err := hetzner.New(eng, o.Hetzner)
	if err != nil {
		return nil, errors.Join(err, eng.Close())
	}
	g, err := google.New(eng, o.Google)
	if err != nil {
		return nil, errors.Join(err, eng.Close())
	}
	return &Sim{eng: eng, hetzner: api, google: g}, nil
}

// Clock is the simulation's time.
func (s *Sim) Clock() *Clock { return s.eng.Clock }

// AddFault arms a fault and answers its id.
func (s *Sim) AddFault(f Fault) (int64, error) { return s.eng.Faults.Add(f) }

// RemoveFault disarms a fault; it answers whether there was one.
func (s *Sim) RemoveFault(id int64) bool { return s.eng.Faults.Remove(id) }

// ClearFaults disarms all faults.
func (s *Sim) ClearFaults() { s.eng.Faults.Clear() }

// ReleaseStuck lets stuck actions go on; see FaultActionStuck. It answers how
// many there were.
func (s *Sim) ReleaseStuck() (int, error) { return s.eng.ReleaseStuck() }

// Faults are the armed faults.
func (s *Sim) Faults() []Fault { return s.eng.Faults.List() }

// Requests counts the requests to all vendors' APIs since the start or the last
// reset. The routes tell the vendors apart: /v1/ is Hetzner Cloud's, /compute/v1/
// Google Cloud's.
func (s *Sim) Requests() Requests {
	return s.hetzner.Recorder().Snapshot().Plus(s.google.Recorder().Snapshot())
}

// RequestsOf counts those of one cloud: Hetzner or Google; none of an unknown one.
func (s *Sim) RequestsOf(cloud string) Requests {
	switch cloud {
	case Hetzner:
		return s.hetzner.Recorder().Snapshot()
	case Google:
		return s.google.Recorder().Snapshot()
	}
	return engine.NewRecorder().Snapshot()
}

// ResetRequests starts counting anew.
func (s *Sim) ResetRequests() {
	s.hetzner.Recorder().Reset()
	s.google.Recorder().Reset()
}

// Kinds are the kinds of records that Objects knows.
func (s *Sim) Kinds() []string { return s.eng.KindNames() }

// Objects are the stored records of a kind ("server", "volume", "action", …) in
// all projects; read only.
func (s *Sim) Objects(kind string) []Record { return s.eng.Records(kind) }

// FillQuota gives every project n requests of its limits, with both vendors;
// negative fills up.
func (s *Sim) FillQuota(n int) {
	s.hetzner.Limiter().Fill(n)
	s.google.Limiter().Fill(n)
}

// SetRateLimit changes Hetzner Cloud's request limit, per hour and project; 0
// turns it off.
func (s *Sim) SetRateLimit(perHour int) { s.hetzner.Limiter().SetLimit(perHour) }

// SetGoogleRateLimit changes Google Cloud's request limit, per minute, project
// and group of methods; 0 turns it off.
func (s *Sim) SetGoogleRateLimit(perMinute int) { s.google.Limiter().SetLimit(perMinute) }

// Close ends the simulation and gives its data file back.
func (s *Sim) Close() error { return s.eng.Close() }

// HetznerHandler serves the Hetzner Cloud API under /v1/.
func (s *Sim) HetznerHandler() http.Handler { return s.hetzner }

// GoogleHandler serves Compute Engine's API under /compute/v1/, and under
// /projects/ for clients that were given the host alone; what tells of Cloud
// KMS's keys is under /kms/v1/ and /cloudresourcemanager/.
func (s *Sim) GoogleHandler() http.Handler { return s.google }

// Handler serves the vendors' APIs and the control API.
func (s *Sim) Handler() http.Handler {
	control := s.ControlHandler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/_sim/") {
			control.ServeHTTP(w, r)
			return
		}
		if slices.ContainsFunc(append(google.Mounts(), "/compute/", "/projects/"), func(mount string) bool { return strings.HasPrefix(r.URL.Path, mount) }) {
			s.google.ServeHTTP(w, r)
			return
		}
		s.hetzner.ServeHTTP(w, r)
	})
}

// Served is a simulation on the network.
type Served struct {
	// URL is the base; the Hetzner Cloud endpoint is URL + "/v1", Compute
	// Engine's is URL for the vendor's libraries and URL + "/compute/v1/" for
	// its Terraform provider (compute_custom_endpoint).
	URL  string
	srv  *http.Server
	done chan error
}

// Serve listens on addr ("127.0.0.1:0" for any free port) and serves until
// Shutdown. It returns once it listens.
func (s *Sim) Serve(addr string) (*Served, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("the simulator cannot listen: %w", err)
	}
	out := &Served{URL: "http://" + l.Addr().String(), done: make(chan error, 1),
		srv: &http.Server{Handler: s.Handler(), ReadHeaderTimeout: 10 * time.Second}}
	go func() { out.done <- out.srv.Serve(l) }()
	return out, nil
}

// Shutdown stops serving: requests under way may finish until ctx ends.
func (v *Served) Shutdown(ctx context.Context) error {
	err := v.srv.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, v.srv.Close())
	}
	if e := <-v.done; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return err
}
