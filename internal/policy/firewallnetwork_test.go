package policy

import (
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

func TestCheckFirewallNetwork(t *testing.T) {
	here := Known(cloud.Location{Cloud: "google", Name: "europe-west3-a"})
	acme, shared := Known("acme"), Known("")
	network := func(id, tenant string) Ref { return Ref{ID: Known(id), Tenant: Known(tenant)} }
	const id = "google/europe-west3-a/acme-europe-west3-a"
	for _, tc := range []struct {
		name     string
		location Opt[cloud.Location]
		tenant   Opt[string]
		network  Ref
		pending  bool
		want     []string
	}{
		{"none", here, acme, Ref{ID: Known("")}, false, nil},
		{"its tenant's", here, acme, network(id, "acme"), false, nil},
		{"both shared", here, shared, network(id, ""), false, nil},
		{"another tenant's", here, acme, network(id, "other"), false, []string{`ISO-2 network_id | Network of another tenant | of the tenant "acme", but its network is of the tenant "other" | tenant = "other"`}},
		{"shared firewall", here, shared, network(id, "other"), false, []string{`ISO-2 network_id | Network of another tenant | names no tenant, but its network is of the tenant "other" | share names no network`}},
		{"network of nobody", here, acme, network(id, ""), false, []string{`ISO-2 network_id | Network of another tenant | but its network names no tenant | tenant = "acme"`}},
		{"no id", here, acme, network("acme", "acme"), false, []string{"- network_id | Not an object's id | not written | id attribute of a holdfast_network"}},
		{"another cloud", here, acme, network("hetzner/fsn1/7", "acme"), false, []string{"- network_id | Object of another cloud | The firewall stands in google/europe-west3-a"}},
		{"another location", here, acme, network("google/europe-west4-a/acme", "acme"), false, []string{"- network_id | Object of another location | is in google/europe-west4-a | firewall's location"}},
		{"id unknown", here, acme, Ref{}, true, nil},
		{"owner unknown", here, acme, Ref{ID: Known(id)}, true, nil},
		{"tenant unknown", here, Unknown[string](), network(id, "acme"), true, nil},
		{"location unknown", Unknown[cloud.Location](), acme, network(id, "acme"), true, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, pending := CheckFirewallNetwork(tc.location, tc.tenant, tc.network, cloud.Capabilities{})
			if pending != tc.pending {
				t.Errorf("pending = %v", pending)
			}
			expect(t, got, tc.want...)
		})
	}
}
