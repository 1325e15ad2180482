package main

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestAwaitOrphaned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		parent := func() int {
			if time.Since(began) > 90*time.Second {
				return 1
			}
			return 4711
		}
		if !awaitOrphaned(t.Context(), time.Second, parent) || time.Since(began) > 92*time.Second {
			t.Errorf("the orphan was not noticed in time, after %s", time.Since(began))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if awaitOrphaned(ctx, time.Second, func() int { return 4711 }) {
			t.Error("a process whose parent lives was taken for an orphan")
		}
	})
}
