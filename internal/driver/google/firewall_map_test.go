package google

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"cloud.google.com/go/compute/apiv1/computepb"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

func nets(texts ...string) []netip.Prefix {
	var found []netip.Prefix
	for _, text := range texts {
		found = append(found, netip.MustParsePrefix(text))
	}
	return found
}

func in(protocol string, from, to uint16, description string, networks ...string) cloud.FirewallRule {
	return cloud.FirewallRule{Direction: cloud.Inbound, Protocol: protocol, FromPort: from, ToPort: to, Description: description, Networks: nets(networks...)}
}

func out(protocol string, from, to uint16, networks ...string) cloud.FirewallRule {
	return cloud.FirewallRule{Direction: cloud.Outbound, Protocol: protocol, FromPort: from, ToPort: to, Networks: nets(networks...)}
}

const tag = "web-europe-west3-a"

var someRules = map[string][]cloud.FirewallRule{
	"nothing":      nil,
	"one":          {in("tcp", 443, 443, "", "0.0.0.0/0")},
	"both worlds":  {in("tcp", 443, 443, "web", "0.0.0.0/0", "::/0"), in("icmp", 0, 0, "ping", "0.0.0.0/0", "::/0")},
	"same sources": {in("tcp", 80, 80, "", "0.0.0.0/0"), in("tcp", 443, 443, "with: \"quotes\"", "0.0.0.0/0"), in("udp", 1, 65535, "", "0.0.0.0/0"), in("esp", 0, 0, "", "0.0.0.0/0"), in("gre", 0, 0, "", "0.0.0.0/0")},
	"same port":    {in("tcp", 22, 22, "a", "192.0.2.0/24"), in("tcp", 22, 22, "b", "198.51.100.0/24")},
	"same twice":   {in("tcp", 22, 22, "a", "192.0.2.0/24"), in("tcp", 22, 22, "b", "192.0.2.0/24")},
	"outbound":     {out("udp", 53, 53, "192.0.2.53/32"), in("tcp", 443, 443, "", "0.0.0.0/0"), out("tcp", 8000, 8010, "2001:db8::/32")},
	"only out":     {out("tcp", 443, 443, "0.0.0.0/0")},
}

func write(t *testing.T, rules []cloud.FirewallRule, where site) []*computepb.Firewall {
	t.Helper()
	d := &Driver{project: "acme-prod"}
	made, err := d.vpcRules(tag, labelsOf(cloud.KindFirewall, at("web", "europe-west3-a")), rules, where)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, rule := range made {
		name := rule.GetName()
		if names[name] || len(name) > maxName || !nativePattern.MatchString(name) {
			t.Errorf("%q is twice there, or no name", name)
		}
		names[name] = true
		if len(rule.GetDescription()) > maxDescription || !slices.Equal(rule.GetTargetTags(), []string{tag}) {
			t.Errorf("rule %s: %d characters, tags %v", name, len(rule.GetDescription()), rule.GetTargetTags())
		}
		for _, text := range append(rule.GetSourceRanges(), rule.GetDestinationRanges()...) {
			if strings.Contains(text, ":") != strings.Contains(append(rule.GetSourceRanges(), rule.GetDestinationRanges()...)[0], ":") {
				t.Errorf("rule %s mixes IPv4 and IPv6", name)
			}
		}
	}
	return made
}

func TestRulesComeBack(t *testing.T) {
	for what, rules := range someRules {
		for _, where := range []site{{Network: "acme"}, {Network: "holdfast-acme-eu", Anchor: true}, {Network: "other", Copy: true}} {
			t.Run(fmt.Sprint(what, where), func(t *testing.T) {
				made := write(t, rules, where)
				if got := neutralRules(tag, made, where); !sameRules(got, rules) {
					t.Errorf("want %v\n got %v", rules, got)
				}
				for _, rule := range made {
					if where.Anchor && !rule.GetDisabled() {
						t.Errorf("rule %s works in the anchor", rule.GetName())
					}
					if !where.Anchor && rule.GetDisabled() && described(rule.GetDescription())[labelEmpty] == "" {
						t.Errorf("rule %s does not work", rule.GetName())
					}
				}
				if !where.Copy && made[0].GetName() != tag {
					t.Errorf("the first rule is named %s", made[0].GetName())
				}
			})
		}
	}
}

func TestRulesWithTheSameNetworksShareAVPCRule(t *testing.T) {
	for what, count := range map[string]int{"nothing": 1, "one": 1, "both worlds": 2, "same sources": 1, "same port": 2, "same twice": 1, "outbound": 5, "only out": 4} {
		if made := write(t, someRules[what], site{Network: "acme"}); len(made) != count {
			t.Errorf("%s: %d VPC rules, want %d", what, len(made), count)
		}
	}
	many := make([]cloud.FirewallRule, 100)
	for i := range many {
		many[i] = in("tcp", uint16(1000+i), uint16(1000+i), strings.Repeat("d", 200), "192.0.2.0/24")
	}
	made := write(t, many, site{Network: "acme"})
	if got := neutralRules(tag, made, site{Network: "acme"}); !sameRules(got, many) || len(made) < 10 {
		t.Errorf("%d rules came back from %d VPC rules", len(got), len(made))
	}
}

func TestDriftShows(t *testing.T) {
	rules := someRules["outbound"]
	for what, spoil := range map[string]func([]*computepb.Firewall) []*computepb.Firewall{
		"switched off": func(made []*computepb.Firewall) []*computepb.Firewall { made[0].Disabled = new(true); return made },
		"other tag": func(made []*computepb.Firewall) []*computepb.Firewall {
			made[0].TargetTags = []string{"x"}
			return made
		},
		"other sources": func(made []*computepb.Firewall) []*computepb.Firewall {
			made[0].SourceRanges = []string{"::/0"}
			return made
		},
		"another port": func(made []*computepb.Firewall) []*computepb.Firewall {
			made[0].Allowed[0].Ports = []string{"443", "22"}
			return made
		},
		"no ports":       func(made []*computepb.Firewall) []*computepb.Firewall { made[0].Allowed[0].Ports = nil; return made },
		"lost":           func(made []*computepb.Firewall) []*computepb.Firewall { return made[1:] },
		"nothing denied": func(made []*computepb.Firewall) []*computepb.Firewall { return made[:len(made)-1] },
		"added": func(made []*computepb.Firewall) []*computepb.Firewall {
			return append(made, &computepb.Firewall{Name: new("let-me-in"), Network: made[0].Network, TargetTags: []string{tag}, Direction: new(ingress),
				Allowed: []*computepb.Allowed{{IPProtocol: new("tcp"), Ports: []string{"22"}}}, SourceRanges: []string{"0.0.0.0/0"}})
		},
	} {
		made := spoil(write(t, rules, site{Network: "acme"}))
		if got := firewallFrom(ruleSet{tag: tag, rules: made}); sameRules(got.Rules, rules) {
			t.Errorf("%s: does not show", what)
		}
	}
	// A copy that differs shows too, whatever home says.
	home, copied := write(t, rules, site{Network: "holdfast-acme-eu", Anchor: true}), write(t, rules, site{Network: "acme", Copy: true})
	whole := ruleSet{tag: tag, rules: slices.Concat(home, copied)}
	if got := firewallFrom(whole); !sameRules(got.Rules, rules) || got.Network != "" || got.Name != "web" {
		t.Errorf("%+v", got)
	}
	copied[0].Disabled = new(true)
	if got := firewallFrom(whole); sameRules(got.Rules, rules) {
		t.Error("a copy that is switched off does not show")
	}
}

func TestRulesFindTheirFirewall(t *testing.T) {
	for what, test := range map[string]struct {
		rule *computepb.Firewall
		want string
	}{
		"labels of a network": {&computepb.Firewall{Name: new("acme-europe-west3-a-labels"), Network: new("global/networks/acme-europe-west3-a")}, ""},
		"a stranger's":        {&computepb.Firewall{Name: new("default-allow-ssh"), Network: new("global/networks/default")}, "default-allow-ssh"},
		"aimed at a firewall": {&computepb.Firewall{Name: new("let-me-in"), TargetTags: []string{tag}}, tag},
		"aimed at two":        {&computepb.Firewall{Name: new("let-me-in"), TargetTags: []string{tag, "x-europe-west3-a"}}, "let-me-in"},
	} {
		if got := firewallOf(test.rule); got != test.want {
			t.Errorf("%s: %q", what, got)
		}
	}
}
