package main

import (
	"slices"
	"testing"
)

func TestLimitsAreForHoldfastAtSize(t *testing.T) {
	at := func(who string, n int, metric string, value float64) result {
		return result{Metric: metric, N: n, Value: value, Unit: "requests", Who: who, Parallelism: 10}
	}
	got := tooMuch([]result{
		at("holdfast", 100, "google.create.requests_per_tenant", 7),
		at("holdfast", 100, "google.create.requests_per_tenant", 7.01),
		at("holdfast", 20, "google.create.requests_per_tenant", 9),
		at("holdfast", 300, "hetzner.destroy.requests_per_tenant", 5.5),
		at("holdfast", 100, "google.create.wall_s", 700),
		{Metric: "backups.inventory_1000.peak_rss_mib", N: 1000, Value: 201, Unit: "MiB", Who: "holdfast"},
		at("hcloud", 100, "hetzner.create.requests_per_tenant", 33),
	})
	want := []string{
		"google.create.requests_per_tenant is 7.010 requests at 100 tenants and -parallelism=10; the limit is 7",
		"hetzner.destroy.requests_per_tenant is 5.500 requests at 300 tenants and -parallelism=10; the limit is 5",
		"backups.inventory_1000.peak_rss_mib is 201.000 MiB at 1000 tenants; the limit is 200",
	}
	if !slices.Equal(got, want) {
		t.Errorf("over the limit: %q, want %q", got, want)
	}
}

// Every limit is one of a figure that the benchmark makes.
func TestLimitsNameFigures(t *testing.T) {
	made := map[string]bool{}
	for _, c := range []contender{holdfast(), google()} {
		for _, step := range []string{"create", "noop_plan", "destroy"} {
			made[c.metric+"."+step+".requests_per_tenant"] = true
		}
	}
	for _, how := range []string{"inventory", "data_source"} {
		for _, figure := range []string{"wall_s", "requests", "peak_rss_mib"} {
			made["backups."+how+"_1000."+figure] = true
		}
	}
	for metric := range limits() {
		if !made[metric] {
			t.Errorf("nothing measures %s", metric)
		}
	}
}
