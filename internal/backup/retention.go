package backup

import (
	"cmp"
	"slices"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// Snapshot is one backup.
type Snapshot struct {
	ID string
	// Time is when it was begun. Its zone is the one of the machine that made
	// it, and says which day it was there.
	Time time.Time
}

// Policy says which backups are kept. It decides as `restic forget
// --keep-daily --keep-weekly --keep-monthly` does: for each class, of the most
// recent days (ISO weeks, months) that have a backup at all, the last backup
// of each. Days without backups use up nothing, backups in the future count
// like all others, and nothing depends on when it is asked.
type Policy struct {
	// Keep is the number of days, weeks and months. Zero or less keeps none for
	// that class; where all are, everything is kept: restic takes an empty
	// policy for a mistake, too.
	Keep cloud.BackupCounts
	// Zone is the time zone whose calendar is asked. Without one each backup
	// is asked in its own: what restic does.
	Zone *time.Location
	// KeepOldest keeps the oldest backup as well for every class that has not
	// reached its number, so that a history which is still short reaches back
	// as far as it can. restic does so from 0.16
	// (https://github.com/restic/restic/pull/4366), so Debian 13's does and
	// Debian 12's does not.
	KeepOldest bool
}

// Reason is why a backup is kept.
type Reason struct {
	Class cloud.BackupClass
	// Oldest: it is not the last of its day, week or month, but the oldest of
	// all (see Policy.KeepOldest).
	Oldest bool
}

// Decision is what becomes of a backup.
type Decision struct {
	Snapshot
	Keep bool
	// Reasons are in the order of cloud.BackupClasses; none if it is not kept,
	// or if the policy is empty.
	Reasons []Reason
}

// bucket is a calendar day, week or month.
type bucket struct{ year, part int }

// Apply decides about all backups, and answers from the newest to the oldest,
// those of the same instant by their ids. (restic leaves it to chance which of
// two of the same instant it keeps.) The argument is not changed.
func (p Policy) Apply(snapshots []Snapshot) []Decision {
	sorted := slices.Clone(snapshots)
	slices.SortFunc(sorted, func(a, b Snapshot) int {
		return cmp.Or(b.Time.Compare(a.Time), cmp.Compare(a.ID, b.ID))
	})
	decisions := make([]Decision, len(sorted))
	for i, s := range sorted {
		decisions[i] = Decision{Snapshot: s, Keep: p.empty()}
	}
	for _, class := range cloud.BackupClasses() {
		p.class(decisions, class)
	}
	return decisions
}

// class keeps what one class keeps.
func (p Policy) class(decisions []Decision, class cloud.BackupClass) {
	left := p.Keep.Of(class)
	var last bucket
	for i := range decisions {
		if left <= 0 {
			return
		}
		d := &decisions[i]
		here := p.bucket(class, d.Time)
		same := i > 0 && here == last
		oldest := p.KeepOldest && i == len(decisions)-1
		if same && !oldest {
			continue
		}
		d.Keep = true
		d.Reasons = append(d.Reasons, Reason{Class: class, Oldest: same})
		last = here
		left--
	}
}

func (p Policy) empty() bool {
	return p.Keep.Daily <= 0 && p.Keep.Weekly <= 0 && p.Keep.Monthly <= 0
}

// bucket is the day, week or month of an instant. A week belongs to the year
// of its Thursday (ISO 8601).
func (p Policy) bucket(class cloud.BackupClass, t time.Time) bucket {
	if p.Zone != nil {
		t = t.In(p.Zone)
	}
	switch class {
	case cloud.BackupDaily:
		return bucket{t.Year(), t.YearDay()}
	case cloud.BackupWeekly:
		year, week := t.ISOWeek()
		return bucket{year, week}
	default:
		return bucket{t.Year(), int(t.Month())}
	}
}

// Count tells how many backups are kept for each class.
func Count(decisions []Decision) cloud.BackupCounts {
	var counts cloud.BackupCounts
	for _, d := range decisions {
		for _, r := range d.Reasons {
			counts.Add(r.Class)
		}
	}
	return counts
}
