package google_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/google"
)

// What the vendor's description says that a request must have, it must have
// here too.
func TestRequiredFields(t *testing.T) {
	d, _ := described(t, "/compute/v1/")
	c := newCloud(t, google.Options{})
	c.vmSubnet("10.0.0.0/24")
	requests := map[string]struct {
		schema, path string
		body         map[string]any
	}{
		"compute.networks.insert":  {"Network", "/global/networks", map[string]any{"autoCreateSubnetworks": false}},
		"compute.firewalls.insert": {"Firewall", "/global/firewalls", map[string]any{"network": "global/networks/blue", "sourceRanges": []string{"0.0.0.0/0"}, "allowed": []map[string]any{{"IPProtocol": "tcp"}}}},
		"compute.disks.insert":     {"Disk", "/" + zoneOf + "/disks", map[string]any{"sizeGb": "10"}},
		"compute.instances.insert": {"Instance", "/" + zoneOf + "/instances", vmBody(t, nil)},
		"compute.routes.insert":    {"Route", "/global/routes", map[string]any{"nextHopIp": "10.0.0.9"}},
	}
	// priority is said to be required, and has a default all the same: "The
	// default value is 1000" (the field's own description).
	given := map[string]any{"network": "global/networks/blue", "destRange": "192.168.0.0/16"}
	for method, request := range requests {
		var needs []string
		for field, of := range d.Schemas[request.schema].Properties {
			if slices.Contains(of.Annotations.Required, method) && field != "priority" {
				needs = append(needs, field)
			}
		}
		if len(needs) == 0 {
			t.Fatalf("%s: the description names no field", method)
		}
		for i, lacking := range append(needs, "nothing") {
			body := maps.Clone(request.body)
			for _, field := range needs {
				if _, there := body[field]; !there {
					body[field] = given[field]
				}
			}
			body["name"] = fmt.Sprint(strings.ToLower(request.schema), "-", i)
			delete(body, lacking)
			status, out := c.do(http.MethodPost, request.path, body)
			if lacking == "nothing" {
				if status != 200 {
					t.Errorf("%s: %v", method, out)
				}
				continue
			}
			reason := ""
			if e, ok := out["error"].(map[string]any); ok {
				reason, _ = e["errors"].([]any)[0].(map[string]any)["reason"].(string)
			}
			if status != 400 || reason != "required" || !strings.Contains(fmt.Sprint(out), "resource."+lacking) {
				t.Errorf("%s without %s: %d %v", method, lacking, status, out)
			}
		}
	}
}
