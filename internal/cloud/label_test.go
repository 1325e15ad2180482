package cloud_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

func TestKey(t *testing.T) {
	at := cloud.Location{Cloud: "hetzner", Name: "fsn1"}
	// Fixed for ever: a changed digest would orphan every object that exists.
	if got, want := cloud.Key("acme-eu", cloud.KindVM, "web", at), "rozdnwwup6z3gth2stubuix5ty7ohd6c"; got != want {
		t.Errorf("Key = %q, want %q", got, want)
	}
	seen := map[string]string{}
	for _, tc := range []struct {
		deployment string
		kind       cloud.Kind
		name       string
		location   cloud.Location
	}{
		{"acme-eu", cloud.KindVM, "web", at},
		{"acme-us", cloud.KindVM, "web", at},
		{"acme-eu", cloud.KindVolume, "web", at},
		{"acme-eu", cloud.KindVM, "web2", at},
		{"acme-eu", cloud.KindVM, "web", cloud.Location{Cloud: "hetzner", Name: "nbg1"}},
		{"acme-eu", cloud.KindVM, "web", cloud.Location{Cloud: "hetzner"}},
		{"acme-eu", cloud.KindVM, "web", cloud.Location{Cloud: "google", Name: "fsn1"}},
		// The parts are separated: none can borrow letters of its neighbour.
		{"acme-euv", "m", "web", at},
		{"acme-e", "uvm", "web", at},
	} {
		key := cloud.Key(tc.deployment, tc.kind, tc.name, tc.location)
		what := strings.Join([]string{tc.deployment, string(tc.kind), tc.name, tc.location.String()}, " ")
		if other, ok := seen[key]; ok {
			t.Errorf("%s and %s share a key", what, other)
		}
		seen[key] = what
		if !regexp.MustCompile(`^[a-z2-7]{32}$`).MatchString(key) {
			t.Errorf("%s: %q", what, key)
		}
	}
}

func TestCheckName(t *testing.T) {
	for _, good := range []string{"a", "web", "acme-web-1", "a1", "a--b", strings.Repeat("a", 50)} {
		if err := cloud.CheckName(good); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"", "A", "1a", "-a", "a-", "a_b", "a.b", "a b", "ä", "a\n"} {
		if err := cloud.CheckName(bad); err == nil || !strings.Contains(err.Error(), "is not a name: use lower case letters") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if err := cloud.CheckName(strings.Repeat("a", 51)); err == nil || !strings.Contains(err.Error(), "has 51 characters, at most 50 are possible") {
		t.Errorf("%v", err)
	}
}

func TestCheckLabel(t *testing.T) {
	long := strings.Repeat("a", 63)
	for _, good := range [][2]string{{"env", "prod"}, {"env", ""}, {"cost_centre-1", "47_1-1"}, {"a", "1"}, {long, long}, {"holdfast", "x"}} {
		if err := cloud.CheckLabel(good[0], good[1]); err != nil {
			t.Error(err)
		}
	}
	for _, tc := range []struct{ key, value, want string }{
		{"holdfast-key", "x", `the prefix "holdfast-" is reserved`},
		{"", "x", `label key ""`},
		{"Env", "x", `label key "Env"`},
		{"1env", "x", `label key "1env"`},
		{"env-", "x", `label key "env-"`},
		{"example.com/env", "x", `label key "example.com/env"`},
		{long + "a", "x", "label key"},
		{"env", "Prod", `label "env" has the value "Prod"`},
		{"env", "-x", `has the value "-x"`},
		{"env", "x_", `has the value "x_"`},
		{"env", "a.b", `has the value "a.b"`},
		{"env", long + "a", "has the value"},
	} {
		if err := cloud.CheckLabel(tc.key, tc.value); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q=%q: %v, want %q", tc.key, tc.value, err, tc.want)
		}
	}
	// Holdfast's own labels would be valid as labels of every cloud but for
	// the reservation, and names fit into their values.
	for _, own := range []string{cloud.LabelDeployment, cloud.LabelKey, cloud.LabelName, cloud.LabelLocation, cloud.LabelTenant, cloud.LabelTier} {
		if !strings.HasPrefix(own, cloud.LabelPrefix) {
			t.Errorf("%s is outside the reserved prefix", own)
		}
		if err := cloud.CheckLabel("x"+own, strings.Repeat("a", cloud.MaxNameLength)); err != nil {
			t.Error(err)
		}
	}
}

// FuzzCheckName holds that every name is a valid label value, and still one
// and a host name with a location's name behind it.
func FuzzCheckName(f *testing.F) {
	for _, s := range []string{"web", "a", "-", "A", strings.Repeat("x", 50), "a-1"} {
		f.Add(s)
	}
	host := regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	f.Fuzz(func(t *testing.T, name string) {
		if cloud.CheckName(name) != nil {
			return
		}
		if err := cloud.CheckLabel("name", name); err != nil {
			t.Fatal(err)
		}
		if !host.MatchString(name + "-fsn1") {
			t.Fatalf("%q cannot be part of a host name", name)
		}
	})
}
