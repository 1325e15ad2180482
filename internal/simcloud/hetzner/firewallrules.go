package hetzner

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// The vendor's bounds of firewall rules: the first three are in the descriptions
// of the operations, the effective rules in
// https://docs.hetzner.com/cloud/firewalls/overview.
const (
	maxRules           = 50
	maxRuleIPs         = 100
	maxRuleDescription = 255
	maxEffectiveRules  = 500
)

// ruleRequest is a rule as clients send it.
type ruleRequest struct {
	Description    *string  `json:"description"`
	Direction      string   `json:"direction"`
	SourceIPs      []string `json:"source_ips"`
	DestinationIPs []string `json:"destination_ips"`
	Protocol       string   `json:"protocol"`
	Port           *string  `json:"port"`
}

// rules checks the rules of a firewall and answers them in the vendor's
// canonical form, those inward before those outward. Fields are named as the vendor names those of list entries.
func (v *fields) rules(in []ruleRequest) []FirewallRule {
	if len(in) > maxRules {
		v.add("rules", "must not have more than %d entries", maxRules)
		return nil
	}
	effective := 0
	var out []FirewallRule
	for _, r := range in {
		out = append(out, v.rule(r))
		effective += len(r.SourceIPs) + len(r.DestinationIPs)
	}
	if effective > maxEffectiveRules {
		v.add("rules", "must not have more than %d effective rules", maxEffectiveRules)
	}
	slices.SortStableFunc(out, func(a, b FirewallRule) int { return cmp.Compare(a.Direction, b.Direction) })
	return out
}

func (v *fields) rule(r ruleRequest) FirewallRule {
	out := FirewallRule{Description: r.Description, Direction: r.Direction, Protocol: r.Protocol, Port: r.Port,
		SourceIPs: v.cidrs("rules[].source_ips", r.SourceIPs), DestinationIPs: v.cidrs("rules[].destination_ips", r.DestinationIPs)}
	if r.Description != nil && len([]rune(*r.Description)) > maxRuleDescription {
		v.add("rules[].description", "is too long (maximum %d characters)", maxRuleDescription)
	}
	switch r.Direction {
	case "in":
		v.directed("source_ips", "destination_ips", r.SourceIPs, r.DestinationIPs)
	case "out":
		v.directed("destination_ips", "source_ips", r.DestinationIPs, r.SourceIPs)
	default:
		v.add("rules[].direction", "must be one of: in, out")
	}
	given := r.Port != nil && *r.Port != ""
	switch r.Protocol {
	case "tcp", "udp":
		if !given {
			v.add("rules[].port", "is required for protocol %s", r.Protocol)
		} else if !validPorts(*r.Port) {
			v.add("rules[].port", "must be a port or a range of ports between 1 and 65535")
		}
	case "icmp", "esp", "gre":
		if out.Port = nil; given {
			v.add("rules[].port", "must not be given for protocol %s", r.Protocol)
		}
	default:
		v.add("rules[].protocol", "must be one of: tcp, udp, icmp, esp, gre")
	}
	return out
}

// directed wants addresses for one side of a rule and none for the other.
func (v *fields) directed(need, refuse string, needed, refused []string) {
	if len(needed) == 0 {
		v.add("rules[]."+need, "must have at least one entry")
	}
	if len(refused) > 0 {
		v.add("rules[]."+refuse, "must be empty for this direction")
	}
}

// cidrs checks ranges and answers them in their canonical form (RFC 5952).
func (v *fields) cidrs(field string, in []string) []string {
	if len(in) > maxRuleIPs {
		v.add(field, "must not have more than %d entries", maxRuleIPs)
		return nil
	}
	var out []string
	for _, s := range in {
		p, ok := cleanPrefix(s)
		if !ok || p.Addr().Is4In6() {
			v.add(field, "%q is not a network in CIDR notation with empty host bits", s)
			continue
		}
		out = append(out, p.String())
	}
	return out
}

// validPorts accepts a port, a range of ports, and "any" for all of them.
func validPorts(s string) bool {
	if s == "any" {
		return true
	}
	low, high, isRange := strings.Cut(s, "-")
	if !isRange {
		high = low
	}
	from, err1 := strconv.ParseUint(low, 10, 16)
	to, err2 := strconv.ParseUint(high, 10, 16)
	return err1 == nil && err2 == nil && from >= 1 && from <= to
}

// targets checks the form of what a firewall is to be applied to or removed from.
func (v *fields) targets(field string, in []firewallTarget) {
	for _, t := range in {
		switch t.Type {
		case "server":
			if t.Server == nil || t.Server.ID < 1 {
				v.add(field+"[].server", "is required for type server")
			}
		case "label_selector":
			if t.LabelSelector == nil || strings.TrimSpace(t.LabelSelector.Selector) == "" {
				v.add(field+"[].label_selector", "is required for type label_selector")
			} else if _, err := parseSelector(t.LabelSelector.Selector); err != nil {
				v.add(field+"[].label_selector.selector", "%s", err)
			}
		default:
			v.add(field+"[].type", "must be one of: server, label_selector")
		}
	}
}
