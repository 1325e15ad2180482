package google

import (
	"context"
	"maps"
	"sync"
	"time"
)

// indexTimeout bounds one shared list, queueing and retries included.
const indexTimeout = 30 * time.Minute

// index is a list of the whole project that the callers of one run share: what
// belongs to an object (subnetworks, routes, rules) is found in it without a
// request for each object. It holds what the run itself has written since.
//
// It may be wrong about what others did meanwhile, so nobody concludes from it
// that something may be destroyed.
type index[H any] struct {
	list func(context.Context) ([]H, error)
	name func(H) string

	mu sync.Mutex
	// sequence counts the run's own writes, which changes holds.
	sequence uint64
	changes  map[string]change[H]
	// latest is the last list, under way or done.
	latest *listing[H]
	// known is the last list that was answered: what it tells is known until the
	// next one is.
	known *listing[H]
}

// change is one own write; gone tells that it was a delete.
type change[H any] struct {
	sequence uint64
	value    H
	gone     bool
}

type listing[H any] struct {
	sequence uint64
	done     chan struct{}
	ended    bool
	values   map[string]H
	err      error
	waiting  int
	cancel   context.CancelFunc
}

func newIndex[H any](name func(H) string, list func(context.Context) ([]H, error)) *index[H] {
	return &index[H]{list: list, name: name, changes: map[string]change[H]{}}
}

// all gives the list by name. With fresh it began after the call: one that is
// under way may be older than what the caller wants to know, such as how an
// operation ended. Otherwise any earlier one of this run serves.
func (x *index[H]) all(ctx context.Context, fresh bool) (map[string]H, error) {
	x.mu.Lock()
	before := x.latest
	if fresh && before != nil && !before.ended {
		x.mu.Unlock()
		select {
		case <-before.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		x.mu.Lock()
	}
	l := x.latest
	if l == nil || fresh && l == before {
		l = &listing[H]{sequence: x.sequence, done: make(chan struct{})}
		x.latest = l
		var shared context.Context
		shared, l.cancel = context.WithTimeout(context.WithoutCancel(ctx), indexTimeout)
		go x.take(shared, l)
	}
	l.waiting++
	x.mu.Unlock()
	select {
	case <-l.done:
	case <-ctx.Done():
		x.leave(l)
		return nil, ctx.Err()
	}
	if l.err != nil {
		return nil, l.err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	from := l
	if x.known.sequence > l.sequence {
		// A later list has ended too, and the changes before it are forgotten.
		from = x.known
	}
	values := maps.Clone(from.values)
	for name, c := range x.changes {
		switch {
		case c.sequence <= from.sequence:
		case c.gone:
			delete(values, name)
		default:
			values[name] = c.value
		}
	}
	return values, nil
}

// leave gives up waiting; the last one cancels the list.
func (x *index[H]) leave(l *listing[H]) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if l.waiting--; l.waiting == 0 && !l.ended {
		if x.latest == l {
			x.latest = nil
		}
		l.cancel()
	}
}

func (x *index[H]) take(ctx context.Context, l *listing[H]) {
	defer l.cancel()
	found, err := x.list(ctx)
	x.mu.Lock()
	defer x.mu.Unlock()
	l.values, l.err, l.ended = make(map[string]H, len(found)), err, true
	for _, value := range found {
		l.values[x.name(value)] = value
	}
	if err != nil && x.latest == l {
		x.latest = nil
	}
	if err == nil && (x.known == nil || l.sequence >= x.known.sequence) {
		x.known = l
		// The list tells of these itself.
		maps.DeleteFunc(x.changes, func(_ string, c change[H]) bool { return c.sequence <= l.sequence })
	}
	close(l.done)
}

// some gives what this run knows without a request and what is chosen.
func (x *index[H]) some(choose func(H) bool) []H {
	x.mu.Lock()
	defer x.mu.Unlock()
	var found []H
	for _, c := range x.changes {
		if !c.gone && choose(c.value) {
			found = append(found, c.value)
		}
	}
	if x.known != nil {
		for name, value := range x.known.values {
			if _, changed := x.changes[name]; !changed && choose(value) {
				found = append(found, value)
			}
		}
	}
	return found
}

// put notes what was written.
func (x *index[H]) put(value H) { x.note(x.name(value), change[H]{value: value}) }

// drop notes what was deleted.
func (x *index[H]) drop(name string) { x.note(name, change[H]{gone: true}) }

func (x *index[H]) note(name string, c change[H]) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.sequence++
	c.sequence = x.sequence
	x.changes[name] = c
}
