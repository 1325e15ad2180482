package google

import (
	"net/netip"
	"testing"

	"cloud.google.com/go/compute/apiv1/computepb"
	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

func route(destination, gateway string) cloud.Route {
	return cloud.Route{Destination: netip.MustParsePrefix(destination), Gateway: netip.MustParseAddr(gateway)}
}

func network(subnets []netip.Prefix, routes ...cloud.Route) cloud.NetworkSpec {
	return cloud.NetworkSpec{Meta: at("acme", "europe-west3-a"), CIDR: netip.MustParsePrefix("10.0.0.0/8"), Subnets: subnets, Routes: routes}
}

func TestPlanNetwork(t *testing.T) {
	relabelled := network(nets("10.1.0.0/24"))
	relabelled.Labels = map[string]string{"team": "db"}
	wider := network(nets("10.1.0.0/24"))
	wider.CIDR = netip.MustParsePrefix("10.0.0.0/7")
	for what, test := range map[string]struct {
		have, want cloud.NetworkSpec
		steps      []step
	}{
		"nothing": {network(nets("10.1.0.0/24")), network(nets("10.1.0.0/24")), nil},
		"new": {network(nil), network(nets("10.1.0.0/24", "10.2.0.0/24"), route("192.168.0.0/16", "10.1.0.9")),
			[]step{addSubnets{nets("10.1.0.0/24", "10.2.0.0/24")}, addRoutes{[]cloud.Route{route("192.168.0.0/16", "10.1.0.9")}}}},
		"taken away first": {network(nets("10.1.0.0/24"), route("192.168.0.0/16", "10.1.0.9")), network(nets("10.1.0.0/25"), route("192.168.0.0/16", "10.1.0.8")),
			[]step{dropRoutes{[]cloud.Route{route("192.168.0.0/16", "10.1.0.9")}}, dropSubnets{nets("10.1.0.0/24")},
				addSubnets{nets("10.1.0.0/25")}, addRoutes{[]cloud.Route{route("192.168.0.0/16", "10.1.0.8")}}}},
		"grows in place": {network(nets("10.1.0.0/24", "10.2.0.0/24")), network(nets("10.1.0.0/23")),
			[]step{dropSubnets{nets("10.2.0.0/24")}, growSubnet{netip.MustParsePrefix("10.1.0.0/24"), netip.MustParsePrefix("10.1.0.0/23")}}},
		"labels": {network(nets("10.1.0.0/24")), relabelled, []step{relabelNetwork{networkPairs(relabelled)}}},
		"range":  {network(nets("10.1.0.0/24")), wider, []step{relabelNetwork{networkPairs(wider)}}},
	} {
		have := cloud.Network{NetworkSpec: test.have}
		if diff := cmp.Diff(test.steps, planNetwork(have, test.want), addresses); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
}

func TestNetworkFrom(t *testing.T) {
	want := network(nets("10.1.0.0/24", "10.2.0.0/24"), route("192.168.0.0/16", "10.1.0.9"))
	got := networkFrom(vpc{
		network: &computepb.Network{Name: new("acme-europe-west3-a"), CreationTimestamp: new("2026-11-20T10:00:00.000-08:00")},
		subnets: []*computepb.Subnetwork{{IpCidrRange: new("10.2.0.0/24")}, {IpCidrRange: new("10.1.0.0/24")}},
		routes: []*computepb.Route{{DestRange: new("192.168.0.0/16"), NextHopIp: new("10.1.0.9")},
			{DestRange: new("0.0.0.0/0"), NextHopGateway: new("global/gateways/default-internet-gateway")}},
		pairs: networkPairs(want),
	})
	if diff := cmp.Diff(want, got.NetworkSpec, addresses); diff != "" {
		t.Error(diff)
	}
	if got.ID.String() != "google/europe-west3-a/acme-europe-west3-a" || got.Created.IsZero() {
		t.Errorf("%s, %s", got.ID, got.Created)
	}
}
