package retry

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"
)

var (
	errBusy  = errors.New("busy")
	errOther = errors.New("other")
)

func TestDo(t *testing.T) {
	tests := map[string]struct {
		answers  []error
		limit    time.Duration
		cancelAt int // the pause in which the context ends; 0: never
		attempts int
		want     error
	}{
		"at once":             {answers: []error{nil}, attempts: 1},
		"after two pauses":    {answers: []error{errBusy, errBusy, nil}, attempts: 3},
		"another error ends":  {answers: []error{errBusy, errOther}, attempts: 2, want: errOther},
		"the limit ends":      {answers: []error{errBusy, errBusy, errBusy, errBusy, errBusy, errBusy}, limit: 2 * time.Second, attempts: 3, want: errBusy},
		"so does the context": {answers: []error{errBusy, errBusy, errBusy}, cancelAt: 2, attempts: 2, want: context.Canceled},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var pauses []time.Duration
			policy := Policy{Vendor: "Test Cloud", Log: slog.New(slog.DiscardHandler), Sleep: func(_ context.Context, d time.Duration) error {
				pauses = append(pauses, d)
				if len(pauses) == test.cancelAt {
					return context.Canceled
				}
				return nil
			}}
			attempts := 0
			err := policy.Do(t.Context(), test.limit, func(err error) bool { return errors.Is(err, errBusy) }, func() error {
				attempts++
				return test.answers[attempts-1]
			})
			// Jitter decides whether the second or third pause passes the limit.
			if !errors.Is(err, test.want) || attempts > test.attempts || test.limit == 0 && attempts != test.attempts {
				t.Errorf("%v after %d attempts, want %v after %d", err, attempts, test.want, test.attempts)
			}
			if test.cancelAt > 0 && !errors.Is(err, errBusy) {
				t.Errorf("%v does not tell what the attempt met", err)
			}
			full := FirstPause
			for i, pause := range pauses {
				if pause < full/2 || pause > full {
					t.Errorf("pause %d took %s, want %s to %s", i, pause, full/2, full)
				}
				full = min(2*full, MaxPause)
			}
		})
	}
}

func TestSleepEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Sleep(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("slept through: %v", err)
	}
	if err := Sleep(t.Context(), time.Nanosecond); err != nil {
		t.Error(err)
	}
}
