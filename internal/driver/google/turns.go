package google

import (
	"context"
	"slices"
	"sync"
)

// turns lets callers who are about to do the same thing do it one after the
// other: the first does it, the others find it done.
type turns struct {
	mu sync.Mutex
	// held has a channel for each turn that somebody has; it is closed when the
	// turn is given back.
	held map[string]chan struct{}
}

// take waits for several turns and gives what ends them. All callers take
// theirs in the same order, so that they never wait for each other.
func (t *turns) take(ctx context.Context, names ...string) (end func(), err error) {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	for i, name := range names {
		if err := t.takeOne(ctx, name); err != nil {
			t.end(names[:i])
			return nil, err
		}
	}
	return func() { t.end(names) }, nil
}

func (t *turns) takeOne(ctx context.Context, name string) error {
	for {
		t.mu.Lock()
		taken, ok := t.held[name]
		if !ok {
			if t.held == nil {
				t.held = map[string]chan struct{}{}
			}
			t.held[name] = make(chan struct{})
		}
		t.mu.Unlock()
		if !ok {
			return nil
		}
		select {
		case <-taken:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (t *turns) end(names []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, name := range names {
		close(t.held[name])
		delete(t.held, name)
	}
}
