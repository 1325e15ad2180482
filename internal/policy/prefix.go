package policy

import (
	"fmt"
	"net/netip"
	"strings"
)

// ParsePrefix reads a network in CIDR notation, IPv4 or IPv6. Host bits must
// be clear: with some set it is unclear whether the host or its network is
// meant, so the answer names both.
func ParsePrefix(text string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		remedy := "Write an address, a slash and the number of network bits, such as \"203.0.113.0/24\" or \"2001:db8::/32\"."
		if addr, e := netip.ParseAddr(text); e == nil && addr.Zone() == "" && !addr.Is4In6() {
			remedy = fmt.Sprintf("For this one address write %q.", netip.PrefixFrom(addr, addr.BitLen()))
		}
		return netip.Prefix{}, Finding{Summary: "Not a network", Detail: fmt.Sprintf("%q is not a network in CIDR notation.", clip(text)), Remedy: remedy}
	}
	if finding := checkPrefix(p); finding != nil {
		return netip.Prefix{}, *finding
	}
	return p, nil
}

// ParseAddr reads one IPv4 address in dotted form.
func ParseAddr(text string) (netip.Addr, error) {
	addr, err := netip.ParseAddr(text)
	if err != nil || !addr.Is4() {
		return netip.Addr{}, Finding{Summary: "Not an IPv4 address", Detail: fmt.Sprintf("%q is not an IPv4 address.", clip(text)),
			Remedy: "Write four numbers with dots, such as \"10.0.1.10\"."}
	}
	return addr, nil
}

// checkPrefix tells what is wrong with a prefix that somebody parsed.
func checkPrefix(p netip.Prefix) *Finding {
	switch {
	case !p.IsValid():
		return &Finding{Summary: "Not a network", Detail: "The network is empty.", Remedy: "Write a network in CIDR notation, such as \"203.0.113.0/24\"."}
	case p.Addr().Is4In6():
		return &Finding{Summary: "IPv4 written as IPv6",
			Detail: fmt.Sprintf("%q is an IPv4 network in IPv6 notation, which firewalls read in different ways.", p),
			Remedy: "Write it as IPv4, such as \"203.0.113.0/24\"."}
	case p != p.Masked():
		return &Finding{Summary: "Host bits are set",
			Detail: fmt.Sprintf("%q has bits set behind its %d network bits.", p, p.Bits()),
			Remedy: fmt.Sprintf("For the network write %q, for the one address %q.", p.Masked(), netip.PrefixFrom(p.Addr(), p.Addr().BitLen()))}
	}
	return nil
}

// rfc1918 are the private IPv4 ranges, RFC 1918.
func rfc1918() []netip.Prefix {
	return []netip.Prefix{
		netip.PrefixFrom(netip.AddrFrom4([4]byte{10}), 8),
		netip.PrefixFrom(netip.AddrFrom4([4]byte{172, 16}), 12),
		netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 168}), 16),
	}
}

// within tells whether a prefix lies entirely in one of the others.
func within(p netip.Prefix, ranges []netip.Prefix) bool {
	for _, r := range ranges {
		if contains(r, p) {
			return true
		}
	}
	return false
}

// contains tells whether outer holds every address of inner.
func contains(outer, inner netip.Prefix) bool {
	return outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
}

// clip shortens what is repeated in a message.
func clip(text string) string {
	const most = 60
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// list writes prefixes for people.
func list(prefixes []netip.Prefix) string {
	var texts []string
	for _, p := range prefixes {
		texts = append(texts, p.String())
	}
	return strings.Join(texts, ", ")
}
