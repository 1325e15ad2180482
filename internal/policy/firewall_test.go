package policy

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// rule reads "in tcp 8000-8010 0.0.0.0/0 ::/0"; "-" stands for no ports.
func rule(t testing.TB, text string) cloud.FirewallRule {
	t.Helper()
	words := strings.Fields(text)
	r := cloud.FirewallRule{Direction: cloud.Direction(words[0]), Protocol: words[1], Networks: prefixes(t, words[3:]...)}
	if words[2] != "-" {
		var err error
		if r.FromPort, r.ToPort, err = ParsePorts(words[2]); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func TestCheckFirewallExposure(t *testing.T) {
	const open = "NET-1 rules[0].networks | Open to the whole internet | "
	for _, tc := range []struct {
		name  string
		rules []string
		want  []string
	}{
		{"no rules", nil, nil},
		{"a web server", []string{"in tcp 80 0.0.0.0/0 ::/0", "in tcp 443 0.0.0.0/0 ::/0", "in udp 443 0.0.0.0/0 ::/0", "in tcp 22 203.0.113.0/24", "out tcp 1-65535 0.0.0.0/0 ::/0"}, nil},
		{"everything outbound", []string{"out tcp 1-65535 0.0.0.0/0", "out icmp - 0.0.0.0/0"}, nil},
		{"SSH", []string{"in tcp 22 0.0.0.0/0"}, []string{open + "opens tcp port 22 to | SSH (22) is for the networks of the named engineers"}},
		{"SSH over IPv6", []string{"in tcp 22 203.0.113.0/24 ::/0"}, []string{open + "opens tcp port 22 to"}},
		{"a database", []string{"in tcp 5432 0.0.0.0/0"}, []string{open + "opens tcp port 5432 to | Name the networks that need it"}},
		{"a range counts every port", []string{"in tcp 80-443 0.0.0.0/0"}, []string{open + "opens tcp ports 81-442 to"}},
		{"a range around both", []string{"in tcp 79-444 0.0.0.0/0"}, []string{open + "opens tcp ports 79, 81-442, 444 to"}},
		{"all ports", []string{"in tcp 1-65535 0.0.0.0/0"}, []string{open + "opens tcp ports 1-79, 81-442, 444-65535 to | SSH (22)"}},
		{"the range of two public ports", []string{"in tcp 80-81 0.0.0.0/0"}, []string{open + "opens tcp port 81 to"}},
		{"UDP 80 is not HTTP", []string{"in udp 80 0.0.0.0/0"}, []string{open + "opens udp port 80 to"}},
		{"all of UDP", []string{"in udp 1-65535 ::/0"}, []string{open + "opens udp ports 1-442, 444-65535 to"}},
		{"ping", []string{"in icmp - 0.0.0.0/0"}, []string{open + "opens icmp to"}},
		{"ESP and GRE", []string{"in esp - 0.0.0.0/0", "in gre - ::/0"}, []string{open + "opens esp to", "NET-1 rules[1].networks | Open to the whole internet | opens gre to"}},
		{"ping from an office", []string{"in icmp - 203.0.113.0/24"}, nil},
		{"halves in one rule", []string{"in tcp 22 0.0.0.0/1 128.0.0.0/1"}, []string{open + "opens tcp port 22"}},
		{"half", []string{"in tcp 22 0.0.0.0/1"}, []string{open + "opens tcp port 22"}},
		{"halves in two rules", []string{"in tcp 22 0.0.0.0/1", "in tcp 22 128.0.0.0/1"},
			[]string{open + "The rule opens tcp port 22", "NET-1 rules[1].networks | Open to the whole internet | The rule opens tcp port 22"}},
		{"pieces over rules", []string{"in tcp 22 8.0.0.0/8", "in tcp 22 9.0.0.0/8"},
			[]string{"NET-1 rules[1].networks | Open to the whole internet | Together with rules[0] the rule opens tcp port 22 to the whole internet"}},
		{"pieces that overlap in some ports", []string{"in tcp 8000-8100 8.0.0.0/8", "in tcp 443 0.0.0.0/0", "in tcp 8050-8200 9.0.0.0/8"},
			[]string{"NET-1 rules[2].networks | Open to the whole internet | Together with rules[0] the rule opens tcp ports 8050-8100 to"}},
		{"pieces for other ports", []string{"in tcp 22 8.0.0.0/8", "in tcp 23 9.0.0.0/8"}, nil},
		{"pieces for other protocols", []string{"in tcp 5000 8.0.0.0/8", "in udp 5000 9.0.0.0/8"}, nil},
		{"a piece outbound", []string{"in tcp 22 8.0.0.0/8", "out tcp 22 9.0.0.0/8"}, nil},
		{"pieces for the web", []string{"in tcp 443 8.0.0.0/8", "in tcp 443 9.0.0.0/8"}, nil},
		{"private networks", []string{"in tcp 5432 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16"}, nil},
		{"the blame is on the open rule", []string{"in tcp 22 0.0.0.0/0", "in tcp 22 203.0.113.0/24"}, []string{open + "The rule opens tcp port 22"}},
		{"one finding a rule", []string{"in tcp 22 0.0.0.0/0", "in tcp 20-30 203.0.113.0/24", "in tcp 25 198.51.100.0/24"}, []string{open + "tcp port 22"}},
		{"the last port", []string{"in tcp 65535 0.0.0.0/0"}, []string{open + "tcp port 65535"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var rules []cloud.FirewallRule
			for _, text := range tc.rules {
				rules = append(rules, rule(t, text))
			}
			expect(t, CheckFirewall(rules), tc.want...)
		})
	}
}

func TestCheckFirewallForm(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*cloud.FirewallRule)
		want   string
	}{
		{"direction", func(r *cloud.FirewallRule) { r.Direction = "inbound" }, `- rules[1].direction | Unknown direction | "inbound" is not | Write "in" or "out"`},
		{"protocol", func(r *cloud.FirewallRule) { r.Protocol = "TCP" }, `- rules[1].protocol | Unknown protocol | "TCP" is not a protocol | in lower case`},
		{"no port", func(r *cloud.FirewallRule) { r.FromPort, r.ToPort = 0, 0 }, `- rules[1].port | Port missing | A tcp rule needs a port | from 1 to 65535`},
		{"half a port", func(r *cloud.FirewallRule) { r.FromPort = 0 }, `- rules[1].port | Port missing`},
		{"backwards", func(r *cloud.FirewallRule) { r.FromPort, r.ToPort = 90, 80 }, `- rules[1].port | Port range backwards | 90-80 begins | Write "80-90"`},
		{"port of ICMP", func(r *cloud.FirewallRule) { r.Protocol = "icmp" }, `- rules[1].port | Port without meaning | icmp has no ports | Leave port out`},
		{"no networks", func(r *cloud.FirewallRule) { r.Networks = nil }, `- rules[1].networks | Networks missing | names no network`},
		{"host bits", func(r *cloud.FirewallRule) { r.Networks = prefixes(t, "10.0.0.0/8", "10.1.2.3/16") },
			`- rules[1].networks[1] | Host bits are set | "10.1.2.3/16" | write "10.1.0.0/16"`},
		{"IPv4 as IPv6", func(r *cloud.FirewallRule) { r.Networks = prefixes(t, "::ffff:0.0.0.0/96") },
			`- rules[1].networks[0] | IPv4 written as IPv6`},
		{"empty network", func(r *cloud.FirewallRule) { r.Networks = []netip.Prefix{{}} }, `- rules[1].networks[0] | Not a network | is empty`},
		{"twice", func(r *cloud.FirewallRule) { r.Networks = prefixes(t, "10.0.0.0/8", "10.0.0.0/8") },
			`- rules[1].networks[1] | Network named twice | 10.0.0.0/8 is in the rule twice | Name it once`},
		{"description", func(r *cloud.FirewallRule) { r.Description = strings.Repeat("ü", 256) },
			`- rules[1].description | Description too long | has 256 characters; at most 255`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rules := []cloud.FirewallRule{rule(t, "in tcp 22 10.0.0.0/8"), rule(t, "in tcp 5432 10.0.0.0/8")}
			rules[1].Description = strings.Repeat("ü", 255)
			expect(t, CheckFirewall(rules))
			tc.change(&rules[1])
			expect(t, CheckFirewall(rules), tc.want)
		})
	}
}

// A malformed rule does not hide what the others open.
func TestCheckFirewallGoesOn(t *testing.T) {
	rules := []cloud.FirewallRule{rule(t, "in tcp 22 10.0.0.1/8"), rule(t, "in tcp 3306 0.0.0.0/0")}
	expect(t, CheckFirewall(rules), "- rules[0].networks[0] | Host bits are set", "NET-1 rules[1].networks | Open to the whole internet")
}

// FuzzCheckFirewall compares the verdict with asking about each port.
func FuzzCheckFirewall(f *testing.F) {
	f.Add(uint16(22), uint16(22), uint16(80), uint16(443), byte(0), byte(1))
	f.Add(uint16(443), uint16(443), uint16(1), uint16(65535), byte(3), byte(4))
	f.Fuzz(func(t *testing.T, from1, to1, from2, to2 uint16, n1, n2 byte) {
		pool := prefixes(t, "0.0.0.0/0", "0.0.0.0/1", "8.0.0.0/8", "9.0.0.0/8", "203.0.113.0/24", "10.0.0.0/8", "::/0")
		rules := []cloud.FirewallRule{
			{Direction: cloud.Inbound, Protocol: "tcp", FromPort: from1, ToPort: to1, Networks: pool[int(n1)%7 : int(n1)%7+1]},
			{Direction: cloud.Inbound, Protocol: "tcp", FromPort: from2, ToPort: to2, Networks: pool[int(n2)%7 : int(n2)%7+1]},
		}
		broken := false
		for _, finding := range CheckFirewall(rules) {
			if finding.Promise == "" {
				return // malformed
			}
			broken = true
		}
		want := false
		for _, port := range []uint16{1, 21, 22, 23, 79, 80, 81, 442, 443, 444, 65535, from1, to1, from2, to2} {
			if port == 80 || port == 443 {
				continue
			}
			var networks []netip.Prefix
			for _, r := range rules {
				if r.FromPort <= port && port <= r.ToPort {
					networks = append(networks, r.Networks...)
				}
			}
			want = want || wholeInternet(networks)
		}
		// A range may hold offending ports only between those asked about.
		if want && !broken {
			t.Fatalf("%+v passed", rules)
		}
	})
}
