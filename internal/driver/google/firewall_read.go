package google

import (
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"cloud.google.com/go/compute/apiv1/computepb"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// ruleSet is what the vendor says of one firewall: its VPC rules in all
// networks.
type ruleSet struct {
	tag   string
	rules []*computepb.Firewall
}

// belongs tells whether a VPC rule is part of a firewall: it says so, has the
// firewall's name, or is aimed at nothing but its tag (somebody added it).
func belongs(rule *computepb.Firewall, tag string) bool { return firewallOf(rule) == tag }

// firewallOf gives the firewall that a VPC rule is part of; empty for the rule
// that keeps a network's labels.
func firewallOf(rule *computepb.Firewall) string {
	pairs := described(rule.GetDescription())
	switch {
	case pairs[labelFirewall] != "":
		return pairs[labelFirewall]
	case rule.GetName() == labelRuleName(lastPart(rule.GetNetwork())):
		return ""
	case len(rule.GetTargetTags()) == 1 && zoneIn(rule.GetTargetTags()[0]) != "":
		return rule.GetTargetTags()[0]
	default:
		return rule.GetName()
	}
}

// isCopy tells whether a rule is there only because a VM in its network
// carries the firewall's tag.
func isCopy(rule *computepb.Firewall) bool {
	return described(rule.GetDescription())[labelCopy] != ""
}

// head gives the rule that tells most about the firewall: the one with its
// name, or else any of its own network, or any at all.
func (s ruleSet) head() *computepb.Firewall {
	best := s.rules[0]
	for _, rule := range s.rules {
		if rule.GetName() == s.tag {
			return rule
		}
		if described(rule.GetDescription())[labelFirewall] != "" && (isCopy(best) || described(best.GetDescription()) == nil) {
			best = rule
		}
	}
	return best
}

// home tells where the firewall's own rules stand.
func (s ruleSet) home() site {
	head := s.head()
	network := lastPart(head.GetNetwork())
	return site{Network: network, Anchor: described(head.GetDescription())[labelAnchor] != "" || looksLikeAnchor(network)}
}

// sites lists the networks in which the firewall has rules, its own first.
func (s ruleSet) sites() []site {
	home := s.home()
	found := []site{home}
	names := map[string]bool{home.Network: true}
	for _, rule := range s.rules {
		if name := lastPart(rule.GetNetwork()); !names[name] {
			names[name] = true
			found = append(found, site{Network: name, Copy: true})
		}
	}
	slices.SortFunc(found[1:], func(a, b site) int { return strings.Compare(a.Network, b.Network) })
	return found
}

func (s ruleSet) in(network string) []*computepb.Firewall {
	return slices.DeleteFunc(slices.Clone(s.rules), func(rule *computepb.Firewall) bool { return lastPart(rule.GetNetwork()) != network })
}

// labels are the firewall's own pairs without what a rule says of itself.
func (s ruleSet) labels() map[string]string {
	labels := maps.Clone(described(s.head().GetDescription()))
	maps.DeleteFunc(labels, func(key, _ string) bool {
		return key == labelFirewall || key == labelCopy || key == labelAnchor || key == labelEmpty || strings.HasPrefix(key, labelRule)
	})
	return labels
}

// firewallFrom translates. If the rules in some network are not what they are
// at home, it is those that are told: they have to be made good.
func firewallFrom(have ruleSet) cloud.Firewall {
	var firewall cloud.Firewall
	head, home := have.head(), have.home()
	labels := have.labels()
	firewall.Meta = metaOf(have.tag, "", labels, false)
	firewall.Object = objectOf(have.tag, head.GetCreationTimestamp(), firewall.Meta, labels)
	if !home.Anchor {
		firewall.Network = home.Network
	}
	firewall.Rules = neutralRules(have.tag, have.in(home.Network), home)
	for _, where := range have.sites()[1:] {
		if copied := neutralRules(have.tag, have.in(where.Network), where); !sameRules(copied, firewall.Rules) {
			firewall.Rules = copied
			break
		}
	}
	return firewall
}

// neutralRules reads the rules of one network. A rule that is switched off
// there, or is aimed elsewhere, lets nothing pass; what a rule lets pass beyond
// its entries comes as a rule of its own.
func neutralRules(tag string, rules []*computepb.Firewall, where site) []cloud.FirewallRule {
	var (
		numbered = map[int]*cloud.FirewallRule{}
		extra    []cloud.FirewallRule
		outbound bool
		denied   = map[string]bool{}
	)
	for _, rule := range rules {
		pairs := described(rule.GetDescription())
		ours := pairs[labelFirewall] == tag
		if pairs[labelEmpty] != "" || rule.GetDisabled() && !where.Anchor || ours && !slices.Contains(rule.GetTargetTags(), tag) {
			continue
		}
		direction, ranges := cloud.Inbound, rule.GetSourceRanges()
		if rule.GetDirection() == egress {
			direction, ranges = cloud.Outbound, rule.GetDestinationRanges()
		}
		if len(rule.GetDenied()) > 0 {
			for _, text := range ranges {
				denied[text] = denied[text] || direction == cloud.Outbound && rule.GetDenied()[0].GetIPProtocol() == "all"
			}
			continue
		}
		outbound = outbound || direction == cloud.Outbound
		networks := prefixes(ranges)
		passing := passes(rule)
		named := map[passage]bool{}
		for key, text := range pairs {
			number, err := strconv.Atoi(strings.TrimPrefix(key, labelRule))
			if !strings.HasPrefix(key, labelRule) || err != nil {
				continue
			}
			entry := parseEntry(text)
			what := passage{entry.Protocol, entry.FromPort, entry.ToPort}
			if !slices.Contains(passing, what) {
				continue
			}
			named[what] = true
			if numbered[number] == nil {
				entry.Direction = direction
				numbered[number] = &entry
			}
			numbered[number].Networks = append(numbered[number].Networks, networks...)
		}
		for _, what := range passing {
			if !named[what] {
				extra = append(extra, cloud.FirewallRule{Direction: direction, Protocol: what.protocol, FromPort: what.from, ToPort: what.to, Networks: networks})
			}
		}
	}
	if outbound && !(denied[everywhere4] && denied[everywhere6]) {
		// Nothing limits what goes out: as if a rule let everything pass.
		extra = append(extra, cloud.FirewallRule{Direction: cloud.Outbound, Protocol: "tcp", FromPort: 1, ToPort: math.MaxUint16,
			Networks: prefixes([]string{everywhere4, everywhere6})})
	}
	var found []cloud.FirewallRule
	for _, number := range slices.Sorted(maps.Keys(numbered)) {
		found = append(found, *numbered[number])
	}
	return append(found, extra...)
}

// passage is what one entry of a VPC rule lets pass.
type passage struct {
	protocol string
	from, to uint16
}

// passes lists what a VPC rule lets pass.
func passes(rule *computepb.Firewall) []passage {
	var found []passage
	for _, allowed := range rule.GetAllowed() {
		protocol := protocolFrom(allowed.GetIPProtocol())
		switch {
		case len(allowed.GetPorts()) > 0:
			for _, ports := range allowed.GetPorts() {
				from, to := parsePorts(ports)
				found = append(found, passage{protocol, from, to})
			}
		case protocol == "tcp" || protocol == "udp":
			found = append(found, passage{protocol, 1, math.MaxUint16})
		default:
			found = append(found, passage{protocol: protocol})
		}
	}
	return found
}

// prefixes reads ranges; single addresses count as such.
func prefixes(ranges []string) []netip.Prefix {
	var found []netip.Prefix
	for _, text := range ranges {
		if prefix, err := netip.ParsePrefix(text); err == nil {
			found = append(found, prefix)
		} else if addr, err := netip.ParseAddr(text); err == nil {
			found = append(found, netip.PrefixFrom(addr, addr.BitLen()))
		}
	}
	return found
}

// sameRules compares without regard to order: rules only allow, so their
// order means nothing.
func sameRules(a, b []cloud.FirewallRule) bool {
	return slices.Equal(ruleTexts(a), ruleTexts(b))
}

func ruleTexts(rules []cloud.FirewallRule) []string {
	texts := make([]string, len(rules))
	for i, rule := range rules {
		networks := slices.Compact(slices.SortedFunc(slices.Values(rule.Networks), netip.Prefix.Compare))
		texts[i] = fmt.Sprint(rule.Direction, rule.Protocol, rule.FromPort, "-", rule.ToPort, networks, rule.Description)
	}
	slices.Sort(texts)
	return texts
}
