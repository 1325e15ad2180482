package policy

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// MaxRuleDescription is the longest description of a firewall rule, in
// characters (Hetzner Cloud: 255, the shortest among the clouds).
const MaxRuleDescription = 255

// protocols are those that all clouds can filter; the value tells whether
// there are ports.
func protocols() map[string]bool {
	return map[string]bool{"tcp": true, "udp": true, "icmp": false, "esp": false, "gre": false}
}

// portRange is inclusive. Protocols without ports have the range 0 to 0.
type portRange struct{ from, to uint16 }

// public are the ports that may be open to the whole internet: HTTP, HTTPS and
// HTTP/3.
func public(protocol string) []portRange {
	switch protocol {
	case "tcp":
		return []portRange{{80, 80}, {443, 443}}
	case "udp":
		return []portRange{{443, 443}}
	}
	return nil
}

// CheckFirewall judges the rules of one firewall (NET-1). Nothing but TCP 80,
// TCP 443 and UDP 443 may be open to the whole internet, over all its inbound
// rules together; exposure.go says what the whole internet is. Outbound rules
// are judged for form only. A rule with an unknown part is the caller's to
// leave out, and the firewall's to judge again once it is known; what the
// known rules open is judged soundly without it, since a rule can only add.
//
// Fields are rules[i] with protocol, port, networks, direction, description.
func CheckFirewall(rules []cloud.FirewallRule) []Finding {
	var findings []Finding
	sound := make([]bool, len(rules))
	for i, rule := range rules {
		wrong := checkRule(index("rules", i), rule)
		findings = append(findings, wrong...)
		// What is malformed cannot be measured.
		sound[i] = len(wrong) == 0
	}
	for _, protocol := range slices.Sorted(maps.Keys(protocols())) {
		findings = append(findings, checkExposure(protocol, rules, sound)...)
	}
	return findings
}

func checkRule(field string, rule cloud.FirewallRule) []Finding {
	var findings []Finding
	add := func(attribute, summary, detail, remedy string) {
		findings = append(findings, Finding{Field: field + "." + attribute, Summary: summary, Detail: detail, Remedy: remedy})
	}
	if rule.Direction != cloud.Inbound && rule.Direction != cloud.Outbound {
		add("direction", "Unknown direction", fmt.Sprintf("%q is not a direction.", clip(string(rule.Direction))), "Write \"in\" or \"out\".")
	}
	hasPorts, known := protocols()[rule.Protocol]
	switch {
	case !known:
		add("protocol", "Unknown protocol", fmt.Sprintf("%q is not a protocol that firewalls filter on every cloud.", clip(rule.Protocol)),
			"Write tcp, udp, icmp, esp or gre, in lower case.")
	case hasPorts && (rule.FromPort == 0 || rule.ToPort == 0):
		add("port", "Port missing", fmt.Sprintf("A %s rule needs a port.", rule.Protocol),
			"Write a number from 1 to 65535, such as \"443\", or a range, such as \"8000-8010\".")
	case hasPorts && rule.FromPort > rule.ToPort:
		add("port", "Port range backwards", fmt.Sprintf("The range %d-%d begins after its end.", rule.FromPort, rule.ToPort),
			fmt.Sprintf("Write \"%d-%d\".", rule.ToPort, rule.FromPort))
	case !hasPorts && (rule.FromPort != 0 || rule.ToPort != 0):
		add("port", "Port without meaning", fmt.Sprintf("The protocol %s has no ports.", rule.Protocol), "Leave port out.")
	}
	if len(rule.Networks) == 0 {
		add("networks", "Networks missing", "The rule names no network, so it would let nothing pass.",
			"Name the networks that it is meant for, such as [\"203.0.113.0/24\"], or leave the rule out.")
	}
	seen := map[netip.Prefix]bool{}
	for j, p := range rule.Networks {
		at := index(field+".networks", j)
		if f := checkPrefix(p); f != nil {
			f.Field = at
			findings = append(findings, *f)
			continue
		}
		if seen[p] {
			findings = append(findings, Finding{Field: at, Summary: "Network named twice",
				Detail: fmt.Sprintf("%s is in the rule twice.", p), Remedy: "Name it once."})
		}
		seen[p] = true
	}
	if n := utf8.RuneCountInString(rule.Description); n > MaxRuleDescription {
		add("description", "Description too long", fmt.Sprintf("The description has %d characters; at most %d are possible.", n, MaxRuleDescription), "Shorten it.")
	}
	return findings
}

// checkExposure judges what the inbound rules of one protocol open together.
// Each rule at fault gets one finding, with all the ports that are at fault.
func checkExposure(protocol string, rules []cloud.FirewallRule, sound []bool) []Finding {
	var mine []int
	for i, rule := range rules {
		if sound[i] && rule.Direction == cloud.Inbound && rule.Protocol == protocol {
			mine = append(mine, i)
		}
	}
	type fault struct {
		ports []portRange
		with  map[int]bool
	}
	faults := map[int]*fault{}
	for _, ports := range segments(protocol, rules, mine) {
		var opening []int
		var networks []netip.Prefix
		for _, i := range mine {
			if rules[i].FromPort <= ports.from && ports.to <= rules[i].ToPort {
				opening = append(opening, i)
				networks = append(networks, rules[i].Networks...)
			}
		}
		if !wholeInternet(networks) {
			continue
		}
		// Whoever does it alone is to blame; else the last one, which filled it up.
		blamed := slices.DeleteFunc(slices.Clone(opening), func(i int) bool { return !wholeInternet(rules[i].Networks) })
		alone := len(blamed) > 0
		if !alone {
			blamed = opening[len(opening)-1:]
		}
		for _, i := range blamed {
			f := faults[i]
			if f == nil {
				f = &fault{with: map[int]bool{}}
				faults[i] = f
			}
			f.ports = append(f.ports, ports)
			for _, other := range opening {
				if !alone && other != i {
					f.with[other] = true
				}
			}
		}
	}
	var findings []Finding
	for _, i := range slices.Sorted(maps.Keys(faults)) {
		findings = append(findings, exposed(i, protocol, join(faults[i].ports), slices.Sorted(maps.Keys(faults[i].with))))
	}
	return findings
}

// segments cuts the ports of the rules into ranges that every rule covers
// wholly or not at all, in order, without the public ones.
func segments(protocol string, rules []cloud.FirewallRule, mine []int) []portRange {
	// Ends are exclusive, and may be 65536.
	cuts := map[int]bool{}
	cut := func(r portRange) { cuts[int(r.from)], cuts[int(r.to)+1] = true, true }
	open := public(protocol)
	for _, i := range mine {
		cut(portRange{rules[i].FromPort, rules[i].ToPort})
	}
	for _, r := range open {
		cut(r)
	}
	sorted := slices.Sorted(maps.Keys(cuts))
	var out []portRange
	for i := 1; i < len(sorted); i++ {
		r := portRange{uint16(sorted[i-1]), uint16(sorted[i] - 1)}
		if !slices.Contains(open, r) {
			out = append(out, r)
		}
	}
	return out
}

// join unites ranges that touch; they come in order.
func join(ranges []portRange) []portRange {
	var out []portRange
	for _, r := range ranges {
		if n := len(out); n > 0 && int(out[n-1].to)+1 == int(r.from) {
			out[n-1].to = r.to
			continue
		}
		out = append(out, r)
	}
	return out
}

func exposed(rule int, protocol string, ports []portRange, with []int) Finding {
	what := protocol
	sshToo := false
	if hasPorts := protocols()[protocol]; hasPorts {
		var texts []string
		for _, r := range ports {
			texts = append(texts, FormatPorts(r.from, r.to))
			sshToo = sshToo || (protocol == "tcp" && r.from <= 22 && 22 <= r.to)
		}
		noun := " port "
		if len(texts) > 1 || strings.Contains(texts[0], "-") {
			noun = " ports "
		}
		what += noun + strings.Join(texts, ", ")
	}
	f := Finding{
		Promise: NET1, Field: index("rules", rule) + ".networks", Summary: "Open to the whole internet",
		Detail: fmt.Sprintf("The rule opens %s to the whole internet; only tcp 80, tcp 443 and udp 443 may be.", what),
		Remedy: "Name the networks that need it, together no more than an IPv4 /8 or an IPv6 /16.",
	}
	if len(with) > 0 {
		var others []string
		for _, i := range with {
			others = append(others, index("rules", i))
		}
		f.Detail = fmt.Sprintf("Together with %s the rule opens %s to the whole internet: the networks cover more than an IPv4 /8 or an IPv6 /16. Only tcp 80, tcp 443 and udp 443 may be open that far.",
			strings.Join(others, ", "), what)
	}
	if sshToo {
		f.Remedy += " SSH (22) is for the networks of the named engineers: their offices, a VPN or a jump host."
	}
	return f
}
