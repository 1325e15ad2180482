package hetzner

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// comparable lets cmp look into addresses.
var addresses = cmpopts.EquateComparable(netip.Prefix{}, netip.Addr{})

func cidr(text string) netip.Prefix { return netip.MustParsePrefix(text) }

func networkSpec() cloud.NetworkSpec {
	return cloud.NetworkSpec{Meta: acme("net"), CIDR: cidr("10.1.0.0/16"),
		Subnets: []netip.Prefix{cidr("10.1.0.0/24"), cidr("10.1.1.0/24")},
		Routes:  []cloud.Route{{Destination: cidr("192.168.0.0/24"), Gateway: netip.MustParseAddr("10.1.0.2")}}}
}

// observedNetwork is what the API would say of the spec's network.
func observedNetwork(spec cloud.NetworkSpec) cloud.Network {
	options := networkOpts(spec, hcloud.NetworkZoneEUCentral)
	return networkFrom(&hcloud.Network{ID: 42, Name: options.Name, IPRange: options.IPRange, Subnets: options.Subnets,
		Routes: options.Routes, Labels: options.Labels, Protection: hcloud.NetworkProtection{Delete: spec.Protected}})
}

func TestNetworkMapping(t *testing.T) {
	spec := networkSpec()
	got := observedNetwork(spec)
	if diff := cmp.Diff(spec, got.NetworkSpec, addresses); diff != "" {
		t.Error(diff)
	}
	if got.ID.String() != "hetzner/fsn1/42" || got.NativeName != "net-fsn1" {
		t.Errorf("identity %s, native name %s", got.ID, got.NativeName)
	}
	for _, subnet := range networkOpts(spec, hcloud.NetworkZoneEUCentral).Subnets {
		if subnet.Type != hcloud.NetworkSubnetTypeCloud || subnet.NetworkZone != hcloud.NetworkZoneEUCentral {
			t.Errorf("subnet %+v", subnet)
		}
	}
}

func TestPlanNetwork(t *testing.T) {
	zone := hcloud.NetworkZoneEUCentral
	for name, test := range map[string]struct {
		change func(*cloud.NetworkSpec)
		want   []step
		code   cloud.Code
	}{
		"nothing":          {change: func(*cloud.NetworkSpec) {}},
		"order of subnets": {change: func(s *cloud.NetworkSpec) { s.Subnets[0], s.Subnets[1] = s.Subnets[1], s.Subnets[0] }},
		"labels": {
			change: func(s *cloud.NetworkSpec) { s.Labels = nil },
			want:   []step{relabel{cloud.KindNetwork, "net-fsn1", func() map[string]string { m := acme("net"); m.Labels = nil; return labelsOf(cloud.KindNetwork, m) }()}},
		},
		"rename and protect": {
			change: func(s *cloud.NetworkSpec) { s.Name, s.Protected = "lan", true },
			want:   []step{relabel{cloud.KindNetwork, "lan-fsn1", labelsOf(cloud.KindNetwork, acme("lan"))}, protect{cloud.KindNetwork, true}},
		},
		"grow, then move a subnet and a route": {
			change: func(s *cloud.NetworkSpec) {
				s.CIDR = cidr("10.1.0.0/15")
				s.Subnets[1] = cidr("10.1.0.0/23")
				s.Routes[0].Gateway = netip.MustParseAddr("10.1.0.3")
			},
			want: []step{growNetwork{cidr("10.1.0.0/15")},
				dropRoute{cloud.Route{Destination: cidr("192.168.0.0/24"), Gateway: netip.MustParseAddr("10.1.0.2")}},
				dropSubnet{cidr("10.1.1.0/24")},
				addSubnet{cidr("10.1.0.0/23"), zone},
				addRoute{cloud.Route{Destination: cidr("192.168.0.0/24"), Gateway: netip.MustParseAddr("10.1.0.3")}}},
		},
		"shrink":            {change: func(s *cloud.NetworkSpec) { s.CIDR = cidr("10.1.0.0/17") }, code: cloud.CodeUnsupported},
		"another range":     {change: func(s *cloud.NetworkSpec) { s.CIDR = cidr("10.0.0.0/15") }, code: cloud.CodeUnsupported},
		"grow to the front": {change: func(s *cloud.NetworkSpec) { s.CIDR = cidr("10.0.0.0/14") }, code: cloud.CodeUnsupported},
	} {
		t.Run(name, func(t *testing.T) {
			current, want := observedNetwork(networkSpec()), networkSpec()
			test.change(&want)
			got, err := planNetwork(current, want, zone)
			if cloud.CodeOf(err) != test.code {
				t.Fatalf("error %v, want code %q", err, test.code)
			}
			if diff := cmp.Diff(test.want, got, addresses, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
			if err != nil {
				return
			}
			merged := networks{}.merge(current, want)
			if rest, err := planNetwork(merged, want, zone); err != nil || len(rest) > 0 {
				t.Errorf("after the plan there is still %v, %v", rest, err)
			}
		})
	}
}
