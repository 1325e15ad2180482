package engine

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"sync"
	"time"
)

// FaultKind says what a fault does.
type FaultKind string

// The faults.
const (
	// FaultError answers with Status and Code before the request does anything.
	FaultError FaultKind = "error"
	// FaultDropBefore closes the connection before the request does anything.
	FaultDropBefore FaultKind = "drop_before"
	// FaultDropAfter closes the connection after the request took effect.
	FaultDropAfter FaultKind = "drop_after"
	// FaultDelay lets Delay pass on the clock before the request is handled.
	FaultDelay FaultKind = "delay"
	// FaultRateLimit refuses as if the request limit were exceeded.
	FaultRateLimit FaultKind = "rate_limit"
	// FaultActionFailed lets actions of Command fail at their end.
	FaultActionFailed FaultKind = "action_failed"
	// FaultActionStuck lets actions of Command never end.
	FaultActionStuck FaultKind = "action_stuck"
	// FaultCapacity lets no server of ServerType be placed in Location.
	FaultCapacity FaultKind = "capacity"
	// FaultLocationLost lets every request that touches Location fail, or
	// hang when Mode is "hang". With a Cloud and no Location the whole vendor
	// is unreachable: every request of it fails.
	FaultLocationLost FaultKind = "location_lost"
	// FaultQuota takes TokensPerSecond from the request limit.
	FaultQuota FaultKind = "quota"
)

// The modes of a lost location. Without one, its requests are refused.
const (
	// ModeHang makes requests wait until the client gives up.
	ModeHang = "hang"
	// ModeDrop closes their connections.
	ModeDrop = "drop"
)

// Fault is something that goes wrong. Empty matchers match everything.
type Fault struct {
	ID   int64     `json:"id"`
	Kind FaultKind `json:"kind"`

	Cloud   string `json:"cloud,omitempty"`   // "hetzner", "google"
	Method  string `json:"method,omitempty"`  // regular expression, whole method
	Path    string `json:"path,omitempty"`    // regular expression, anywhere in the path
	Command string `json:"command,omitempty"` // regular expression, whole command

	Probability float64 `json:"probability,omitempty"` // 0 means always
	After       int     `json:"after,omitempty"`       // lets that many matches pass first
	Count       int     `json:"count,omitempty"`       // strikes that often; 0 means without end
	Seconds     float64 `json:"seconds,omitempty"`     // lasts that long on the clock; 0 means without end

	Status          int     `json:"status,omitempty"`
	Code            string  `json:"code,omitempty"`
	Message         string  `json:"message,omitempty"`
	DelaySeconds    float64 `json:"delay_seconds,omitempty"` // simulated
	Location        string  `json:"location,omitempty"`
	ServerType      string  `json:"server_type,omitempty"`
	Mode            string  `json:"mode,omitempty"`
	TokensPerSecond float64 `json:"tokens_per_second,omitempty"`

	Struck int `json:"struck"` // how often it did
}

type armed struct {
	Fault
	method, path, command *regexp.Regexp
	seen                  int
	until                 time.Time
}

// Faults is the set of active faults.
type Faults struct {
	mu    sync.Mutex
	clock *Clock
	rand  *rand.Rand
	last  int64
	armed []*armed
}

// NewFaults makes an empty set whose chances come from seed.
func NewFaults(clock *Clock, seed uint64) *Faults {
	return &Faults{clock: clock, rand: rand.New(rand.NewPCG(seed, 0x5eed))}
}

// Add arms a fault and answers its id. It refuses unknown kinds and broken
// regular expressions.
func (f *Faults) Add(x Fault) (int64, error) {
	switch x.Kind {
	case FaultError, FaultDropBefore, FaultDropAfter, FaultDelay, FaultRateLimit, FaultActionFailed,
		FaultActionStuck, FaultCapacity, FaultLocationLost, FaultQuota:
	default:
		return 0, fmt.Errorf("unknown kind of fault %q", x.Kind)
	}
	if x.Probability < 0 || x.Probability > 1 {
		return 0, fmt.Errorf("the probability %v is not between 0 and 1", x.Probability)
	}
	a := &armed{Fault: x}
	var errs [3]error
	a.method, errs[0] = compile(x.Method, true)
	a.path, errs[1] = compile(x.Path, false)
	a.command, errs[2] = compile(x.Command, true)
	if err := errors.Join(errs[:]...); err != nil {
		return 0, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last++
	a.ID, a.Struck = f.last, 0
	if x.Seconds > 0 {
		a.until = f.clock.Now().Add(time.Duration(x.Seconds * float64(time.Second)))
	}
	f.armed = append(f.armed, a)
	return a.ID, nil
}

func compile(s string, whole bool) (*regexp.Regexp, error) {
	if s == "" {
		return nil, nil
	}
	if whole {
		s = "^(?:" + s + ")$"
	}
	return regexp.Compile(s)
}

// Remove disarms a fault; it answers whether there was one.
func (f *Faults) Remove(id int64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := len(f.armed)
	f.armed = slices.DeleteFunc(f.armed, func(a *armed) bool { return a.ID == id })
	return len(f.armed) < n
}

// Clear disarms all faults.
func (f *Faults) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.armed = nil
}

// List are the armed faults, spent and expired ones included.
func (f *Faults) List() []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]Fault, 0, len(f.armed))
	for _, a := range f.armed {
		out = append(out, a.Fault)
	}
	return out
}

func (f *Faults) strike(match func(*armed) bool, struck func(*armed)) []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.armed) == 0 {
		return nil
	}
	now := f.clock.Now()
	var out []Fault
	for _, a := range f.armed {
		if (a.Count > 0 && a.Struck >= a.Count) || (!a.until.IsZero() && !now.Before(a.until)) || !match(a) {
			continue
		}
		if a.seen++; a.seen <= a.After {
			continue
		}
		if a.Probability > 0 && f.rand.Float64() >= a.Probability {
			continue
		}
		a.Struck++
		out = append(out, a.Fault)
		if struck != nil {
			struck(a)
		}
	}
	return out
}

func first(fs []Fault) *Fault {
	if len(fs) == 0 {
		return nil
	}
	return &fs[0]
}
