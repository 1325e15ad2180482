package google

import (
	"maps"
	"slices"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// quotaGroup is a group of methods that share a limit of requests a minute.
// Names and limits: https://cloud.google.com/compute/api-quota, "Rate quotas for
// global methods" (1,500 a minute and group is the default of all four).
type quotaGroup struct{ title, metric, limit string }

var (
	groupQueries    = quotaGroup{"Queries", "default", "defaultPerMinutePerProject"}
	groupRead       = quotaGroup{"Read requests", "read_requests", "ReadRequestsPerMinutePerProject"}
	groupList       = quotaGroup{"List requests", "list_requests", "ListRequestsPerMinutePerProject"}
	groupPolicies   = quotaGroup{"IAM policy requests", "iam_policy_requests", "IAMPolicyRequestsPerMinutePerProject"}
	groupOperations = quotaGroup{"Operation read requests", "operation_read_requests", "OperationReadRequestsPerMinutePerProject"}
)

// RealisticRateLimit is the vendor's limit of requests a minute in each group.
const RealisticRateLimit = 1500

// VendorLimits are quotas of a new project, as the vendor's documentation and
// users' reports give them; the vendor gives them out project by project.
func VendorLimits() map[string]float64 {
	return map[string]float64{
		"NETWORKS": 15, "SUBNETWORKS": 175, "FIREWALLS": 100, "ROUTES": 250, "CPUS_ALL_REGIONS": 32,
		"CPUS": 72, "INSTANCES": 720, "DISKS_TOTAL_GB": 40960, "SSD_TOTAL_GB": 500, "IN_USE_ADDRESSES": 69,
	}
}

// projectMetrics are counted over the whole project, all others in a region.
var projectMetrics = []string{"NETWORKS", "SUBNETWORKS", "FIREWALLS", "ROUTES", "CPUS_ALL_REGIONS", "SNAPSHOTS", "IMAGES"}

// quotaLimit is how much of a metric there is.
func (a *API) quotaLimit(metric string) float64 {
	if n, ok := a.opts.Limits[metric]; ok {
		return n
	}
	return DefaultLimit
}

// room refuses when need more of a metric would exceed the quota. region is
// empty for the project's metrics.
func (c *call) room(metric, region string, need float64) error {
	used := 0.0
	if f := c.api.quotas[metric]; f != nil {
		used = f(c.tx, c.project, region)
	}
	limit := c.api.quotaLimit(metric)
	if used+need <= limit {
		return nil
	}
	where := "globally"
	if region != "" {
		where = "in region " + region
	}
	return quotaExceeded(metric, limit, where)
}

// unlisted metrics are enforced, but newer than those that the vendor lists with
// projects and regions: its description enumerates the listed ones.
var unlisted = []string{"C3D_CPUS", "C4_CPUS", "C4A_CPUS", "N4_CPUS", "HDT_TOTAL_GB", "HDX_TOTAL_GB"}

type quotaView struct {
	Metric string  `json:"metric"`
	Limit  float64 `json:"limit"`
	Usage  float64 `json:"usage"`
}

// quotaViews are the quotas of the project or, when there is one, of a region.
func (c *call) quotaViews(region string) []quotaView {
	var out []quotaView
	for _, metric := range slices.Sorted(maps.Keys(c.api.quotas)) {
		if slices.Contains(projectMetrics, metric) == (region == "") && !slices.Contains(unlisted, metric) {
			out = append(out, quotaView{Metric: metric, Limit: c.api.quotaLimit(metric), Usage: c.api.quotas[metric](c.tx, c.project, region)})
		}
	}
	return out
}

// counted is the usage of a metric that counts the resources of a noun.
func counted[T any](n noun[T]) func(tx *engine.Tx, project, region string) float64 {
	return func(tx *engine.Tx, project, region string) float64 {
		if region == "" {
			return float64(n.kind.Count(tx, project))
		}
		used := 0
		for _, v := range n.kind.All(tx, project) {
			if r := asResource(v).Res().Scope; strings.Contains(r, "/") && regionOf(r) == region {
				used++
			}
		}
		return float64(used)
	}
}
