package main

import (
	"context"
	"time"
)

// orphanCheck is how often a provider looks whether its Terraform still lives.
const orphanCheck = time.Second

// awaitOrphaned returns when the process has another parent than at first, or
// when ctx ends. A Terraform that is killed (SIGKILL, out of memory) stops its
// providers no more, and they would stay in memory for good; what they were
// doing is cancelled by the broken connection. Where the system keeps naming
// the dead parent (Windows), it waits for ctx.
func awaitOrphaned(ctx context.Context, every time.Duration, parent func() int) (orphaned bool) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for first := parent(); parent() == first; {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
	return true
}
