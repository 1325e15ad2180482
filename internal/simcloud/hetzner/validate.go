package hetzner

import (
	"net/netip"
	"regexp"
	"strings"
)

// The vendor's documented rules for labels: an optional DNS subdomain of at
// most 253 characters, a slash, and a name of at most 63; a value of at most 63.
var (
	labelName   = regexp.MustCompile(`^[a-zA-Z0-9]([-_.a-zA-Z0-9]{0,61}[a-zA-Z0-9])?$`)
	labelPrefix = regexp.MustCompile(`^[a-zA-Z0-9]([-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?(\.[a-zA-Z0-9]([-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?)*$`)
	hostLabel   = regexp.MustCompile(`^[a-zA-Z0-9]([-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?$`)
	volumeName  = regexp.MustCompile(`^[a-zA-Z0-9]([-_.a-zA-Z0-9]{0,62}[a-zA-Z0-9])?$`)
)

func validLabelKey(k string) bool {
	prefix, name, ok := strings.Cut(k, "/")
	if !ok {
		return labelName.MatchString(k)
	}
	return len(prefix) <= 253 && labelPrefix.MatchString(prefix) && labelName.MatchString(name) && prefix != "hetzner.cloud"
}

func validLabelValue(v string) bool { return v == "" || labelName.MatchString(v) }

// labels checks user-defined labels.
func (v *fields) labels(l map[string]string) {
	for k, val := range l {
		if !validLabelKey(k) {
			v.add("labels", "invalid label key: %q", k)
		} else if !validLabelValue(val) {
			v.add("labels", "invalid label value of %q: %q", k, val)
		}
	}
}

// name checks a display name of at most limit characters.
func (v *fields) name(name string, limit int) {
	switch {
	case name == "":
		v.add("name", "missing data for required field")
	case len(name) > limit:
		v.add("name", "is too long (maximum %d characters)", limit)
	}
}

// hostname checks a server's name by RFC 1123.
func (v *fields) hostname(name string) {
	if name == "" {
		v.add("name", "missing data for required field")
		return
	}
	ok := len(name) <= 253
	for _, part := range strings.Split(name, ".") {
		ok = ok && hostLabel.MatchString(part)
	}
	if !ok {
		v.add("name", "is not a valid hostname")
	}
}

// dnsName checks the target of a reverse DNS entry.
func validDNSName(s string) bool {
	s = strings.TrimSuffix(s, ".")
	if s == "" || len(s) > 253 {
		return false
	}
	for _, part := range strings.Split(s, ".") {
		if !hostLabel.MatchString(part) {
			return false
		}
	}
	return true
}

// cleanPrefix parses a CIDR whose host bits are empty.
func cleanPrefix(s string) (netip.Prefix, bool) {
	p, err := netip.ParsePrefix(s)
	return p, err == nil && p == p.Masked()
}
