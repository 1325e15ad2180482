package backup

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the machine that tests need not have it

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// describe lists what is kept, newest first: "03-29T23:30 dw m*"; a star marks
// a class that keeps the backup for being the oldest.
func describe(decisions []Decision) string {
	var lines []string
	for _, d := range decisions {
		if !d.Keep {
			continue
		}
		line := d.Time.Format("2006-01-02T15:04") + " "
		for _, r := range d.Reasons {
			line += string(r.Class)[:1]
			if r.Oldest {
				line += "*"
			}
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "; ")
}

func at(t testing.TB, zone string, texts ...string) []Snapshot {
	t.Helper()
	location, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	var out []Snapshot
	for i, text := range texts {
		when, err := time.ParseInLocation("2006-01-02T15:04", text, location)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, Snapshot{ID: fmt.Sprintf("s%d", i), Time: when})
	}
	return out
}

func daily(from string, days int) []string {
	first, err := time.Parse(time.DateOnly, from)
	if err != nil {
		panic(err)
	}
	var out []string
	for i := range days {
		out = append(out, first.AddDate(0, 0, i).Format(time.DateOnly)+"T02:00")
	}
	return out
}

func TestApply(t *testing.T) {
	for _, tc := range []struct {
		name   string
		zone   string
		times  []string
		policy Policy
		want   string
	}{
		{"nothing", "UTC", nil, Policy{Keep: cloud.DefaultRetention()}, ""},
		{"one", "UTC", []string{"2026-05-05T02:00"}, Policy{Keep: cloud.DefaultRetention()}, "2026-05-05T02:00 dwm"},
		{"a season of days", "UTC", daily("2026-01-01", 120), Policy{Keep: cloud.DefaultRetention()},
			"2026-04-30T02:00 dwm; 2026-04-29T02:00 d; 2026-04-28T02:00 d; 2026-04-27T02:00 d; 2026-04-26T02:00 dw; 2026-04-25T02:00 d; 2026-04-24T02:00 d; " +
				"2026-04-19T02:00 w; 2026-04-12T02:00 w; 2026-03-31T02:00 m; 2026-02-28T02:00 m"},
		{"several a day", "UTC", []string{"2026-05-05T02:00", "2026-05-05T14:00", "2026-05-05T08:00"}, Policy{Keep: cloud.BackupCounts{Daily: 7}}, "2026-05-05T14:00 d"},
		{"gaps use up nothing", "UTC", []string{"2026-05-05T02:00", "2026-03-01T02:00", "2025-01-01T02:00"}, Policy{Keep: cloud.BackupCounts{Daily: 3}},
			"2026-05-05T02:00 d; 2026-03-01T02:00 d; 2025-01-01T02:00 d"},
		{"a week over the new year", "UTC", daily("2026-12-27", 9), Policy{Keep: cloud.BackupCounts{Weekly: 4}},
			"2027-01-04T02:00 w; 2027-01-03T02:00 w; 2026-12-27T02:00 w"},
		{"the 53rd week", "UTC", []string{"2020-12-31T02:00", "2021-01-03T02:00", "2021-01-04T02:00"}, Policy{Keep: cloud.BackupCounts{Weekly: 4}},
			"2021-01-04T02:00 w; 2021-01-03T02:00 w"},
		{"a leap day", "UTC", []string{"2024-02-28T02:00", "2024-02-29T02:00", "2024-03-01T02:00"}, Policy{Keep: cloud.BackupCounts{Daily: 2, Monthly: 3}},
			"2024-03-01T02:00 dm; 2024-02-29T02:00 dm"},
		{"the same day of other years", "UTC", []string{"2024-05-05T02:00", "2025-05-05T02:00", "2026-05-05T02:00"}, Policy{Keep: cloud.BackupCounts{Daily: 7, Monthly: 2}},
			"2026-05-05T02:00 dm; 2025-05-05T02:00 dm; 2024-05-05T02:00 d"},
		{"a day of 23 hours", "Europe/Berlin", []string{"2026-03-28T23:30", "2026-03-29T00:30", "2026-03-29T23:30", "2026-03-30T00:15"}, Policy{Keep: cloud.BackupCounts{Daily: 7}},
			"2026-03-30T00:15 d; 2026-03-29T23:30 d; 2026-03-28T23:30 d"},
		{"UTC sees other days", "Europe/Berlin", []string{"2026-06-01T00:30", "2026-06-01T23:30"}, Policy{Keep: cloud.BackupCounts{Daily: 7}, Zone: time.UTC},
			"2026-06-01T23:30 d; 2026-06-01T00:30 d"},
		{"its own zone sees one", "Europe/Berlin", []string{"2026-06-01T00:30", "2026-06-01T23:30"}, Policy{Keep: cloud.BackupCounts{Daily: 7}}, "2026-06-01T23:30 d"},
		{"the future counts", "UTC", []string{"2126-05-05T02:00", "2026-05-05T02:00"}, Policy{Keep: cloud.BackupCounts{Daily: 1}}, "2126-05-05T02:00 d"},
		{"an empty policy keeps all", "UTC", []string{"2026-05-05T02:00", "2026-05-05T03:00"}, Policy{Keep: cloud.BackupCounts{Daily: -1}}, "2026-05-05T03:00 ; 2026-05-05T02:00 "},
		{"the oldest goes", "UTC", []string{"2026-05-04T02:00", "2026-05-05T02:00", "2026-05-05T03:00"}, Policy{Keep: cloud.BackupCounts{Weekly: 4}}, "2026-05-05T03:00 w"},
		{"the oldest stays", "UTC", []string{"2026-05-04T02:00", "2026-05-05T02:00", "2026-05-05T03:00"}, Policy{Keep: cloud.BackupCounts{Weekly: 4}, KeepOldest: true}, "2026-05-05T03:00 w; 2026-05-04T02:00 w*"},
		{"the oldest goes when the number is reached", "UTC", []string{"2026-05-04T02:00", "2026-05-05T02:00"}, Policy{Keep: cloud.BackupCounts{Weekly: 1}, KeepOldest: true}, "2026-05-05T02:00 w"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := describe(tc.policy.Apply(at(t, tc.zone, tc.times...))); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

// The 14 backups of BAK-1: after months of daily backups there are 7, 4 and 3.
func TestCountReachesThePromise(t *testing.T) {
	decisions := Policy{Keep: cloud.DefaultRetention()}.Apply(at(t, "UTC", daily("2026-01-01", 120)...))
	if got := Count(decisions); got != cloud.DefaultRetention() {
		t.Errorf("counts %+v", got)
	}
}

// Two of the same instant: one is kept, and always the same one.
func TestApplyEqualTimes(t *testing.T) {
	when := time.Date(2026, 5, 5, 2, 0, 0, 0, time.UTC)
	a, b := Snapshot{"a", when}, Snapshot{"b", when}
	for _, order := range [][]Snapshot{{a, b}, {b, a}} {
		got := Policy{Keep: cloud.DefaultRetention()}.Apply(order)
		if got[0].ID != "a" || !got[0].Keep || got[1].Keep {
			t.Errorf("%v gives %+v", order, got)
		}
	}
}

// A policy applied every day, forgetting for good what it does not keep, ends
// with the same backups as one applied once to all of them: this is what a
// machine really does. Only without KeepOldest: that keeps what a later run
// has reason to drop.
func TestApplyEveryDay(t *testing.T) {
	policy := Policy{Keep: cloud.DefaultRetention()}
	var all, have []Snapshot
	for _, s := range at(t, "Europe/Berlin", daily("2025-11-01", 200)...) {
		all, have = append(all, s), append(have, s)
		var kept []Snapshot
		for _, d := range policy.Apply(have) {
			if d.Keep {
				kept = append(kept, d.Snapshot)
			}
		}
		have = kept
		if got, want := describe(policy.Apply(have)), describe(policy.Apply(all)); got != want {
			t.Fatalf("on %s:\nevery day %s\nat once   %s", s.Time, got, want)
		}
	}
}

// What holds for every history and policy.
func TestApplyProperties(t *testing.T) {
	zones := []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Apia"}
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 1))
		var given []Snapshot
		for i := range r.IntN(40) {
			zone, err := time.LoadLocation(zones[r.IntN(len(zones))])
			if err != nil {
				t.Fatal(err)
			}
			given = append(given, Snapshot{fmt.Sprint(i), time.Unix(1.7e9+r.Int64N(300*86400), 0).In(zone)})
		}
		policy := Policy{Keep: cloud.BackupCounts{Daily: r.IntN(9), Weekly: r.IntN(6), Monthly: 1 + r.IntN(5)}, KeepOldest: r.IntN(2) == 0}
		if r.IntN(2) == 0 {
			policy.Zone = time.UTC
		}
		before := slices.Clone(given)
		got := policy.Apply(given)
		if !slices.Equal(given, before) {
			t.Fatalf("seed %d: the argument was changed", seed)
		}
		if len(got) != len(given) {
			t.Fatalf("seed %d: %d decisions about %d", seed, len(got), len(given))
		}
		for i, d := range got {
			if !slices.Contains(given, d.Snapshot) || i > 0 && d.Time.After(got[i-1].Time) {
				t.Fatalf("seed %d: not a permutation, newest first", seed)
			}
			if d.Keep != (len(d.Reasons) > 0) {
				t.Fatalf("seed %d: kept without reason, or dropped with one: %+v", seed, d)
			}
		}
		if len(got) > 0 && !got[0].Keep {
			t.Fatalf("seed %d: the newest is not kept", seed)
		}
		counts := Count(got)
		for _, class := range cloud.BackupClasses() {
			if counts.Of(class) > policy.Keep.Of(class) {
				t.Fatalf("seed %d: %d %s backups kept of %d", seed, counts.Of(class), class, policy.Keep.Of(class))
			}
		}
		// Order of the argument does not matter.
		r.Shuffle(len(given), func(i, j int) { given[i], given[j] = given[j], given[i] })
		if shuffled := policy.Apply(given); describe(shuffled) != describe(got) {
			t.Fatalf("seed %d: another order, another answer", seed)
		}
		// A larger number keeps at least the same.
		more := policy
		more.Keep.Daily++
		more.Keep.Weekly++
		for i, d := range more.Apply(given) {
			if got[i].Keep && !d.Keep && !slices.ContainsFunc(got[i].Reasons, func(r Reason) bool { return r.Oldest }) {
				t.Fatalf("seed %d: %s is kept by %+v and not by %+v", seed, d.Time, policy.Keep, more.Keep)
			}
		}
		// What is kept is kept again.
		if !policy.KeepOldest {
			var kept []Snapshot
			for _, d := range got {
				if d.Keep {
					kept = append(kept, d.Snapshot)
				}
			}
			if again := policy.Apply(kept); describe(again) != describe(got) {
				t.Fatalf("seed %d: applied again it keeps\n%s\ninstead of\n%s", seed, describe(again), describe(got))
			}
		}
	}
}
