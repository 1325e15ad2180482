package cloud_test

import (
	"strings"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

func TestParseLocation(t *testing.T) {
	for _, tc := range []struct{ text, cloud, name string }{
		{"hetzner/fsn1", "hetzner", "fsn1"},
		{"google/europe-west3-a", "google", "europe-west3-a"},
		{"ovh/gra11", "ovh", "gra11"},
	} {
		l, err := cloud.ParseLocation(tc.text)
		if err != nil || l.Cloud != tc.cloud || l.Name != tc.name || l.String() != tc.text || l.IsZero() {
			t.Errorf("%s: %+v, %v", tc.text, l, err)
		}
	}
	for _, bad := range []string{"", "/", "hetzner", "hetzner/", "/fsn1", "hetzner/fsn1/1", "Hetzner/fsn1", "hetzner/FSN1", "hetzner /fsn1", "hetzner/fsn_1",
		"h/fsn1", "hetzner/f", "1hetzner/fsn1", "hetzner/1fsn", "hetzner/*", "hetzner/fsn1\n", strings.Repeat("a", 21) + "/fsn1", "hetzner/" + strings.Repeat("a", 41)} {
		l, err := cloud.ParseLocation(bad)
		if err == nil || !l.IsZero() || !strings.Contains(err.Error(), `write <cloud>/<data centre>, for example "hetzner/fsn1"`) {
			t.Errorf("%q: %+v, %v", bad, l, err)
		}
	}
	if (cloud.Location{}).String() != "" || !(cloud.Location{}).IsZero() {
		t.Error("the zero location is written as nothing")
	}
}

func TestParseID(t *testing.T) {
	for _, text := range []string{"hetzner/fsn1/4711", "google/europe-west3-a/projects:x", "ovh/gra11/" + strings.Repeat("a", 128)} {
		id, err := cloud.ParseID(text)
		if err != nil || id.String() != text || id.IsZero() {
			t.Errorf("%s: %+v, %v", text, id, err)
		}
	}
	id, err := cloud.ParseID("hetzner/fsn1/4711")
	if want := (cloud.ID{Location: cloud.Location{Cloud: "hetzner", Name: "fsn1"}, Native: "4711"}); err != nil || id != want {
		t.Errorf("%+v, %v", id, err)
	}
	for _, bad := range []string{"", "4711", "fsn1/4711", "hetzner/fsn1/", "hetzner/fsn1", "hetzner/fsn1/47/11", "hetzner/fsn1/47 11", "hetzner/fsn1/4711\n",
		"hetzner/fsn1/é", "Hetzner/fsn1/1", "hetzner/*/1", "hetzner/fsn1/" + strings.Repeat("a", 129)} {
		id, err := cloud.ParseID(bad)
		if err == nil || !id.IsZero() || !strings.Contains(err.Error(), `write <cloud>/<location>/<native id>, for example "hetzner/fsn1/4711"`) {
			t.Errorf("%q: %+v, %v", bad, id, err)
		}
	}
	if (cloud.ID{}).String() != "" {
		t.Error("the zero id is written as nothing")
	}
}

func TestParseLost(t *testing.T) {
	fsn1, nbg1 := cloud.Location{Cloud: "hetzner", Name: "fsn1"}, cloud.Location{Cloud: "hetzner", Name: "nbg1"}
	zone := cloud.Location{Cloud: "google", Name: "europe-west3-a"}
	for _, tc := range []struct {
		name          string
		entries       []string
		lost, alive   []cloud.Location
		cloudsLost    []string
		cloudsAlive   []string
		nothingIsLost bool
	}{
		{"a good day", nil, nil, []cloud.Location{fsn1, zone}, nil, []string{"hetzner"}, true},
		{"one location", []string{"hetzner/fsn1"}, []cloud.Location{fsn1}, []cloud.Location{nbg1, zone}, nil, []string{"hetzner", "google"}, false},
		{"a whole cloud", []string{"hetzner/*"}, []cloud.Location{fsn1, nbg1}, []cloud.Location{zone}, []string{"hetzner"}, []string{"google"}, false},
		{"both", []string{"google/*", "hetzner/nbg1", "hetzner/nbg1"}, []cloud.Location{zone, nbg1}, []cloud.Location{fsn1}, []string{"google"}, []string{"hetzner"}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			set, err := cloud.ParseLost(tc.entries)
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range tc.lost {
				if !set.Contains(l) {
					t.Errorf("%s is not lost", l)
				}
			}
			for _, l := range tc.alive {
				if set.Contains(l) {
					t.Errorf("%s is lost", l)
				}
			}
			for _, c := range tc.cloudsLost {
				if !set.ContainsCloud(c) {
					t.Errorf("%s is not lost", c)
				}
			}
			for _, c := range tc.cloudsAlive {
				if set.ContainsCloud(c) {
					t.Errorf("%s is lost", c)
				}
			}
			if set.Empty() != tc.nothingIsLost {
				t.Errorf("Empty = %v", set.Empty())
			}
		})
	}
	set, err := cloud.ParseLost([]string{"hetzner", "hetzner/fsn1", "*/*", "google/"})
	if err == nil {
		t.Fatal("bad entries passed")
	}
	for _, want := range []string{`"hetzner" is not a location`, `"*/*" is not`, `"google/" is not`, `or "hetzner/*" for a whole cloud`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %q", want, err)
		}
	}
	if !set.Contains(fsn1) {
		t.Error("the good entry among bad ones is forgotten")
	}
	if !(cloud.LostSet{}).Empty() || (cloud.LostSet{}).Contains(fsn1) {
		t.Error("the zero set holds something")
	}
}

func FuzzParseID(f *testing.F) {
	for _, s := range []string{"hetzner/fsn1/4711", "google/europe-west3-a/x:y", "hetzner/*/1", "a/b/c", "//", "hetzner/fsn1/é"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, err := cloud.ParseID(text)
		if err != nil {
			if !id.IsZero() {
				t.Fatalf("%q: refused, but %+v", text, id)
			}
			return
		}
		if id.String() != text {
			t.Fatalf("%q became %q", text, id)
		}
		again, err := cloud.ParseLocation(id.Location.String())
		if err != nil || again != id.Location {
			t.Fatalf("the location of %q does not round-trip: %v", text, err)
		}
	})
}

func FuzzParseLost(f *testing.F) {
	f.Add("hetzner/fsn1", "hetzner/nbg1")
	f.Add("hetzner/*", "google/europe-west3-a")
	f.Add("*/*", "/*")
	f.Fuzz(func(t *testing.T, entry, other string) {
		set, err := cloud.ParseLost([]string{entry})
		if err != nil {
			if !set.Empty() {
				t.Fatalf("%q: refused, but something is lost", entry)
			}
			return
		}
		if set.Empty() {
			t.Fatalf("%q: accepted, but nothing is lost", entry)
		}
		l, err := cloud.ParseLocation(other)
		if err != nil {
			return
		}
		if want := entry == other || entry == l.Cloud+"/*"; set.Contains(l) != want {
			t.Fatalf("lost %q: %q contained = %v", entry, other, !want)
		}
	})
}
