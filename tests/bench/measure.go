package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/tests/harness"
)

// leastWrites is what one tenant takes at the very least: network with its
// subnet, firewall with its rules, volume, and server with all of them.
const leastWrites = 4

// full asks the embedded cloud for a full request limit.
const full = -1

// measure creates n tenants, plans without a change, and destroys them,
// under the vendor's real limit and with its actions' usual durations.
func (s settings) measure(ctx context.Context, c contender, provider harness.Provider, n, parallelism int) (results []result, err error) {
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
	dir, err := writeStack(s.dir, c, n, sim, states.Address("bench"))
	if err != nil {
		return nil, err
	}
	work, err := harness.NewWorkspace(s.cli, dir, provider)
	if err != nil {
		return nil, err
	}
	if _, err := work.Run(ctx, "init", "-no-color"); err != nil {
		return nil, err
	}
	add := func(metric string, value float64, unit string) {
		results = append(results, result{Metric: metric, N: n, Value: value, Unit: unit, Who: c.who, Parallelism: parallelism})
	}
	var peak int64
	memory := "provider.peak_rss_mib"
	if c.cloud != simcloud.Hetzner {
		memory = c.metric + "." + memory
	}
	defer func() { add(memory, float64(peak)/(1<<20), "MiB") }()
	parallel := fmt.Sprintf("-parallelism=%d", parallelism)
	steps := []struct {
		name      string
		arguments []string
		machines  int
	}{
		{"create", []string{"apply", "-auto-approve", "-no-color", parallel}, n},
		{"noop_plan", []string{"plan", "-detailed-exitcode", "-no-color", parallel}, n},
		{"destroy", []string{"destroy", "-auto-approve", "-no-color", parallel}, 0},
	}
	for _, step := range steps {
		sim.FillQuota(full)
		sim.ResetRequests()
		stop := s.follow(sim, c.cloud)
		result, err := work.Run(ctx, step.arguments...)
		stop()
		peak = max(peak, result.ProviderPeakRSS)
		counts := sim.CountsOf(c.cloud)
		add(c.metric+"."+step.name+".requests_per_tenant", float64(counts.Total)/float64(n), "requests")
		_, writes, _ := counts.Split()
		add(c.metric+"."+step.name+".writes_per_tenant", float64(writes)/float64(n), "requests")
		add(c.metric+"."+step.name+".wall_s", result.Wall.Seconds(), "s")
		fmt.Printf("%-8s %s n=%-4d parallelism=%-3d %-9s %5d requests in %.1f s (%s)\n",
			c.who, c.metric, n, parallelism, step.name, counts.Total, result.Wall.Seconds(), describe(counts))
		if step.name == "create" && c.cloud == simcloud.Hetzner {
			if imposed := imposedByLimit(n); imposed > 0 {
				add("hetzner.create.limit_factor", result.Wall.Seconds()/imposed.Seconds(), "x")
			}
		}
		machines := len(sim.Objects(c.machine))
		if err != nil {
			add(c.metric+"."+step.name+".servers", float64(machines), "servers")
			return results, err
		}
		if machines != step.machines {
			return results, fmt.Errorf("after %s there are %d machines, want %d", step.name, machines, step.machines)
		}
		if others := sim.Counts().Total - counts.Total; others != 0 {
			return results, fmt.Errorf("%s asked other clouds than %s %d times", step.name, c.cloud, others)
		}
	}
	return results, nil
}

// startSim starts the embedded clouds with the vendors' request limits.
func (s settings) startSim() (*harness.Sim, error) {
	options := simcloud.Realistic()
	options.DurationScale *= s.scale
	return harness.StartSim(options)
}

// imposedByLimit is the time that the request limit alone imposes on the
// least number of writes: 3,600 at once, then one a second.
func imposedByLimit(n int) time.Duration {
	return time.Duration(max(0, leastWrites*n+1-3600)) * time.Second
}

// follow tells every ten seconds what was asked so far, until it is stopped.
func (s settings) follow(sim *harness.Sim, cloud string) (stop func()) {
	if !s.verbose {
		return func() {}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	begun := time.Now()
	go func() {
		defer close(ended)
		tick := time.NewTicker(10 * time.Second)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				counts := sim.CountsOf(cloud)
				fmt.Printf("  %4.0f s: %d requests (%s)\n", time.Since(begun).Seconds(), counts.Total, describe(counts))
			}
		}
	}()
	return func() { close(done); <-ended }
}

// describe lists the requests by route, the most frequent first.
func describe(counts harness.Requests) string {
	routes := slices.SortedFunc(maps.Keys(counts.Routes), func(a, b string) int {
		if d := counts.Routes[b] - counts.Routes[a]; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	var parts []string
	for _, route := range routes {
		parts = append(parts, fmt.Sprintf("%s ×%d", shortened(route), counts.Routes[route]))
	}
	if refused := counts.Status[429]; refused > 0 {
		parts = append(parts, fmt.Sprintf("429 ×%d", refused))
	}
	return strings.Join(parts, ", ")
}

// shortened leaves out what all of Google's paths begin with.
func shortened(route string) string {
	return strings.Replace(route, " /compute/v1/projects/{project}", " ", 1)
}
