package faults

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

const (
	tenants = 5
	// runs is how many seeds are tried; FAULT_RUNS changes it.
	runs = 240
	// attempts is how often apply may be repeated while faults strike.
	attempts = 4
	// applyTimeout stands for the resources' timeouts, so that a stuck action
	// ends.
	applyTimeout = time.Hour
)

// scenario is one kind of misfortune.
type scenario struct {
	name string
	// arm sets faults up with random details.
	arm func(*rand.Rand, *simcloud.Sim)
	// kills says that the process dies at a random moment.
	kills bool
}

func add(sim *simcloud.Sim, faults ...simcloud.Fault) {
	for _, fault := range faults {
		if _, err := sim.AddFault(fault); err != nil {
			panic(err)
		}
	}
}

func scenarios() []scenario {
	return []scenario{
		{name: "server errors", arm: func(r *rand.Rand, sim *simcloud.Sim) {
			for _, status := range []int{500, 502, 503, 504} {
				add(sim, simcloud.Fault{Kind: simcloud.FaultError, Status: status, Probability: 0.05 + r.Float64()/8})
			}
		}},
		{name: "dropped before", arm: func(r *rand.Rand, sim *simcloud.Sim) {
			add(sim, simcloud.Fault{Kind: simcloud.FaultDropBefore, Probability: 0.1 + r.Float64()/3})
		}},
		{name: "dropped after the write took effect", arm: func(r *rand.Rand, sim *simcloud.Sim) {
			add(sim, simcloud.Fault{Kind: simcloud.FaultDropAfter, Probability: 0.1 + r.Float64()/3})
		}},
		{name: "every first answer to a write lost", arm: func(_ *rand.Rand, sim *simcloud.Sim) {
			add(sim, simcloud.Fault{Kind: simcloud.FaultDropAfter, Method: "POST|PUT|DELETE", Count: 25})
		}},
		{name: "action failed", arm: func(r *rand.Rand, sim *simcloud.Sim) {
			add(sim, simcloud.Fault{Kind: simcloud.FaultActionFailed, Probability: 0.05 + r.Float64()/3, Count: 8})
		}},
		{name: "action stuck", arm: func(r *rand.Rand, sim *simcloud.Sim) {
			add(sim, simcloud.Fault{Kind: simcloud.FaultActionStuck, Probability: 0.1 + r.Float64()/4, Count: 1 + r.IntN(2)})
		}},
		{name: "no capacity", arm: func(r *rand.Rand, sim *simcloud.Sim) {
			add(sim, simcloud.Fault{Kind: simcloud.FaultCapacity, ServerType: "cx23", Location: "fsn1", Count: 1 + r.IntN(6)})
		}},
		{name: "location lost", arm: func(r *rand.Rand, sim *simcloud.Sim) {
			add(sim, simcloud.Fault{Kind: simcloud.FaultLocationLost, Location: "fsn1", Seconds: 60 + 600*r.Float64()})
		}},
		{name: "storm of 429", arm: func(r *rand.Rand, sim *simcloud.Sim) {
			add(sim, simcloud.Fault{Kind: simcloud.FaultRateLimit, Probability: 0.5 + r.Float64()/2, Seconds: 30 + 300*r.Float64()})
		}},
		{name: "locked and conflict", arm: func(r *rand.Rand, sim *simcloud.Sim) {
			add(sim, simcloud.Fault{Kind: simcloud.FaultError, Status: http.StatusLocked, Code: "locked", Method: "POST|PUT|DELETE", Probability: 0.3, Count: 40},
				simcloud.Fault{Kind: simcloud.FaultError, Status: http.StatusConflict, Code: "conflict", Method: "POST|PUT|DELETE", Probability: 0.3, Count: 40})
		}},
		{name: "stolen quota", arm: func(r *rand.Rand, sim *simcloud.Sim) {
			sim.FillQuota(5 + r.IntN(10))
			add(sim, simcloud.Fault{Kind: simcloud.FaultQuota, TokensPerSecond: 0.3 + r.Float64()/3})
		}},
		{name: "killed", arm: func(*rand.Rand, *simcloud.Sim) {}, kills: true},
		{name: "killed while answers are lost", kills: true, arm: func(r *rand.Rand, sim *simcloud.Sim) {
			add(sim, simcloud.Fault{Kind: simcloud.FaultDropAfter, Probability: 0.2 + r.Float64()/3},
				simcloud.Fault{Kind: simcloud.FaultActionFailed, Probability: 0.1, Count: 3})
		}},
		{name: "everything", kills: true, arm: func(r *rand.Rand, sim *simcloud.Sim) {
			add(sim, simcloud.Fault{Kind: simcloud.FaultError, Status: 503, Probability: 0.1},
				simcloud.Fault{Kind: simcloud.FaultDropBefore, Probability: 0.05},
				simcloud.Fault{Kind: simcloud.FaultDropAfter, Probability: 0.1},
				simcloud.Fault{Kind: simcloud.FaultRateLimit, Probability: 0.1},
				simcloud.Fault{Kind: simcloud.FaultActionFailed, Probability: 0.1, Count: 4},
				simcloud.Fault{Kind: simcloud.FaultActionStuck, Probability: 0.05, Count: 1},
				simcloud.Fault{Kind: simcloud.FaultError, Status: http.StatusLocked, Code: "locked", Method: "POST|PUT|DELETE", Probability: 0.1, Count: 20})
		}},
	}
}

func TestRepeatedApplyConverges(t *testing.T) {
	count := runs
	if text := os.Getenv("FAULT_RUNS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatalf("FAULT_RUNS: %v", err)
		}
		count = n
	}
	all := scenarios()
	for seed := range count {
		s := all[seed%len(all)]
		t.Run(fmt.Sprintf("seed=%d/%s", seed, s.name), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { converge(t, s, uint64(seed)) })
		})
	}
}

// converge brings a region up and down while the scenario strikes.
func converge(t *testing.T, s scenario, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 1))
	options := simcloud.Realistic()
	options.Seed = seed
	sim, err := simcloud.New(options)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	}()
	w := newWorld(sim, tenants)

	s.arm(random, sim)
	strike(t, w, s, random, (*run).apply)
	calmDown(t, sim)
	calm(t, w, "apply", (*run).apply)
	want := map[string]int{"server": tenants, "volume": tenants, "network": tenants, "firewall": tenants, "ssh_key": 1, "primary_ip": 2 * tenants}
	if got := w.inventory(); !maps.Equal(got, want) {
		t.Fatalf("the cloud holds %v, declared is %v", got, want)
	}
	if len(w.state) != 4*tenants+1 {
		t.Fatalf("the state holds %d objects, want %d", len(w.state), 4*tenants+1)
	}

	s.arm(random, sim)
	strike(t, w, s, random, (*run).destroy)
	calmDown(t, sim)
	calm(t, w, "destroy", (*run).destroy)
	if got := w.inventory(); len(got) != 0 {
		t.Fatalf("after destroy the cloud still holds %v", got)
	}
}

// calmDown ends all misfortune; stuck actions go on, as when the vendor's
// staff have helped.
func calmDown(t *testing.T, sim *simcloud.Sim) {
	t.Helper()
	sim.ClearFaults()
	if _, err := sim.ReleaseStuck(); err != nil {
		t.Fatal(err)
	}
}

// strike repeats an operation under faults a few times; it may fail.
func strike(t *testing.T, w *world, s scenario, random *rand.Rand, operation func(*run, context.Context) error) {
	for attempt := range attempts {
		r, err := w.start()
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), applyTimeout)
		if s.kills {
			ctx, cancel = kill(t.Context(), time.Duration(random.Int64N(int64(25*time.Second))))
		}
		err = operation(r, ctx)
		cancel()
		if err == nil {
			return
		}
		t.Logf("attempt %d: %v", attempt+1, err)
	}
}

// calm repeats an operation without faults until it succeeds. What an earlier
// process left behind may need a second go, as with a failed create that is
// replaced; more than three would not be converging.
func calm(t *testing.T, w *world, name string, operation func(*run, context.Context) error) {
	var errs []error
	for range 3 {
		r, err := w.start()
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), applyTimeout)
		err = operation(r, ctx)
		cancel()
		if err == nil {
			return
		}
		errs = append(errs, err)
	}
	t.Fatalf("%s does not converge although nothing fails any more: %v", name, errors.Join(errs...))
}
