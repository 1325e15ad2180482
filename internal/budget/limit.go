package budget

import (
	"net/http"
	"strconv"
	"time"
)

// limit is what a bucket knows of its account's request limit. The bucket
// serializes the calls.
type limit interface {
	// delay tells how long the next request has to wait, never if only an
	// answer can tell. refused counts the last refusals in a row.
	delay(now time.Time, inFlight, refused int) time.Duration
	// spend counts a request that is sent now, giveBack takes back the last
	// one that was counted and not sent.
	spend(now time.Time)
	giveBack()
	// learn reads an answer; inFlight is how many others are on their way.
	learn(now time.Time, g grant, inFlight int, response *http.Response)
	// pause is how long nothing is sent after the nth refusal in a row.
	pause(refused int) time.Duration
	// full is the share that is left, 0 to 1.
	full(now time.Time) float64
}

const (
	// blindRequests may be on their way before the server's first answer has
	// told how many there may be.
	blindRequests = 4
	// margin is how many requests stay unspent, for what other clients of
	// the account send between two of the server's answers.
	margin = 2
)

// headerLimit is a token bucket on the server's side, as its headers last
// told it (RateLimit-Limit, RateLimit-Remaining; refilled evenly over an
// hour).
type headerLimit struct {
	// tokens is what the server would accept now, less what is on its way.
	tokens float64
	// perSecond is the refill; perHour the size of the full bucket.
	perSecond, perHour float64
	updated            time.Time
	// metered is false until an answer carried the limit's headers.
	// unlimited is true once an answer came without them.
	metered, unlimited bool
	// newest is the latest grant whose answer was read, so that an answer that
	// was overtaken cannot raise the estimate.
	newest uint64
}

// refill adds what has accrued since the last look.
func (l *headerLimit) refill(now time.Time) {
	if l.metered {
		l.tokens = min(l.perHour, l.tokens+now.Sub(l.updated).Seconds()*l.perSecond)
	}
	l.updated = now
}

func (l *headerLimit) delay(now time.Time, inFlight, _ int) time.Duration {
	l.refill(now)
	switch {
	case l.unlimited:
		return 0
	case !l.metered:
		if inFlight >= blindRequests {
			return never
		}
		return 0
	}
	missing := 1 + min(margin, l.perHour/2) - l.tokens
	if missing <= 0 {
		return 0
	}
	if l.perSecond <= 0 {
		return never
	}
	// A millisecond more than exact, so that rounding wakes nobody early.
	return time.Duration(missing/l.perSecond*float64(time.Second)) + time.Millisecond
}

func (l *headerLimit) spend(time.Time) { l.tokens-- }
func (l *headerLimit) giveBack()       { l.tokens++ }

func (l *headerLimit) learn(now time.Time, g grant, inFlight int, response *http.Response) {
	l.refill(now)
	size, errLimit := strconv.Atoi(response.Header.Get("RateLimit-Limit"))
	remaining, errRemaining := strconv.Atoi(response.Header.Get("RateLimit-Remaining"))
	if errLimit != nil || errRemaining != nil || size <= 0 {
		// A gateway's error page has no headers either: it proves nothing.
		if !l.metered && response.StatusCode < http.StatusInternalServerError && !rateLimited(response) {
			l.unlimited = true
		}
		return
	}
	l.perHour, l.perSecond = float64(size), float64(size)/time.Hour.Seconds()
	estimate := float64(remaining - inFlight)
	// Others may spend from the same account, so a lower count always
	// counts; a higher one only from the newest answer.
	if !l.metered || estimate < l.tokens || g.number > l.newest {
		l.tokens = estimate
	}
	l.newest = max(l.newest, g.number)
	l.metered, l.unlimited = true, false
}

// pause lasts until one token has come back.
func (l *headerLimit) pause(int) time.Duration {
	if l.perSecond > 0 {
		return time.Duration(float64(time.Second) / l.perSecond)
	}
	return time.Second
}

func (l *headerLimit) full(now time.Time) float64 {
	l.refill(now)
	if !l.metered || l.perHour <= 0 {
		return 1
	}
	return max(0, min(1, l.tokens/l.perHour))
}

// windowLimit is a known number of requests within any minute. Whether the
// server counts calendar minutes or the last sixty seconds, it never sees
// more. When it refuses all the same, others spend from the account: then one
// request at a time finds out when there is room again.
type windowLimit struct {
	most int
	// sent holds when the requests of the last minute were granted.
	sent []time.Time
}

// window is what the limit counts in.
const window = time.Minute

// forget drops what is older than the window.
func (l *windowLimit) forget(now time.Time) {
	old := 0
	for old < len(l.sent) && now.Sub(l.sent[old]) >= window {
		old++
	}
	l.sent = l.sent[old:]
}

func (l *windowLimit) delay(now time.Time, inFlight, refused int) time.Duration {
	l.forget(now)
	if refused > 0 && inFlight > 0 {
		return never
	}
	if len(l.sent) < l.most {
		return 0
	}
	return l.sent[len(l.sent)-l.most].Add(window).Sub(now)
}

func (l *windowLimit) spend(now time.Time) { l.sent = append(l.sent, now) }
func (l *windowLimit) giveBack()           { l.sent = l.sent[:max(0, len(l.sent)-1)] }

func (l *windowLimit) learn(time.Time, grant, int, *http.Response) {}

// pause doubles from a second to half a window: the server counts anew at the
// latest after a whole one.
func (l *windowLimit) pause(refused int) time.Duration {
	return min(time.Second<<min(max(refused-1, 0), 16), window/2)
}

func (l *windowLimit) full(now time.Time) float64 {
	l.forget(now)
	return 1 - float64(min(len(l.sent), l.most))/float64(l.most)
}
