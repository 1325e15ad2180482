package budget

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

const (
	// snapshotAge is how long a list may answer reads of objects that this
	// run did not write. A Terraform run reads each object once, in one go.
	snapshotAge = 5 * time.Minute
	// gatherTime is how long a read of a just written object waits for
	// others, to share one request with them.
	gatherTime = 100 * time.Millisecond
	// fewMisses are asked for one by one when the deployment's list does not
	// hold them (they lost their label, or they are gone); more are answered
	// from a list of the whole account.
	fewMisses = 4
	// listTimeout bounds one shared list, queueing and retries included.
	listTimeout = 30 * time.Minute
)

// coalesced answers single reads of one kind from shared lists. A list never
// answers for an object that this run wrote after the list began.
type coalesced[S any, T cloud.Identified] struct {
	inner      cloud.Store[S, T]
	clock      Clock
	deployment string
	// keyOf derives the key of an object that a spec makes.
	keyOf func(S) string
	// touched hears of the other objects that a write changes.
	touched func(S)

	mu sync.Mutex
	// sequence counts writes; written holds each object's last one.
	sequence uint64
	written  map[string]uint64
	// keys holds the keys of what this run made.
	keys  map[string]string
	lists [2]*list[T] // the deployment's, the account's
	// misses counts reads that the deployment's list could not answer.
	misses int
	// gathering is the group of keyed reads that is being filled.
	gathering *list[T]
}

// list is one shared read, under way or done.
type list[T any] struct {
	sequence uint64
	taken    time.Time
	keys     []string
	done     chan struct{}
	objects  map[string]T
	err      error
	// waiting counts who wants the answer; the last one who gives up cancels.
	waiting int
	cancel  context.CancelFunc
}

// The indexes of coalesced.lists.
const (
	ofDeployment = iota
	ofAccount
)

// newCoalesced decorates a store; touched may be nil.
func newCoalesced[S any, T cloud.Identified](inner cloud.Store[S, T], clock Clock, deployment string, keyOf func(S) string, touched func(S)) *coalesced[S, T] {
	if touched == nil {
		touched = func(S) {}
	}
	return &coalesced[S, T]{inner: inner, clock: clock, deployment: deployment, keyOf: keyOf, touched: touched,
		written: map[string]uint64{}, keys: map[string]string{}}
}

// Get implements cloud.Store.
func (c *coalesced[S, T]) Get(ctx context.Context, native string) (T, error) {
	var zero T
	c.mu.Lock()
	key, justMade := c.keys[native]
	_, written := c.written[native]
	fresh := c.freshLocked(c.lists[ofDeployment], native)
	c.mu.Unlock()
	if written && justMade && !fresh {
		found, err := c.gather(ctx, key)
		if err != nil {
			return zero, err
		}
		if object, ok := found.objects[native]; ok {
			return object, nil
		}
		return c.inner.Get(ctx, native)
	}
	found, err := c.shared(ctx, ofDeployment, native, cloud.Filter{Deployment: c.deployment})
	if err != nil {
		return zero, err
	}
	if object, ok := found.objects[native]; ok {
		return object, nil
	}
	c.mu.Lock()
	c.misses++
	few := c.misses <= fewMisses
	c.mu.Unlock()
	if few {
		return c.inner.Get(ctx, native)
	}
	found, err = c.shared(ctx, ofAccount, native, cloud.Filter{})
	if err != nil {
		return zero, err
	}
	if object, ok := found.objects[native]; ok {
		return object, nil
	}
	return zero, &cloud.Error{Code: cloud.CodeNotFound, ID: native, Doing: "read", Message: "the account's list does not hold it"}
}

// freshLocked tells whether a list may answer for an object: it began after
// this run's last write to it and is not too old. Call with mu held.
func (c *coalesced[S, T]) freshLocked(l *list[T], native string) bool {
	return l != nil && l.sequence >= c.written[native] && c.clock.Now().Sub(l.taken) < snapshotAge
}

// shared joins or begins the list in the slot.
func (c *coalesced[S, T]) shared(ctx context.Context, slot int, native string, filter cloud.Filter) (*list[T], error) {
	c.mu.Lock()
	l := c.lists[slot]
	if !c.freshLocked(l, native) {
		l = &list[T]{sequence: c.sequence, taken: c.clock.Now(), done: make(chan struct{})}
		c.lists[slot] = l
		go c.take(l.begin(ctx), l, filter)
	}
	l.waiting++
	c.mu.Unlock()
	return c.await(ctx, l)
}

// begin makes the context of a list: the caller's values, but not its end,
// since others may join.
func (l *list[T]) begin(ctx context.Context) context.Context {
	ctx, l.cancel = context.WithTimeout(context.WithoutCancel(ctx), listTimeout)
	return ctx
}

// gather reads one just written object together with others that are asked
// for at the same time.
func (c *coalesced[S, T]) gather(ctx context.Context, key string) (*list[T], error) {
	c.mu.Lock()
	l := c.gathering
	if l == nil || len(l.keys) >= cloud.MaxFilterKeys {
		l = &list[T]{done: make(chan struct{})}
		c.gathering = l
		taken := l.begin(ctx)
		c.clock.AfterFunc(gatherTime, func() {
			c.mu.Lock()
			if c.gathering == l {
				c.gathering = nil
			}
			keys := slices.Clone(l.keys)
			c.mu.Unlock()
			c.take(taken, l, cloud.Filter{Keys: keys})
		})
	}
	if !slices.Contains(l.keys, key) {
		l.keys = append(l.keys, key)
	}
	l.waiting++
	c.mu.Unlock()
	return c.await(ctx, l)
}

// take lists and publishes; a list that failed is forgotten.
func (c *coalesced[S, T]) take(ctx context.Context, l *list[T], filter cloud.Filter) {
	defer l.cancel()
	objects, err := c.inner.List(ctx, filter)
	c.mu.Lock()
	defer c.mu.Unlock()
	l.err = err
	l.objects = make(map[string]T, len(objects))
	for _, object := range objects {
		l.objects[object.Identity().Native] = object
	}
	if err != nil {
		c.forgetLocked(l)
	}
	close(l.done)
}

// forgetLocked lets nobody join a list any more. Call with mu held.
func (c *coalesced[S, T]) forgetLocked(l *list[T]) {
	for slot := range c.lists {
		if c.lists[slot] == l {
			c.lists[slot] = nil
		}
	}
	if c.gathering == l {
		c.gathering = nil
	}
}

// await waits for a list that the caller has joined.
func (c *coalesced[S, T]) await(ctx context.Context, l *list[T]) (*list[T], error) {
	select {
	case <-l.done:
		return l, l.err
	case <-ctx.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if l.waiting--; l.waiting == 0 {
		c.forgetLocked(l)
		l.cancel()
	}
	return nil, ctx.Err()
}

// List implements cloud.Store; the deployment's own list is shared with Get.
func (c *coalesced[S, T]) List(ctx context.Context, filter cloud.Filter) ([]T, error) {
	if len(filter.Keys) > 0 || len(filter.Labels) > 0 || filter.Deployment != c.deployment {
		return c.inner.List(ctx, filter)
	}
	c.mu.Lock()
	if l := c.lists[ofDeployment]; l != nil && l.sequence < c.sequence {
		c.lists[ofDeployment] = nil
	}
	c.mu.Unlock()
	found, err := c.shared(ctx, ofDeployment, "", filter)
	if err != nil {
		return nil, err
	}
	objects := slices.Collect(maps.Values(found.objects))
	slices.SortFunc(objects, func(a, b T) int {
		x, y := a.Identity().Native, b.Identity().Native
		if len(x) != len(y) {
			return len(x) - len(y)
		}
		if x < y {
			return -1
		}
		return 1
	})
	return objects, nil
}

// wrote marks an object as changed by this run, now.
func (c *coalesced[S, T]) wrote(native string) {
	if native == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sequence++
	c.written[native] = c.sequence
}

// Create implements cloud.Store.
func (c *coalesced[S, T]) Create(ctx context.Context, spec S, saved func(T)) (T, error) {
	defer c.touched(spec)
	made := func(object T) {
		native := object.Identity().Native
		c.wrote(native)
		c.mu.Lock()
		c.keys[native] = c.keyOf(spec)
		c.mu.Unlock()
	}
	object, err := c.inner.Create(ctx, spec, func(object T) {
		made(object)
		saved(object)
	})
	if native := object.Identity().Native; native != "" {
		made(object)
	}
	return object, err
}

// Update implements cloud.Store.
func (c *coalesced[S, T]) Update(ctx context.Context, current T, want S) (T, error) {
	native := current.Identity().Native
	c.wrote(native)
	defer c.touched(want)
	defer c.wrote(native)
	return c.inner.Update(ctx, current, want)
}

// Delete implements cloud.Store.
func (c *coalesced[S, T]) Delete(ctx context.Context, native string) error {
	c.wrote(native)
	defer c.wrote(native)
	return c.inner.Delete(ctx, native)
}
