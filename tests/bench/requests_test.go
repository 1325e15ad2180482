package main

import (
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/tests/harness"
)

// How many writes a tenant takes does not depend on how long the clouds' work
// takes; one more is the SSH key that all tenants share.
func TestWritesOfATenant(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the provider and runs Terraform some 20 times")
	}
	cli, err := harness.FindCLI()
	if err != nil {
		t.Fatal(err)
	}
	built, err := harness.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	const tenants, parallelism = 4, 10
	s := settings{cli: cli, provider: built, dir: t.TempDir()}
	for name, one := range map[string]struct {
		run  func() ([]result, error)
		want map[string]float64
	}{
		"hetzner": {
			func() ([]result, error) {
				return s.measure(t.Context(), holdfast(), built, tenants, parallelism)
			},
			map[string]float64{"create.writes_per_tenant": 4 + 1.0/tenants, "noop_plan.writes_per_tenant": 0, "destroy.writes_per_tenant": 4 + 1.0/tenants},
		},
		"google": {
			func() ([]result, error) {
				return s.measure(t.Context(), google(), built, tenants, parallelism)
			},
			map[string]float64{"create.writes_per_tenant": 5 + 1.0/tenants, "noop_plan.writes_per_tenant": 0, "destroy.writes_per_tenant": 5 + 1.0/tenants},
		},
		// The vendor has the key already, and says so: it is adopted.
		"recovery.hetzner_to_hetzner": {
			func() ([]result, error) {
				return s.recover(t.Context(), losses([]string{simcloud.Hetzner})[0], tenants)
			},
			map[string]float64{"writes": 4*tenants + 2},
		},
		// A network, a subnetwork and its change, three rules, a disk and an
		// instance.
		"recovery.hetzner_to_google": {
			func() ([]result, error) {
				return s.recover(t.Context(), losses([]string{simcloud.Google})[0], tenants)
			},
			map[string]float64{"writes": 8*tenants + 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			results, err := one.run()
			if err != nil {
				t.Fatal(err)
			}
			measured := map[string]float64{}
			for _, r := range results {
				measured[r.Metric] = r.Value
			}
			for metric, want := range one.want {
				if got, ok := measured[name+"."+metric]; !ok || got != want {
					t.Errorf("%s is %g (measured: %t), want %g", metric, got, ok, want)
				}
			}
		})
	}
}
