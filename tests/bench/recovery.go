package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/tests/harness"
)

// loss is a disaster and where the estate stands afterwards. Before it is in
// hetzner/fsn1.
type loss struct {
	metric string
	// lost is the word that the operator writes.
	lost string
	// next is the location that is next in the list, and cloud whose it is.
	next, cloud string
	// machine is the kind of the virtual machines there.
	machine string
	// fault lets it happen.
	fault simcloud.Fault
}

// losses are what the clouds in the list can take over.
func losses(clouds []string) []loss {
	all := []loss{
		{metric: "recovery.hetzner_to_hetzner", lost: "hetzner/fsn1", next: "hetzner/hel1", cloud: simcloud.Hetzner, machine: "server",
			fault: simcloud.Fault{Kind: simcloud.FaultLocationLost, Cloud: simcloud.Hetzner, Location: "fsn1"}},
		{metric: "recovery.hetzner_to_google", lost: "hetzner/*", next: "google/europe-west3-a", cloud: simcloud.Google, machine: "google_instance",
			fault: simcloud.Fault{Kind: simcloud.FaultLocationLost, Cloud: simcloud.Hetzner, Mode: simcloud.ModeDrop}},
	}
	return slices.DeleteFunc(all, func(l loss) bool { return !slices.Contains(clouds, l.cloud) })
}

// recoveryParallelism is what the runbook 'A data centre is gone' says.
const recoveryParallelism = 100

// estate is the one that is lost: the tenants of the benchmark in Hetzner
// Cloud, in a site with a stand-by.
func (l loss) estate() contender {
	return estate{
		metric: l.metric, cloud: l.cloud, machine: l.machine,
		settings: func(sim *harness.Sim) string {
			return "  lost_locations = var.lost\n" + hetznerSettings(sim) + googleSettings(sim)
		},
		site: fmt.Sprintf(`
variable "lost" {
  type    = set(string)
  default = []
}

data "holdfast_site" "region" {
  locations = ["hetzner/fsn1", %q]
}

output "location" { value = data.holdfast_site.region.location }
`, l.next),
		location: "data.holdfast_site.region.location",
		rules:    []string{httpsBothRule, sshRule}, networkID: true, ipv6: true,
	}.contender()
}

// recover makes an estate of n tenants, loses where it stands, and measures
// what it takes until it stands again: plan and apply, under the vendors'
// request limits, which are full at the beginning, and with the usual
// durations of their operations.
func (s settings) recover(ctx context.Context, l loss, n int) (results []result, err error) {
	sim, err := s.startSim()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, sim.Close()) }()
	states, err := harness.StartStateServer()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, states.Close()) }()
	dir, err := writeStack(s.dir, l.estate(), n, sim, states.Address("bench"))
	if err != nil {
		return nil, err
	}
	work, err := harness.NewWorkspace(s.cli, dir, s.provider)
	if err != nil {
		return nil, err
	}
	parallel := fmt.Sprintf("-parallelism=%d", recoveryParallelism)
	for _, arguments := range [][]string{{"init", "-no-color"}, {"apply", "-auto-approve", "-no-color", parallel}} {
		if _, err := work.Run(ctx, arguments...); err != nil {
			return nil, err
		}
	}
	machines := len(sim.Objects(l.machine))
	if _, err := sim.AddFault(l.fault); err != nil {
		return nil, err
	}
	sim.FillQuota(full)
	sim.ResetRequests()
	var wall time.Duration
	for _, arguments := range [][]string{
		{"plan", "-out=recovery.tfplan", "-no-color", parallel, fmt.Sprintf("-var=lost=[%q]", l.lost)},
		{"apply", "-no-color", parallel, "recovery.tfplan"},
	} {
		result, err := work.Run(ctx, arguments...)
		if err != nil {
			return nil, err
		}
		wall += result.Wall
	}
	if err := l.stands(ctx, sim, work, machines+n); err != nil {
		return nil, err
	}
	counts := sim.Counts()
	fmt.Printf("holdfast %s n=%d parallelism=%d: %d requests in %.1f s (%s)\n", l.metric, n, recoveryParallelism, counts.Total, wall.Seconds(), describe(counts))
	add := func(name string, value float64, unit string) {
		results = append(results, result{Metric: l.metric + "." + name, N: n, Value: value, Unit: unit, Who: "holdfast", Parallelism: recoveryParallelism})
	}
	_, writes, _ := counts.Split()
	add("requests", float64(counts.Total), "requests")
	add("writes", float64(writes), "requests")
	add("wall_s", wall.Seconds(), "s")
	return results, nil
}

// stands checks that the estate is where it should be, and that nothing was
// asked of what is lost.
func (l loss) stands(ctx context.Context, sim *harness.Sim, work *harness.Workspace, machines int) error {
	for _, fault := range sim.Faults() {
		if fault.Struck > 0 {
			return fmt.Errorf("%d requests met %s, which is lost", fault.Struck, l.lost)
		}
	}
	if found := len(sim.Objects(l.machine)); found != machines {
		return fmt.Errorf("after the recovery there are %d machines, want %d", found, machines)
	}
	at, err := work.Run(ctx, "output", "-raw", "location")
	if err != nil {
		return err
	}
	if found := strings.TrimSpace(at.Stdout); found != l.next {
		return fmt.Errorf("after the recovery the estate is in %s, want %s", found, l.next)
	}
	return nil
}
