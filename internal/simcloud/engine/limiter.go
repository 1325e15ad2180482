package engine

import (
	"math"
	"sync"
	"time"
)

// Limiter is a set of token buckets, one a key, that refill on the simulation's
// clock.
type Limiter struct {
	mu      sync.Mutex
	clock   *Clock
	perHour float64
	buckets map[string]*bucket
}

type bucket struct {
	left float64
	at   time.Time
}

// Quota is what a bucket answers to a request.
type Quota struct {
	Limited   bool // whether there is a limit at all
	OK        bool // whether the request may pass
	Limit     int  // requests an hour
	Remaining int
	Reset     time.Time // when the bucket will be full again, simulated
}

// NewLimiter makes buckets of perHour requests, which refill evenly within an
// hour; 0 or less means no limit.
func NewLimiter(clock *Clock, perHour int) *Limiter {
	return &Limiter{clock: clock, perHour: float64(perHour), buckets: map[string]*bucket{}}
}

// SetLimit changes the limit. Buckets keep what they have, at most the limit.
func (l *Limiter) SetLimit(perHour int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.perHour = float64(perHour)
}

// Take asks for one request. stolen is how many tokens a second somebody else
// takes from the bucket; a refused request takes none.
func (l *Limiter) Take(key string, stolen float64) Quota {
	return l.take(key, stolen, 1)
}

// Peek is the state of the bucket, taking nothing.
func (l *Limiter) Peek(key string) Quota { return l.take(key, 0, 0) }

func (l *Limiter) take(key string, stolen, n float64) Quota {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.perHour <= 0 {
		return Quota{OK: true}
	}
	now, rate := l.clock.Now(), l.perHour/time.Hour.Seconds()
	b := l.buckets[key]
	if b == nil {
		b = &bucket{left: l.perHour, at: now}
		l.buckets[key] = b
	}
	if n > 0 {
		b.left += now.Sub(b.at).Seconds() * (rate - stolen)
		b.at = now
		b.left = min(max(b.left, 0), l.perHour)
	}
	q := Quota{Limited: true, OK: b.left >= n, Limit: int(l.perHour)}
	if q.OK {
		b.left -= n
	}
	q.Remaining = int(math.Floor(b.left))
	q.Reset = now.Add(time.Duration((l.perHour - b.left) / rate * float64(time.Second)))
	return q
}

// Fill gives every bucket n requests; a negative n fills them up.
func (l *Limiter) Fill(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	left := float64(n)
	if n < 0 {
		left = l.perHour
	}
	now := l.clock.Now()
	for _, b := range l.buckets {
		b.left, b.at = min(left, l.perHour), now
	}
}
