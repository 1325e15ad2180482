package backup

import (
	"testing"

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
