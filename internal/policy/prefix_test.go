package policy

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
)

func TestParsePrefix(t *testing.T) {
	for _, good := range []string{"0.0.0.0/0", "10.0.0.0/8", "203.0.113.7/32", "::/0", "2001:db8::/32", "2001:db8::1/128"} {
		if p, err := ParsePrefix(good); err != nil || p.String() != good {
			t.Errorf("%s: %v, %v", good, p, err)
		}
	}
	for _, tc := range []struct{ text, want string }{
		{"", `Not a network | "" is not a network in CIDR notation | such as "203.0.113.0/24"`},
		{"everywhere", `Not a network | "everywhere" is not a network`},
		{"203.0.113.7", `Not a network | "203.0.113.7" is not | For this one address write "203.0.113.7/32".`},
		{"2001:db8::1", `Not a network | "2001:db8::1" is not | For this one address write "2001:db8::1/128".`},
		{"::ffff:1.2.3.4", `Not a network | "::ffff:1.2.3.4" is not | such as "203.0.113.0/24"`},
		{"fe80::1%eth0", `Not a network | "fe80::1%eth0" is not | such as`},
		{"10.0.0.0/33", `Not a network | "10.0.0.0/33" is not`},
		{"10.0.0.0/08", `Not a network | "10.0.0.0/08" is not`},
		{"010.0.0.0/8", `Not a network | "010.0.0.0/8" is not`},
		{"10.0.0.0/255.0.0.0", `Not a network | is not a network in CIDR notation`},
		{"10.0.1.7/24", `Host bits are set | "10.0.1.7/24" has bits set behind its 24 network bits | For the network write "10.0.1.0/24", for the one address "10.0.1.7/32".`},
		{"2001:db8::1/32", `Host bits are set | behind its 32 network bits | write "2001:db8::/32", for the one address "2001:db8::1/128"`},
		{"::ffff:0.0.0.0/96", `IPv4 written as IPv6 | "::ffff:0.0.0.0/96" is an IPv4 network | Write it as IPv4`},
		{strings.Repeat("x", 100), "Not a network | " + strings.Repeat("x", 60) + "…"},
	} {
		_, err := ParsePrefix(tc.text)
		expect(t, at("cidr", err), "- cidr | "+tc.want)
	}
	if f := checkPrefix(netip.Prefix{}); f == nil || f.Detail != "The network is empty." {
		t.Errorf("empty prefix: %v", f)
	}
}

func TestParseAddr(t *testing.T) {
	if a, err := ParseAddr("10.0.1.10"); err != nil || a.String() != "10.0.1.10" {
		t.Errorf("%v, %v", a, err)
	}
	for _, text := range []string{"", "10.0.1", "10.0.1.010", "::1", "::ffff:10.0.0.1", "10.0.0.1/24", "host"} {
		_, err := ParseAddr(text)
		expect(t, at("private_ip", err), `- private_ip | Not an IPv4 address | is not an IPv4 address | such as "10.0.1.10"`)
	}
}

func FuzzParsePrefix(f *testing.F) {
	for _, s := range []string{"10.0.0.0/8", "10.1.2.3/8", "::/0", "2001:db8::1/33", "::ffff:1.2.3.4/120", "1.2.3.4", "x/y"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParsePrefix(text)
		if err != nil {
			var finding Finding
			if !errors.As(err, &finding) || finding.Summary == "" || finding.Remedy == "" {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if p != p.Masked() || p.Addr().Is4In6() {
			t.Fatalf("%q became %v", text, p)
		}
		again, err := ParsePrefix(p.String())
		if err != nil || again != p {
			t.Fatalf("%v does not round-trip: %v, %v", p, again, err)
		}
	})
}
