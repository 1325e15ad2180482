package google_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/google"
)

// What the vendor's own Terraform provider (v8) sends and expects, where that
// is not what other clients do. tests/scripts/peer-google runs the real one.

// It says that there are no node affinities by an element that is null.
func TestNullElementsAreNone(t *testing.T) {
	c := newCloud(t, google.Options{})
	c.vmSubnet("10.0.0.0/24")
	body := vmBody(t, map[string]any{"name": "vm", "scheduling": map[string]any{"automaticRestart": false, "nodeAffinities": []any{nil}}})
	if status, out := c.do("POST", "/zones/"+testZone+"/instances", body); status != 200 {
		t.Fatal(out)
	}
	c.settle()
	if found := c.getVM("vm").GetScheduling().GetNodeAffinities(); len(found) != 0 {
		t.Errorf("the instance shows %d node affinities: %v", len(found), found)
	}
}

// A change of one of the two numbers of a Hyperdisk leaves the other alone.
func TestHyperdiskKeepsWhatIsNotNamed(t *testing.T) {
	c := newCloud(t, google.Options{})
	at := "/zones/" + testZone + "/disks"
	if status, out := c.do("POST", at, map[string]any{"name": "d", "sizeGb": "10", "provisionedIops": "3000", "provisionedThroughput": "140",
		"type": "zones/" + testZone + "/diskTypes/hyperdisk-balanced"}); status != 200 {
		t.Fatal(out)
	}
	c.settle()
	for _, step := range []struct {
		field, value     string
		iops, throughput int64
	}{{"provisionedIops", "3500", 3500, 140}, {"provisionedThroughput", "200", 3500, 200}} {
		if status, out := c.do("PATCH", at+"/d?paths="+step.field, map[string]any{"name": "d", step.field: step.value}); status != 200 {
			t.Fatal(out)
		}
		c.settle()
		if d := c.getDisk("d"); d.GetProvisionedIops() != step.iops || d.GetProvisionedThroughput() != step.throughput {
			t.Errorf("after %s: %d IOPS, %d MB/s", step.field, d.GetProvisionedIops(), d.GetProvisionedThroughput())
		}
	}
}

// Flow logs are kept with the vendor's defaults, change, and are switched off.
func TestSubnetworkFlowLogs(t *testing.T) {
	c := newCloud(t, google.Options{})
	c.network("blue")
	at := "/regions/" + testRegion + "/subnetworks"
	insert := func(name string, log map[string]any) (int, map[string]any) {
		return c.do("POST", at, map[string]any{"name": name, "network": "global/networks/blue", "ipCidrRange": "10.0.0.0/24", "logConfig": log})
	}
	for name, wrong := range map[string]map[string]any{
		"interval": {"enable": true, "aggregationInterval": "INTERVAL_1_DAY"}, "sampling": {"enable": true, "flowSampling": 1.5},
		"metadata": {"enable": true, "metadata": "SOME"}, "fields": {"enable": true, "metadataFields": []string{"src_instance"}},
		"disabled": {"enable": false, "flowSampling": 0.5},
	} {
		if status, out := insert("wrong", wrong); status != 400 {
			t.Errorf("%s: %d %v", name, status, out)
		}
	}
	if status, out := insert("s", map[string]any{"enable": true, "flowSampling": 0.25, "filterExpr": "true"}); status != 200 {
		t.Fatal(out)
	}
	c.settle()
	_, s := c.do("GET", at+"/s", nil)
	want := map[string]any{"enable": true, "flowSampling": 0.25, "filterExpr": "true", "aggregationInterval": "INTERVAL_5_SEC", "metadata": "EXCLUDE_ALL_METADATA"}
	if diff := cmp.Diff(want, s["logConfig"]); diff != "" || s["enableFlowLogs"] != true {
		t.Errorf("shown as (%v):\n%s", s["enableFlowLogs"], diff)
	}
	if status, out := c.do("PATCH", at+"/s", map[string]any{"fingerprint": s["fingerprint"], "logConfig": map[string]any{"enable": false}}); status != 200 {
		t.Fatal(out)
	}
	c.settle()
	_, s = c.do("GET", at+"/s", nil)
	if diff := cmp.Diff(map[string]any{"enable": false}, s["logConfig"]); diff != "" || s["enableFlowLogs"] != false {
		t.Errorf("switched off it is shown as (%v):\n%s", s["enableFlowLogs"], diff)
	}
}

// Its acceptance tests give a raw key without the padding.
func TestRawKeysWithoutPadding(t *testing.T) {
	c := newCloud(t, google.Options{})
	at := "/zones/" + testZone + "/disks"
	hashes := map[string]any{}
	for name, key := range map[string]string{"padded": "SGVsbG8gZnJvbSBHb29nbGUgQ2xvdWQgUGxhdGZvcm0=", "bare": "SGVsbG8gZnJvbSBHb29nbGUgQ2xvdWQgUGxhdGZvcm0"} {
		if status, out := c.do("POST", at, map[string]any{"name": name, "sizeGb": "10", "diskEncryptionKey": map[string]any{"rawKey": key}}); status != 200 {
			t.Errorf("%s: %d %v", name, status, out)
			continue
		}
		c.settle()
		_, d := c.do("GET", at+"/"+name, nil)
		hashes[name] = d["diskEncryptionKey"].(map[string]any)["sha256"]
	}
	if hashes["padded"] == nil || hashes["padded"] != hashes["bare"] {
		t.Errorf("the same key has the hashes %v", hashes)
	}
}

// One may add subnetworks to a network in auto mode, and delete those again;
// the network's own go with it.
func TestSubnetworksBesideAutomaticOnes(t *testing.T) {
	c := newCloud(t, google.Options{})
	if status, out := c.do("POST", "/global/networks", map[string]any{"name": "auto", "autoCreateSubnetworks": true}); status != 200 {
		t.Fatal(out)
	}
	c.settle()
	at := "/regions/" + testRegion + "/subnetworks"
	if status, out := c.do("POST", at, map[string]any{"name": "mine", "network": "global/networks/auto", "ipCidrRange": "10.0.0.0/24"}); status != 200 {
		t.Fatal(out)
	}
	c.settle()
	c.wantReason("DELETE", at+"/auto", nil, 400, "badRequest")
	c.wantReason("DELETE", "/global/networks/auto", nil, 400, "resourceInUseByAnotherResource")
	for _, path := range []string{at + "/mine", "/global/networks/auto"} {
		if status, out := c.do("DELETE", path, nil); status != 200 {
			t.Fatalf("%s: %v", path, out)
		}
		c.settle()
	}
	if left := len(c.eng.Records("google_subnetwork")); left != 0 {
		t.Errorf("%d subnetworks are left", left)
	}
}
