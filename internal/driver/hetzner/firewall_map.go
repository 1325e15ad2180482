package hetzner

import (
	"context"
	"fmt"
	"math"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

func rulesOf(rules []cloud.FirewallRule) []hcloud.FirewallRule {
	out := make([]hcloud.FirewallRule, 0, len(rules))
	for _, rule := range rules {
		r := hcloud.FirewallRule{
			Direction: hcloud.FirewallRuleDirection(rule.Direction),
			Protocol:  hcloud.FirewallRuleProtocol(rule.Protocol),
			Port:      portText(rule.FromPort, rule.ToPort),
		}
		for _, network := range rule.Networks {
			if rule.Direction == cloud.Outbound {
				r.DestinationIPs = append(r.DestinationIPs, *ipNet(network))
			} else {
				r.SourceIPs = append(r.SourceIPs, *ipNet(network))
			}
		}
		if rule.Description != "" {
			r.Description = &rule.Description
		}
		out = append(out, r)
	}
	return out
}

func firewallFrom(have *hcloud.Firewall) cloud.Firewall {
	var firewall cloud.Firewall
	firewall.Meta = metaOf(cloud.KindFirewall, have.Name, "", have.Labels, false)
	firewall.Object = objectOf(have.ID, have.Name, firewall.Meta, have.Labels)
	firewall.Created = have.Created
	for _, r := range have.Rules {
		rule := cloud.FirewallRule{Direction: cloud.Direction(r.Direction), Protocol: string(r.Protocol)}
		if r.Port != nil {
			rule.FromPort, rule.ToPort = parsePorts(*r.Port)
		}
		if r.Description != nil {
			rule.Description = *r.Description
		}
		for _, networks := range [][]net.IPNet{r.SourceIPs, r.DestinationIPs} {
			for _, network := range networks {
				rule.Networks = append(rule.Networks, prefix(&network))
			}
		}
		firewall.Rules = append(firewall.Rules, rule)
	}
	return firewall
}

// portText writes ports as the API reads them: "443" or "8000-8010"; nil for
// protocols without ports.
func portText(from, to uint16) *string {
	if from == 0 && to == 0 {
		return nil
	}
	text := strconv.Itoa(int(from))
	if to != from {
		text += "-" + strconv.Itoa(int(to))
	}
	return &text
}

// parsePorts reads what portText writes, and "any", which the Console writes.
// What it cannot read counts as all ports, so that it shows as a difference
// and never as a narrower rule than the real one.
func parsePorts(text string) (from, to uint16) {
	first, last, isRange := strings.Cut(text, "-")
	if !isRange {
		last = first
	}
	low, errLow := strconv.ParseUint(first, 10, 16)
	high, errHigh := strconv.ParseUint(last, 10, 16)
	if errLow != nil || errHigh != nil {
		return 1, math.MaxUint16
	}
	return uint16(low), uint16(high)
}

func planFirewall(current cloud.Firewall, want cloud.FirewallSpec) []step {
	steps := relabelIfNeeded(cloud.KindFirewall, current.NativeName, current.Meta, want.Meta)
	if !sameRules(current.Rules, want.Rules) {
		steps = append(steps, setRules{want.Rules})
	}
	return steps
}

// sameRules compares without regard to order: rules only allow, so their
// order means nothing.
func sameRules(a, b []cloud.FirewallRule) bool {
	return slices.Equal(ruleTexts(a), ruleTexts(b))
}

func ruleTexts(rules []cloud.FirewallRule) []string {
	texts := make([]string, len(rules))
	for i, rule := range rules {
		networks := slices.Clone(rule.Networks)
		slices.SortFunc(networks, netip.Prefix.Compare)
		texts[i] = fmt.Sprint(rule.Direction, rule.Protocol, rule.FromPort, "-", rule.ToPort, networks, rule.Description)
	}
	slices.Sort(texts)
	return texts
}

// setRules replaces all rules at once: the firewall is never without them.
type setRules struct{ Rules []cloud.FirewallRule }

func (s setRules) String() string { return fmt.Sprintf("set the %d rules of firewall", len(s.Rules)) }

func (s setRules) run(ctx context.Context, d *Driver, id int64) ([]*hcloud.Action, error) {
	return many(d.client.Firewall.SetRules(ctx, &hcloud.Firewall{ID: id}, hcloud.FirewallSetRulesOpts{Rules: rulesOf(s.Rules)}))
}
