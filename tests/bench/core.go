package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/tests/harness"
)

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
	dir, err := writeStack(s.dir, holdfast(), n, sim, states.Address("bench"))
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
	nothing, err := s.doesNothing(ctx, n, sim, states.Address("nothing"))
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
func (s settings) doesNothing(ctx context.Context, n int, sim *harness.Sim, state string) (*harness.Workspace, error) {
	binary := filepath.Join(s.dir, "terraform-provider-nothing")
	if _, err := os.Stat(binary); err != nil {
		build := exec.CommandContext(ctx, "go", "build", "-o", binary, "github.com/holdfast-cloud/terraform-provider-holdfast/tests/bench/nullprovider")
		if out, err := build.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build the provider that does nothing: %w\n%s", err, out)
		}
	}
	dir, err := writeStack(s.dir, holdfast(), n, sim, state)
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
