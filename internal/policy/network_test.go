package policy

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

func network(t testing.TB, cidr string, subnets []string, routes ...string) cloud.NetworkSpec {
	t.Helper()
	n := cloud.NetworkSpec{Subnets: prefixes(t, subnets...)}
	if cidr != "" {
		n.CIDR = prefixes(t, cidr)[0]
	}
	for _, r := range routes {
		destination, gateway, _ := strings.Cut(r, " via ")
		n.Routes = append(n.Routes, cloud.Route{Destination: prefixes(t, destination)[0], Gateway: netip.MustParseAddr(gateway)})
	}
	return n
}

func TestCheckNetwork(t *testing.T) {
	for _, tc := range []struct {
		name string
		spec cloud.NetworkSpec
		want []string
	}{
		{"good", network(t, "10.0.0.0/16", []string{"10.0.1.0/24", "10.0.2.0/29"}, "10.1.0.0/16 via 10.0.1.5", "0.0.0.0/0 via 10.0.1.6"), nil},
		{"itself as its subnet", network(t, "192.168.7.0/24", []string{"192.168.7.0/24"}), nil},
		{"largest", network(t, "10.0.0.0/8", nil), nil},
		{"172.16.0.0/12", network(t, "172.16.0.0/12", nil), nil},
		{"public", network(t, "203.0.113.0/24", nil), []string{"ISO-2 cidr | Network is not private | 203.0.113.0/24 does not lie | Choose from 10.0.0.0/8"}},
		{"partly public", network(t, "172.0.0.0/8", nil), []string{"ISO-2 cidr | Network is not private"}},
		{"IPv6", network(t, "fd00::/64", nil), []string{"ISO-2 cidr | Network is not private | RFC 1918"}},
		{"too small", network(t, "10.0.0.0/25", nil), []string{"- cidr | Network of unusable size | has 25 network bits; a network has from 8 to 24 | Choose a /16"}},
		{"host bits", network(t, "10.0.0.1/16", nil), []string{`- cidr | Host bits are set | "10.0.0.1/16" | write "10.0.0.0/16"`}},
		{"subnet elsewhere", network(t, "10.0.0.0/16", []string{"10.1.0.0/24"}), []string{"- subnets[0] | Subnet outside the network | 10.1.0.0/24 does not lie in the network 10.0.0.0/16"}},
		{"subnet larger", network(t, "10.0.0.0/16", []string{"10.0.0.0/15"}), []string{"- subnets[0] | Subnet outside the network"}},
		{"public subnet", network(t, "10.0.0.0/16", []string{"10.0.0.0/24", "8.8.8.0/24"}), []string{"ISO-2 subnets[1] | Subnet is not private | 8.8.8.0/24"}},
		{"tiny subnet", network(t, "10.0.0.0/16", []string{"10.0.0.0/30"}), []string{"- subnets[0] | Subnet too small | has 30 network bits; at most 29 | /24"}},
		{"subnet with host bits", network(t, "10.0.0.0/16", []string{"10.0.0.9/24"}), []string{"- subnets[0] | Host bits are set"}},
		{"overlap", network(t, "10.0.0.0/16", []string{"10.0.0.0/24", "10.0.2.0/24", "10.0.0.128/25"}), []string{"- subnets[2] | Subnets overlap | 10.0.0.128/25 and 10.0.0.0/24 (subnets[0]) | disjoint"}},
		{"the same twice", network(t, "10.0.0.0/16", []string{"10.0.0.0/24", "10.0.0.0/24"}), []string{"- subnets[1] | Subnets overlap"}},
		{"range unknown", network(t, "", []string{"10.0.0.0/24", "172.16.0.0/24"}, "10.9.0.0/16 via 10.0.0.5"), nil},
		{"range unknown, overlap known", network(t, "", []string{"10.0.0.0/24", "10.0.0.0/25"}), []string{"- subnets[1] | Subnets overlap"}},
		{"a bad range is not compared with", network(t, "8.0.0.0/8", []string{"10.0.0.0/24"}), []string{"ISO-2 cidr | Network is not private"}},
		{"route to the internet's part", network(t, "10.0.0.0/16", nil, "8.8.8.0/24 via 10.0.0.5"), []string{"- routes[0].destination | Route to a public network | 8.8.8.0/24 is neither | 0.0.0.0/0 for everything"}},
		{"route to own subnet", network(t, "10.0.0.0/16", []string{"10.0.1.0/24"}, "10.0.1.0/25 via 10.0.0.5"), []string{"- routes[0].destination | Route to the network's own subnet | (subnets[0]) have addresses in common"}},
		{"routes overlap", network(t, "10.0.0.0/16", nil, "10.1.0.0/16 via 10.0.0.5", "10.1.2.0/24 via 10.0.0.6"), []string{"- routes[1].destination | Routes overlap | 10.1.2.0/24 and 10.1.0.0/16 (routes[0]) | one route"}},
		{"default beside others", network(t, "10.0.0.0/16", nil, "0.0.0.0/0 via 10.0.0.5", "10.1.0.0/16 via 10.0.0.6"), nil},
		{"default twice", network(t, "10.0.0.0/16", nil, "0.0.0.0/0 via 10.0.0.5", "0.0.0.0/0 via 10.0.0.6"), []string{"- routes[1].destination | Routes overlap"}},
		{"public gateway hidden", network(t, "10.0.0.0/16", nil, "172.31.0.0/16 via 10.0.0.5"), []string{"- routes[0].destination | Route hides the public gateway | 172.31.0.0/16 holds 172.31.1.1"}},
		{"route with host bits", network(t, "10.0.0.0/16", nil, "10.1.0.1/16 via 10.0.0.5"), []string{"- routes[0].destination | Host bits are set"}},
		{"gateway elsewhere", network(t, "10.0.0.0/16", nil, "10.1.0.0/16 via 10.2.0.5"), []string{"ISO-2 routes[0].gateway | Gateway outside the network | 10.2.0.5 does not lie in the network 10.0.0.0/16"}},
		{"gateway of the cloud", network(t, "10.0.0.0/16", nil, "10.1.0.0/16 via 10.0.0.1"), []string{"- routes[0].gateway | Reserved address | 10.0.0.1 is the cloud's own"}},
		{"address of the network", network(t, "10.0.0.0/16", nil, "10.1.0.0/16 via 10.0.0.0"), []string{"- routes[0].gateway | Reserved address"}},
		{"public gateway", network(t, "172.16.0.0/12", nil, "10.1.0.0/16 via 172.31.1.1"), []string{"- routes[0].gateway | Reserved address | 172.31.1.1 is the gateway of a machine's public interface"}},
	} {
		t.Run(tc.name, func(t *testing.T) { expect(t, CheckNetwork(tc.spec), tc.want...) })
	}
	// A route of which nothing is known yet.
	expect(t, CheckNetwork(cloud.NetworkSpec{CIDR: prefixes(t, "10.0.0.0/16")[0], Routes: []cloud.Route{{}, {}}}))
}

func TestCheckPrivateIP(t *testing.T) {
	subnets := prefixes(t, "10.0.1.0/24", "10.0.2.0/29", "172.31.1.0/24")
	reserved := func(ip, use, from, to string) string {
		return "- private_ip | Reserved address | " + ip + " is reserved | Choose an address from " + from + " to " + to
	}
	for _, tc := range []struct {
		ip      string
		subnets []netip.Prefix
		want    []string
	}{
		{"10.0.1.2", subnets, nil},
		{"10.0.1.253", subnets, nil},
		{"10.0.2.2", subnets, nil},
		{"10.0.2.5", subnets, nil},
		{"10.9.9.9", nil, nil},
		{"10.0.1.0", subnets, []string{reserved("10.0.1.0", "the subnet's own", "10.0.1.2", "10.0.1.253")}},
		{"10.0.1.1", subnets, []string{reserved("10.0.1.1", "the gateway", "10.0.1.2", "10.0.1.253")}},
		{"10.0.1.254", subnets, []string{reserved("10.0.1.254", "kept by a cloud", "10.0.1.2", "10.0.1.253")}},
		{"10.0.1.255", subnets, []string{reserved("10.0.1.255", "the broadcast address", "10.0.1.2", "10.0.1.253")}},
		{"10.0.2.6", subnets, []string{reserved("10.0.2.6", "kept by a cloud", "10.0.2.2", "10.0.2.5")}},
		{"10.0.3.5", subnets, []string{"- private_ip | Address outside the subnets | none of the network's subnets: 10.0.1.0/24, 10.0.2.0/29, 172.31.1.0/24 | add a subnet"}},
		{"203.0.113.5", subnets, []string{"ISO-2 private_ip | Address is not private | 203.0.113.5 does not lie"}},
		{"fd00::5", subnets, []string{`- private_ip | Not an IPv4 address | "fd00::5" is not`}},
		{"172.31.1.1", subnets, []string{"- private_ip | Reserved address | the gateway of a machine's public interface"}},
		{"172.31.1.1", nil, []string{"- private_ip | Reserved address"}},
	} {
		expect(t, CheckPrivateIP(netip.MustParseAddr(tc.ip), tc.subnets), tc.want...)
	}
	expect(t, CheckPrivateIP(netip.Addr{}, subnets), "- private_ip | Not an IPv4 address")
}

func FuzzCheckNetwork(f *testing.F) {
	f.Add("10.0.0.0/16", "10.0.1.0/24", "10.0.2.0/24", "10.1.0.0/16", "10.0.1.5")
	f.Add("172.31.0.0/16", "172.31.1.0/24", "172.31.1.0/29", "0.0.0.0/0", "172.31.1.1")
	f.Fuzz(func(t *testing.T, cidr, first, second, destination, gateway string) {
		var n cloud.NetworkSpec
		n.CIDR, _ = netip.ParsePrefix(cidr)
		for _, s := range []string{first, second} {
			if p, err := netip.ParsePrefix(s); err == nil {
				n.Subnets = append(n.Subnets, p)
			}
		}
		var r cloud.Route
		r.Destination, _ = netip.ParsePrefix(destination)
		r.Gateway, _ = netip.ParseAddr(gateway)
		n.Routes = []cloud.Route{r}
		findings := CheckNetwork(n)
		for _, finding := range findings {
			wellFormed(t, finding)
		}
		if len(findings) > 0 || !n.CIDR.IsValid() {
			return
		}
		for i, s := range n.Subnets {
			if !n.CIDR.Contains(s.Addr()) || s.Bits() < n.CIDR.Bits() || !s.Addr().IsPrivate() {
				t.Fatalf("subnet %v of %v passed", s, n.CIDR)
			}
			for _, other := range n.Subnets[:i] {
				if s.Overlaps(other) {
					t.Fatalf("%v and %v passed", s, other)
				}
			}
			// Every subnet that passes has an address that passes.
			if got := CheckPrivateIP(s.Addr().Next().Next(), n.Subnets); len(got) > 0 && s.Addr().Next().Next() != publicGateway() {
				t.Fatalf("%v: %v", s, got)
			}
		}
	})
}
