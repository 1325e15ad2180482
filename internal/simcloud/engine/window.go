package engine

import (
	"sync"
	"time"
)

// Window is a request limit that counts in fixed intervals of the clock: what is
// used up comes back all at once, when the next interval begins.
type Window struct {
	mu       sync.Mutex
	clock    *Clock
	interval time.Duration
	limit    int
	used     map[string]*usedUp
}

type usedUp struct {
	interval int64
	n        float64
	at       time.Time
}

// NewWindow makes a limit of so many requests a key in each interval; 0 or less
// means no limit.
func NewWindow(clock *Clock, interval time.Duration, limit int) *Window {
	return &Window{clock: clock, interval: interval, limit: limit, used: map[string]*usedUp{}}
}

// Limit is the number of requests in an interval; 0 or less means no limit.
func (w *Window) Limit() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.limit
}

// SetLimit changes the limit.
func (w *Window) SetLimit(limit int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.limit = limit
}

// Take asks for one request and answers whether it may pass; a refused one takes
// nothing. stolen is how many a second somebody else takes.
func (w *Window) Take(key string, stolen float64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.limit <= 0 {
		return true
	}
	u := w.now(key)
	now := w.clock.Now()
	u.n += stolen * now.Sub(u.at).Seconds()
	u.at = now
	if u.n+1 > float64(w.limit) {
		return false
	}
	u.n++
	return true
}

// now is the key's count in the present interval.
func (w *Window) now(key string) *usedUp {
	t := w.clock.Now()
	i := t.UnixNano() / int64(w.interval)
	u := w.used[key]
	if u == nil || u.interval != i {
		u = &usedUp{interval: i, at: time.Unix(0, i*int64(w.interval))}
		w.used[key] = u
	}
	return u
}

// Fill leaves every key that was ever used n requests in the present interval; a
// negative n gives back all.
func (w *Window) Fill(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for key := range w.used {
		u := w.now(key)
		u.at = w.clock.Now()
		if u.n = float64(w.limit - n); n < 0 || u.n < 0 {
			u.n = 0
		}
	}
}
