package engine

import (
	"testing"
	"time"
)

func TestLimiter(t *testing.T) {
	clock := NewClock(t0, 0)
	l := NewLimiter(clock, 3600)
	for i := range 3600 {
		if q := l.Take("p", 0); !q.OK || q.Remaining != 3599-i {
			t.Fatalf("request %d: %+v", i, q)
		}
	}
	q := l.Take("p", 0)
	if q.OK || q.Remaining != 0 || !q.Reset.Equal(t0.Add(time.Hour)) {
		t.Errorf("at the limit: %+v", q)
	}
	if q := l.Take("other", 0); !q.OK {
		t.Error("another project is limited, too")
	}
	clock.Advance(10 * time.Second)
	passed := 0
	for l.Take("p", 0).OK {
		passed++
	}
	if passed != 10 {
		t.Errorf("%d requests after 10 s", passed)
	}
	// Somebody else takes half a request a second.
	clock.Advance(10 * time.Second)
	passed = 0
	for l.Take("p", 0.5).OK {
		passed++
	}
	if passed != 5 {
		t.Errorf("%d requests after 10 s with a thief", passed)
	}
	clock.Advance(10 * time.Second)
	if l.Take("p", 5).OK {
		t.Error("a thief of 5 a second leaves nothing")
	}
	l.Fill(-1)
	if q := l.Peek("p"); q.Remaining != 3600 {
		t.Errorf("after filling up: %+v", q)
	}
	clock.Advance(10 * time.Hour)
	if q := l.Take("p", 0); q.Remaining != 3599 {
		t.Errorf("it never holds more than the limit: %+v", q)
	}
	l.SetLimit(0)
	if q := l.Take("p", 0); !q.OK || q.Limited {
		t.Errorf("without a limit: %+v", q)
	}
}

func TestFaultsStrike(t *testing.T) {
	clock := NewClock(t0, 0)
	count := func(f Fault, method, path string) int {
		t.Helper()
		fs := NewFaults(clock, 7)
		if _, err := fs.Add(f); err != nil {
			t.Fatal(err)
		}
		n := 0
		for range 100 {
			n += len(fs.In("hetzner").Request(method, path))
		}
		return n
	}
	for _, tc := range []struct {
		name     string
		f        Fault
		min, max int
	}{
		{"always", Fault{Kind: FaultError}, 100, 100},
		{"three times", Fault{Kind: FaultError, Count: 3}, 3, 3},
		{"not the first ten", Fault{Kind: FaultDropAfter, After: 10}, 90, 90},
		{"the eleventh", Fault{Kind: FaultDropBefore, After: 10, Count: 1}, 1, 1},
		{"half", Fault{Kind: FaultDelay, Probability: 0.5}, 30, 70},
		{"matching", Fault{Kind: FaultRateLimit, Method: "PO.T", Path: "^/v1/servers$"}, 100, 100},
		{"other method", Fault{Kind: FaultError, Method: "GET"}, 0, 0},
		{"part of a method", Fault{Kind: FaultError, Method: "P"}, 0, 0},
		{"other path", Fault{Kind: FaultError, Path: "volumes"}, 0, 0},
		{"other kind", Fault{Kind: FaultCapacity}, 0, 0},
	} {
		if n := count(tc.f, "POST", "/v1/servers"); n < tc.min || n > tc.max {
			t.Errorf("%s: %d of 100", tc.name, n)
		}
	}
	if a, b := count(Fault{Kind: FaultError, Probability: 0.3}, "GET", "/"), count(Fault{Kind: FaultError, Probability: 0.3}, "GET", "/"); a != b {
		t.Errorf("the same seed strikes %d and %d times", a, b)
	}
}

func TestFaultsEnd(t *testing.T) {
	clock := NewClock(t0, 0)
	f := NewFaults(clock, 1)
	for _, bad := range []Fault{{Kind: "earthquake"}, {Kind: FaultError, Path: "("}, {Kind: FaultError, Probability: 2}} {
		if _, err := f.Add(bad); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
	id, err := f.Add(Fault{Kind: FaultCapacity, ServerType: "cx23", Location: "fsn1", Seconds: 60})
	if err != nil {
		t.Fatal(err)
	}
	if f.In("hetzner").Capacity("cx23", "fsn1") == nil || f.In("hetzner").Capacity("cx33", "fsn1") != nil || f.In("hetzner").Capacity("cx23", "hel1") != nil {
		t.Error("capacity of the wrong type or place")
	}
	if !f.In("hetzner").CapacityShown("cx23", "fsn1") {
		t.Error("a lasting lack is shown")
	}
	clock.Advance(time.Minute)
	if f.In("hetzner").Capacity("cx23", "fsn1") != nil || f.In("hetzner").CapacityShown("cx23", "fsn1") {
		t.Error("the fault outlived its minute")
	}
	if l := f.List(); len(l) != 1 || l[0].Struck != 1 {
		t.Errorf("list %+v", l)
	}
	if !f.Remove(id) || f.Remove(id) {
		t.Error("a fault is removed once")
	}
	if _, err := f.Add(Fault{Kind: FaultLocationLost, Location: "fsn1"}); err != nil {
		t.Fatal(err)
	}
	if f.In("hetzner").Lost("fsn1") == nil || f.In("hetzner").Lost("nbg1") != nil {
		t.Error("the wrong location is lost")
	}
	f.Clear()
	if f.In("hetzner").Lost("fsn1") != nil {
		t.Error("lost although nothing is wrong")
	}
}

func TestWindow(t *testing.T) {
	clock := NewClock(t0, 0)
	w := NewWindow(clock, time.Minute, 2)
	take := func(key string, stolen float64, want bool) {
		t.Helper()
		if got := w.Take(key, stolen); got != want {
			t.Errorf("%s at %v: %t", key, clock.Now(), got)
		}
	}
	take("a", 0, true)
	take("a", 0, true)
	take("a", 0, false)
	take("b", 0, true)
	clock.Advance(59 * time.Second)
	take("a", 0, false) // nothing comes back before the interval is over
	clock.Advance(time.Second)
	take("a", 0, true)
	clock.Advance(10 * time.Second)
	take("a", 1, false) // somebody else took ten
	w.Fill(1)
	take("a", 0, true)
	take("a", 0, false)
	w.Fill(-1)
	take("a", 0, true)
	w.SetLimit(0)
	for range 10 {
		take("a", 0, true)
	}
}
