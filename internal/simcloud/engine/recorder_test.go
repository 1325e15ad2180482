package engine

import (
	"testing"
	"time"
)

func TestRecorder(t *testing.T) {
	r := NewRecorder()
	r.Begin("GET /a")
	r.Begin("GET /a")
	r.End(200)
	s := r.Snapshot()
	r.Begin("GET /b")
	r.End(0)
	r.End(500)
	if s.Total != 2 || s.Routes["GET /a"] != 2 || s.Status[200] != 1 || s.InFlight != 2 || len(s.Routes) != 1 {
		t.Errorf("a snapshot changed or is wrong: %+v", s)
	}
	if s = r.Snapshot(); s.Total != 3 || s.Status[0] != 1 || s.Status[500] != 1 {
		t.Errorf("snapshot %+v", s)
	}
	r.Begin("GET /c") // under way while it is reset
	r.Reset()
	r.End(200)
	r.Begin("GET /d")
	if s = r.Snapshot(); s.Total != 1 || s.InFlight != 1 {
		t.Errorf("after a reset: %+v", s)
	}
}

func TestClockSpeed(t *testing.T) {
	c := NewClock(t0, 0)
	c.SetSpeed(3600)
	time.Sleep(20 * time.Millisecond)
	c.SetSpeed(-1)
	if c.Speed() != 0 {
		t.Errorf("speed %v", c.Speed())
	}
	passed := c.Now().Sub(t0)
	if passed < 72*time.Second || passed > time.Hour {
		t.Errorf("%s passed", passed)
	}
	if later := c.Now().Sub(t0); later != passed {
		t.Error("a clock of speed 0 moved")
	}
	c.NotBefore(t0)
	if c.Now().Sub(t0) != passed {
		t.Error("the clock went back")
	}
}
