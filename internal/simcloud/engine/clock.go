package engine

import (
	"context"
	"sync"
	"time"
)

// Clock is the simulation's time. It runs at a constant speed relative to the
// real time, can be moved forward by hand, and never goes back.
type Clock struct {
	mu      sync.Mutex
	real    func() time.Time
	base    time.Time // real time at which the simulation's time was sim
	sim     time.Time
	speed   float64
	changed chan struct{} // closed and replaced whenever sim or speed is set
}

// NewClock makes a clock that shows start now and runs speed times as fast as
// the real one. Speed 0 makes a manual clock, which only Advance moves. A zero
// start means the present.
func NewClock(start time.Time, speed float64) *Clock {
	now := time.Now()
	if start.IsZero() {
		start = now
	}
	return &Clock{real: time.Now, base: now, sim: start.UTC(), speed: max(speed, 0), changed: make(chan struct{})}
}

// Now is the simulation's present.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now()
}

func (c *Clock) now() time.Time {
	return c.sim.Add(time.Duration(float64(c.real().Sub(c.base)) * c.speed))
}

// Speed is how many simulated seconds pass in a real one.
func (c *Clock) Speed() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.speed
}

// SetSpeed changes the speed from now on. Negative speeds count as 0.
func (c *Clock) SetSpeed(speed float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set(c.now(), max(speed, 0))
}

// Advance moves the clock forward by d; a negative d is ignored.
func (c *Clock) Advance(d time.Duration) {
	if d <= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set(c.now().Add(d), c.speed)
}

// NotBefore moves the clock forward to t when it is behind. A store that is
// opened again uses it, so that time does not run backwards over a restart.
func (c *Clock) NotBefore(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.After(c.now()) {
		c.set(t, c.speed)
	}
}

func (c *Clock) set(sim time.Time, speed float64) {
	c.base, c.sim, c.speed = c.real(), sim, speed
	close(c.changed)
	c.changed = make(chan struct{})
}

// Wait blocks until d has passed on this clock or ctx ends; it returns the
// context's error in the latter case.
func (c *Clock) Wait(ctx context.Context, d time.Duration) error {
	target := c.Now().Add(d)
	for {
		c.mu.Lock()
		left, speed, changed := target.Sub(c.now()), c.speed, c.changed
		c.mu.Unlock()
		if left <= 0 {
			return nil
		}
		var fired <-chan time.Time
		if speed > 0 {
			timer := time.NewTimer(time.Duration(float64(left)/speed) + time.Microsecond)
			defer timer.Stop()
			fired = timer.C
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		case <-fired:
		}
	}
}

// Wall translates a point of simulated time into the real time at which the
// clock will show it. A manual clock has no such time; it answers t itself.
func (c *Clock) Wall(t time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.speed == 0 {
		return t
	}
	return c.real().Add(time.Duration(float64(t.Sub(c.now())) / c.speed))
}
