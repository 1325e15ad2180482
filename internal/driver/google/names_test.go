package google

import (
	"strings"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

func at(name, zone string) cloud.Meta {
	return cloud.Meta{Name: name, Location: cloud.Location{Cloud: Name, Name: zone}, Deployment: "acme-eu"}
}

func TestNativeNames(t *testing.T) {
	long := "a-tenant-with-a-name-that-is-as-long-as-a-name-may"
	if len(long) != cloud.MaxNameLength {
		t.Fatalf("the longest name has %d characters", len(long))
	}
	for what, test := range map[string]struct {
		kind cloud.Kind
		meta cloud.Meta
		want string
	}{
		"network":       {cloud.KindNetwork, at("acme", "europe-west3-a"), "acme-europe-west3-a"},
		"key":           {cloud.KindSSHKey, at("alice", "europe-west3-a"), "alice"},
		"as long as ok": {cloud.KindVM, at(strings.Repeat("x", 39), "europe-west3-a"), strings.Repeat("x", 39) + "-europe-west3-a"},
	} {
		if got := nativeName(test.kind, test.meta); got != test.want {
			t.Errorf("%s: %s", what, got)
		}
	}
	seen := map[string]string{}
	for _, zone := range []string{"europe-west3-a", "northamerica-northeast1-c", "me-west1-b"} {
		for _, name := range []string{long, long[:49] + "x", long[:30], "b"} {
			native := nativeName(cloud.KindVM, at(name, zone))
			if len(native) > maxNativeName || !nativePattern.MatchString(native) {
				t.Errorf("%q is no name that leaves room for a child's", native)
			}
			if zoneIn(native) != zone {
				t.Errorf("%q tells the zone %q", native, zoneIn(native))
			}
			if other, twice := seen[native]; twice {
				t.Errorf("%q stands for %s and %s", native, other, name)
			}
			seen[native] = name
			child := childName(native, "subnet", "10.0.0.0/24")
			if len(child) > maxName || !nativePattern.MatchString(child) || !strings.HasPrefix(child, native+"-") {
				t.Errorf("the child of %q is %q", native, child)
			}
			if child == childName(native, "subnet", "10.0.1.0/24") {
				t.Errorf("two children of %q have one name", native)
			}
			if rule := labelRuleName(native); len(rule) > maxName {
				t.Errorf("%q is too long", rule)
			}
		}
	}
	stranger := strings.Repeat("s", maxName)
	for _, name := range []string{childName(stranger, "x"), labelRuleName(stranger)} {
		if len(name) > maxName || !nativePattern.MatchString(name) {
			t.Errorf("a child of a stranger's longest name is %q", name)
		}
	}
}

func TestZones(t *testing.T) {
	for native, zone := range map[string]string{
		"acme-europe-west3-a": "europe-west3-a", "web-us-central1-ai1a": "us-central1-ai1a", "acme": "", "europe-west3-a": "", "db-west3": "",
	} {
		if got := zoneIn(native); got != zone {
			t.Errorf("%s: %q", native, got)
		}
	}
	if got := regionOf("northamerica-northeast1-a"); got != "northamerica-northeast1" {
		t.Error(got)
	}
	url := "https://www.googleapis.com/compute/v1/projects/p/zones/europe-west3-a/disks/d"
	if lastPart(url) != "d" || part(url, "zones") != "europe-west3-a" || part(url, "regions") != "" {
		t.Error("a URL is read wrongly")
	}
}

func TestAnchorNames(t *testing.T) {
	for _, deployment := range []string{"", "acme-eu", strings.Repeat("d", 60), strings.Repeat("d", 59) + "e"} {
		if name := anchorName(deployment); !nativePattern.MatchString(name) {
			t.Errorf("%q", name)
		}
	}
	if anchorName(strings.Repeat("d", 60)) == anchorName(strings.Repeat("d", 59)+"e") {
		t.Error("two deployments share an anchor")
	}
}

func TestLogins(t *testing.T) {
	for key, user := range map[string]string{
		"alice": "alice", "root": "holdfast-root", "backup": "holdfast-backup",
	} {
		if got := loginName(key); got != user {
			t.Errorf("%s: %s", key, got)
		}
	}
	a, b := loginName(strings.Repeat("k", 50)), loginName(strings.Repeat("k", 49)+"l")
	if a == b || len(a) > maxLogin {
		t.Errorf("%q and %q", a, b)
	}
}
