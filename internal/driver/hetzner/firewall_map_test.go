package hetzner

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

func webRules() []cloud.FirewallRule {
	return []cloud.FirewallRule{
		{Direction: cloud.Inbound, Protocol: "tcp", FromPort: 443, ToPort: 443, Networks: []netip.Prefix{cidr("0.0.0.0/0"), cidr("::/0")}, Description: "web"},
		{Direction: cloud.Inbound, Protocol: "tcp", FromPort: 8000, ToPort: 8010, Networks: []netip.Prefix{cidr("192.0.2.0/24")}},
		{Direction: cloud.Outbound, Protocol: "icmp", Networks: []netip.Prefix{cidr("198.51.100.7/32")}},
	}
}

func TestFirewallRulesSurviveTheVendor(t *testing.T) {
	out := rulesOf(webRules())
	if *out[0].Port != "443" || *out[1].Port != "8000-8010" || out[2].Port != nil {
		t.Errorf("ports %v %v %v", *out[0].Port, *out[1].Port, out[2].Port)
	}
	if len(out[0].SourceIPs) != 2 || len(out[2].SourceIPs) != 0 || len(out[2].DestinationIPs) != 1 {
		t.Error("networks are on the wrong side")
	}
	got := firewallFrom(&hcloud.Firewall{ID: 1, Name: "web-fsn1", Rules: out})
	if diff := cmp.Diff(webRules(), got.Rules, addresses); diff != "" {
		t.Error(diff)
	}
}

func TestParsePorts(t *testing.T) {
	for text, want := range map[string][2]uint16{"80": {80, 80}, "1-65535": {1, 65535}, "any": {1, 65535}, "80-": {1, 65535}, "99999": {1, 65535}} {
		if from, to := parsePorts(text); [2]uint16{from, to} != want {
			t.Errorf("%q is %d to %d, want %v", text, from, to, want)
		}
	}
}

func TestPlanFirewall(t *testing.T) {
	spec := cloud.FirewallSpec{Meta: acme("web"), Rules: webRules()}
	current := firewallFrom(&hcloud.Firewall{ID: 1, Name: "web-fsn1", Labels: labelsOf(cloud.KindFirewall, spec.Meta), Rules: rulesOf(spec.Rules)})
	if steps := planFirewall(current, spec); len(steps) > 0 {
		t.Errorf("nothing changed, yet %v", steps)
	}
	shuffled := spec
	shuffled.Rules = webRules()
	slices.Reverse(shuffled.Rules)
	slices.Reverse(shuffled.Rules[2].Networks)
	if steps := planFirewall(current, shuffled); len(steps) > 0 {
		t.Errorf("only the order changed, yet %v", steps)
	}
	none := spec
	none.Rules = nil
	if diff := cmp.Diff([]step{setRules{}}, planFirewall(current, none), addresses); diff != "" {
		t.Error(diff)
	}
	twice := spec
	twice.Rules = append(webRules(), webRules()[0])
	twice.Name = "www"
	want := []step{relabel{cloud.KindFirewall, "www-fsn1", labelsOf(cloud.KindFirewall, acme("www"))}, setRules{twice.Rules}}
	if diff := cmp.Diff(want, planFirewall(current, twice), addresses); diff != "" {
		t.Error(diff)
	}
}
