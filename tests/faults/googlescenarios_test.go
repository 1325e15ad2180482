package faults

import (
	"math/rand/v2"
	"net/http"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

// failures are how operations fail that have begun, by the vendor's codes: some
// go with an HTTP status in the finished operation, the last with none.
func failures() []string {
	return []string{"INTERNAL_ERROR", "RESOURCE_OPERATION_RATE_EXCEEDED", "QUOTA_EXCEEDED", "RESOURCE_NOT_READY", "BACKEND_ERROR"}
}

// googleScenarios are Hetzner's, with the errors that Compute Engine answers.
func googleScenarios() []scenario {
	writes := "POST|PUT|PATCH|DELETE"
	return []scenario{
		{name: "server errors", arm: func(r *rand.Rand, sim *simcloud.Sim) {
			for _, status := range []int{500, 502, 503, 504} {
				add(sim, simcloud.Fault{Kind: simcloud.FaultError, Status: status, Probability: 0.05 + r.Float64()/12})
			}
		}},
		{name: "dropped before", arm: func(r *rand.Rand, sim *simcloud.Sim) {
			add(sim, simcloud.Fault{Kind: simcloud.FaultDropBefore, Probability: 0.1 + r.Float64()/4})
		}},
		{name: "dropped after the write took effect", arm: func(r *rand.Rand, sim *simcloud.Sim) {
			add(sim, simcloud.Fault{Kind: simcloud.FaultDropAfter, Probability: 0.1 + r.Float64()/4})
		}},
		{name: "every first answer to a write lost", arm: func(_ *rand.Rand, sim *simcloud.Sim) {
			add(sim, simcloud.Fault{Kind: simcloud.FaultDropAfter, Method: writes, Count: 40})
		}},
		{name: "operation failed", arm: func(r *rand.Rand, sim *simcloud.Sim) {
			for _, code := range failures() {
				add(sim, simcloud.Fault{Kind: simcloud.FaultActionFailed, Code: code, Message: "It did not work out.", Probability: 0.02 + r.Float64()/12, Count: 3})
			}
		}},
		{name: "operation stuck", arm: func(r *rand.Rand, sim *simcloud.Sim) {
			add(sim, simcloud.Fault{Kind: simcloud.FaultActionStuck, Probability: 0.2 + r.Float64()/3, Count: 1 + r.IntN(2)})
		}},
		{name: "no capacity", arm: func(r *rand.Rand, sim *simcloud.Sim) {
			add(sim, simcloud.Fault{Kind: simcloud.FaultCapacity, ServerType: googleType, Location: googleZone, Count: 1 + r.IntN(4)})
		}},
		{name: "location lost", arm: func(r *rand.Rand, sim *simcloud.Sim) {
			at := []string{googleZone, googleRegion}[r.IntN(2)]
			add(sim, simcloud.Fault{Kind: simcloud.FaultLocationLost, Location: at, Seconds: 2 + 20*r.Float64()})
		}},
		{name: "storm of 403 rateLimitExceeded", arm: func(r *rand.Rand, sim *simcloud.Sim) {
			add(sim, simcloud.Fault{Kind: simcloud.FaultRateLimit, Probability: 0.5 + r.Float64()/2, Seconds: 2 + 4*r.Float64()})
		}},
		{name: "not ready, and fingerprints of yesterday", arm: func(_ *rand.Rand, sim *simcloud.Sim) {
			add(sim, simcloud.Fault{Kind: simcloud.FaultError, Status: http.StatusBadRequest, Code: "resourceNotReady", Method: writes, Probability: 0.2, Count: 20},
				simcloud.Fault{Kind: simcloud.FaultError, Status: http.StatusPreconditionFailed, Code: "conditionNotMet", Method: "POST|PATCH",
					Path: "setCommonInstanceMetadata|/subnetworks/", Probability: 0.4, Count: 10})
		}},
		{name: "quota used up", arm: func(r *rand.Rand, sim *simcloud.Sim) {
			sim.FillQuota(3 + r.IntN(10))
		}},
		{name: "everything", arm: func(_ *rand.Rand, sim *simcloud.Sim) {
			add(sim, simcloud.Fault{Kind: simcloud.FaultError, Status: 503, Probability: 0.1},
				simcloud.Fault{Kind: simcloud.FaultDropBefore, Probability: 0.05},
				simcloud.Fault{Kind: simcloud.FaultDropAfter, Probability: 0.1},
				simcloud.Fault{Kind: simcloud.FaultRateLimit, Probability: 0.05},
				simcloud.Fault{Kind: simcloud.FaultActionFailed, Probability: 0.05, Count: 4},
				simcloud.Fault{Kind: simcloud.FaultActionStuck, Probability: 0.03, Count: 1},
				simcloud.Fault{Kind: simcloud.FaultCapacity, ServerType: googleType, Location: googleZone, Probability: 0.2, Count: 2},
				simcloud.Fault{Kind: simcloud.FaultError, Status: http.StatusBadRequest, Code: "resourceNotReady", Method: writes, Probability: 0.1, Count: 20})
		}},
	}
}
