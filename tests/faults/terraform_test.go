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

	"github.com/holdfast-cloud/terraform-provider-holdfast/tests/harness"
)

const (
	// runsPerKill is how many seeds of scenarios there are for each seed of a
	// way to die.
	runsPerKill = 8
)

// TestMain lets more tests run at the same time than there are processors:
// those with a real Terraform mostly wait.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
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

// TestTerraform runs regions through a real Terraform process, on each cloud.
func TestTerraform(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the provider and runs Terraform some 400 times")
	}
	cli, built := build(t)
	for _, v := range vendors() {
		work := prepare(t, cli, built, v)
		t.Run(v.name, func(t *testing.T) { regions(t, v, work) })
	}
}

// regions brings up and down as many regions of a vendor as are asked for.
func regions(t *testing.T, v vendor, work *harness.Workspace) {
	t.Parallel()
	runs := runsOf(t, "FAULT_TF_RUNS", v.runs)
	for seed := range runs {
		s := v.scenarios[seed%len(v.scenarios)]
		t.Run(fmt.Sprintf("seed=%d/%s", seed, s.name), func(t *testing.T) {
			t.Parallel()
			underFaults(t, newRegion(t, v, work, uint64(seed)), s, rand.New(rand.NewPCG(uint64(seed), 2)))
		})
	}
	for i, d := range deaths() {
		for seed := range max(1, runs/runsPerKill) {
			t.Run(fmt.Sprintf("killed/%s/seed=%d", d.name, seed), func(t *testing.T) {
				needsProc(t)
				t.Parallel()
				killed9(t, newRegion(t, v, work, uint64(seed)), d, rand.New(rand.NewPCG(uint64(seed), 3+uint64(i))))
			})
		}
	}
}

// underFaults brings a region up and down while the scenario strikes.
func underFaults(t *testing.T, r *region, s scenario, random *rand.Rand) {
	arm := func(*os.Process) { s.arm(random, r.Sim.Sim) }
	before := map[string]bool{}
	apply := r.run(t, random.IntN(r.vendor.requests), arm, "apply")
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

	r.run(t, random.IntN(r.vendor.requests), arm, "destroy")
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
	r.run(t, 1+random.IntN(r.vendor.requests), strike, "apply")
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

	r.run(t, 1+random.IntN(r.vendor.requests), strike, "destroy")
	if r.mend(t) {
		r.converge(t) // which finds what is left
	}
	r.destroy(t)
}
