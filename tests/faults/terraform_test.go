package faults

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/tests/harness"
)

const (
	// terraformRuns is how many seeds are tried; FAULT_TF_RUNS changes it.
	terraformRuns = 24
	// runsPerKill is how many of them there are for each seed of a way to die.
	runsPerKill = 8
	// requestsOfApply is how many requests, polls aside, bring the region up or
	// take it down at least: misfortune begins somewhere among them.
	requestsOfApply = 22
)

// TestMain lets more tests run at the same time than there are processors:
// those with a real Terraform mostly wait.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// realScenarios are those of the runs in simulated time, as long and as heavy
// as a command with timeouts of seconds meets them.
func realScenarios() []scenario {
	writes := "POST|PUT|DELETE"
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
			add(sim, simcloud.Fault{Kind: simcloud.FaultDropAfter, Method: writes, Count: 25})
		}},
		{name: "action failed", arm: func(r *rand.Rand, sim *simcloud.Sim) {
			add(sim, simcloud.Fault{Kind: simcloud.FaultActionFailed, Probability: 0.1 + r.Float64()/3, Count: 8})
		}},
		{name: "action stuck", arm: func(r *rand.Rand, sim *simcloud.Sim) {
			add(sim, simcloud.Fault{Kind: simcloud.FaultActionStuck, Probability: 0.2 + r.Float64()/3, Count: 1 + r.IntN(2)})
		}},
		{name: "no capacity", arm: func(r *rand.Rand, sim *simcloud.Sim) {
			add(sim, simcloud.Fault{Kind: simcloud.FaultCapacity, ServerType: "cx23", Location: "fsn1", Count: 1 + r.IntN(4)})
		}},
		{name: "location lost", arm: func(r *rand.Rand, sim *simcloud.Sim) {
			add(sim, simcloud.Fault{Kind: simcloud.FaultLocationLost, Location: "fsn1", Seconds: 2 + 20*r.Float64()})
		}},
		{name: "storm of 429", arm: func(r *rand.Rand, sim *simcloud.Sim) {
			add(sim, simcloud.Fault{Kind: simcloud.FaultRateLimit, Probability: 0.5 + r.Float64()/2, Seconds: 2 + 4*r.Float64()})
		}},
		{name: "locked and conflict", arm: func(_ *rand.Rand, sim *simcloud.Sim) {
			add(sim, simcloud.Fault{Kind: simcloud.FaultError, Status: 423, Code: "locked", Method: writes, Probability: 0.3, Count: 20},
				simcloud.Fault{Kind: simcloud.FaultError, Status: 409, Code: "conflict", Method: writes, Probability: 0.3, Count: 20})
		}},
		{name: "quota used up", arm: func(r *rand.Rand, sim *simcloud.Sim) {
			sim.FillQuota(3 + r.IntN(10))
		}},
		{name: "everything", arm: func(r *rand.Rand, sim *simcloud.Sim) {
			add(sim, simcloud.Fault{Kind: simcloud.FaultError, Status: 503, Probability: 0.1},
				simcloud.Fault{Kind: simcloud.FaultDropBefore, Probability: 0.05},
				simcloud.Fault{Kind: simcloud.FaultDropAfter, Probability: 0.1},
				simcloud.Fault{Kind: simcloud.FaultRateLimit, Probability: 0.05},
				simcloud.Fault{Kind: simcloud.FaultActionFailed, Probability: 0.1, Count: 4},
				simcloud.Fault{Kind: simcloud.FaultActionStuck, Probability: 0.05, Count: 1},
				simcloud.Fault{Kind: simcloud.FaultCapacity, ServerType: "cx23", Location: "fsn1", Probability: 0.2, Count: 2},
				simcloud.Fault{Kind: simcloud.FaultError, Status: 423, Code: "locked", Method: writes, Probability: 0.1, Count: 20})
		}},
	}
}

func runsOf(t *testing.T, variable string, standard int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return standard
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", variable, err)
	}
	return n
}

// TestTerraform runs regions through a real Terraform process.
func TestTerraform(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the provider and runs Terraform some 250 times")
	}
	work := prepare(t)
	all := realScenarios()
	runs := runsOf(t, "FAULT_TF_RUNS", terraformRuns)
	for seed := range runs {
		s := all[seed%len(all)]
		t.Run(fmt.Sprintf("seed=%d/%s", seed, s.name), func(t *testing.T) {
			t.Parallel()
			underFaults(t, newRegion(t, work, uint64(seed)), s, rand.New(rand.NewPCG(uint64(seed), 2)))
		})
	}
	for i, d := range deaths() {
		for seed := range runs / runsPerKill {
			t.Run(fmt.Sprintf("killed/%s/seed=%d", d.name, seed), func(t *testing.T) {
				needsProc(t)
				t.Parallel()
				killed9(t, newRegion(t, work, uint64(seed)), d, rand.New(rand.NewPCG(uint64(seed), 3+uint64(i))))
			})
		}
	}
}

// underFaults brings a region up and down while the scenario strikes.
func underFaults(t *testing.T, r *region, s scenario, random *rand.Rand) {
	arm := func(*os.Process) { s.arm(random, r.Sim.Sim) }
	before := map[string]bool{}
	apply := r.run(t, random.IntN(requestsOfApply), arm, "apply")
	maps.Copy(before, r.objects())
	if apply.err != nil {
		// The next one begins with what this one left, and under its faults.
		r.run(t, 0, nil, "apply")
		maps.Copy(before, r.objects())
	}
	r.calmDown(t)
	r.converge(t)
	r.complete(t)
	r.kept(t, before)

	r.run(t, random.IntN(requestsOfApply), arm, "destroy")
	r.calmDown(t)
	r.destroy(t)
}

// death is a way in which processes end.
type death struct {
	name string
	kill func(terraform *os.Process)
	// forgets says that the state is lost as well.
	forgets bool
}

func deaths() []death {
	provider := func(terraform *os.Process) {
		for _, pid := range harness.Children(terraform.Pid) {
			kill9(pid)
		}
	}
	both := func(terraform *os.Process) {
		providers := harness.Children(terraform.Pid)
		_ = terraform.Kill()
		for _, pid := range providers {
			kill9(pid)
		}
	}
	return []death{
		{name: "provider", kill: provider},
		{name: "terraform", kill: func(terraform *os.Process) { _ = terraform.Kill() }},
		{name: "both", kill: both},
		{name: "both, and the state is lost", kill: both, forgets: true},
		{name: "interrupted by a person", kill: func(terraform *os.Process) { _ = terraform.Signal(os.Interrupt) }},
	}
}

// killed9 brings a region up and down with processes that die midway.
func killed9(t *testing.T, r *region, d death, random *rand.Rand) {
	strike := func(terraform *os.Process) {
		time.Sleep(time.Duration(random.Int64N(int64(time.Second))))
		d.kill(terraform)
	}
	r.run(t, 1+random.IntN(requestsOfApply), strike, "apply")
	// The lock of a process that is dead is void: nothing has to be removed.
	r.mend(t)
	if d.forgets {
		if err := os.Remove(r.state()); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	before := r.objects()
	r.converge(t)
	r.complete(t)
	r.kept(t, before)

	r.run(t, 1+random.IntN(requestsOfApply), strike, "destroy")
	if r.mend(t) {
		r.converge(t) // which finds what is left
	}
	r.destroy(t)
}
