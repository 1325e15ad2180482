package main

import (
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/tests/harness"
)

// An inventory makes no more requests than its bound, whatever the number of
// data objects between the backups, and takes note of every tenant: the
// benchmark itself fails otherwise.
func TestRequestsOfInventory(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the provider and runs Terraform")
	}
	cli, err := harness.FindCLI()
	if err != nil {
		t.Fatal(err)
	}
	built, err := harness.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	const tenants, buckets = 30, 3
	s := settings{cli: cli, provider: built, dir: t.TempDir()}
	for name, one := range map[string]struct {
		packs, lists int // lists in each bucket
	}{
		"backups only": {0, 1},   // 600 objects
		"50 packs":     {50, 3},  // 2,100 objects
		"many packs":   {150, 6}, // 5,100
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			results, err := s.inventory(t.Context(), tenants, one.packs)
			if err != nil {
				t.Fatal(err)
			}
			measured := map[string]float64{}
			for _, r := range results {
				measured[r.Metric] = r.Value
			}
			// The data source also asks each bucket whether it is immutable.
			for metric, locks := range map[string]int{"backups.inventory_30": 0, "backups.data_source_30": 1} {
				if got, most := measured[metric+".requests"], float64(buckets*(one.lists+tenants+locks)); got == 0 || got > most {
					t.Errorf("%s makes %g requests, at most %g were meant", metric, got, most)
				}
			}
		})
	}
}
