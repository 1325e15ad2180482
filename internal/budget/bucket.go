package budget

import (
	"container/heap"
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// Bucket grants the requests of one cloud account in order of priority, first
// come first served within one, and none that would run into the account's
// request limit.
type Bucket struct {
	clock Clock

	mu          sync.Mutex
	limit       limit
	pausedUntil time.Time
	inFlight    int
	// refused counts the refusals since the last answer that was none.
	refused int
	// granted numbers what waits and the grants.
	granted   uint64
	waiting   waiters
	stopTimer func()
	requests  int64
}

// NewBucket makes the bucket of an account whose limit the server tells in
// the headers of its answers; nothing is known of it until the first.
func NewBucket(clock Clock) *Bucket {
	return &Bucket{clock: clock, limit: &headerLimit{updated: clock.Now()}}
}

// NewRateBucket makes the bucket of an account whose server tells nothing: no
// more than perMinute requests are granted within any minute.
func NewRateBucket(clock Clock, perMinute int) *Bucket {
	return &Bucket{clock: clock, limit: &windowLimit{most: max(perMinute, 1)}}
}

// Pressure describes how scarce requests are.
type Pressure struct {
	// Full is the share of the limit that is left, 0 to 1; 1 if unlimited.
	Full float64
	// Waiting counts requests that wait for a token.
	Waiting int
}

// Pressure tells how scarce requests are now.
func (b *Bucket) Pressure() Pressure {
	b.mu.Lock()
	defer b.mu.Unlock()
	return Pressure{Full: b.limit.full(b.clock.Now()), Waiting: b.waiting.Len()}
}

// Requests counts what was granted since the start.
func (b *Bucket) Requests() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.requests
}

// grant is one permission to send a request.
type grant struct{ number uint64 }

// acquire waits until a request of the context's priority may be sent.
func (b *Bucket) acquire(ctx context.Context) (grant, error) {
	w := &waiter{priority: cloud.PriorityOf(ctx), ready: make(chan grant, 1)}
	b.mu.Lock()
	b.granted++
	w.order = b.granted
	heap.Push(&b.waiting, w)
	b.dispatch()
	b.mu.Unlock()
	select {
	case g := <-w.ready:
		return g, nil
	case <-ctx.Done():
		b.mu.Lock()
		defer b.mu.Unlock()
		if w.index >= 0 {
			heap.Remove(&b.waiting, w.index)
			return grant{}, ctx.Err()
		}
		// It was granted at the same moment: give it back.
		<-w.ready
		b.inFlight--
		b.limit.giveBack()
		b.dispatch()
		return grant{}, ctx.Err()
	}
}

// dispatch grants what may be sent now and sets the timer for the rest. Call
// with mu held.
func (b *Bucket) dispatch() {
	for b.waiting.Len() > 0 && b.delay() <= 0 {
		w := heap.Pop(&b.waiting).(*waiter)
		b.granted++
		b.inFlight++
		b.requests++
		b.limit.spend(b.clock.Now())
		w.ready <- grant{number: b.granted}
	}
	if b.stopTimer != nil {
		b.stopTimer()
		b.stopTimer = nil
	}
	if b.waiting.Len() == 0 {
		return
	}
	if wait := b.delay(); wait < never {
		b.stopTimer = b.clock.AfterFunc(wait, func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.dispatch()
		})
	}
}

// never stands for "until an answer comes".
const never = time.Duration(1<<63 - 1)

// delay tells how long the next request has to wait. Call with mu held.
func (b *Bucket) delay() time.Duration {
	now := b.clock.Now()
	return max(b.pausedUntil.Sub(now), b.limit.delay(now, b.inFlight, b.refused))
}

// answered takes note of a response, or of its absence (nil).
func (b *Bucket) answered(g grant, response *http.Response) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.inFlight--
	defer b.dispatch()
	if response == nil {
		return
	}
	now := b.clock.Now()
	b.limit.learn(now, g, b.inFlight, response)
	switch {
	case rateLimited(response):
		b.refused++
		if until := now.Add(b.pause(response)); until.After(b.pausedUntil) {
			b.pausedUntil = until
		}
	case response.StatusCode < http.StatusInternalServerError:
		b.refused = 0
	}
}

// longestPause bounds what a server may ask for.
const longestPause = 5 * time.Minute

// pause is how long nothing is sent after a refusal: as long as the server
// asks, else as the limit knows it.
func (b *Bucket) pause(response *http.Response) time.Duration {
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil && seconds >= 0 {
		return min(time.Duration(seconds)*time.Second, longestPause)
	}
	return b.limit.pause(b.refused)
}

// waiter is a request that waits for its grant.
type waiter struct {
	priority cloud.Priority
	order    uint64
	index    int
	ready    chan grant
}

// waiters is a heap: highest priority first, then first come.
type waiters []*waiter

func (w waiters) Len() int { return len(w) }
func (w waiters) Less(i, j int) bool {
	if w[i].priority != w[j].priority {
		return w[i].priority > w[j].priority
	}
	return w[i].order < w[j].order
}
func (w waiters) Swap(i, j int) {
	w[i], w[j] = w[j], w[i]
	w[i].index, w[j].index = i, j
}
func (w *waiters) Push(x any) {
	item := x.(*waiter)
	item.index = len(*w)
	*w = append(*w, item)
}
func (w *waiters) Pop() any {
	old := *w
	item := old[len(old)-1]
	*w = old[:len(old)-1]
	item.index = -1
	return item
}
