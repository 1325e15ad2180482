package hetzner

import (
	"net/netip"
	"slices"
)

// setDNSPtr changes the reverse DNS entries of a public IP of a version, whose
// address (IPv4) or network (IPv6) is ip. A nil name resets the entry: to the
// vendor's own name for IPv4, to nothing for IPv6. The result is a new slice.
func setDNSPtr(version, ip string, entries []DNSPtr, of string, name *string) ([]DNSPtr, error) {
	addr, err := netip.ParseAddr(of)
	if err != nil {
		return nil, invalid("ip", "is not a valid IP address")
	}
	if version == "ipv6" {
		network, err := netip.ParsePrefix(ip)
		if err != nil || !network.Contains(addr) {
			return nil, invalid("ip", "does not belong to the resource")
		}
	} else if addr.String() != ip {
		return nil, invalid("ip", "does not belong to the resource")
	}
	if name != nil && !validDNSName(*name) {
		return nil, invalid("dns_ptr", "is not a valid hostname")
	}
	out := slices.DeleteFunc(slices.Clone(entries), func(d DNSPtr) bool { return d.IP == addr.String() })
	if name == nil {
		return append(out, defaultDNSPtr(version, ip)...), nil
	}
	return append(out, DNSPtr{IP: addr.String(), DNSPtr: *name}), nil
}
