package hetzner

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/driver/retry"
)

// quiet is a driver whose pauses are only counted.
func quiet(slept *[]time.Duration) *Driver {
	return &Driver{log: slog.New(slog.DiscardHandler), sleep: func(ctx context.Context, d time.Duration) error {
		*slept = append(*slept, d)
		return ctx.Err()
	}}
}

var errLocked = hcloud.Error{Code: hcloud.ErrorCodeLocked, Message: "locked"}

func TestWhileBusyRepeatsUntilFree(t *testing.T) {
	var slept []time.Duration
	attempts := 0
	err := quiet(&slept).whileBusy(t.Context(), func() error {
		if attempts++; attempts < 8 {
			return errLocked
		}
		return nil
	})
	if err != nil || attempts != 8 {
		t.Fatalf("%d attempts, %v", attempts, err)
	}
	for i, pause := range slept {
		most := min(retry.FirstPause<<i, retry.MaxPause)
		if pause < most/2 || pause > most {
			t.Errorf("pause %d is %v, want between %v and %v", i, pause, most/2, most)
		}
	}
}

func TestWhileBusyLeavesOtherErrorsAlone(t *testing.T) {
	var slept []time.Duration
	refused := hcloud.Error{Code: hcloud.ErrorCodeProtected}
	if err := quiet(&slept).whileBusy(t.Context(), func() error { return refused }); !hcloud.IsError(err, hcloud.ErrorCodeProtected) || len(slept) > 0 {
		t.Errorf("%v after %d pauses", err, len(slept))
	}
}

func TestWhileBusyEndsWithTheContext(t *testing.T) {
	var slept []time.Duration
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := quiet(&slept).whileBusy(ctx, func() error { return errLocked })
	if !errors.Is(err, context.Canceled) || !hcloud.IsError(err, hcloud.ErrorCodeLocked) {
		t.Errorf("got %v, want both the refusal and the end of the context", err)
	}
}

func TestRetryKeepsItsLimit(t *testing.T) {
	var slept []time.Duration
	err := quiet(&slept).retry(t.Context(), patience, func(error) bool { return true }, func() error { return errLocked })
	if err == nil {
		t.Fatal("no error")
	}
	total := time.Duration(0)
	for _, pause := range slept {
		total += pause
	}
	if total > patience || total < patience-retry.MaxPause {
		t.Errorf("waited %v, want at most %v and not much less", total, patience)
	}
}
