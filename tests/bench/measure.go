package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
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
	sim, err := harness.StartSim(simcloud.Realistic())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, sim.Close()) }()
	states, err := harness.StartStateServer()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, states.Close()) }()
	dir, err := writeStack(s.dir, c, n, sim.HetznerEndpoint(), states.Address("bench"))
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
	defer func() { add("provider.peak_rss_mib", float64(peak)/(1<<20), "MiB") }()
	parallel := fmt.Sprintf("-parallelism=%d", parallelism)
	steps := []struct {
		name      string
		arguments []string
		servers   int
	}{
		{"create", []string{"apply", "-auto-approve", "-no-color", parallel}, n},
		{"noop_plan", []string{"plan", "-detailed-exitcode", "-no-color", parallel}, n},
		{"destroy", []string{"destroy", "-auto-approve", "-no-color", parallel}, 0},
	}
	for _, step := range steps {
		sim.FillQuota(full)
		sim.ResetRequests()
		stop := s.follow(sim)
		result, err := work.Run(ctx, step.arguments...)
		stop()
		peak = max(peak, result.ProviderPeakRSS)
		counts := sim.Counts()
		add("hetzner."+step.name+".requests_per_tenant", float64(counts.Total)/float64(n), "requests")
		add("hetzner."+step.name+".wall_s", result.Wall.Seconds(), "s")
		fmt.Printf("%-8s n=%-4d parallelism=%-3d %-9s %5d requests in %.1f s (%s)\n",
			c.who, n, parallelism, step.name, counts.Total, result.Wall.Seconds(), describe(counts))
		if step.name == "create" {
			if imposed := imposedByLimit(n); imposed > 0 {
				add("hetzner.create.limit_factor", result.Wall.Seconds()/imposed.Seconds(), "x")
			}
		}
		servers := len(sim.Objects("server"))
		if err != nil {
			add("hetzner."+step.name+".servers", float64(servers), "servers")
			return results, err
		}
		if servers != step.servers {
			return results, fmt.Errorf("after %s there are %d servers, want %d", step.name, servers, step.servers)
		}
	}
	return results, nil
}

// imposedByLimit is the time that the request limit alone imposes on the
// least number of writes: 3,600 at once, then one a second.
func imposedByLimit(n int) time.Duration {
	return time.Duration(max(0, leastWrites*n+1-3600)) * time.Second
}

// follow tells every ten seconds what was asked so far, until it is stopped.
func (s settings) follow(sim *harness.Sim) (stop func()) {
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
				counts := sim.Counts()
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
		parts = append(parts, fmt.Sprintf("%s ×%d", route, counts.Routes[route]))
	}
	if refused := counts.Status[429]; refused > 0 {
		parts = append(parts, fmt.Sprintf("429 ×%d", refused))
	}
	return strings.Join(parts, ", ")
}

// corePlan compares a plan without a change with the time that Terraform
// itself needs: the same state and configuration, but a provider that does
// nothing.
func (s settings) corePlan(ctx context.Context, n int) (results []result, err error) {
	sim, err := harness.StartSim(simcloud.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, sim.Close()) }()
	states, err := harness.StartStateServer()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, states.Close()) }()
	dir, err := writeStack(s.dir, holdfast(), n, sim.HetznerEndpoint(), states.Address("bench"))
	if err != nil {
		return nil, err
	}
	work, err := harness.NewWorkspace(s.cli, dir, s.provider)
	if err != nil {
		return nil, err
	}
	for _, arguments := range [][]string{{"init", "-no-color"}, {"apply", "-auto-approve", "-no-color", "-parallelism=50"}} {
		if _, err := work.Run(ctx, arguments...); err != nil {
			return nil, err
		}
	}
	if err := states.Copy("bench", "nothing"); err != nil {
		return nil, err
	}
	nothing, err := s.doesNothing(ctx, n, sim.HetznerEndpoint(), states.Address("nothing"))
	if err != nil {
		return nil, err
	}
	// Alternate, and take the best of each: noise only ever adds.
	best := map[string]time.Duration{}
	for range 3 {
		for who, workspace := range map[string]*harness.Workspace{"holdfast": work, "nothing": nothing} {
			result, err := workspace.Run(ctx, "plan", "-detailed-exitcode", "-no-color")
			if err != nil {
				return nil, fmt.Errorf("plan with %s: %w", who, err)
			}
			if d, ok := best[who]; !ok || result.Wall < d {
				best[who] = result.Wall
			}
		}
	}
	fmt.Printf("%d resources, plan without a change: holdfast %.2f s, a provider that does nothing %.2f s, factor %.2f\n",
		4*n+1, best["holdfast"].Seconds(), best["nothing"].Seconds(), best["holdfast"].Seconds()/best["nothing"].Seconds())
	for _, who := range []string{"holdfast", "nothing"} {
		results = append(results, result{Metric: "core.noop_plan.wall_s", N: n, Value: best[who].Seconds(), Unit: "s", Who: who})
	}
	return results, nil
}

// doesNothing prepares the same configuration with a provider that does
// nothing.
func (s settings) doesNothing(ctx context.Context, n int, endpoint, state string) (*harness.Workspace, error) {
	binary := filepath.Join(s.dir, "terraform-provider-nothing")
	if _, err := os.Stat(binary); err != nil {
		build := exec.CommandContext(ctx, "go", "build", "-o", binary, "github.com/holdfast-cloud/terraform-provider-holdfast/tests/bench/nullprovider")
		if out, err := build.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build the provider that does nothing: %w\n%s", err, out)
		}
	}
	dir, err := writeStack(s.dir, holdfast(), n, endpoint, state)
	if err != nil {
		return nil, err
	}
	work, err := harness.NewWorkspace(s.cli, dir, harness.Holdfast(binary))
	if err != nil {
		return nil, err
	}
	_, err = work.Run(ctx, "init", "-no-color")
	return work, err
}
