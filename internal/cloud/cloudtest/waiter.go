package cloudtest

import (
	"context"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// Waiter is the simplest cloud.Waiter: every caller polls for itself. It lets
// a driver be tested without the call budget.
type Waiter struct {
	Poller cloud.OperationPoller
	// Pause between two polls.
	Pause time.Duration
}

// Wait implements cloud.Waiter.
func (w Waiter) Wait(ctx context.Context, operations ...cloud.Operation) error {
	ids := make([]string, len(operations))
	for i, operation := range operations {
		ids[i] = operation.ID
	}
	for {
		statuses, err := w.Poller.PollOperations(ctx, ids)
		if err != nil && !cloud.CodeOf(err).Temporary() {
			return err
		}
		// A poll that failed tells nothing: ask again.
		running := err != nil
		for _, status := range statuses {
			if status.Err != nil {
				return status.Err
			}
			running = running || !status.Done
		}
		if !running {
			return nil
		}
		timer := time.NewTimer(w.Pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}
