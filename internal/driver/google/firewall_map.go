package google

import (
	"cmp"
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

// What a VPC rule's description says beside the labels.
const (
	// labelFirewall is the native id of the firewall that the rule is part of.
	labelFirewall = cloud.LabelPrefix + "firewall"
	// labelCopy marks the rules of a network other than the firewall's own.
	labelCopy = cloud.LabelPrefix + "copy"
	// labelAnchor marks the anchor network and the rules in it.
	labelAnchor = cloud.LabelPrefix + "anchor"
	// labelEmpty marks the rule that stands for a firewall which lets
	// nothing in.
	labelEmpty = cloud.LabelPrefix + "empty"
	// labelRule and a number tell which neutral rule something comes from:
	// "tcp:443 web".
	labelRule = cloud.LabelPrefix + "rule-"
)

// The vendor's words (field `direction`), and its priorities, of which the
// lower number wins. 1000 is the vendor's own default.
const (
	ingress         = "INGRESS"
	egress          = "EGRESS"
	defaultPriority = 1000
	// denyPriority is that of the rules which end a list of outbound rules.
	denyPriority = 65000
)

// Everything, in both families.
const (
	everywhere4 = "0.0.0.0/0"
	everywhere6 = "::/0"
)

// site says where and how a firewall's rules are written.
type site struct {
	// Network is the network that they belong to.
	Network string
	// Anchor: it is the anchor network, where rules are switched off.
	Anchor bool
	// Copy: it is not the firewall's own network.
	Copy bool
}

// ruleGroup is what becomes one VPC rule: neutral rules with one direction and
// the same networks of one family.
type ruleGroup struct {
	direction cloud.Direction
	six       bool
	networks  []netip.Prefix
	// rules holds the neutral rules by their number.
	rules map[int]cloud.FirewallRule
}

// groupRules sorts rules into groups, in the order of their first rule; at
// most room characters of entries share a description.
func groupRules(rules []cloud.FirewallRule, room int) []*ruleGroup {
	var groups []*ruleGroup
	for i, rule := range rules {
		for _, six := range []bool{false, true} {
			networks := slices.SortedFunc(slices.Values(rule.Networks), netip.Prefix.Compare)
			networks = slices.Compact(slices.DeleteFunc(networks, func(p netip.Prefix) bool { return p.Addr().Is6() != six }))
			if len(networks) == 0 {
				continue
			}
			at := slices.IndexFunc(groups, func(g *ruleGroup) bool {
				return g.direction == rule.Direction && g.six == six && slices.Equal(g.networks, networks) && g.length()+entryLength(i, rule) <= room
			})
			if at < 0 {
				groups = append(groups, &ruleGroup{direction: rule.Direction, six: six, networks: networks, rules: map[int]cloud.FirewallRule{}})
				at = len(groups) - 1
			}
			groups[at].rules[i] = rule
		}
	}
	return groups
}

// length is what the group's entries take of a description.
func (g *ruleGroup) length() int {
	total := 0
	for i, rule := range g.rules {
		total += entryLength(i, rule)
	}
	return total
}

func entryLength(i int, rule cloud.FirewallRule) int {
	// Quotes may have to be escaped; six characters are quotes, colon, comma.
	return len(labelRule+strconv.Itoa(i)) + len(strconv.Quote(entryOf(rule))) + 6
}

// entryOf writes a neutral rule as its description entry; the networks are
// those of the VPC rule.
func entryOf(rule cloud.FirewallRule) string {
	text := rule.Protocol
	if rule.FromPort != 0 || rule.ToPort != 0 {
		text += ":" + portText(rule.FromPort, rule.ToPort)
	}
	if rule.Description != "" {
		text += " " + rule.Description
	}
	return text
}

// parseEntry reads what entryOf writes.
func parseEntry(text string) cloud.FirewallRule {
	head, description, _ := strings.Cut(text, " ")
	protocol, ports, hasPorts := strings.Cut(head, ":")
	rule := cloud.FirewallRule{Protocol: protocol, Description: description}
	if hasPorts {
		rule.FromPort, rule.ToPort = parsePorts(ports)
	}
	return rule
}

// firewallPairs are the labels that each rule of a firewall carries.
func firewallPairs(tag string, labels map[string]string, where site) map[string]string {
	pairs := maps.Clone(labels)
	pairs[labelFirewall] = tag
	if where.Anchor {
		pairs[labelAnchor] = "true"
	}
	if where.Copy {
		pairs[labelCopy] = "true"
	}
	return pairs
}

// vpcRules gives the VPC rules of a firewall in one network. At home the first
// has the firewall's native id as its name, so that nobody makes it twice, and
// is always there; the others' names follow from their place.
func (d *Driver) vpcRules(tag string, labels map[string]string, rules []cloud.FirewallRule, where site) ([]*computepb.Firewall, error) {
	pairs := firewallPairs(tag, labels, where)
	text, err := describe(pairs)
	if err != nil {
		return nil, err
	}
	groups := groupRules(rules, maxDescription-len(text))
	slices.SortStableFunc(groups, func(a, b *ruleGroup) int { return cmp.Compare(rank(a.direction), rank(b.direction)) })
	var (
		made     []*computepb.Firewall
		outbound bool
		counts   = map[string]int{}
	)
	add := func(name string, rule *computepb.Firewall, pairs map[string]string) error {
		text, err := describe(pairs)
		rule.Name, rule.Description = &name, &text
		rule.Network, rule.TargetTags = new(d.globalURL("networks", where.Network)), []string{tag}
		if rule.Disabled == nil {
			rule.Disabled = new(where.Anchor)
		}
		made = append(made, rule)
		return err
	}
	name := func(place string) string {
		counts[place]++
		return childName(tag, where.Network, place, strconv.Itoa(counts[place]))
	}
	if !where.Copy && (len(groups) == 0 || groups[0].direction != cloud.Inbound) {
		empty := maps.Clone(pairs)
		empty[labelEmpty] = "true"
		// Documentation addresses (RFC 5737) let nobody in, were it on.
		if err := add(tag, &computepb.Firewall{Direction: new(ingress), Priority: new(int32(lowestPriority)), Disabled: new(true),
			Allowed: []*computepb.Allowed{{IPProtocol: new("icmp")}}, SourceRanges: []string{"192.0.2.0/32"}}, empty); err != nil {
			return nil, err
		}
	}
	for i, group := range groups {
		own := maps.Clone(pairs)
		for i, rule := range group.rules {
			own[labelRule+strconv.Itoa(i)] = entryOf(rule)
		}
		place := fmt.Sprint(group.direction, group.six)
		rule := &computepb.Firewall{Direction: new(ingress), Priority: new(int32(defaultPriority)), Allowed: group.allowed()}
		if group.direction == cloud.Outbound {
			outbound = true
			rule.Direction, rule.DestinationRanges = new(egress), texts(group.networks)
		} else {
			rule.SourceRanges = texts(group.networks)
		}
		called := tag
		if i > 0 || where.Copy || group.direction != cloud.Inbound {
			called = name(place)
		}
		if err := add(called, rule, own); err != nil {
			return nil, err
		}
	}
	if outbound {
		for _, all := range []string{everywhere4, everywhere6} {
			if err := add(name("deny"), &computepb.Firewall{Direction: new(egress), Priority: new(int32(denyPriority)),
				Denied: []*computepb.Denied{{IPProtocol: new("all")}}, DestinationRanges: []string{all}}, maps.Clone(pairs)); err != nil {
				return nil, err
			}
		}
	}
	return made, nil
}

func rank(d cloud.Direction) int {
	if d == cloud.Outbound {
		return 1
	}
	return 0
}

// allowed writes what a group lets pass, ports of one protocol together.
func (g *ruleGroup) allowed() []*computepb.Allowed {
	var allowed []*computepb.Allowed
	for _, i := range slices.Sorted(maps.Keys(g.rules)) {
		rule := g.rules[i]
		protocol := protocolText(rule.Protocol, g.six)
		at := slices.IndexFunc(allowed, func(a *computepb.Allowed) bool { return a.GetIPProtocol() == protocol })
		if at < 0 {
			allowed = append(allowed, &computepb.Allowed{IPProtocol: &protocol})
			at = len(allowed) - 1
		}
		if rule.FromPort == 0 && rule.ToPort == 0 {
			continue
		}
		if ports := portText(rule.FromPort, rule.ToPort); !slices.Contains(allowed[at].Ports, ports) {
			allowed[at].Ports = append(allowed[at].Ports, ports)
		}
	}
	return allowed
}

// protocolText writes a protocol as the vendor reads it: a few by name, others
// by their IANA number; ICMP has another number for IPv6.
func protocolText(protocol string, six bool) string {
	switch {
	case protocol == "icmp" && six:
		return "58"
	case protocol == "gre":
		return "47"
	}
	return protocol
}

// protocolFrom reads what protocolText writes.
func protocolFrom(text string) string {
	switch text {
	case "58", "ipv6-icmp", "1":
		return "icmp"
	case "47":
		return "gre"
	case "6":
		return "tcp"
	case "17":
		return "udp"
	case "50":
		return "esp"
	}
	return text
}

func portText(from, to uint16) string {
	text := strconv.Itoa(int(from))
	if to != from {
		text += "-" + strconv.Itoa(int(to))
	}
	return text
}

// parsePorts reads what portText writes. What it cannot read counts as all
// ports, so that it shows as a difference and never as a narrower rule than
// the real one.
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

func texts(networks []netip.Prefix) []string {
	out := make([]string, len(networks))
	for i, network := range networks {
		out[i] = network.String()
	}
	return out
}
