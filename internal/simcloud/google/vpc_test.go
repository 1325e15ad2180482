package google_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	compute "cloud.google.com/go/compute/apiv1"
	"cloud.google.com/go/compute/apiv1/computepb"
	"google.golang.org/api/iterator"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/google"
)

const networkBlue = "projects/acme-prod/global/networks/blue"

// subnet makes a subnetwork of the network blue and waits for it.
func (c *cloud) subnet(name, prefix string) {
	c.t.Helper()
	subs := client(c, compute.NewSubnetworksRESTClient)
	c.done(subs.Insert(c.ctx, &computepb.InsertSubnetworkRequest{Project: testProject, Region: testRegion,
		SubnetworkResource: &computepb.Subnetwork{Name: &name, Network: ptr(networkBlue), IpCidrRange: &prefix}}))
}

func TestSubnetworkLifecycle(t *testing.T) {
	c := newCloud(t, google.Options{})
	c.network("blue")
	c.subnet("s", "10.1.0.0/24")
	subs, nets := client(c, compute.NewSubnetworksRESTClient), client(c, compute.NewNetworksRESTClient)
	get := func() *computepb.Subnetwork {
		t.Helper()
		s, err := subs.Get(c.ctx, &computepb.GetSubnetworkRequest{Project: testProject, Region: testRegion, Subnetwork: "s"})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := get()
	if s.GetGatewayAddress() != "10.1.0.1" || s.GetStackType() != "IPV4_ONLY" || !strings.HasSuffix(s.GetNetwork(), networkBlue) {
		t.Errorf("%v", s)
	}
	n, err := nets.Get(c.ctx, &computepb.GetNetworkRequest{Project: testProject, Network: "blue"})
	if err != nil || !slices.Equal(n.GetSubnetworks(), []string{s.GetSelfLink()}) {
		t.Errorf("subnetworks of the network: %v, %v", n.GetSubnetworks(), err)
	}

	patch := func(in *computepb.Subnetwork) (*compute.Operation, error) {
		return subs.Patch(c.ctx, &computepb.PatchSubnetworkRequest{Project: testProject, Region: testRegion, Subnetwork: "s", SubnetworkResource: in})
	}
	_, err = patch(&computepb.Subnetwork{StackType: ptr("IPV4_IPV6"), Ipv6AccessType: ptr("EXTERNAL"), Fingerprint: ptr("b2xk")})
	c.refused(err, http.StatusPreconditionFailed, "conditionNotMet")
	c.done(patch(&computepb.Subnetwork{StackType: ptr("IPV4_IPV6"), Ipv6AccessType: ptr("EXTERNAL"), Fingerprint: s.Fingerprint}))
	if s = get(); s.GetStackType() != "IPV4_IPV6" || !strings.HasSuffix(s.GetExternalIpv6Prefix(), "/64") {
		t.Errorf("after the patch: %v", s)
	}
	expand := func(r string) (*compute.Operation, error) {
		return subs.ExpandIpCidrRange(c.ctx, &computepb.ExpandIpCidrRangeSubnetworkRequest{Project: testProject, Region: testRegion, Subnetwork: "s",
			SubnetworksExpandIpCidrRangeRequestResource: &computepb.SubnetworksExpandIpCidrRangeRequest{IpCidrRange: &r}})
	}
	_, err = expand("10.1.0.0/25")
	c.refused(err, http.StatusBadRequest, "invalid")
	c.done(expand("10.1.0.0/20"))
	if s = get(); s.GetIpCidrRange() != "10.1.0.0/20" {
		t.Errorf("after expanding: %v", s)
	}
	c.done(subs.SetPrivateIpGoogleAccess(c.ctx, &computepb.SetPrivateIpGoogleAccessSubnetworkRequest{Project: testProject, Region: testRegion, Subnetwork: "s",
		SubnetworksSetPrivateIpGoogleAccessRequestResource: &computepb.SubnetworksSetPrivateIpGoogleAccessRequest{PrivateIpGoogleAccess: ptr(true)}}))
	if s = get(); !s.GetPrivateIpGoogleAccess() {
		t.Error("private Google access is off")
	}

	_, err = nets.Delete(c.ctx, &computepb.DeleteNetworkRequest{Project: testProject, Network: "blue"})
	c.refused(err, http.StatusBadRequest, "resourceInUseByAnotherResource")
	c.done(subs.Delete(c.ctx, &computepb.DeleteSubnetworkRequest{Project: testProject, Region: testRegion, Subnetwork: "s"}))
	c.done(nets.Delete(c.ctx, &computepb.DeleteNetworkRequest{Project: testProject, Network: "blue"}))
	if rows := c.eng.Records("google_route"); len(rows) != 0 {
		t.Errorf("%d routes outlived their network", len(rows))
	}
}

func TestSubnetworkRefusals(t *testing.T) {
	c := newCloud(t, google.Options{})
	c.network("blue")
	c.subnet("s", "10.1.0.0/24")
	tests := map[string]struct {
		change  map[string]any
		reason  string
		message string
	}{
		"no network":      {map[string]any{"network": nil}, "required", "resource.network"},
		"bare name":       {map[string]any{"network": "blue"}, "invalid", "The URL is malformed."},
		"wrong kind":      {map[string]any{"network": "global/firewalls/blue"}, "invalid", "The URL is malformed."},
		"unknown network": {map[string]any{"network": "global/networks/red"}, "invalid", "The referenced network resource cannot be found."},
		"other project":   {map[string]any{"network": "projects/other-project/global/networks/blue"}, "invalid", "cannot be found"},
		"no range":        {map[string]any{"ipCidrRange": nil}, "required", "resource.ipCidrRange"},
		"host bits":       {map[string]any{"ipCidrRange": "10.2.0.1/24"}, "invalid", "10.2.0.1/24"},
		"too small":       {map[string]any{"ipCidrRange": "10.2.0.0/30"}, "invalid", "between 4 and 29"},
		"IPv6":            {map[string]any{"ipCidrRange": "fd00::/64"}, "invalid", "ipCidrRange"},
		"reserved":        {map[string]any{"ipCidrRange": "169.254.1.0/24"}, "invalid", "reserved"},
		"overlap":         {map[string]any{"ipCidrRange": "10.1.0.128/25"}, "invalid", "conflicts with existing subnetwork 's' in region 'europe-west3'"},
		"own overlap":     {map[string]any{"secondaryIpRanges": []any{map[string]any{"rangeName": "a", "ipCidrRange": "10.2.0.0/25"}}}, "invalid", "same subnetwork"},
		"access type":     {map[string]any{"ipv6AccessType": "EXTERNAL"}, "invalid", "stack type"},
		"dual alone":      {map[string]any{"stackType": "IPV4_IPV6"}, "required", "ipv6AccessType"},
		"no ULA":          {map[string]any{"stackType": "IPV4_IPV6", "ipv6AccessType": "INTERNAL"}, "badRequest", "internal IPv6"},
		"stack type":      {map[string]any{"stackType": "IPV5"}, "invalid", "resource.stackType"},
		"wrong type":      {map[string]any{"privateIpGoogleAccess": "si"}, "invalid", "privateIpGoogleAccess"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			body := map[string]any{"name": "new", "network": networkBlue, "ipCidrRange": "10.2.0.0/24"}
			for k, v := range test.change {
				body[k] = v
			}
			if m := c.wantReason("POST", "/regions/europe-west3/subnetworks", body, 400, test.reason); !strings.Contains(m, test.message) {
				t.Errorf("message %q lacks %q", m, test.message)
			}
		})
	}
	// References in every form.
	for i, ref := range []string{"global/networks/blue", networkBlue, "https://www.googleapis.com/compute/v1/" + networkBlue,
		"https://compute.googleapis.com/compute/beta/" + networkBlue, c.url + "/compute/v1/" + networkBlue} {
		body := map[string]any{"name": "r" + string(rune('a'+i)), "network": ref, "ipCidrRange": "10.9." + string(rune('0'+i)) + ".0/24"}
		if status, out := c.do("POST", "/regions/europe-west3/subnetworks", body); status != 200 {
			t.Errorf("%s: %v", ref, out)
		}
	}
}

func TestFirewallLifecycle(t *testing.T) {
	c := newCloud(t, google.Options{})
	c.network("blue")
	fws := client(c, compute.NewFirewallsRESTClient)
	c.done(fws.Insert(c.ctx, &computepb.InsertFirewallRequest{Project: testProject, FirewallResource: &computepb.Firewall{
		Name: ptr("web"), Network: ptr(networkBlue), Allowed: []*computepb.Allowed{{IPProtocol: ptr("TCP"), Ports: []string{"443", "8000-8080"}}},
		TargetTags: []string{"web"}}}))
	get := func() *computepb.Firewall {
		t.Helper()
		f, err := fws.Get(c.ctx, &computepb.GetFirewallRequest{Project: testProject, Firewall: "web"})
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	f := get()
	if f.GetPriority() != 1000 || f.GetDirection() != "INGRESS" || !slices.Equal(f.GetSourceRanges(), []string{"0.0.0.0/0"}) ||
		f.GetAllowed()[0].GetIPProtocol() != "tcp" || f.GetDisabled() {
		t.Errorf("defaults: %v", f)
	}
	op, err := fws.Patch(c.ctx, &computepb.PatchFirewallRequest{Project: testProject, Firewall: "web",
		FirewallResource: &computepb.Firewall{Description: ptr("d"), Disabled: ptr(true), SourceRanges: []string{"192.0.2.0/24"}}})
	if err != nil {
		t.Fatal(err)
	}
	if get().GetDisabled() {
		t.Error("the patch took effect before its operation ended")
	}
	_, err = fws.Delete(c.ctx, &computepb.DeleteFirewallRequest{Project: testProject, Firewall: "web"})
	c.refused(err, http.StatusBadRequest, "resourceNotReady")
	c.done(op, nil)
	if f = get(); !f.GetDisabled() || f.GetDescription() != "d" || !slices.Equal(f.GetSourceRanges(), []string{"192.0.2.0/24"}) || len(f.GetTargetTags()) != 1 {
		t.Errorf("after the patch: %v", f)
	}
	c.done(fws.Update(c.ctx, &computepb.UpdateFirewallRequest{Project: testProject, Firewall: "web", FirewallResource: &computepb.Firewall{
		Name: ptr("web"), Network: ptr(networkBlue), Denied: []*computepb.Denied{{IPProtocol: ptr("all")}}, Priority: ptr(int32(65535))}}))
	if f = get(); f.GetDisabled() || f.GetDescription() != "" || len(f.GetAllowed()) != 0 || len(f.GetDenied()) != 1 || f.GetPriority() != 65535 || len(f.GetTargetTags()) != 0 {
		t.Errorf("after the update: %v", f)
	}
	nets := client(c, compute.NewNetworksRESTClient)
	_, err = nets.Delete(c.ctx, &computepb.DeleteNetworkRequest{Project: testProject, Network: "blue"})
	c.refused(err, http.StatusBadRequest, "resourceInUseByAnotherResource")
	c.done(fws.Delete(c.ctx, &computepb.DeleteFirewallRequest{Project: testProject, Firewall: "web"}))
	if _, err := fws.List(c.ctx, &computepb.ListFirewallsRequest{Project: testProject}).Next(); err != iterator.Done {
		t.Errorf("got %v, want an empty list", err)
	}
}

func TestFirewallRefusals(t *testing.T) {
	c := newCloud(t, google.Options{})
	c.network("blue")
	tests := map[string]struct {
		change  map[string]any
		reason  string
		message string
	}{
		"default network":   {map[string]any{"network": nil}, "invalid", "networks/default"},
		"nothing allowed":   {map[string]any{"allowed": nil}, "badRequest", "either allowed or denied"},
		"both":              {map[string]any{"denied": []any{map[string]any{"IPProtocol": "all"}}}, "badRequest", "either allowed or denied"},
		"priority":          {map[string]any{"priority": 65536}, "invalid", "between 0 and 65535"},
		"direction":         {map[string]any{"direction": "SIDEWAYS"}, "invalid", "resource.direction"},
		"mixed":             {map[string]any{"sourceRanges": []string{"0.0.0.0/0", "::/0"}}, "invalid", "IPv4 and IPv6"},
		"mixed sides":       {map[string]any{"sourceRanges": []string{"::/0"}, "destinationRanges": []string{"10.0.0.0/8"}}, "invalid", "same IP version"},
		"host bits":         {map[string]any{"sourceRanges": []string{"10.0.0.1/8"}}, "invalid", "sourceRanges[0]"},
		"ICMP ports":        {map[string]any{"allowed": []any{map[string]any{"IPProtocol": "icmp", "ports": []string{"1"}}}}, "invalid", "TCP, UDP, SCTP"},
		"port order":        {map[string]any{"allowed": []any{map[string]any{"IPProtocol": "tcp", "ports": []string{"9-1"}}}}, "invalid", "allowed[0].ports[0]"},
		"port size":         {map[string]any{"allowed": []any{map[string]any{"IPProtocol": "udp", "ports": []string{"65536"}}}}, "invalid", "allowed[0].ports[0]"},
		"port type":         {map[string]any{"allowed": []any{map[string]any{"IPProtocol": "udp", "ports": []int{1}}}}, "invalid", "allowed"},
		"protocol":          {map[string]any{"allowed": []any{map[string]any{"IPProtocol": "carrier-pigeon"}}}, "invalid", "IPProtocol"},
		"tag":               {map[string]any{"targetTags": []string{"Web"}}, "invalid", "targetTags[0]"},
		"egress source":     {map[string]any{"direction": "EGRESS", "sourceTags": []string{"a"}}, "invalid", "EGRESS"},
		"accounts and tags": {map[string]any{"targetTags": []string{"a"}, "targetServiceAccounts": []string{"x@y"}}, "badRequest", "together"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			body := map[string]any{"name": "new", "network": networkBlue, "allowed": []any{map[string]any{"IPProtocol": "tcp", "ports": []string{"22"}}}}
			for k, v := range test.change {
				body[k] = v
			}
			if m := c.wantReason("POST", "/global/firewalls", body, 400, test.reason); !strings.Contains(m, test.message) {
				t.Errorf("message %q lacks %q", m, test.message)
			}
		})
	}
}

func TestRoutes(t *testing.T) {
	c := newCloud(t, google.Options{})
	c.network("blue")
	c.subnet("s", "10.1.0.0/24")
	routes := client(c, compute.NewRoutesRESTClient)
	var own []*computepb.Route
	it := routes.List(c.ctx, &computepb.ListRoutesRequest{Project: testProject})
	for r, err := it.Next(); err != iterator.Done; r, err = it.Next() {
		if err != nil {
			t.Fatal(err)
		}
		own = append(own, r)
	}
	if len(own) != 2 {
		t.Fatalf("%d routes, want one to the internet and one to the subnetwork: %v", len(own), own)
	}
	for _, r := range own {
		_, err := routes.Delete(c.ctx, &computepb.DeleteRouteRequest{Project: testProject, Route: r.GetName()})
		if r.GetDestRange() == "10.1.0.0/24" {
			c.refused(err, http.StatusBadRequest, "badRequest")
		} else if err != nil || !strings.HasSuffix(r.GetNextHopGateway(), "default-internet-gateway") {
			t.Errorf("%v: %v", r, err)
		}
	}
	c.done(routes.Insert(c.ctx, &computepb.InsertRouteRequest{Project: testProject, RouteResource: &computepb.Route{Name: ptr("out"),
		Network: ptr(networkBlue), DestRange: ptr("0.0.0.0/0"), NextHopGateway: ptr("projects/acme-prod/global/gateways/default-internet-gateway")}}))
	if r, err := routes.Get(c.ctx, &computepb.GetRouteRequest{Project: testProject, Route: "out"}); err != nil || r.GetPriority() != 1000 {
		t.Errorf("%v, %v", r, err)
	}
	c.wantReason("POST", "/global/routes", map[string]any{"name": "r", "network": networkBlue, "destRange": "10.0.0.0/8"}, 400, "badRequest")
	c.wantReason("POST", "/global/routes", map[string]any{"name": "r", "network": networkBlue, "destRange": "10.0.0.1/8", "nextHopIp": "10.1.0.2"}, 400, "invalid")
	c.done(routes.Delete(c.ctx, &computepb.DeleteRouteRequest{Project: testProject, Route: "out"}))
}

func TestAutoModeNetwork(t *testing.T) {
	c := newCloud(t, google.Options{})
	nets := client(c, compute.NewNetworksRESTClient)
	c.done(nets.Insert(c.ctx, &computepb.InsertNetworkRequest{Project: testProject,
		NetworkResource: &computepb.Network{Name: ptr("auto"), AutoCreateSubnetworks: ptr(true)}}))
	n, err := nets.Get(c.ctx, &computepb.GetNetworkRequest{Project: testProject, Network: "auto"})
	if err != nil || len(n.GetSubnetworks()) < 40 {
		t.Errorf("%d subnetworks, %v: want one a region", len(n.GetSubnetworks()), err)
	}
	c.wantReason("DELETE", "/regions/europe-west3/subnetworks/auto", nil, 400, "badRequest")
	c.done(nets.Delete(c.ctx, &computepb.DeleteNetworkRequest{Project: testProject, Network: "auto"}))
	if rows := c.eng.Records("google_subnetwork"); len(rows) != 0 {
		t.Errorf("%d subnetworks outlived their network", len(rows))
	}
}
