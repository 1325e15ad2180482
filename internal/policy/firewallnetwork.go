package policy

import (
	"fmt"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// CheckFirewallNetwork judges the network that a firewall names (ISO-2): it
// is of the firewall's own tenant, and in its location. tenant is a known
// empty text where the firewall is shared; network.ID is one where it names
// none. It is pending if something is unknown. Field: network_id.
func CheckFirewallNetwork(location Opt[cloud.Location], tenant Opt[string], network Ref, capabilities cloud.Capabilities) (findings []Finding, pending bool) {
	id, ok := network.ID.Get()
	if !ok || id == "" {
		return nil, !ok
	}
	here, ok := location.Get()
	pending = !ok
	if findings = checkRef("network_id", "firewall", cloud.KindNetwork, id, here, capabilities); len(findings) > 0 {
		return findings, pending
	}
	owner, okOwner := network.Tenant.Get()
	mine, okMine := tenant.Get()
	if !okOwner || !okMine {
		return nil, true
	}
	if owner == mine {
		return nil, pending
	}
	of := func(tenant string) string {
		if tenant == "" {
			return "names no tenant"
		}
		return "is of the tenant " + quote(tenant)
	}
	remedy := fmt.Sprintf("Give the firewall tenant = %s, or name a network of its own tenant. A firewall that several tenants share names no network.", quote(owner))
	if owner == "" {
		remedy = fmt.Sprintf("Name a holdfast_network with tenant = %s.", quote(mine))
	}
	return []Finding{{Promise: ISO2, Field: "network_id", Summary: "Network of another tenant",
		Detail: fmt.Sprintf("The firewall %s, but its network %s.", of(mine), of(owner)), Remedy: remedy}}, pending
}
