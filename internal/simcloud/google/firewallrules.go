package google

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// firewallBody is what clients send to insert, patch or update a rule.
type firewallBody struct {
	Name                  string           `json:"name"`
	Description           *string          `json:"description"`
	Network               *string          `json:"network"`
	Priority              *int32           `json:"priority"`
	Direction             *string          `json:"direction"`
	Disabled              *bool            `json:"disabled"`
	Allowed               *[]FirewallPorts `json:"allowed"`
	Denied                *[]FirewallPorts `json:"denied"`
	SourceRanges          *[]string        `json:"sourceRanges"`
	DestinationRanges     *[]string        `json:"destinationRanges"`
	SourceTags            *[]string        `json:"sourceTags"`
	TargetTags            *[]string        `json:"targetTags"`
	SourceServiceAccounts *[]string        `json:"sourceServiceAccounts"`
	TargetServiceAccounts *[]string        `json:"targetServiceAccounts"`
	LogConfig             *firewallLog     `json:"logConfig"`
}

// apply sets what the body holds.
func (in *firewallBody) apply(f *Firewall) {
	for _, ports := range []*[]FirewallPorts{in.Allowed, in.Denied} {
		for i := range len(deref(ports)) {
			(*ports)[i].Protocol = strings.ToLower((*ports)[i].Protocol)
		}
	}
	set(&f.Description, in.Description)
	set(&f.Direction, in.Direction)
	set(&f.Disabled, in.Disabled)
	set(&f.Allowed, in.Allowed)
	set(&f.Denied, in.Denied)
	set(&f.Sources, in.SourceRanges)
	set(&f.Targets, in.DestinationRanges)
	set(&f.SourceTags, in.SourceTags)
	set(&f.TargetTags, in.TargetTags)
	set(&f.SourceAccts, in.SourceServiceAccounts)
	set(&f.TargetAccts, in.TargetServiceAccounts)
	if in.Priority != nil {
		f.Priority = int(*in.Priority)
	}
	if in.LogConfig != nil {
		f.Log = in.LogConfig
	}
	// A rule without a source is for everybody; one without a destination
	// likewise ("If both fields are omitted, 0.0.0.0/0").
	if f.Direction == "INGRESS" && len(f.Sources)+len(f.SourceTags)+len(f.SourceAccts) == 0 {
		f.Sources = []string{"0.0.0.0/0"}
	}
	if f.Direction == "EGRESS" && len(f.Targets) == 0 {
		f.Targets = []string{"0.0.0.0/0"}
	}
}

// clear empties what a patch names as null.
func (in *firewallBody) clear(c *call, f *Firewall) {
	for field, list := range map[string]*[]string{"sourceTags": &f.SourceTags, "targetTags": &f.TargetTags,
		"sourceServiceAccounts": &f.SourceAccts, "targetServiceAccounts": &f.TargetAccts} {
		if c.has(field) && map[string]*[]string{"sourceTags": in.SourceTags, "targetTags": in.TargetTags,
			"sourceServiceAccounts": in.SourceServiceAccounts, "targetServiceAccounts": in.TargetServiceAccounts}[field] == nil {
			*list = nil
		}
	}
}

func deref[T any](p *[]T) []T {
	if p == nil {
		return nil
	}
	return *p
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// Limits of one rule (https://cloud.google.com/vpc/docs/quota#per_network).
const (
	rangeLimit      = 5000
	sourceTagLimit  = 30
	targetTagLimit  = 70
	sourceAcctLimit = 10
	targetAcctLimit = 10
)

// check refuses rules that the vendor refuses.
func (f *Firewall) check() error {
	if err := checkName("resource.name", f.Name); err != nil {
		return err
	}
	if err := checkDescription(f.Description); err != nil {
		return err
	}
	if f.Priority < 0 || f.Priority > 65535 {
		return invalid("resource.priority", strconv.Itoa(f.Priority), "Must be between 0 and 65535, inclusive.")
	}
	if err := oneOf("resource.direction", f.Direction, "INGRESS", "EGRESS"); err != nil {
		return err
	}
	if (len(f.Allowed) == 0) == (len(f.Denied) == 0) {
		return badRequest("A firewall rule must have either allowed or denied rules, not both and not neither.")
	}
	for field, ports := range map[string][]FirewallPorts{"allowed": f.Allowed, "denied": f.Denied} {
		for i, p := range ports {
			if err := p.check(fmt.Sprintf("resource.%s[%d]", field, i)); err != nil {
				return err
			}
		}
	}
	if f.Direction == "EGRESS" && len(f.SourceTags)+len(f.SourceAccts) > 0 {
		return invalid("resource.sourceTags", strings.Join(f.SourceTags, ","), "Source tags and service accounts cannot be used with the direction EGRESS.")
	}
	if len(f.SourceAccts)+len(f.TargetAccts) > 0 && len(f.SourceTags)+len(f.TargetTags) > 0 {
		return badRequest("Service accounts cannot be used together with tags in a firewall rule.")
	}
	if err := oneFamily("resource.sourceRanges", f.Sources); err != nil {
		return err
	}
	if err := oneFamily("resource.destinationRanges", f.Targets); err != nil {
		return err
	}
	if len(f.Sources) > 0 && len(f.Targets) > 0 && isIPv6(f.Sources[0]) != isIPv6(f.Targets[0]) {
		return invalid("resource.destinationRanges", f.Targets[0], "Source and destination ranges must be of the same IP version.")
	}
	for _, tags := range []struct {
		field string
		list  []string
		limit int
	}{{"resource.sourceTags", f.SourceTags, sourceTagLimit}, {"resource.targetTags", f.TargetTags, targetTagLimit}} {
		if len(tags.list) > tags.limit {
			return invalid(tags.field, strconv.Itoa(len(tags.list)), "Must have at most %d entries.", tags.limit)
		}
		for i, tag := range tags.list {
			if err := checkTag(fmt.Sprintf("%s[%d]", tags.field, i), tag); err != nil {
				return err
			}
		}
	}
	if len(f.SourceAccts) > sourceAcctLimit || len(f.TargetAccts) > targetAcctLimit {
		return badRequest("A firewall rule may have at most %d service accounts on each side.", targetAcctLimit)
	}
	if f.Log != nil {
		return oneOf("resource.logConfig.metadata", f.Log.Metadata, "INCLUDE_ALL_METADATA", "EXCLUDE_ALL_METADATA")
	}
	return nil
}

func isIPv6(s string) bool { return strings.Contains(s, ":") }

// oneFamily checks ranges: prefixes without host bits or single addresses, all
// IPv4 or all IPv6.
func oneFamily(field string, ranges []string) error {
	if len(ranges) > rangeLimit {
		return invalid(field, strconv.Itoa(len(ranges)), "Must have at most %d entries.", rangeLimit)
	}
	for i, r := range ranges {
		at := fmt.Sprintf("%s[%d]", field, i)
		if _, ok := cleanPrefix(r); !ok {
			if _, err := netip.ParseAddr(r); err != nil {
				return invalid(at, r, "Must be a valid IPV4 or IPV6 CIDR range.")
			}
		}
		if isIPv6(r) != isIPv6(ranges[0]) {
			return invalid(field, r, "IPv4 and IPv6 ranges cannot be combined in one firewall rule.")
		}
	}
	return nil
}

// protocolsWithPorts are those for which a rule may name ports.
var protocolsWithPorts = map[string]bool{"tcp": true, "udp": true, "sctp": true, "6": true, "17": true, "132": true}

// knownProtocols are the names that the vendor takes; numbers are taken too.
var knownProtocols = map[string]bool{"all": true, "tcp": true, "udp": true, "icmp": true, "esp": true, "ah": true, "ipip": true, "sctp": true}

func (p FirewallPorts) check(field string) error {
	if p.Protocol == "" {
		return required(field + ".IPProtocol")
	}
	if n, err := strconv.Atoi(p.Protocol); !knownProtocols[p.Protocol] && (err != nil || n < 0 || n > 255) {
		return invalid(field+".IPProtocol", p.Protocol, "Must be a well known protocol string (tcp, udp, icmp, esp, ah, ipip, sctp, all) or the IP protocol number.")
	}
	if len(p.Ports) > 0 && !protocolsWithPorts[p.Protocol] {
		return invalid(field+".ports[0]", p.Ports[0], "Ports may only be specified on rules whose protocol is one of [TCP, UDP, SCTP].")
	}
	for i, ports := range p.Ports {
		from, to, isRange := strings.Cut(ports, "-")
		a, errA := strconv.Atoi(from)
		b := a
		var errB error
		if isRange {
			b, errB = strconv.Atoi(to)
		}
		if errA != nil || errB != nil || a < 0 || b > 65535 || a > b {
			return invalid(fmt.Sprintf("%s.ports[%d]", field, i), ports, "Must be an integer between 0 and 65535, or a range of such.")
		}
	}
	return nil
}
