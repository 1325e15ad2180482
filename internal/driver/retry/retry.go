// Package retry repeats what a vendor refuses for a moment: an object is busy,
// or is not yet free of another. It is about objects; broken connections and
// request limits are the HTTP client's business. It may import the standard
// library, and any driver may import it.
package retry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"
)

// Pauses between attempts: short ones first, since most work on an object
// takes seconds.
const (
	FirstPause = time.Second
	MaxPause   = 15 * time.Second
)

// Policy is how a driver repeats. All fields are required.
type Policy struct {
	// Vendor is named in the log: "Hetzner Cloud".
	Vendor string
	Sleep  func(context.Context, time.Duration) error
	Log    *slog.Logger
}

// Do repeats an attempt while its error is of the kind that passes, with
// jittered, growing pauses, until the context ends or the pauses add up to
// the limit (0: none). It answers the last attempt's error.
func (p Policy) Do(ctx context.Context, limit time.Duration, passes func(error) bool, attempt func() error) error {
	pause, waited := FirstPause, time.Duration(0)
	for {
		err := attempt()
		if err == nil || !passes(err) {
			return err
		}
		// Half of the pause is chance, so that many callers do not come back
		// at the same moment.
		jittered := pause/2 + time.Duration(rand.Int64N(int64(pause/2)+1))
		if limit > 0 && waited+jittered > limit {
			return err
		}
		p.Log.DebugContext(ctx, p.Vendor+" object is busy, trying again", "pause", jittered, "error", err)
		if ended := p.Sleep(ctx, jittered); ended != nil {
			return errors.Join(err, fmt.Errorf("gave up: %w", ended))
		}
		waited += jittered
		pause = min(2*pause, MaxPause)
	}
}

// Sleep waits in real time, or until the context ends: then with its error.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
