package main

import (
	"os"
	"runtime/debug"
)

// garbageCollection lets the heap grow to five times what is in use before it
// is collected, within memoryLimit: a plan of thousands of objects decodes and
// drops a lot and keeps little.
const (
	garbageCollection = 400
	memoryLimit       = 192 << 20
)

// logVariables ask Terraform for a provider's log.
var logVariables = []string{"TF_LOG", "TF_LOG_PROVIDER", "TF_LOG_SDK"}

// tune spares the provider process work that nobody wants. What a person has
// set in the environment holds.
func tune() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbageCollection)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
	// A plugin writes every trace of its framework to Terraform, dozens a
	// resource, and Terraform drops them unless a log was asked for.
	for _, name := range logVariables {
		if os.Getenv(name) != "" {
			return
		}
	}
	// Cannot fail: the name is neither empty nor holds "=" or a NUL.
	_ = os.Setenv("TF_LOG_SDK", "off")
}
