package acceptance

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hetznercloud/hcloud-go/v2/hcloud"
)

const web = "holdfast_firewall.web"

// firewall is a block with rules and more attributes.
func firewall(location, rules, more string) string {
	return fmt.Sprintf("resource \"holdfast_firewall\" \"web\" {\n  name = \"web\"\n  location = %q\n  rules = %s\n%s\n}\n", location, rules, more)
}

const (
	https  = `{ protocol = "tcp", port = "443", networks = ["0.0.0.0/0", "::/0"], description = "HTTPS" }`
	admins = `{ protocol = "tcp", port = "22", networks = ["198.51.100.0/24"] }`
	ping   = `{ protocol = "icmp", networks = ["198.51.100.0/24"] }`
	dns    = `{ direction = "out", protocol = "udp", port = "53", networks = ["0.0.0.0/0"] }`
	high   = `{ protocol = "udp", port = "8000-8010", networks = ["198.51.100.0/24", "2001:db8::/32"] }`
)

func rules(list ...string) string { return "[" + strings.Join(list, ", ") + "]" }

func theFirewall(t *testing.T, w *world) *hcloud.Firewall {
	t.Helper()
	firewalls, err := w.Client.Firewall.All(context.Background())
	if err != nil || len(firewalls) != 1 {
		t.Fatalf("the account has %d firewalls: %v", len(firewalls), err)
	}
	return firewalls[0]
}

// opens is what of a firewall its declaration decides. The order of the rules
// means nothing.
func opens(f *hcloud.Firewall) string {
	var list []string
	for _, rule := range f.Rules {
		var networks []string
		for _, network := range append(slices.Clone(rule.SourceIPs), rule.DestinationIPs...) {
			networks = append(networks, network.String())
		}
		slices.Sort(networks)
		port, description := "", ""
		if rule.Port != nil {
			port = " " + *rule.Port
		}
		if rule.Description != nil && *rule.Description != "" {
			description = " (" + *rule.Description + ")"
		}
		list = append(list, fmt.Sprintf("%s %s%s %v%s", rule.Direction, rule.Protocol, port, networks, description))
	}
	slices.Sort(list)
	return fmt.Sprintf("%s tenant=%s tier=%s team=%s: %s", f.Name, f.Labels["holdfast-tenant"], f.Labels["holdfast-tier"], f.Labels["team"], strings.Join(list, "; "))
}

// opened wants the only firewall of the account to be so.
func opened(t *testing.T, w *world, want string) resource.TestCheckFunc {
	return func(*terraform.State) error {
		if got := opens(theFirewall(t, w)); got != want {
			return fmt.Errorf("the firewall is\n%s\nwant\n%s", got, want)
		}
		return nil
	}
}

func TestFirewall(t *testing.T) {
	w := newWorld(t)
	var id string
	change := func(rules, more, want string, requests map[string]int) resource.TestStep {
		requests["GET /v1/firewalls"] = 1
		return resource.TestStep{
			PreConfig:        w.ResetRequests,
			Config:           w.config(firewall("hetzner/fsn1", rules, more)),
			ConfigPlanChecks: planned(web, plancheck.ResourceActionUpdate),
			Check:            resource.ComposeAggregateTestCheckFunc(w.asked(requests), stays(web, &id), opened(t, w, want)),
		}
	}
	const set = "POST /v1/firewalls/{id}/actions/set_rules"
	w.test(t,
		resource.TestStep{
			PreConfig:        w.ResetRequests,
			Config:           w.config(firewall("hetzner/fsn1", rules(https, admins, ping), "")),
			ConfigPlanChecks: planned(web, plancheck.ResourceActionCreate),
			Check: resource.ComposeAggregateTestCheckFunc(
				w.asked(map[string]int{"POST /v1/firewalls": 1}),
				holds(web, map[string]string{"name": "web", "rules.#": "3", "rules.0.direction": "in", "rules.0.networks.#": "2", "rules.1.port": "22", "deployment": "acc"}),
				absent(web, "tenant", "tier", "rules.2.port", "rules.1.description"),
				remember(web, &id),
				opened(t, w, "web-fsn1 tenant= tier= team=: in icmp [198.51.100.0/24]; in tcp 22 [198.51.100.0/24]; in tcp 443 [0.0.0.0/0 ::/0] (HTTPS)"),
			),
		},
		resource.TestStep{ResourceName: web, ImportState: true, ImportStateVerify: true},
		resource.TestStep{ResourceName: web, ImportState: true, ImportStateKind: resource.ImportBlockWithID},
		// All rules change in one request.
		change(rules(high, dns, https), "", "web-fsn1 tenant= tier= team=: in tcp 443 [0.0.0.0/0 ::/0] (HTTPS); in udp 8000-8010 [198.51.100.0/24 2001:db8::/32]; out udp 53 [0.0.0.0/0]", map[string]int{set: 1}),
		change(rules(high), `
  tenant = "acme"
  tier = "free"
  labels = { team = "ops" }`, "web-fsn1 tenant=acme tier=free team=ops: in udp 8000-8010 [198.51.100.0/24 2001:db8::/32]", map[string]int{set: 1, "PUT /v1/firewalls/{id}": 1}),
		change(rules(high), `tenant = "other"`, "web-fsn1 tenant=other tier= team=: in udp 8000-8010 [198.51.100.0/24 2001:db8::/32]", map[string]int{"PUT /v1/firewalls/{id}": 1}),
		change("[]", "", "web-fsn1 tenant= tier= team=: ", map[string]int{set: 1, "PUT /v1/firewalls/{id}": 1}),
		resource.TestStep{
			Config:           w.config(firewall("hetzner/hel1", rules(https), "")),
			ConfigPlanChecks: planned(web, plancheck.ResourceActionDestroyBeforeCreate),
			Check:            resource.ComposeAggregateTestCheckFunc(moved(web, &id), opened(t, w, "web-hel1 tenant= tier= team=: in tcp 443 [0.0.0.0/0 ::/0] (HTTPS)")),
		},
		resource.TestStep{Config: w.config(firewall("hetzner/hel1", rules(https), "")), Destroy: true, Check: w.cloudHolds("firewall", 0)},
		// Without rules nothing comes in, and no attribute need be written.
		resource.TestStep{Config: w.config("resource \"holdfast_firewall\" \"web\" {\n  name = \"web\"\n  location = \"hetzner/fsn1\"\n}\n"),
			Check: resource.ComposeAggregateTestCheckFunc(absent(web, "rules.#"), opened(t, w, "web-fsn1 tenant= tier= team=: "))},
		resource.TestStep{ResourceName: web, ImportState: true, ImportStateVerify: true},
	)
}

func TestFirewallDrift(t *testing.T) {
	w := newWorld(t)
	config := w.config(firewall("hetzner/fsn1", rules(https, admins), "tenant = \"acme\"\n  tier = \"paid\"\n  labels = { team = \"ops\" }"))
	const good = "web-fsn1 tenant=acme tier=paid team=ops: in tcp 22 [198.51.100.0/24]; in tcp 443 [0.0.0.0/0 ::/0] (HTTPS)"
	ctx := context.Background()
	// behind changes the rules behind Terraform's back.
	behind := func(change func([]hcloud.FirewallRule) []hcloud.FirewallRule) func() {
		return func() {
			f := theFirewall(t, w)
			must[[]*hcloud.Action](t)(w.Client.Firewall.SetRules(ctx, f, hcloud.FirewallSetRulesOpts{Rules: change(f.Rules)}))
		}
	}
	repaired := func(before func()) resource.TestStep {
		return resource.TestStep{PreConfig: before, Config: config, ConfigPlanChecks: planned(web, plancheck.ResourceActionUpdate), Check: opened(t, w, good)}
	}
	relabel := func(opts func(*hcloud.Firewall) hcloud.FirewallUpdateOpts) resource.TestStep {
		return repaired(func() {
			f := theFirewall(t, w)
			must[*hcloud.Firewall](t)(w.Client.Firewall.Update(ctx, f, opts(f)))
		})
	}
	w.test(t,
		resource.TestStep{Config: config, Check: opened(t, w, good)},
		repaired(behind(func(rules []hcloud.FirewallRule) []hcloud.FirewallRule {
			// What Holdfast would never declare is seen and closed.
			return append(rules, hcloud.FirewallRule{Direction: hcloud.FirewallRuleDirectionIn, Protocol: hcloud.FirewallRuleProtocolTCP,
				Port: hcloud.Ptr("5432"), SourceIPs: []net.IPNet{*prefix(t, "0.0.0.0/0")}})
		})),
		repaired(behind(func(rules []hcloud.FirewallRule) []hcloud.FirewallRule { return rules[:1] })),
		repaired(behind(func(rules []hcloud.FirewallRule) []hcloud.FirewallRule {
			rules[1].SourceIPs = append(rules[1].SourceIPs, *prefix(t, "203.0.113.0/24"))
			return rules
		})),
		// Their order means nothing: the same rules in another one are no drift.
		resource.TestStep{
			PreConfig: behind(func(rules []hcloud.FirewallRule) []hcloud.FirewallRule {
				slices.Reverse(rules)
				return rules
			}),
			Config: config, ConfigPlanChecks: nothingPlanned(),
		},
		relabel(func(*hcloud.Firewall) hcloud.FirewallUpdateOpts { return hcloud.FirewallUpdateOpts{Name: "somebody"} }),
		relabel(func(f *hcloud.Firewall) hcloud.FirewallUpdateOpts {
			return hcloud.FirewallUpdateOpts{Labels: labelled(f.Labels, map[string]string{"team": "", "holdfast-tenant": "", "holdfast-tier": "free"})}
		}),
		resource.TestStep{
			PreConfig: func() {
				if _, err := w.Client.Firewall.Delete(ctx, theFirewall(t, w)); err != nil {
					t.Fatal(err)
				}
			},
			Config: config, ConfigPlanChecks: planned(web, plancheck.ResourceActionCreate), Check: opened(t, w, good),
		},
	)
}

func TestFirewallProtection(t *testing.T) {
	w := newWorld(t)
	on := firewall("hetzner/fsn1", rules(https), "deletion_protection = true")
	w.test(t,
		resource.TestStep{Config: w.config(on)},
		resource.TestStep{Config: w.config(on), Destroy: true, ExpectError: says("Deletion protection", `firewall "web"`, "set deletion_protection = false, apply")},
		resource.TestStep{Config: w.config(firewall("hetzner/hel1", rules(https), "deletion_protection = true")),
			ExpectError: says("Deletion protection", "location =", "changing location replaces it")},
		resource.TestStep{Config: w.config(firewall("hetzner/fsn1", rules(https, ping), "deletion_protection = true")), ConfigPlanChecks: planned(web, plancheck.ResourceActionUpdate)},
		resource.TestStep{Config: w.config(firewall("hetzner/fsn1", rules(https), "")), ConfigPlanChecks: planned(web, plancheck.ResourceActionUpdate)},
		resource.TestStep{Config: w.config(""), ConfigPlanChecks: planned(web, plancheck.ResourceActionDestroy), Check: w.cloudHolds("firewall", 0)},
	)
}

func TestFirewallBadInput(t *testing.T) {
	of := func(list ...string) string { return firewall("hetzner/fsn1", rules(list...), "") }
	tcp := func(port, networks string) string {
		return of(fmt.Sprintf(`{ protocol = "tcp", port = %q, networks = [%s] }`, port, networks))
	}
	newWorld(t).refused(t, map[string]refusal{
		"a database":         {tcp("5432", `"0.0.0.0/0"`), []string{"Open to the whole internet (NET-1)", "In rules[0].networks: The rule opens tcp port 5432 to the whole internet", "Name the networks that need it"}},
		"SSH":                {tcp("22", `"::/0"`), []string{"Open to the whole internet (NET-1)", "tcp port 22", "SSH (22) is for the networks of the named engineers"}},
		"a range around 443": {tcp("442-444", `"0.0.0.0/0"`), []string{"Open to the whole internet (NET-1)", "tcp ports 442, 444"}},
		"two halves":         {tcp("25", `"0.0.0.0/1", "128.0.0.0/1"`), []string{"Open to the whole internet (NET-1)", "tcp port 25"}},
		"two rules": {of(`{ protocol = "tcp", port = "25", networks = ["1.0.0.0/8"] }`, `{ protocol = "tcp", port = "20-30", networks = ["2.0.0.0/8"] }`),
			[]string{"Open to the whole internet (NET-1)", "Together with rules[0]"}},
		"all pings":          {of(`{ protocol = "icmp", networks = ["0.0.0.0/0"] }`), []string{"Open to the whole internet (NET-1)", "opens icmp to"}},
		"no protocol":        {of(`{ port = "443", networks = ["198.51.100.0/24"] }`), []string{"Protocol missing", "Write tcp, udp"}},
		"unknown protocol":   {of(`{ protocol = "TCP", port = "443", networks = ["198.51.100.0/24"] }`), []string{"Unknown protocol", "in lower case"}},
		"no port":            {of(`{ protocol = "tcp", networks = ["198.51.100.0/24"] }`), []string{"Port missing", "from 1 to 65535"}},
		"port of icmp":       {of(`{ protocol = "icmp", port = "1", networks = ["198.51.100.0/24"] }`), []string{"Port without meaning", "Leave port out"}},
		"no number":          {tcp("https", `"198.51.100.0/24"`), []string{"port", "https"}},
		"port 0":             {tcp("0", `"198.51.100.0/24"`), []string{"port"}},
		"port 65536":         {tcp("65536", `"198.51.100.0/24"`), []string{"65536"}},
		"backwards":          {tcp("90-80", `"198.51.100.0/24"`), []string{"backwards", "80-90"}},
		"no networks":        {of(`{ protocol = "tcp", port = "443" }`), []string{"Networks missing", "leave the rule out"}},
		"network with bits":  {tcp("8443", `"198.51.100.1/24"`), []string{"Host bits are set", "198.51.100.0/24"}},
		"address as network": {tcp("8443", `"198.51.100.1"`), []string{"Not a network", "198.51.100.1"}},
		"unknown direction":  {of(`{ direction = "inbound", protocol = "tcp", port = "443", networks = ["198.51.100.0/24"] }`), []string{"Unknown direction", `Write "in" or "out"`}},
		"a long description": {of(fmt.Sprintf(`{ protocol = "tcp", port = "443", networks = ["198.51.100.0/24"], description = %q }`, strings.Repeat("x", 256))), []string{"Description too long", "256 characters"}},
		"bad tier":           {firewall("hetzner/fsn1", "[]", `tier = "gold"`), []string{"Unknown tier", "tier ="}},
		"bad location":       {firewall("hetzner/fns1", "[]", ""), []string{"Unknown location", "location =", "did you mean fsn1"}},
	})
}

// What is unknown at plan is judged before the first request; what the known
// rules open, already at plan.
func TestFirewallKnownAtApply(t *testing.T) {
	w := newWorld(t)
	later := func(network, port, more string) string {
		return w.config(fmt.Sprintf("resource \"terraform_data\" \"late\" { input = { network = %q, port = %q } }\n", network, port) +
			firewall("hetzner/fsn1", fmt.Sprintf(`[{ protocol = "tcp", port = terraform_data.late.output.port, networks = [terraform_data.late.output.network] }, %s]`, more), ""))
	}
	w.test(t,
		resource.TestStep{Config: later("198.51.100.0/24", "22", `{ protocol = "tcp", port = "25", networks = ["0.0.0.0/0"] }`), PlanOnly: true,
			ExpectError: says("Open to the whole internet (NET-1)", "tcp port 25")},
		resource.TestStep{Config: later("0.0.0.0/0", "22", admins), ExpectError: says("Open to the whole internet (NET-1)", "tcp port 22")},
		resource.TestStep{Config: later("198.51.100.0/24", "ssh", ""), ExpectError: says("port", "ssh")},
		resource.TestStep{Config: later("1.0.0.0/8", "25", `{ protocol = "tcp", port = "25", networks = ["2.0.0.0/8"] }`), ExpectError: says("Open to the whole internet (NET-1)", "Together with rules[0]")},
		resource.TestStep{
			PreConfig: func() {
				if counts := w.Counts(); counts.Total != 0 {
					t.Errorf("the cloud was asked: %v", counts.Routes)
				}
			},
			Config: later("198.51.100.0/24", "22", https),
			Check:  opened(t, w, "web-fsn1 tenant= tier= team=: in tcp 22 [198.51.100.0/24]; in tcp 443 [0.0.0.0/0 ::/0] (HTTPS)"),
		},
	)
}
