package main

import (
	"math"
	"os"
	"runtime/debug"
	"testing"
)

func TestTuneLeavesALogThatSomebodyWants(t *testing.T) {
	for _, wanted := range append([]string{""}, logVariables...) {
		t.Run("wanted by "+wanted, func(t *testing.T) {
			limit, percent := debug.SetMemoryLimit(-1), debug.SetGCPercent(100)
			t.Cleanup(func() { debug.SetMemoryLimit(limit); debug.SetGCPercent(percent) })
			for _, name := range append([]string{"GOGC", "GOMEMLIMIT"}, logVariables...) {
				t.Setenv(name, "")
			}
			if wanted != "" {
				t.Setenv(wanted, "trace")
			}
			tune()
			want := "off"
			switch wanted {
			case "TF_LOG_SDK":
				want = "trace"
			case "TF_LOG", "TF_LOG_PROVIDER":
				want = ""
			}
			if got := os.Getenv("TF_LOG_SDK"); got != want {
				t.Errorf("TF_LOG_SDK is %q, want %q", got, want)
			}
			if got := debug.SetMemoryLimit(-1); got != memoryLimit {
				t.Errorf("memory limit %d, want %d", got, memoryLimit)
			}
		})
	}
	t.Run("settings of a person hold", func(t *testing.T) {
		limit := debug.SetMemoryLimit(math.MaxInt64)
		t.Cleanup(func() { debug.SetMemoryLimit(limit) })
		t.Setenv("GOGC", "50")
		t.Setenv("GOMEMLIMIT", "1GiB")
		tune()
		if got := debug.SetMemoryLimit(-1); got != math.MaxInt64 {
			t.Errorf("memory limit %d was set over GOMEMLIMIT", got)
		}
	})
}
