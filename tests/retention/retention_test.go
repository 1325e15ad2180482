package retention

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/backup"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// histories is how many are judged: at least the 1,000 that are promised.
const histories = 1200

// verdict is a backup that is kept and why, or one that is not, without its
// id: of two backups of the same instant restic keeps one by chance.
type verdict struct {
	at      time.Time
	reasons string
}

func compareVerdicts(a, b verdict) int {
	return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.reasons, b.reasons))
}

func TestResticAgrees(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	version := r.version(t)
	policy := backup.Policy{Keep: cloud.DefaultRetention(), KeepOldest: atLeast(t, version, 16)}
	// From 0.18 it says where age was the only reason
	// (https://github.com/restic/restic/pull/5039).
	saysOldest := atLeast(t, version, 18)

	ours := map[string][]verdict{}
	times := map[string]time.Time{} // by id
	all, kept, oldest := 0, 0, 0
	for seed := range histories {
		tag := fmt.Sprintf("history-%d", seed)
		var snapshots []backup.Snapshot
		for _, at := range history(t, uint64(seed)) {
			id := r.addSnapshot(t, tag, at)
			times[id] = at
			snapshots = append(snapshots, backup.Snapshot{ID: id, Time: at})
		}
		for _, d := range policy.Apply(snapshots) {
			if d.Keep != (len(d.Reasons) > 0) {
				t.Fatalf("%s: kept %v for %v", tag, d.Keep, d.Reasons)
			}
			all++
			if d.Keep {
				kept++
			}
			var reasons []string
			for _, reason := range d.Reasons {
				text := string(reason.Class) + " snapshot"
				if reason.Oldest {
					oldest++
					if saysOldest {
						text = "oldest " + text
					}
				}
				reasons = append(reasons, text)
			}
			ours[tag] = append(ours[tag], verdict{d.Time, strings.Join(reasons, ", ")})
		}
	}

	judged := r.forget(t)
	if len(judged) != histories {
		t.Errorf("restic judges %d histories, want %d", len(judged), histories)
	}
	differ := 0
	for tag, want := range ours {
		var theirs []verdict
		for i, kept := range judged[tag].Keep {
			theirs = append(theirs, verdict{times[kept.ID], strings.Join(judged[tag].Reasons[i].Matches, ", ")})
		}
		for _, removed := range judged[tag].Remove {
			theirs = append(theirs, verdict{times[removed.ID], ""})
		}
		slices.SortFunc(want, compareVerdicts)
		slices.SortFunc(theirs, compareVerdicts)
		if !slices.EqualFunc(want, theirs, func(a, b verdict) bool { return compareVerdicts(a, b) == 0 }) {
			if differ++; differ <= 3 {
				t.Errorf("%s: restic decides otherwise:\n%s", tag, difference(want, theirs))
			}
		}
	}
	if differ > 0 {
		t.Errorf("%d of %d histories differ", differ, histories)
	}
	// A generator that makes nothing hard to decide would prove nothing.
	if kept < all/10 || kept > all*9/10 || policy.KeepOldest && oldest < 20 {
		t.Errorf("%d of %d backups kept, %d for being the oldest: the histories are too easy", kept, all, oldest)
	}
	t.Logf("restic %s: %d histories, %d backups, %d kept (%d times for being the oldest), %d histories differ", version, histories, all, kept, oldest, differ)
}

func difference(ours, theirs []verdict) string {
	var b strings.Builder
	for i := range max(len(ours), len(theirs)) {
		line := func(list []verdict) string {
			if i >= len(list) {
				return "-"
			}
			return fmt.Sprintf("%s [%s]", list[i].at.Format(time.RFC3339), list[i].reasons)
		}
		mark := " "
		if line(ours) != line(theirs) {
			mark = "!"
		}
		fmt.Fprintf(&b, "%s ours %-70s restic %s\n", mark, line(ours), line(theirs))
	}
	return b.String()
}

// The objects that the test writes are as good as restic's own: it lists them
// with the times that were meant.
func TestResticReadsWhatTheTestWrites(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	zone, err := time.LoadLocation("America/St_Johns")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 7, 1, 23, 59, 59, 123456789, zone)
	id := r.addSnapshot(t, "a", at)
	out := string(r.run(t, "snapshots", "--no-lock", "--json"))
	for _, want := range []string{id, `"time":"2026-07-01T23:59:59.123456789-02:30"`, `"tags":["a"]`} {
		if !strings.Contains(out, want) {
			t.Errorf("restic snapshots does not say %s: %s", want, out)
		}
	}
}
