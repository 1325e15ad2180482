package engine

import (
	"maps"
	"sync"
)

// Recorder counts requests by route.
type Recorder struct {
	mu sync.Mutex
	r  Requests
}

// Requests is what a Recorder counted since it was made or reset.
type Requests struct {
	Total int `json:"total"`
	// Routes counts by method and path template: "GET /v1/servers/{id}".
	Routes map[string]int `json:"routes"`
	// Status counts the answers; a dropped connection counts as 0.
	Status map[int]int `json:"status"`
	// InFlight is the largest number of requests under way at once.
	InFlight int `json:"max_in_flight"`

	now int
}

// NewRecorder makes an empty recorder.
func NewRecorder() *Recorder {
	r := &Recorder{}
	r.Reset()
	return r
}

// Begin counts a request to a route.
func (r *Recorder) Begin(route string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.r.Total++
	r.r.Routes[route]++
	r.r.now++
	r.r.InFlight = max(r.r.InFlight, r.r.now)
}

// End counts its answer.
func (r *Recorder) End(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.r.now--
	r.r.Status[status]++
}

// Snapshot is a copy of the counts.
func (r *Recorder) Snapshot() Requests {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.r
	c.Routes, c.Status = maps.Clone(c.Routes), maps.Clone(c.Status)
	return c
}

// Reset starts counting anew.
func (r *Recorder) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.r = Requests{Routes: map[string]int{}, Status: map[int]int{}, now: r.r.now}
}

// Plus are the counts of two recorders together. Of the requests under way at
// once it is the larger number, since the two moments are not known.
func (r Requests) Plus(o Requests) Requests {
	c := Requests{Total: r.Total + o.Total, Routes: maps.Clone(r.Routes), Status: maps.Clone(r.Status),
		InFlight: max(r.InFlight, o.InFlight)}
	for k, n := range o.Routes {
		c.Routes[k] += n
	}
	for k, n := range o.Status {
		c.Status[k] += n
	}
	return c
}
