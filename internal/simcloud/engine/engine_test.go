package engine

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"
)

type thing struct {
	Meta
	State string   `json:"state"`
	Tags  []string `json:"tags"`
	Next  int64    `json:"next"`
}

func (t *thing) Links() []Ref { return []Ref{{Type: "thing", ID: t.Next}} }

var things = NewKind[thing]("thing")

type thingParams struct {
	ID    int64  `json:"id"`
	State string `json:"state"`
}

func testOptions(clock *Clock, file string) Options {
	return Options{DataFile: file, Clock: clock, Kinds: []AnyKind{things}, DurationScale: 1,
		DefaultDuration: time.Second, Durations: map[string]time.Duration{"slow": time.Minute},
		Completions: map[string]Completion{"set": setState(), "slow": setState()}}
}

func setState() Completion {
	return Completion{OK: func(tx *Tx, a *Action) *ActionError {
		var p thingParams
		if err := a.Decode(&p); err != nil {
			return &ActionError{Code: "broken", Message: err.Error()}
		}
		t := things.Edit(tx, a.Project, p.ID)
		if t == nil {
			return &ActionError{Code: "gone", Message: "it is gone"}
		}
		t.State = p.State
		return nil
	}, Failed: func(tx *Tx, a *Action) {
		var p thingParams
		if a.Decode(&p) == nil {
			if t := things.Edit(tx, a.Project, p.ID); t != nil {
				t.State = "broken"
			}
		}
	}}
}

func open(t *testing.T, o Options) *Engine {
	t.Helper()
	e, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

func do(t *testing.T, e *Engine, f func(*Tx)) {
	t.Helper()
	if err := e.Do(func(tx *Tx) error { f(tx); return nil }); err != nil {
		t.Fatal(err)
	}
}

func start(at time.Time) *Clock { return NewClock(at, 0) }

var t0 = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func add(tx *Tx, project, name string) *thing {
	t := &thing{State: "new"}
	t.Project, t.Name = project, name
	return things.Insert(tx, t)
}

func TestTransactionIsAllOrNothing(t *testing.T) {
	e := open(t, testOptions(start(t0), ""))
	var id int64
	do(t, e, func(tx *Tx) { id = add(tx, "p", "a").ID })
	boom := errors.New("boom")
	err := e.Do(func(tx *Tx) error {
		things.Edit(tx, "p", id).Tags = []string{"x"}
		add(tx, "p", "b")
		if n := things.Count(tx, "p"); n != 2 {
			t.Errorf("a transaction sees its own changes: %d things", n)
		}
		if things.ByName(tx, "p", "b") == nil {
			t.Error("b is not found within its transaction")
		}
		return boom
	})
	if !errors.Is(err, boom) {
		t.Errorf("got %v", err)
	}
	do(t, e, func(tx *Tx) {
		if n := things.Count(tx, "p"); n != 1 {
			t.Errorf("%d things after a failed transaction", n)
		}
		if a := things.Get(tx, "p", id); a.Tags != nil {
			t.Errorf("tags %v after a failed transaction", a.Tags)
		}
		if things.Get(tx, "q", id) != nil || things.Edit(tx, "q", id) != nil {
			t.Error("another project sees it")
		}
		things.Delete(tx, id)
		if things.Get(tx, "p", id) != nil || len(things.All(tx, "p")) != 0 {
			t.Error("it is there after its deletion")
		}
	})
}

func TestLinks(t *testing.T) {
	e := open(t, testOptions(start(t0), ""))
	to := func(tx *Tx, id int64) (names string) {
		for _, x := range things.To(tx, "p", Ref{"thing", id}) {
			names += x.Name
		}
		return names
	}
	var a, b int64
	do(t, e, func(tx *Tx) {
		a, b = add(tx, "p", "a").ID, add(tx, "p", "b").ID
		things.Edit(tx, "p", b).Next = a
		add(tx, "p", "c").Next = a
		add(tx, "q", "x").Next = a
		if got := to(tx, a); got != "bc" {
			t.Errorf("within the transaction: %q", got)
		}
	})
	do(t, e, func(tx *Tx) {
		if got := to(tx, a); got != "bc" {
			t.Errorf("after the transaction: %q", got)
		}
		things.Edit(tx, "p", b).Next = b
		if got := to(tx, a) + " " + to(tx, b); got != "c b" {
			t.Errorf("after a change: %q", got)
		}
	})
	_ = e.Do(func(tx *Tx) error {
		things.Delete(tx, b)
		if got := to(tx, b); got != "" {
			t.Errorf("after a deletion: %q", got)
		}
		return errors.New("undo")
	})
	do(t, e, func(tx *Tx) {
		if got := to(tx, a) + " " + to(tx, b); got != "c b" {
			t.Errorf("after an undone deletion: %q", got)
		}
		things.Delete(tx, b)
	})
	do(t, e, func(tx *Tx) {
		if got := to(tx, b); got != "" {
			t.Errorf("after a deletion: %q", got)
		}
	})
}

func TestActionsEndInOrder(t *testing.T) {
	clock := start(t0)
	e := open(t, testOptions(clock, ""))
	var id int64
	var first, second *Action
	do(t, e, func(tx *Tx) {
		id = add(tx, "p", "a").ID
		ref := Ref{Type: "thing", ID: id}
		first = tx.StartAction(ActionSpec{Project: "p", Command: "slow", Params: thingParams{id, "one"}, Locks: []Ref{ref}})
		second = tx.StartAction(ActionSpec{Project: "p", Command: "set", Params: thingParams{id, "two"}, Locks: []Ref{ref}, After: first.ID})
		if tx.Holder(ref, 0) == nil || tx.Holder(ref, first.ID).ID != second.ID {
			t.Error("both lock it")
		}
	})
	state := func() (s string, locked bool, progress int) {
		do(t, e, func(tx *Tx) {
			s = things.Get(tx, "p", id).State
			locked = tx.Holder(Ref{Type: "thing", ID: id}, 0) != nil
			progress = Actions.Get(tx, "p", first.ID).Progress(tx.Now())
		})
		return
	}
	for _, step := range []struct {
		advance  time.Duration
		state    string
		locked   bool
		progress int
	}{
		{15 * time.Second, "new", true, 25},
		{44999 * time.Millisecond, "new", true, 95},
		{time.Millisecond, "one", true, 100},
		{time.Second, "two", false, 100},
	} {
		clock.Advance(step.advance)
		if s, l, p := state(); s != step.state || l != step.locked || p != step.progress {
			t.Errorf("at %s: %s, locked %v, %d %%; want %+v", clock.Now().Sub(t0), s, l, p, step)
		}
	}
	do(t, e, func(tx *Tx) {
		if a := Actions.Get(tx, "p", second.ID); !a.Finished.Equal(t0.Add(61 * time.Second)) {
			t.Errorf("the second ended at %s", a.Finished.Sub(t0))
		}
	})
}

func TestFailedAndStuckActions(t *testing.T) {
	clock := start(t0)
	e := open(t, testOptions(clock, ""))
	mustAdd := func(f Fault) {
		if _, err := e.Faults.Add(f); err != nil {
			t.Fatal(err)
		}
	}
	mustAdd(Fault{Kind: FaultActionFailed, Command: "se.", Count: 1, Code: "server_error", Message: "no"})
	mustAdd(Fault{Kind: FaultActionStuck, Command: "slow"})
	var ids [4]int64
	var actions [4]*Action
	do(t, e, func(tx *Tx) {
		for i := range ids {
			ids[i] = add(tx, "p", "").ID
		}
		actions[0] = tx.StartAction(ActionSpec{Project: "p", Command: "set", Params: thingParams{ids[0], "x"}})
		actions[1] = tx.StartAction(ActionSpec{Project: "p", Command: "set", Params: thingParams{ids[1], "x"}, After: actions[0].ID})
		actions[2] = tx.StartAction(ActionSpec{Project: "p", Command: "slow", Params: thingParams{ids[2], "x"}})
		actions[3] = tx.StartAction(ActionSpec{Project: "p", Command: "set", Params: thingParams{ids[3], "x"}})
	})
	clock.Advance(time.Hour)
	want := []struct{ state, status string }{{"broken", Failed}, {"broken", Failed}, {"new", Running}, {"x", Success}}
	do(t, e, func(tx *Tx) {
		for i, w := range want {
			a := Actions.Get(tx, "p", actions[i].ID)
			if s := things.Get(tx, "p", ids[i]).State; s != w.state || a.Status != w.status {
				t.Errorf("%d: %s, %s; want %v", i, s, a.Status, w)
			}
		}
		if a := Actions.Get(tx, "p", actions[0].ID); a.Error == nil || a.Error.Code != "server_error" {
			t.Errorf("error %v", a.Error)
		}
	})
}

func TestRestartContinues(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sim.db")
	clock := start(t0)
	e, err := Open(testOptions(clock, file))
	if err != nil {
		t.Fatal(err)
	}
	var id, gone int64
	var last *Action
	do(t, e, func(tx *Tx) {
		id, gone = add(tx, "p", "a").ID, add(tx, "p", "b").ID
		things.Edit(tx, "p", id).Labels = map[string]string{"k": "v"}
		a := tx.StartAction(ActionSpec{Project: "p", Command: "slow", Params: thingParams{id, "one"}, Locks: []Ref{{"thing", id}}})
		last = tx.StartAction(ActionSpec{Project: "p", Command: "set", Params: thingParams{id, "two"}, After: a.ID})
	})
	clock.Advance(30 * time.Second)
	do(t, e, func(tx *Tx) { things.Delete(tx, gone) })
	if _, err := Open(testOptions(start(t0), file)); err == nil {
		t.Error("a second simulator opened the same file")
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	clock = start(t0.Add(-time.Hour)) // behind: time must not run backwards
	e = open(t, testOptions(clock, file))
	if now := clock.Now(); !now.Equal(t0.Add(30 * time.Second)) {
		t.Errorf("the clock continues at %s", now.Sub(t0))
	}
	do(t, e, func(tx *Tx) {
		a := things.Get(tx, "p", id)
		if a == nil || a.Labels["k"] != "v" || things.Get(tx, "p", gone) != nil {
			t.Errorf("after the restart: %+v", a)
		}
		if tx.Holder(Ref{"thing", id}, 0) == nil {
			t.Error("the lock is lost")
		}
		if n := add(tx, "p", "c").ID; n <= gone {
			t.Errorf("the id %d was given twice", n)
		}
	})
	clock.Advance(30 * time.Second)
	do(t, e, func(tx *Tx) {
		if s := things.Get(tx, "p", id).State; s != "one" {
			t.Errorf("state %s", s)
		}
	})
	clock.Advance(time.Second)
	do(t, e, func(tx *Tx) {
		if a := Actions.Get(tx, "p", last.ID); a.Status != Success || things.Get(tx, "p", id).State != "two" {
			t.Errorf("the waiting action: %+v", a)
		}
	})
}

func TestClock(t *testing.T) {
	fast := NewClock(t0, 1000)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	begin := time.Now()
	if err := fast.Wait(ctx, 20*time.Second); err != nil {
		t.Fatal(err)
	}
	if real := time.Since(begin); real > 5*time.Second {
		t.Errorf("20 s at a thousandfold took %s", real)
	}
	if wall := fast.Wall(fast.Now().Add(1000 * time.Second)); time.Until(wall) > 2*time.Second {
		t.Errorf("a thousand seconds end in %s", time.Until(wall))
	}
	manual := NewClock(t0, 0)
	done := make(chan error)
	go func() { done <- manual.Wait(ctx, time.Hour) }()
	time.Sleep(20 * time.Millisecond) // until it waits
	manual.Advance(59 * time.Minute)
	select {
	case err := <-done:
		t.Errorf("it did not wait for the hour: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	manual.Advance(time.Minute)
	if err := <-done; err != nil {
		t.Error(err)
	}
	manual.Advance(-time.Hour)
	if !manual.Now().Equal(t0.Add(time.Hour)) {
		t.Error("the clock went back")
	}
	cancel()
	if err := manual.Wait(ctx, time.Second); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
