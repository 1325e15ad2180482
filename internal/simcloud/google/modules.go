package google

import (
	"slices"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// module is what a noun brings: a noun is part of the API when modules names it.
type module struct {
	kinds       []engine.AnyKind
	routes      []*route
	completions map[string]engine.Completion // by command: "networks.insert"
	// durations are by command. They are assumed, of the order of magnitude
	// that users know: neither measured nor documented by the vendor.
	// engine.Options.Durations replaces them.
	durations map[string]time.Duration
	// usage answers how much of a quota's metric is used, by metric. region is
	// empty for metrics of the project.
	usage map[string]func(tx *engine.Tx, project, region string) float64
}

// modules are all nouns.
func modules() []module {
	return []module{
		projectModule(), placeModule(), machineTypeModule(), diskTypeModule(), imageModule(),
		operationModule(), networkModule(), subnetworkModule(), firewallModule(), routeModule(), diskModule(), instanceModule(),
		policyModule(),
	}
}

// routes joins the routes of a noun.
func routes(lists ...[]*route) []*route { return slices.Concat(lists...) }
