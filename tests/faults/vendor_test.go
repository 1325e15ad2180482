package faults

import (
	"slices"
	"strings"
	"testing"
)

// vendor is what differs between the clouds on which the region stands.
type vendor struct {
	// name is the cloud's; testdata/<name> holds its part of the configuration.
	name string
	// environment leads the provider to the embedded cloud at a base URL.
	environment func(base string) []string
	// runs is how many seeds are tried; FAULT_TF_RUNS changes it.
	runs int
	// requests are how many, polls aside, bring the region up or take it down
	// at least: misfortune begins somewhere among them.
	requests int
	// scenarios are the kinds of misfortune, as this vendor's API has them.
	scenarios []scenario
	// holds is what the declared region consists of, by kind of object.
	holds map[string]int
	// lasting are the kinds of objects that nothing may replace while they are
	// healthy.
	lasting []string
	// passing tells which objects of those kinds come and go with another.
	passing func(kind, name string) bool
	// creations are the commands whose failure spoils the object that they make.
	creations []string
	// inspect compares each object with what is declared, as the vendor's own
	// client sees it, and gives the ids of what it saw by the state's addresses.
	inspect func(*testing.T, *region) map[string]string
	// empty checks what no count of objects tells once all is destroyed.
	empty func(*testing.T, *region)
}

// vendors are the clouds; each has all scenarios and ways to die.
func vendors() []vendor { return []vendor{onHetzner(), onGoogle()} }

// inventory counts what the cloud holds of the kinds that the region is made of.
func (r *region) inventory() map[string]int {
	counts := map[string]int{}
	for kind := range r.vendor.holds {
		counts[kind] = len(r.Objects(kind))
	}
	return counts
}

// base is where the embedded clouds are served.
func (r *region) base() string { return strings.TrimSuffix(r.HetznerEndpoint(), "/v1") }

// spoiled tells whether a command's failure leaves nothing that could be kept.
func (v vendor) spoiled(command string) bool { return slices.Contains(v.creations, command) }
