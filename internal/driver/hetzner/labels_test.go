package hetzner

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

var fsn1 = cloud.Location{Cloud: Name, Name: "fsn1"}

// acme is the Meta that most tests use.
func acme(name string) cloud.Meta {
	return cloud.Meta{Name: name, Location: fsn1, Deployment: "acme-eu", Tenant: "acme", Tier: cloud.TierPaid, Labels: map[string]string{"team": "db"}}
}

func TestNativeName(t *testing.T) {
	if got := nativeName(cloud.KindVolume, acme("data")); got != "data-fsn1" {
		t.Errorf("a volume is named %q", got)
	}
	if got := nativeName(cloud.KindSSHKey, acme("alice")); got != "alice" {
		t.Errorf("an SSH key, which is one for the project, is named %q", got)
	}
	longest := acme(strings.Repeat("a", cloud.MaxNameLength))
	if got := nativeName(cloud.KindVM, longest); len(got) > 63 {
		t.Errorf("the longest name makes a host name label of %d characters", len(got))
	}
}

func TestLabelsSurviveTheVendor(t *testing.T) {
	for name, test := range map[string]struct {
		kind           cloud.Kind
		vendorLocation string
	}{
		"with a location of its own": {cloud.KindVM, "fsn1"},
		"without":                    {cloud.KindFirewall, ""},
	} {
		t.Run(name, func(t *testing.T) {
			want := acme("db")
			got := metaOf(test.kind, nativeName(test.kind, want), test.vendorLocation, labelsOf(test.kind, want), false)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if !sameLabels(test.kind, nativeName(test.kind, want), got, want) {
				t.Error("what was written does not count as the same")
			}
		})
	}
}

func TestUnlabelledObjectKeepsItsName(t *testing.T) {
	got := metaOf(cloud.KindVM, "web-fsn1", "fsn1", map[string]string{"env": "prod"}, true)
	want := cloud.Meta{Name: "web-fsn1", Location: fsn1, Labels: map[string]string{"env": "prod"}, Protected: true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A rename with the vendor's own tools is drift of the neutral name.
func TestRenamedObjectShowsItsName(t *testing.T) {
	for name, test := range map[string]struct {
		kind   cloud.Kind
		native string
		want   string
	}{
		"as declared":          {cloud.KindVM, "db-fsn1", "db"},
		"renamed":              {cloud.KindVM, "old-db", "old-db"},
		"location taken off":   {cloud.KindVM, "db", "db"},
		"key as declared":      {cloud.KindSSHKey, "db", "db"},
		"key with a location":  {cloud.KindSSHKey, "db-fsn1", "db-fsn1"},
		"firewall as declared": {cloud.KindFirewall, "db-fsn1", "db"},
		"firewall renamed":     {cloud.KindFirewall, "DB", "DB"},
	} {
		t.Run(name, func(t *testing.T) {
			want := acme("db")
			got := metaOf(test.kind, test.native, "", labelsOf(test.kind, want), false)
			if got.Name != test.want {
				t.Errorf("shows %q, want %q", got.Name, test.want)
			}
			if (test.native == nativeName(test.kind, want)) != sameLabels(test.kind, test.native, got, want) {
				t.Error("the rename is not undone")
			}
		})
	}
}

func TestKeyIgnoresTheLocationOfSSHKeysOnly(t *testing.T) {
	here, there := acme("x"), acme("x")
	there.Location.Name = "hel1"
	if keyOf(cloud.KindSSHKey, here) != keyOf(cloud.KindSSHKey, there) {
		t.Error("an SSH key has another key in another location")
	}
	if keyOf(cloud.KindVM, here) == keyOf(cloud.KindVM, there) {
		t.Error("a VM has the same key in another location")
	}
	if want := cloud.Key("acme-eu", cloud.KindVM, "x", fsn1); keyOf(cloud.KindVM, here) != want {
		t.Error("the key is not cloud.Key's")
	}
}

func TestSelector(t *testing.T) {
	for want, filter := range map[string]cloud.Filter{
		"":                         {},
		"holdfast-deployment=acme": {Deployment: "acme"},
		"holdfast-key=k1":          {Keys: []string{"k1"}},
		"holdfast-deployment=acme,holdfast-key in (k1,k2)": {Deployment: "acme", Keys: []string{"k1", "k2"}},
		"a=1,b=": {Labels: map[string]string{"b": "", "a": "1"}},
	} {
		if got := selector(filter); got != want {
			t.Errorf("%+v gives %q, want %q", filter, got, want)
		}
	}
}

func TestOriginSeesWhatCannotChange(t *testing.T) {
	base := cloud.VMSpec{Image: "debian-13", SSHKeys: []string{"1", "2"}, UserData: "#cloud-config\n", ServerType: "cx22"}
	same := base
	same.SSHKeys, same.ServerType = []string{"2", "1"}, "cx32"
	if originOf(base) != originOf(same) {
		t.Error("the order of keys or the server type changes the origin")
	}
	for name, change := range map[string]func(*cloud.VMSpec){
		"image":     func(s *cloud.VMSpec) { s.Image = "debian-12" },
		"keys":      func(s *cloud.VMSpec) { s.SSHKeys = []string{"1"} },
		"user data": func(s *cloud.VMSpec) { s.UserData = "" },
	} {
		other := base
		change(&other)
		if originOf(base) == originOf(other) {
			t.Errorf("another %s gives the same origin", name)
		}
	}
}
