package policy

import (
	"cmp"
	"net/netip"
	"slices"
)

// What counts as the whole internet.
//
// A port is open to the whole internet if the networks that may reach it, over
// all rules of the firewall for that protocol and port, cover together more
// addresses than one IPv4 /8 (1/256 of IPv4) or more than one IPv6 /16. No
// organisation's own networks are larger: a /8 is the most that was ever
// assigned to one, and registries themselves get no more than a /12 of IPv6.
// So 0.0.0.0/0 and ::/0 are caught, and so are 0.0.0.0/1 with 128.0.0.0/1, in
// one rule or in two, or any list of the world's providers; overlapping
// networks count once.
//
// Addresses that the internet does not route (RFC 1918, RFC 6598, loopback,
// link-local, IPv6 unique local) count nothing. IPv4 addresses inside 6to4
// (2002::/16) and NAT64 (64:ff9b::/96) count as the IPv4 addresses that they
// stand for.
const (
	maxSources4 = uint64(1) << 24 // addresses of a /8
	maxSources6 = uint64(1) << 48 // networks of size /64 in a /16
)

// unrouted are the ranges that are never seen as a source on the internet:
// RFC 1918, RFC 6598, RFC 1122 (loopback), RFC 3927, RFC 4291, RFC 4193.
func unrouted() []netip.Prefix {
	return append(rfc1918(),
		netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64}), 10),
		netip.PrefixFrom(netip.AddrFrom4([4]byte{127}), 8),
		netip.PrefixFrom(netip.AddrFrom4([4]byte{169, 254}), 16),
		netip.PrefixFrom(netip.IPv6Loopback(), 128),
		netip.PrefixFrom(netip.AddrFrom16([16]byte{0xfe, 0x80}), 10),
		netip.PrefixFrom(netip.AddrFrom16([16]byte{0xfc}), 7),
	)
}

// wholeInternet tells whether the networks together are the whole internet.
func wholeInternet(networks []netip.Prefix) bool {
	skip := unrouted()
	var four, six []netip.Prefix
	for _, p := range networks {
		if !p.IsValid() {
			continue
		}
		p = p.Masked()
		switch embedded, is4 := as4(p); {
		case is4 && !within(embedded, skip):
			four = append(four, embedded)
		case !is4 && !within(p, skip):
			six = append(six, p)
		}
	}
	return measure(four, 32) > maxSources4 || measure(six, 64) > maxSources6
}

// as4 gives the IPv4 network that a prefix is or stands for. An IPv6 prefix
// that holds all of a range that stands for IPv4 stands for all of IPv4.
func as4(p netip.Prefix) (netip.Prefix, bool) {
	if p.Addr().Is4() {
		return p, true
	}
	address := p.Addr().As16()
	for _, form := range []struct {
		prefix netip.Prefix
		offset int // of the first byte of the IPv4 address
	}{
		{netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 0x02}), 16), 2},              // 6to4, RFC 3056
		{netip.PrefixFrom(netip.AddrFrom16([16]byte{0x00, 0x64, 0xff, 0x9b}), 96), 12}, // NAT64, RFC 6052
	} {
		switch {
		case contains(form.prefix, p):
			bits := min(p.Bits()-8*form.offset, 32)
			return netip.PrefixFrom(netip.AddrFrom4([4]byte(address[form.offset:form.offset+4])), bits).Masked(), true
		case contains(p, form.prefix):
			return netip.PrefixFrom(netip.IPv4Unspecified(), 0), true
		}
	}
	return netip.Prefix{}, false
}

// measure counts the networks of size /unit that the prefixes cover together.
// A smaller network counts as one. The sum saturates.
func measure(prefixes []netip.Prefix, unit int) uint64 {
	sorted := slices.Clone(prefixes)
	slices.SortFunc(sorted, func(a, b netip.Prefix) int {
		return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
	})
	var sum uint64
	var last netip.Prefix
	for _, p := range sorted {
		// Two prefixes are disjoint or one holds the other; the sort puts the
		// larger before what it holds.
		if last.IsValid() && contains(last, p) {
			continue
		}
		last = p
		if p.Bits() == 0 {
			return ^uint64(0)
		}
		sum += uint64(1) << max(0, unit-p.Bits())
		if sum > 1<<62 {
			return ^uint64(0)
		}
	}
	return sum
}
