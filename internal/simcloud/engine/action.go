package engine

import (
	"container/heap"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// The states of an action.
const (
	Running = "running"
	Success = "success"
	Failed  = "error"
)

// Ref points at a resource.
type Ref struct {
	Type string `json:"type"`
	ID   int64  `json:"id"`
}

// ActionError is why an action failed.
type ActionError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	// Details are what a vendor adds in a form of its own.
	Details []map[string]any `json:"details,omitempty"`
}

// Action is a change that takes time. What its end does is chosen by Command
// and told by Params, both data, so that it can end after a restart.
type Action struct {
	Meta
	Command   string          `json:"command"`
	Status    string          `json:"status"`
	Resources []Ref           `json:"resources"`
	Locks     []Ref           `json:"locks,omitempty"`
	Params    json.RawMessage `json:"params,omitempty"`
	After     int64           `json:"after,omitempty"`    // begins when that action has succeeded
	Duration  time.Duration   `json:"duration,omitempty"` // simulated
	Begun     time.Time       `json:"begun"`              // zero while it waits for After
	Finished  time.Time       `json:"finished"`
	Error     *ActionError    `json:"error,omitempty"`
	Stuck     bool            `json:"stuck,omitempty"`
	Doomed    *ActionError    `json:"doomed,omitempty"` // it will fail with this
}

// Actions is the kind of all vendors' actions.
var Actions = NewKind[Action]("action")

// Completion is what the end of an action does.
type Completion struct {
	// OK makes the change. When it answers an error, the action fails with it
	// and what OK has changed remains, so it should change nothing then.
	OK func(tx *Tx, a *Action) *ActionError
	// Failed cleans up after an action that failed; nil means nothing to do.
	Failed func(tx *Tx, a *Action)
}

// ActionSpec describes an action to be started.
type ActionSpec struct {
	Cloud     string // whose it is, for the faults
	Project   string
	Command   string
	Resources []Ref
	Locks     []Ref // locked until it ends
	Params    any   // what its completion needs, as JSON
	After     int64 // an action that has to succeed first; 0: none
	// Instant actions are over when StartAction returns.
	Instant bool
}

// StartAction begins an action. Faults may have decided that it will fail or
// never end.
func (tx *Tx) StartAction(s ActionSpec) *Action {
	a := &Action{Meta: Meta{Project: s.Project}, Command: s.Command, Status: Running,
		Resources: s.Resources, Locks: s.Locks, After: s.After}
	if s.Params != nil {
		p, err := json.Marshal(s.Params)
		if err != nil {
			panic(fmt.Sprintf("engine: parameters of %s: %v", s.Command, err))
		}
		a.Params = p
	}
	d, ok := tx.e.opts.Durations[s.Command]
	if !ok {
		d = tx.e.opts.DefaultDuration
	}
	a.Duration = time.Duration(float64(d) * tx.e.opts.DurationScale)
	if s.After == 0 {
		a.Begun = tx.now
	}
	Actions.Insert(tx, a)
	a.Stuck, a.Doomed = tx.e.Faults.In(s.Cloud).action(s.Command)
	if s.Instant && !a.Stuck {
		tx.end(a, tx.now)
	}
	return a
}

// Decode reads the action's parameters into v.
func (a *Action) Decode(v any) error { return json.Unmarshal(a.Params, v) }

// Progress is how far the action is, in percent; 100 only when it is over.
func (a *Action) Progress(now time.Time) int {
	switch {
	case a.Status != Running:
		return 100
	case a.Begun.IsZero() || a.Duration <= 0:
		return 0
	}
	return int(min(max(100*now.Sub(a.Begun)/a.Duration, 0), 95))
}

// Holder is the running action that locks the resource, or nil. The action
// except is not counted.
func (tx *Tx) Holder(r Ref, except int64) *Action {
	for _, a := range tx.dirty[Actions.name] {
		if a, ok := a.(*Action); ok && a.ID != except && a.Status == Running && slices.Contains(a.Locks, r) {
			return a
		}
	}
	for _, id := range tx.e.held[r] {
		if a, _ := tx.get(Actions.name, id).(*Action); a != nil && id != except && a.Status == Running {
			return a
		}
	}
	return nil
}

// end brings a running action, which must be a private copy, to its end at t.
func (tx *Tx) end(a *Action, t time.Time) {
	a.Error = a.Doomed
	c := tx.e.opts.Completions[a.Command]
	if a.Error == nil && c.OK != nil {
		a.Error = c.OK(tx, a)
	}
	a.Status, a.Finished = Success, t
	if a.Error != nil {
		a.Status = Failed
		if c.Failed != nil {
			c.Failed(tx, a)
		}
	}
}

// settle ends every action that is due, in the order of their times, each in a
// transaction of its own that happens at that time.
func (e *Engine) settle(now time.Time) error {
	for len(e.due) > 0 && !e.due[0].at.After(now) {
		d := heap.Pop(&e.due).(dueAction)
		tx := &Tx{e: e, now: d.at}
		a, _ := tx.get(Actions.name, d.id).(*Action)
		if a == nil || a.Status != Running {
			continue
		}
		a = tx.edit(Actions, d.id).(*Action)
		if a.Begun.IsZero() {
			first, _ := tx.get(Actions.name, a.After).(*Action)
			if first == nil || first.Status == Failed {
				a.Doomed = &ActionError{Code: "action_failed", Message: "Action failed"}
				a.Begun = d.at
				tx.end(a, d.at)
			} else {
				a.Begun = d.at
			}
		} else {
			tx.end(a, d.at)
		}
		if err := e.commit(tx); err != nil {
			return err
		}
	}
	return nil
}

// watch keeps the indexes of running actions: when each is due, what it locks.
func (e *Engine) watch(a *Action) {
	if a.Status != Running {
		for _, r := range a.Locks {
			if ids := slices.DeleteFunc(e.held[r], func(id int64) bool { return id == a.ID }); len(ids) > 0 {
				e.held[r] = ids
			} else {
				delete(e.held, r)
			}
		}
		for _, next := range e.waiting[a.ID] {
			heap.Push(&e.due, dueAction{at: a.Finished, id: next})
		}
		delete(e.waiting, a.ID)
		return
	}
	for _, r := range a.Locks {
		if !slices.Contains(e.held[r], a.ID) {
			e.held[r] = append(e.held[r], a.ID)
		}
	}
	switch {
	case a.Stuck:
	case !a.Begun.IsZero():
		heap.Push(&e.due, dueAction{at: a.Begun.Add(a.Duration), id: a.ID})
	default:
		if first, _ := e.tables[Actions.name].rows[a.After].(*Action); first != nil && first.Status != Running {
			heap.Push(&e.due, dueAction{at: first.Finished, id: a.ID})
		} else {
			e.waiting[a.After] = append(e.waiting[a.After], a.ID)
		}
	}
}
