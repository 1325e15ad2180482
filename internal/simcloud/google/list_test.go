package google_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	compute "cloud.google.com/go/compute/apiv1"
	"cloud.google.com/go/compute/apiv1/computepb"
	"google.golang.org/api/iterator"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/google"
)

// names lists the networks that a query finds.
func (c *cloud) names(query string) []string {
	c.t.Helper()
	status, out := c.do("GET", "/global/networks?"+query, nil)
	if status != 200 {
		c.t.Errorf("%s: %v", query, out)
	}
	items, _ := out["items"].([]any)
	var names []string
	for _, it := range items {
		names = append(names, it.(map[string]any)["name"].(string))
	}
	return names
}

func TestFilters(t *testing.T) {
	c := newCloud(t, google.Options{})
	for i, name := range []string{"net-a", "net-b", "other"} {
		if status, out := c.do("POST", "/global/networks", map[string]any{"name": name, "autoCreateSubnetworks": false, "mtu": 1400 + i*100,
			"description": fmt.Sprintf(`{"app":"x%d"}`, i)}); status != 200 {
			t.Fatal(out)
		}
	}
	tests := map[string]string{
		`name = net-a`:     "net-a",
		`name="net-a"`:     "net-a",
		`name != net-a`:    "net-b other",
		`name = net-*`:     "net-a net-b",
		`name : net`:       "net-a net-b",
		`name eq net-.`:    "net-a net-b",
		`name eq net`:      "",
		`name ne 'net-.*'`: "other",
		`(name eq "net-.*") (description ne ".*x1.*")`: "net-a",
		`(name = net-a) OR (name = other)`:             "net-a other",
		`name = net-a OR name = other`:                 "net-a other",
		`(name = net-a) AND (mtu = 1400)`:              "net-a",
		`(name = net-a) (mtu = 1500)`:                  "",
		`mtu > 1400`:                                   "net-b other",
		`mtu >= 1400 AND mtu < 1600`:                   "net-a net-b",
		`NOT name = other`:                             "net-a net-b",
		`-(name = other)`:                              "net-a net-b",
		`autoCreateSubnetworks = false`:                "net-a net-b other",
		`routingConfig.routingMode = REGIONAL`:         "net-a net-b other",
		`description = "{\"app\":\"x1\"}"`:             "net-b",
		`description : "x1"`:                           "net-b",
		`description:*`:                                "net-a net-b other",
		`labels.x:*`:                                   "",
		`labels.x != y`:                                "net-a net-b other",
		// OR binds closer than AND, as in AIP-160.
		`name = net-a AND mtu = 1400 OR mtu = 1500`:                                                 "net-a",
		`selfLink = https://www.googleapis.com/compute/v1/projects/acme-prod/global/networks/other`: "other",
	}
	for filter, want := range tests {
		if got := strings.Join(c.names("filter="+url.QueryEscape(filter)), " "); got != want {
			t.Errorf("%s finds %q, want %q", filter, got, want)
		}
	}
	for _, bad := range []string{"name", "name =", "= x", "(name = x", "name = x)", "name eq (", "name = x AND", "(name eq x) (name = y)", `name = "x`, "name ~ x"} {
		c.wantReason("GET", "/global/networks?filter="+url.QueryEscape(bad), nil, 400, "invalid")
	}
}

func TestPages(t *testing.T) {
	for order, ascending := range map[string]bool{"": true, "name": true, "creationTimestamp desc": false} {
		t.Run(order, func(t *testing.T) {
			c := newCloud(t, google.Options{})
			for i := range 7 { // by name in the order of their creation
				if status, out := c.do("POST", "/global/networks", map[string]any{"name": fmt.Sprintf("n%d", i), "autoCreateSubnetworks": false}); status != 200 {
					t.Fatal(out)
				}
			}
			c.settle()
			var got []string
			token := ""
			for range 3 {
				status, out := c.do("GET", "/global/networks?maxResults=3&orderBy="+url.QueryEscape(order)+"&pageToken="+token, nil)
				if status != 200 {
					t.Fatal(out)
				}
				for _, it := range out["items"].([]any) {
					got = append(got, it.(map[string]any)["name"].(string))
				}
				if len(got) == 3 { // what disappears between two pages shifts nothing
					c.do("DELETE", "/global/networks/"+got[0], nil)
					c.settle()
				}
				token, _ = out["nextPageToken"].(string)
			}
			want := []string{"n0", "n1", "n2", "n3", "n4", "n5", "n6"}
			if !ascending {
				slices.Reverse(want)
			}
			if token != "" || !slices.Equal(got, want) {
				t.Errorf("pages %v, token %q; want %v", got, token, want)
			}
		})
	}
	c := newCloud(t, google.Options{})
	for _, bad := range []string{"maxResults=501", "maxResults=-1", "maxResults=x", "pageToken=x", "orderBy=mtu"} {
		c.wantReason("GET", "/global/networks?"+bad, nil, 400, "invalid")
	}
}

func TestAggregatedPages(t *testing.T) {
	c := newCloud(t, google.Options{})
	c.network("blue")
	for i, region := range []string{"europe-west3", "europe-north1", "us-central1"} {
		for j := range 2 {
			if status, out := c.do("POST", "/regions/"+region+"/subnetworks", map[string]any{"name": fmt.Sprintf("s%d", j), "network": networkBlue,
				"ipCidrRange": fmt.Sprintf("10.%d.%d.0/24", i, j)}); status != 200 {
				t.Fatal(out)
			}
		}
	}
	c.settle()
	found := map[string]int{}
	it := client(c, compute.NewSubnetworksRESTClient).AggregatedList(c.ctx, &computepb.AggregatedListSubnetworksRequest{Project: testProject,
		MaxResults: ptr(uint32(4))})
	for p, err := it.Next(); err != iterator.Done; p, err = it.Next() {
		if err != nil {
			t.Fatal(err)
		}
		for range p.Value.GetSubnetworks() {
			found[p.Key]++
		}
	}
	if len(found) != 3 || found["regions/us-central1"] != 2 || found["regions/europe-west3"] != 2 {
		t.Errorf("found %v", found)
	}
	_, out := c.do("GET", "/aggregated/subnetworks?filter="+url.QueryEscape("name = s1"), nil)
	items := out["items"].(map[string]any)
	if got := items["regions/europe-north1"].(map[string]any)["subnetworks"].([]any); len(got) != 1 {
		t.Errorf("filtered: %v", got)
	}
}
