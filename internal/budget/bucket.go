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

const (
	// blindRequests may be on their way before the server's first answer has
	// told how many there may be.
	blindRequests = 4
	// margin is how many requests stay unspent, for what other clients of
	// the account send between two of the server's answers.
	margin = 2
)

// Bucket is the request limit of one cloud account, as the server last told
// it. It grants requests in order of priority, first come first served
// within one, and none that would run into the limit.
type Bucket struct {
	clock Clock

	mu sync.Mutex
	// tokens is what the server would accept now, less what is on its way.
	tokens float64
	// perSecond is the refill; perHour the size of the full bucket.
	perSecond, perHour float64
	updated            time.Time
	// metered is false until an answer carried the limit's headers.
	// unlimited is true once an answer came without them.
	metered, unlimited bool
	pausedUntil        time.Time
	inFlight           int
	// granted numbers the grants; newest is the latest one whose answer was
	// read, so that an answer that was overtaken cannot raise the estimate.
	granted, newest uint64
	waiting         waiters
	stopTimer       func()
	requests        int64
}

// NewBucket makes the bucket of one account; nothing is known of its limit
// until the server's first answer.
func NewBucket(clock Clock) *Bucket {
	return &Bucket{clock: clock, updated: clock.Now()}
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
	b.refill()
	p := Pressure{Full: 1, Waiting: b.waiting.Len()}
	if b.metered && b.perHour > 0 {
		p.Full = max(0, min(1, b.tokens/b.perHour))
	}
	return p
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
		b.tokens++
		b.dispatch()
		return grant{}, ctx.Err()
	}
}

// refill adds what has accrued since the last look. Call with mu held.
func (b *Bucket) refill() {
	now := b.clock.Now()
	if b.metered {
		b.tokens = min(b.perHour, b.tokens+now.Sub(b.updated).Seconds()*b.perSecond)
	}
	b.updated = now
}

// dispatch grants what may be sent now and sets the timer for the rest. Call
// with mu held.
func (b *Bucket) dispatch() {
	b.refill()
	for b.waiting.Len() > 0 && b.delay() <= 0 {
		w := heap.Pop(&b.waiting).(*waiter)
		b.granted++
		b.inFlight++
		b.requests++
		b.tokens--
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
	pause := b.pausedUntil.Sub(b.updated)
	switch {
	case b.unlimited:
		return pause
	case !b.metered:
		if b.inFlight >= blindRequests {
			return never
		}
		return pause
	}
	missing := 1 + min(margin, b.perHour/2) - b.tokens
	if missing <= 0 {
		return pause
	}
	if b.perSecond <= 0 {
		return never
	}
	// A millisecond more than exact, so that rounding wakes nobody early.
	return max(pause, time.Duration(missing/b.perSecond*float64(time.Second))+time.Millisecond)
}

// answered takes note of a response, or of its absence (nil).
func (b *Bucket) answered(g grant, response *http.Response) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.inFlight--
	b.refill()
	defer b.dispatch()
	if response == nil {
		return
	}
	limit, errLimit := strconv.Atoi(response.Header.Get("RateLimit-Limit"))
	remaining, errRemaining := strconv.Atoi(response.Header.Get("RateLimit-Remaining"))
	if errLimit != nil || errRemaining != nil || limit <= 0 {
		// A gateway's error page has no headers either: it proves nothing.
		if !b.metered && response.StatusCode < http.StatusInternalServerError && response.StatusCode != http.StatusTooManyRequests {
			b.unlimited = true
		}
		b.pauseAfterRefusal(response)
		return
	}
	b.perHour, b.perSecond = float64(limit), float64(limit)/time.Hour.Seconds()
	estimate := float64(remaining - b.inFlight)
	// Others may spend from the same account, so a lower count always
	// counts; a higher one only from the newest answer.
	if !b.metered || estimate < b.tokens || g.number > b.newest {
		b.tokens = estimate
	}
	b.newest = max(b.newest, g.number)
	b.metered, b.unlimited = true, false
	b.pauseAfterRefusal(response)
}

// pauseAfterRefusal stops all requests after a 429 for as long as the server
// asks, else until one token has come back.
func (b *Bucket) pauseAfterRefusal(response *http.Response) {
	if response.StatusCode != http.StatusTooManyRequests {
		return
	}
	pause := time.Second
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil && seconds >= 0 {
		pause = min(time.Duration(seconds)*time.Second, 5*time.Minute)
	} else if b.perSecond > 0 {
		pause = time.Duration(float64(time.Second) / b.perSecond)
	}
	if until := b.updated.Add(pause); until.After(b.pausedUntil) {
		b.pausedUntil = until
	}
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
