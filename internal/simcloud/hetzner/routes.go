package hetzner

import (
	"maps"
	"slices"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// allRoutes is the list of what the API offers: one line a noun.
func (a *API) allRoutes() []*route {
	return slices.Concat(
		a.actionRoutes(),
		a.locationRoutes(),
		a.serverTypeRoutes(),
		a.imageRoutes(),
		a.isoRoutes(),
		a.pricingRoutes(),
		a.sshKeyRoutes(),
		a.volumeRoutes(),
		a.serverRoutes(),
		a.networkRoutes(),
		a.firewallRoutes(),
		a.placementGroupRoutes(),
		a.primaryIPRoutes(),
		a.floatingIPRoutes(),
	)
}

// completions is the list of what the ends of actions do: one line a noun.
func completions() map[string]engine.Completion {
	all := map[string]engine.Completion{}
	for _, of := range []map[string]engine.Completion{
		volumeCompletions(),
		serverCompletions(),
		powerCompletions(),
		serverNetCompletions(),
		firewallLinkCompletions(),
		networkCompletions(),
		primaryIPCompletions(),
		floatingIPCompletions(),
	} {
		maps.Copy(all, of)
	}
	return all
}

// defaultDurations are how long actions take, as they are usually seen to with
// the vendor; what is not listed takes a second. They are estimates: the vendor
// promises none.
func defaultDurations() map[string]time.Duration {
	s := time.Second
	return map[string]time.Duration{
		"create_server": 6 * s, "start_server": 3 * s, "stop_server": s, "shutdown_server": s, guestShutdown: 4 * s, guestPowerOff: 4 * 60 * s,
		"reboot_server": 5 * s, "reset_server": 3 * s, "delete_server": 2 * s, "rebuild_server": 20 * s,
		"change_server_type": 15 * s, "create_image": 30 * s, "reset_password": 2 * s,
		"enable_rescue": 2 * s, "disable_rescue": s, "attach_iso": s, "detach_iso": s,
		"create_volume": s, "attach_volume": 2 * s, "detach_volume": 2 * s, "resize_volume": 3 * s,
		"attach_to_network": 2 * s, "detach_from_network": 2 * s, "change_alias_ips": s,
		"apply_firewall": s, "remove_firewall": s, "set_firewall_rules": s,
		"add_subnet": s, "delete_subnet": s, "add_route": s, "delete_route": s, "change_ip_range": s,
		"assign_primary_ip": 2 * s, "unassign_primary_ip": 2 * s,
		"assign_floating_ip": s, "unassign_floating_ip": s,
	}
}
