package policy

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

func TestWholeInternet(t *testing.T) {
	// halves lists the 2^n prefixes of n bits.
	split := func(bits int) []string {
		var out []string
		for i := range 1 << bits {
			out = append(out, fmt.Sprintf("%d.0.0.0/%d", i<<(8-bits), bits))
		}
		return out
	}
	for _, tc := range []struct {
		name     string
		networks []string
		want     bool
	}{
		{"nothing", nil, false},
		{"IPv4", []string{"0.0.0.0/0"}, true},
		{"IPv6", []string{"::/0"}, true},
		{"two halves", []string{"0.0.0.0/1", "128.0.0.0/1"}, true},
		{"one half", []string{"128.0.0.0/1"}, true},
		{"256 eighths", split(8), true},
		{"a /7", []string{"8.0.0.0/7"}, true},
		{"a /8", []string{"8.0.0.0/8"}, false},
		{"a /8 and one address", []string{"8.0.0.0/8", "9.9.9.9/32"}, true},
		{"a /8 twice, and parts of it", []string{"8.0.0.0/8", "8.0.0.0/8", "8.8.0.0/16", "8.8.8.8/32"}, false},
		{"two halves of a /8", []string{"8.0.0.0/9", "8.128.0.0/9"}, false},
		{"all private networks", []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fe80::/10", "127.0.0.0/8", "169.254.0.0/16", "::1/128"}, false},
		{"private ones beside a /8", []string{"10.0.0.0/8", "8.0.0.0/8", "192.168.0.0/16"}, false},
		{"more than private", []string{"10.0.0.0/7"}, true},
		{"an office", []string{"203.0.113.0/24", "2001:db8::/32"}, false},
		{"global unicast", []string{"2000::/3"}, true},
		{"an IPv6 /15", []string{"2a00::/15"}, true},
		{"an IPv6 /16", []string{"2a01::/16"}, false},
		{"two IPv6 /16", []string{"2a01::/16", "2a03::/16"}, true},
		{"many addresses of IPv6", []string{"2001:db8::1/128", "2001:db8::2/128", "2001:db8::3/128"}, false},
		{"6to4 of all IPv4", []string{"2002::/16"}, true},
		{"6to4 of a private network", []string{"2002:a00::/24"}, false},
		{"6to4 of one network", []string{"2002:cb00:7100::/40"}, false},
		{"6to4 host", []string{"2002:cb00:7101::1/128"}, false},
		{"NAT64 of all IPv4", []string{"64:ff9b::/96"}, true},
		{"what holds NAT64", []string{"64:ff9b::/32"}, true},
		{"NAT64 of one network", []string{"64:ff9b::cb00:7100/120"}, false},
		{"IPv4 and its 6to4 count once", []string{"8.0.0.0/8", "2002:800::/24"}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := wholeInternet(prefixes(t, tc.networks...)); got != tc.want {
				t.Errorf("%s: %v", strings.Join(tc.networks, " "), got)
			}
		})
	}
}

// FuzzWholeInternet compares the measure with counting on a small scale: all
// prefixes lie in 8.0.0.0/6, cut into 1024 blocks of /16.
func FuzzWholeInternet(f *testing.F) {
	f.Add([]byte{0, 8, 1, 9})
	f.Add([]byte{2, 6, 255, 16, 128, 12})
	f.Fuzz(func(t *testing.T, data []byte) {
		var networks []netip.Prefix
		covered := map[int]bool{}
		for i := 0; i+1 < len(data) && len(networks) < 40; i += 2 {
			bits := 6 + int(data[i+1])%11 // 6 to 16
			addr := netip.AddrFrom4([4]byte{8 | data[i]&3, data[i] * 7})
			p := netip.PrefixFrom(addr, bits).Masked()
			networks = append(networks, p)
			b := p.Addr().As4()
			start := (int(b[0])-8)*256 + int(b[1])
			for j := range 1 << (16 - bits) {
				// 10.0.0.0/8 is private, unless a larger network holds it.
				covered[start+j] = covered[start+j] || !within(p, rfc1918())
			}
		}
		count := 0
		for _, public := range covered {
			if public {
				count++
			}
		}
		if got, want := wholeInternet(networks), count > 256; got != want {
			t.Fatalf("%v: %v, but %d of 256 blocks are covered", networks, got, count)
		}
	})
}
