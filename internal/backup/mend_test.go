package backup

import (
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/catalog"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// Nobody can change a bucket in a location that was declared lost.
func TestMendHardensWhatCanBeReached(t *testing.T) {
	c := loadCatalog(t)
	for lost, want := range map[string]string{"google/us-east4-a": "hetzner/hel1", "google/*": "hetzner/hel1", "hetzner/hel1": "google/us-east4-a"} {
		set := parseSet(t, c, "google/us-east4-a hetzner/hel1 hetzner/nbg1 > hetzner/fsn1")
		var err error
		if set.Lost, err = cloud.ParseLost([]string{lost}); err != nil {
			t.Fatal(err)
		}
		verdict := CheckSet(set, c)
		if len(verdict.Findings) != 1 || verdict.Mend.Harden == nil || verdict.Mend.Harden.Place.Location.String() != want {
			t.Errorf("%s lost: %+v, want %s", lost, verdict, want)
		}
	}
	set := parseSet(t, c, "google/us-east4-a hetzner/hel1 hetzner/nbg1 > hetzner/fsn1")
	var err error
	if set.Lost, err = cloud.ParseLost([]string{"google/us-east4-a", "hetzner/*"}); err != nil {
		t.Fatal(err)
	}
	if m := CheckSet(set, c).Mend; m.Harden != nil || len(m.Add) != 1 || !m.Add[0].Immutable || m.Add[0].Place.Location.Cloud != "google" {
		t.Errorf("all lost: %+v", m)
	}
}

// Among places of the same price, what is protected in the European Union stays
// there.
func TestMendStaysInTheUnion(t *testing.T) {
	c := loadCatalog(t)
	all, err := c.Select(catalog.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	var priced []string
	for _, e := range all {
		if e.StoragePrice.IsKnown() {
			priced = append(priced, e.Location.String())
		}
	}
	lost, err := cloud.ParseLost(priced)
	if err != nil {
		t.Fatal(err)
	}
	for protected, union := range map[string]bool{"hetzner/fsn1": true, "hetzner/ash": false} {
		set := parseSet(t, c, "google/us-east4-a! hetzner/hel1 > "+protected)
		set.Lost = lost
		m := CheckSet(set, c).Mend
		if len(m.Add) != 1 || m.Add[0].Place.EU != union {
			t.Errorf("%s: %s", protected, m)
		}
	}
}

// A bucket that is named twice, once as immutable, is one, and immutable.
func TestASetNamesABucketTwice(t *testing.T) {
	c := loadCatalog(t)
	set := parseSet(t, c, "google/us-east4-a hetzner/hel1 hetzner/nbg1 > hetzner/fsn1")
	for _, immutable := range []bool{true, false} {
		twice := set
		again := set.Buckets[0]
		again.Immutable = true
		twice.Buckets = append([]Bucket{again}, set.Buckets...)
		if !immutable {
			twice.Buckets = append(set.Buckets[:3:3], again)
		}
		if verdict := CheckSet(twice, c); len(verdict.Findings) != 0 {
			t.Errorf("%v", verdict.Findings)
		}
	}
}
