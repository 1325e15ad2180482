package simcloud

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/gcs"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/google"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/hetzner"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/objects"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/s3"
)

// The engine's and the vendor's types that callers need.
type (
	Fault    = engine.Fault
	Requests = engine.Requests
	Record   = engine.Record
	Clock    = engine.Clock
	Token    = hetzner.Token
	S3Key    = s3.Key
)

// The names of the clouds in faults and in RequestsOf. S3 and GCS are the object
// stores of Hetzner and of Google: what makes a location of the vendor, or all of
// it, unreachable takes its object store too.
const (
	Hetzner = hetzner.Cloud
	Google  = google.Cloud
	S3      = s3.Cloud
	GCS     = gcs.Cloud
)

// The credentials that the object store in S3's manner knows where Options names
// none.
const (
	DefaultS3AccessKey = s3.DefaultAccessKey
	DefaultS3SecretKey = s3.DefaultSecretKey
)

// S3Locations are the locations that have an endpoint of their own.
func S3Locations() []string { return s3.Locations() }

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
	// DataFile keeps everything over a restart; empty keeps it in memory. The
	// contents of objects lie beside it, in the folder DataFile.objects.
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
	// GoogleServiceAccounts are access tokens of service accounts: to Cloud
	// Storage such a token is good for what policies of buckets grant the address.
	// Compute Engine knows the tokens of Google alone.
	GoogleServiceAccounts map[string]string
	// S3 configures Hetzner's object store.
	S3 s3.Options
	// S3Listen are the addresses of the locations' endpoints. What is not named
	// listens on a free port of the host that Serve is given.
	S3Listen map[string]string
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
	s3      *s3.API
	gcs     *gcs.API
	opts    Options
	// machines are the real ones, if there are any.
	machines atomic.Pointer[Machines]
}

// New opens a simulation, and continues the one in its data file if there is
// one. It fails when the file is in use or is none of ours.
func New(o Options) (*Sim, error) {
	if o.Clock == nil {
		o.Clock = NewClock(time.Time{}, 1)
	}
	eng, err := engine.Open(objects.EngineOptions(google.EngineOptions(hetzner.EngineOptions(engine.Options{DataFile: o.DataFile,
		Clock: o.Clock, Durations: o.Durations, DurationScale: o.DurationScale, Seed: o.Seed}))))
	if err != nil {
		return nil, err
	}
	api, err := hetzner.New(eng, o.Hetzner)
	if err != nil {
		return nil, errors.Join(err, eng.Close())
	}
	if o.Google.ServiceAccounts == nil {
		o.Google.ServiceAccounts = o.GoogleServiceAccounts
	}
	g, err := google.New(eng, o.Google)
	if err != nil {
		return nil, errors.Join(err, eng.Close())
	}
	contents := ""
	if o.DataFile != "" {
		contents = o.DataFile + ".objects"
	}
	store, err := objects.New(eng, contents)
	if err != nil {
		return nil, errors.Join(err, eng.Close())
	}
	return &Sim{eng: eng, hetzner: api, google: g, s3: s3.New(eng, store, o.S3), gcs: gcs.New(eng, store, o.gcs()), opts: o}, nil
}

// gcs are the options of Cloud Storage: it knows the tokens that Compute Engine
// does, and those of service accounts.
func (o Options) gcs() gcs.Options {
	out := gcs.Options{Tokens: map[string]gcs.Token{}, AnyOwner: len(o.Google.Tokens) == 0}
	for text, t := range o.Google.Tokens {
		out.Tokens[text] = gcs.Token{Projects: t.Projects, ReadOnly: t.ReadOnly}
	}
	for text, address := range o.GoogleServiceAccounts {
		out.Tokens[text] = gcs.Token{ServiceAccount: address}
	}
	return out
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
// Google Cloud's, /s3/ Hetzner's object store's, /storage/v1/ (and its uploads,
// downloads and XML reads) Google's.
func (s *Sim) Requests() Requests {
	all := engine.NewRecorder().Snapshot()
	for _, r := range s.recorders() {
		all = all.Plus(r.Snapshot())
	}
	return all
}

func (s *Sim) recorders() map[string]*engine.Recorder {
	return map[string]*engine.Recorder{Hetzner: s.hetzner.Recorder(), Google: s.google.Recorder(), S3: s.s3.Recorder(), GCS: s.gcs.Recorder()}
}

// RequestsOf counts those of one cloud: Hetzner, Google, S3 or GCS; none of an
// unknown one.
func (s *Sim) RequestsOf(cloud string) Requests {
	if r := s.recorders()[cloud]; r != nil {
		return r.Snapshot()
	}
	return engine.NewRecorder().Snapshot()
}

// ResetRequests starts counting anew.
func (s *Sim) ResetRequests() {
	for _, r := range s.recorders() {
		r.Reset()
	}
}

// Kinds are the kinds of records that Objects knows.
func (s *Sim) Kinds() []string { return s.eng.KindNames() }

// Objects are the stored records of a kind ("server", "volume", "action", …) in
// all projects; read only.
func (s *Sim) Objects(kind string) []Record { return s.eng.Records(kind) }

// FillQuota gives every project (of the object store: every bucket) n requests of
// its limits, with all vendors; negative fills up.
func (s *Sim) FillQuota(n int) {
	s.hetzner.Limiter().Fill(n)
	s.google.Limiter().Fill(n)
	s.s3.Limiter().Fill(n)
}

// SetRateLimit changes Hetzner Cloud's request limit, per hour and project; 0
// turns it off.
func (s *Sim) SetRateLimit(perHour int) { s.hetzner.Limiter().SetLimit(perHour) }

// SetGoogleRateLimit changes Google Cloud's request limit, per minute, project
// and group of methods; 0 turns it off.
func (s *Sim) SetGoogleRateLimit(perMinute int) { s.google.Limiter().SetLimit(perMinute) }

// SetS3RateLimit changes the limit of Hetzner's object store, per second and bucket;
// 0 turns it off.
func (s *Sim) SetS3RateLimit(perSecond int) { s.s3.Limiter().SetLimit(perSecond) }

// Close ends the simulation and gives its data file back.
func (s *Sim) Close() error { return s.eng.Close() }

// HetznerHandler serves the Hetzner Cloud API under /v1/.
func (s *Sim) HetznerHandler() http.Handler { return s.hetzner }

// GoogleHandler serves Compute Engine's API under /compute/v1/, and under
// /projects/ for clients that were given the host alone; what tells of Cloud
// KMS's keys is under /kms/v1/ and /cloudresourcemanager/.
func (s *Sim) GoogleHandler() http.Handler { return s.google }

// S3Handler serves the endpoint of one location of Hetzner's object store, or with
// an empty location all of them, each under /s3/<location>/.
func (s *Sim) S3Handler(location string) http.Handler {
	if location == "" {
		return s.s3
	}
	return s.s3.At(location)
}

// GCSHandler serves Google's object store: the JSON API under /storage/v1/,
// /upload/storage/v1/ and /download/storage/v1/, and the reads of the XML API.
func (s *Sim) GCSHandler() http.Handler { return s.gcs }

// Handler serves the vendors' APIs and the control API.
func (s *Sim) Handler() http.Handler {
	control := s.ControlHandler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		googles := slices.ContainsFunc(append(google.Mounts(), "/compute/", "/projects/"), func(mount string) bool { return strings.HasPrefix(r.URL.Path, mount) })
		switch {
		case first == "_sim":
			control.ServeHTTP(w, r)
		case googles:
			s.google.ServeHTTP(w, r)
		case first == "s3":
			s.s3.ServeHTTP(w, r)
		case first == "v1", first == "":
			s.hetzner.ServeHTTP(w, r)
		default: // also buckets, which the XML API has at the top
			s.gcs.ServeHTTP(w, r)
		}
	})
}
