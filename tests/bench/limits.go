package main

import "fmt"

// limits are the most that Holdfast may take, from limitsFrom tenants on: below,
// the lists and polls that all tenants share weigh too much. A tenant is a
// network with its subnet, a firewall, a volume and a machine. Four objects at
// Hetzner Cloud and five at Google Cloud are the least that creating and
// destroying takes.
//
// An inventory of backups is judged as a whole, at 1,000 tenants; its requests
// are held to filled.bound at any number. The plugin framework's copies of it
// are what the data source needs more memory for.
func limits() map[string]float64 {
	return map[string]float64{
		"hetzner.create.requests_per_tenant":    5,
		"hetzner.noop_plan.requests_per_tenant": 0.25,
		"hetzner.destroy.requests_per_tenant":   5,
		"google.create.requests_per_tenant":     7,
		"google.noop_plan.requests_per_tenant":  0.1,
		"google.destroy.requests_per_tenant":    7,
		"backups.inventory_1000.wall_s":         60,
		"backups.inventory_1000.peak_rss_mib":   200,
		"backups.data_source_1000.wall_s":       60,
		"backups.data_source_1000.peak_rss_mib": 250,
	}
}

const limitsFrom = 100

// tooMuch names the figures that are over their limit.
func tooMuch(results []result) []string {
	var found []string
	most := limits()
	for _, r := range results {
		if limit, ok := most[r.Metric]; ok && r.Who == "holdfast" && r.N >= limitsFrom && r.Value > limit {
			at := ""
			if r.Parallelism > 0 {
				at = fmt.Sprintf(" and -parallelism=%d", r.Parallelism)
			}
			found = append(found, fmt.Sprintf("%s is %.3f %s at %d tenants%s; the limit is %g", r.Metric, r.Value, r.Unit, r.N, at, limit))
		}
	}
	return found
}
