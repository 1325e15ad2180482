package google_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	compute "cloud.google.com/go/compute/apiv1"
	"cloud.google.com/go/compute/apiv1/computepb"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/google"
)

// network makes a network in custom mode and waits for it.
func (c *cloud) network(name string) {
	c.t.Helper()
	nets := client(c, compute.NewNetworksRESTClient)
	c.done(nets.Insert(c.ctx, &computepb.InsertNetworkRequest{Project: testProject,
		NetworkResource: &computepb.Network{Name: &name, AutoCreateSubnetworks: ptr(false)}}))
}

func TestNetworkLifecycle(t *testing.T) {
	c := newCloud(t, google.Options{})
	nets := client(c, compute.NewNetworksRESTClient)
	op, err := nets.Insert(c.ctx, &computepb.InsertNetworkRequest{Project: testProject, NetworkResource: &computepb.Network{
		Name: ptr("blue"), AutoCreateSubnetworks: ptr(false), Description: ptr("a & <b>"), Mtu: ptr(int32(1500))}})
	if err != nil {
		t.Fatal(err)
	}
	if s := op.Proto().GetStatus(); s != computepb.Operation_PENDING && s != computepb.Operation_RUNNING {
		t.Errorf("a fresh operation is %s", s)
	}
	c.advance(5 * time.Second)
	if err := op.Poll(c.ctx); err != nil || op.Done() || op.Proto().GetProgress() != 33 {
		t.Errorf("after a third of its time: %v, %v", op.Proto(), err)
	}
	c.done(op, nil)
	n, err := nets.Get(c.ctx, &computepb.GetNetworkRequest{Project: testProject, Network: "blue"})
	if err != nil {
		t.Fatal(err)
	}
	if n.GetDescription() != "a & <b>" || n.GetMtu() != 1500 || n.GetAutoCreateSubnetworks() || n.GetId() != op.Proto().GetTargetId() ||
		n.GetSelfLink() != "https://www.googleapis.com/compute/v1/projects/acme-prod/global/networks/blue" || n.GetSelfLink() != op.Proto().GetTargetLink() {
		t.Errorf("%v", n)
	}
	c.done(nets.Patch(c.ctx, &computepb.PatchNetworkRequest{Project: testProject, Network: "blue",
		NetworkResource: &computepb.Network{RoutingConfig: &computepb.NetworkRoutingConfig{RoutingMode: ptr("GLOBAL")}}}))
	if n, err = nets.Get(c.ctx, &computepb.GetNetworkRequest{Project: testProject, Network: "blue"}); err != nil || n.GetRoutingConfig().GetRoutingMode() != "GLOBAL" {
		t.Errorf("%v, %v", n, err)
	}
	c.done(nets.Delete(c.ctx, &computepb.DeleteNetworkRequest{Project: testProject, Network: "blue"}))
	_, err = nets.Get(c.ctx, &computepb.GetNetworkRequest{Project: testProject, Network: "blue"})
	c.refused(err, http.StatusNotFound, "notFound")
}

func TestNetworkRefusals(t *testing.T) {
	c := newCloud(t, google.Options{Limits: map[string]float64{"NETWORKS": 2}})
	c.network("blue")
	tests := map[string]struct {
		method, path string
		body         any
		status       int
		reason       string
		message      string
	}{
		"taken":           {"POST", "/global/networks", map[string]any{"name": "blue", "autoCreateSubnetworks": false}, 409, "alreadyExists", "'projects/acme-prod/global/networks/blue' already exists"},
		"no name":         {"POST", "/global/networks", map[string]any{"autoCreateSubnetworks": false}, 400, "required", "resource.name"},
		"capitals":        {"POST", "/global/networks", map[string]any{"name": "Blue", "autoCreateSubnetworks": false}, 400, "invalid", "Must be a match of regex"},
		"legacy":          {"POST", "/global/networks", map[string]any{"name": "old"}, 400, "badRequest", "Legacy networks"},
		"wrong type":      {"POST", "/global/networks", map[string]any{"name": "n", "autoCreateSubnetworks": "maybe"}, 400, "invalid", "resource.autoCreateSubnetworks"},
		"no JSON":         {"POST", "/global/networks", "{", 400, "parseError", ""},
		"MTU":             {"POST", "/global/networks", map[string]any{"name": "n", "autoCreateSubnetworks": false, "mtu": 9000}, 400, "invalid", "resource.mtu"},
		"long":            {"POST", "/global/networks", map[string]any{"name": "n", "autoCreateSubnetworks": false, "description": strings.Repeat("x", 2049)}, 400, "invalid", "2048"},
		"new description": {"PATCH", "/global/networks/blue", map[string]any{"description": "x"}, 400, "badRequest", "description"},
		"delete none":     {"DELETE", "/global/networks/red", nil, 404, "notFound", "'projects/acme-prod/global/networks/red' was not found"},
		"no UUID":         {"POST", "/global/networks?requestId=1", map[string]any{"name": "n", "autoCreateSubnetworks": false}, 400, "invalid", "requestId"},
		"zero UUID":       {"POST", "/global/networks?requestId=00000000-0000-0000-0000-000000000000", map[string]any{"name": "n", "autoCreateSubnetworks": false}, 400, "invalid", "requestId"},
		"unknown method":  {"PUT", "/global/networks/blue", nil, 405, "httpMethodNotAllowed", ""},
		"unknown path":    {"GET", "/global/unicorns", nil, 404, "notFound", ""},
		"unknown zone":    {"GET", "/zones/europe-west3-z/operations", nil, 400, "invalid", "Unknown zone."},
		"unknown region":  {"GET", "/regions/mars-1/operations", nil, 400, "invalid", "Unknown region."},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if m := c.wantReason(test.method, test.path, test.body, test.status, test.reason); !strings.Contains(m, test.message) {
				t.Errorf("message %q lacks %q", m, test.message)
			}
		})
	}
	c.network("red")
	if m := c.wantReason("POST", "/global/networks", map[string]any{"name": "n", "autoCreateSubnetworks": false}, 403, "quotaExceeded"); m != "Quota 'NETWORKS' exceeded.  Limit: 2.0 globally." {
		t.Errorf("message %q", m)
	}
}
