package policy

import (
	"fmt"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/catalog"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// MaxRPOHours is the longest recovery point objective (DR-1).
const MaxRPOHours = 24

// backupsADay is how often a plan backs up: once, at its daily time.
const backupsADay = 1

// BackupPlan is what is judged of a backup plan's spec, besides its buckets'
// places (see package backup).
type BackupPlan struct {
	// Schedule is the daily time, "02:30".
	Schedule Opt[string]
	// Zone is the IANA time zone of Schedule; a known empty text is each
	// protected location's own.
	Zone Opt[string]
	// Protected are the locations of the machines that the plan backs up.
	Protected Opt[[]catalog.Entry]
	Keep      Opt[cloud.BackupCounts]
	// RPOHours is the age in hours at which the newest backup is an alarm.
	RPOHours Opt[int64]
}

// CheckBackupPlan judges a plan: it keeps at least the 14 backups of BAK-1 and
// none for longer than a bucket can be immutable (MaxImmutableDays), its
// recovery point objective is at most that of DR-1 and one that a daily backup
// can keep, and it runs in the quiet hours of each region it works in (UPT-2).
// It is pending if something is unknown. now says which year's changes of
// clocks are looked at.
//
// Fields: schedule, time_zone, retention.daily, retention.weekly,
// retention.monthly, rpo_hours.
func CheckBackupPlan(plan BackupPlan, now time.Time) (findings []Finding, pending bool) {
	for _, known := range []bool{plan.Schedule.IsKnown(), plan.Zone.IsKnown(), plan.Protected.IsKnown(), plan.Keep.IsKnown(), plan.RPOHours.IsKnown()} {
		pending = pending || !known
	}
	if schedule, ok := plan.Schedule.Get(); ok {
		zone, zoneKnown := plan.Zone.Get()
		protected, _ := plan.Protected.Get()
		if !zoneKnown {
			protected = nil
		}
		findings = append(findings, CheckQuietHours(schedule, zone, protected, now)...)
	}
	if keep, ok := plan.Keep.Get(); ok {
		findings = append(findings, checkRetention(keep)...)
	}
	if hours, ok := plan.RPOHours.Get(); ok {
		findings = append(findings, checkRPO(hours)...)
	}
	return findings, pending
}

func checkRetention(keep cloud.BackupCounts) []Finding {
	var findings []Finding
	floor := cloud.DefaultRetention()
	units := map[cloud.BackupClass]string{cloud.BackupDaily: "days", cloud.BackupWeekly: "weeks", cloud.BackupMonthly: "months"}
	alone := map[cloud.BackupClass]cloud.BackupCounts{cloud.BackupDaily: {Daily: 1}, cloud.BackupWeekly: {Weekly: 1}, cloud.BackupMonthly: {Monthly: 1}}
	for _, class := range cloud.BackupClasses() {
		have, least, most := keep.Of(class), floor.Of(class), MaxImmutableDays/alone[class].Days()
		switch {
		case have > most:
			findings = append(findings, Finding{Field: "retention." + string(class), Summary: "Too many " + string(class) + " backups",
				Detail: fmt.Sprintf("The plan keeps the backups of %d %s; no bucket can be immutable for as long: %d days at most.", have, units[class], MaxImmutableDays),
				Remedy: fmt.Sprintf("Set %s to %d or less.", class, most)})
		case have < least:
			findings = append(findings, Finding{Promise: BAK1, Field: "retention." + string(class), Summary: "Too few " + string(class) + " backups",
				Detail: fmt.Sprintf("The plan keeps the backups of %d %s; at least those of %d are promised.", have, units[class], least),
				Remedy: fmt.Sprintf("Set %s to %d or more, or leave it out.", class, least)})
		}
	}
	return findings
}

func checkRPO(hours int64) []Finding {
	const every = 24 / backupsADay
	switch {
	case hours > MaxRPOHours:
		return []Finding{{Promise: DR1, Field: "rpo_hours", Summary: "Recovery point objective too long",
			Detail: fmt.Sprintf("The newest backup might be %d hours old before anybody is told; at most %d are promised.", hours, MaxRPOHours),
			Remedy: fmt.Sprintf("Set rpo_hours to %d, or leave it out.", MaxRPOHours)}}
	case hours < every:
		return []Finding{{Promise: BAK3, Field: "rpo_hours", Summary: "Recovery point objective that cannot be kept",
			Detail: fmt.Sprintf("The plan backs up once a day, so that the newest backup is up to %d hours old when all is well; an objective of %d hours would be an alarm every day.", every, hours),
			Remedy: fmt.Sprintf("Set rpo_hours to %d, or leave it out.", every)}}
	}
	return nil
}
