package budget

import "time"

// Clock is the time that this package lives by; tests hand in their own.
type Clock interface {
	Now() time.Time
	// AfterFunc runs f in a goroutine of its own after d; stop prevents it.
	AfterFunc(d time.Duration, f func()) (stop func())
}

// SystemClock is the machine's clock.
type SystemClock struct{}

// Now implements Clock.
func (SystemClock) Now() time.Time { return time.Now() }

// AfterFunc implements Clock.
func (SystemClock) AfterFunc(d time.Duration, f func()) func() {
	timer := time.AfterFunc(d, f)
	return func() { timer.Stop() }
}
