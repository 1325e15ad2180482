package budget

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

const (
	// firstLook is when an operation is first asked about whose usual
	// duration is not known yet.
	firstLook = time.Second
	// minHold and maxHold bound how long finished work may stay unnoticed so
	// that one poll asks about more of it.
	minHold = time.Second
	maxHold = 12 * time.Second
	// patience is the share of an operation's duration by which its end may be
	// seen late for the same reason, up to maxPatience: who has waited for a
	// machine for 40 s does not miss 3.
	patience    = 5
	maxPatience = 3 * time.Second
	// scarceHold replaces them while requests queue for tokens: a poll then
	// costs what a create costs.
	scarceHold = 20 * time.Second
	// plenty is the share of the limit above which requests are not saved.
	plenty = 0.75
	// pollTimeout bounds one poll, queueing and retries included.
	pollTimeout = 2 * time.Minute
)

// Waiter implements cloud.Waiter: one goroutine polls for all callers.
type Waiter struct {
	poller   cloud.OperationPoller
	clock    Clock
	pressure func() Pressure

	mu      sync.Mutex
	groups  []*group
	usual   map[string]time.Duration
	running bool
	changed chan struct{}
	// cancel ends the poll that is under way.
	cancel context.CancelFunc
}

// NewWaiter waits with the poller's batches; pressure tells how scarce
// requests are.
func NewWaiter(poller cloud.OperationPoller, clock Clock, pressure func() Pressure) *Waiter {
	return &Waiter{poller: poller, clock: clock, pressure: pressure, usual: map[string]time.Duration{}, changed: make(chan struct{}, 1)}
}

// group is the operations of one caller. The one that usually takes longest
// is asked about first: while it runs, the others need no question.
type group struct {
	operations []cloud.Operation
	confirmed  []bool
	// running is how long each operation had taken when it was last seen not
	// to have ended.
	running    []time.Duration
	begun, due time.Time
	result     chan error
}

// open lists the operations that are not confirmed, the longest first; usual
// tells how long commands take. Of equals, and of those that nobody has seen
// yet, the vendor ends the one that it was told last, last.
func (g *group) open(usual map[string]time.Duration) []cloud.Operation {
	var found []cloud.Operation
	for i := len(g.operations) - 1; i >= 0; i-- {
		if !g.confirmed[i] {
			found = append(found, g.operations[i])
		}
	}
	slices.SortStableFunc(found, func(a, b cloud.Operation) int { return cmp.Compare(usual[b.Command], usual[a.Command]) })
	return found
}

// Wait implements cloud.Waiter.
func (w *Waiter) Wait(ctx context.Context, operations ...cloud.Operation) error {
	if len(operations) == 0 {
		return nil
	}
	now := w.clock.Now()
	g := &group{operations: operations, confirmed: make([]bool, len(operations)),
		running: make([]time.Duration, len(operations)), begun: now, result: make(chan error, 1)}
	w.mu.Lock()
	g.due = now.Add(cmp.Or(w.usual[g.open(w.usual)[0].Command], firstLook))
	w.groups = append(w.groups, g)
	if !w.running {
		w.running = true
		go w.run()
	}
	w.mu.Unlock()
	w.signal()
	select {
	case err := <-g.result:
		return err
	case <-ctx.Done():
		w.drop(g)
		return ctx.Err()
	}
}

func (w *Waiter) signal() {
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

func (w *Waiter) drop(g *group) {
	w.mu.Lock()
	w.groups = slices.DeleteFunc(w.groups, func(other *group) bool { return other == g })
	if len(w.groups) == 0 && w.cancel != nil {
		w.cancel()
	}
	w.mu.Unlock()
	w.signal()
}

// run polls until nobody waits any more.
func (w *Waiter) run() {
	for {
		pause, ids, finished := w.next()
		if finished {
			return
		}
		if pause > 0 {
			timer := make(chan struct{})
			stop := w.clock.AfterFunc(pause, func() { close(timer) })
			select {
			case <-timer:
			case <-w.changed:
			}
			stop()
			continue
		}
		statuses, err := w.poll(ids)
		w.settle(ids, statuses, err)
	}
}

// poll asks, until the answer comes or nobody waits for it any more.
func (w *Waiter) poll(ids []string) ([]cloud.OperationStatus, error) {
	ctx, cancel := context.WithTimeout(cloud.WithPriority(context.Background(), cloud.PriorityWait), pollTimeout)
	defer cancel()
	w.mu.Lock()
	w.cancel = cancel
	w.mu.Unlock()
	return w.poller.PollOperations(ctx, ids)
}

// next decides what to do now: pause, or ask about ids.
func (w *Waiter) next() (pause time.Duration, ids []string, finished bool) {
	pressure := w.pressure()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.groups) == 0 {
		w.running = false
		return 0, nil, true
	}
	slices.SortStableFunc(w.groups, func(a, b *group) int { return a.due.Compare(b.due) })
	now, most := w.clock.Now(), w.poller.MaxOperationsPerPoll()
	due := 0
	for due < len(w.groups) && !w.groups[due].due.After(now) {
		due++
	}
	if due < most {
		wait := never
		for _, g := range w.groups {
			wait = min(wait, g.due.Add(hold(pressure, g.due.Sub(g.begun))).Sub(now))
		}
		if wait > 0 {
			return wait, nil, false
		}
	}
	return 0, w.batch(due, most), false
}

// hold is how long a due group waits for company after it has taken so long.
func hold(p Pressure, took time.Duration) time.Duration {
	patient := max(minHold, min(took/patience, maxPatience))
	if p.Full >= plenty {
		return patient
	}
	if p.Waiting > 0 {
		return scarceHold
	}
	return max(patient, minHold+time.Duration((1-p.Full/plenty)*float64(maxHold-minHold)))
}

// batch chooses what one poll asks about: the longest operation of every due
// group, then the due groups' other operations, then, since they cost nothing
// more, those of groups that are not due yet. Call with mu held.
func (w *Waiter) batch(due, most int) []string {
	ids := make([]string, 0, most)
	add := func(operations []cloud.Operation) {
		for _, operation := range operations[:min(len(operations), most-len(ids))] {
			ids = append(ids, operation.ID)
		}
	}
	for _, g := range w.groups[:due] {
		add(g.open(w.usual)[:1])
	}
	for _, g := range w.groups[:due] {
		add(g.open(w.usual)[1:])
	}
	for _, g := range w.groups[due:] {
		add(g.open(w.usual))
	}
	return ids
}

// settle hands out what a poll found.
func (w *Waiter) settle(asked []string, statuses []cloud.OperationStatus, err error) {
	now := w.clock.Now()
	found := make(map[string]cloud.OperationStatus, len(statuses))
	for _, status := range statuses {
		found[status.ID] = status
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	// perhaps holds the commands that may take less than is thought.
	perhaps := map[string]bool{}
	w.groups = slices.DeleteFunc(w.groups, func(g *group) bool {
		askedHere := slices.ContainsFunc(g.operations, func(o cloud.Operation) bool { return slices.Contains(asked, o.ID) })
		if !askedHere {
			return false
		}
		if err != nil {
			if temporary := cloud.CodeOf(err).Temporary() || cloud.CodeOf(err) == cloud.CodeUnknown; temporary {
				g.due = now.Add(firstLook)
				return false
			}
			g.result <- err
			return true
		}
		return w.judge(g, found, now, perhaps)
	})
	for command := range perhaps {
		w.usual[command] -= w.usual[command] / 20
	}
}

// judge applies a poll's findings to one group and tells whether it is done.
// Call with mu held.
func (w *Waiter) judge(g *group, found map[string]cloud.OperationStatus, now time.Time, perhaps map[string]bool) bool {
	longest := g.open(w.usual)[0]
	for i, operation := range g.operations {
		status, ok := found[operation.ID]
		switch {
		case !ok || g.confirmed[i]:
		case status.Err != nil:
			g.result <- status.Err
			return true
		case status.Done:
			g.confirmed[i] = true
			if w.learn(operation.Command, g.running[i], now.Sub(g.begun)) {
				perhaps[operation.Command] = true
			}
		default:
			g.running[i] = now.Sub(g.begun)
		}
	}
	open := g.open(w.usual)
	switch {
	case len(open) == 0:
		g.result <- nil
		return true
	case open[0] != longest:
		// Only what usually ends earlier is left to be confirmed.
		g.due = now
	case !g.due.After(now):
		// Of a kind that ended before, it ends soon. Of another nobody knows
		// how long it takes: that is looked for in steps that grow with it.
		step := now.Sub(g.begun) / 16
		if _, known := w.usual[open[0].Command]; !known {
			step *= 4
		}
		g.due = now.Add(max(firstLook/2, step))
	}
	return false
}

// learn corrects what is known of a command's usual duration by an operation
// that ended between the two: after it was last seen running (0: never) and
// before its end was seen. The end is seen late, because polls wait for
// company, so a later end alone proves nothing. It tells whether the operation
// may have ended long before anybody looked.
func (w *Waiter) learn(command string, running, ended time.Duration) (perhapsLess bool) {
	usual, known := w.usual[command]
	switch {
	case !known:
		w.usual[command] = max(running, firstLook)
	case usual < running:
		// One that was held up tells little of the others.
		w.usual[command] = (3*usual + running) / 4
	case usual > ended:
		w.usual[command] = ended
	default:
		return running == 0
	}
	return false
}
