package policy

import (
	"fmt"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// MaxImmutableDays bounds immutable_days. Nobody can shorten a retention once
// it is set, nor get rid of what it holds, nor stop paying for it: more than
// ten years is a slip of the pen.
const MaxImmutableDays = 3660

// BackupBucket is what is judged of a backup bucket's spec.
type BackupBucket struct {
	// ImmutableDays is for how long nobody can delete an object after it was
	// written; 0 for a bucket that is not immutable.
	ImmutableDays Opt[int64]
	// ForceDestroy lets Terraform delete the bucket with what is in it.
	ForceDestroy Opt[bool]
}

// CheckBackupBucket judges a bucket (BAK-6): what is immutable is so for as
// long as the default retention keeps a backup, and is not declared to be
// destroyed with its contents. It is pending if something is unknown. Fields:
// immutable_days, force_destroy.
func CheckBackupBucket(bucket BackupBucket) (findings []Finding, pending bool) {
	days, daysKnown := bucket.ImmutableDays.Get()
	if daysKnown {
		findings = append(findings, CheckImmutableDays("immutable_days", days, cloud.DefaultRetention())...)
	}
	force, forceKnown := bucket.ForceDestroy.Get()
	if daysKnown && forceKnown && force && days > 0 {
		findings = append(findings, Finding{Promise: BAK6, Field: "force_destroy", Summary: "Immutable bucket cannot be destroyed",
			Detail: fmt.Sprintf("Nobody can delete from this bucket for %d days; force_destroy promises what no request can do, and says that the backups in it are not needed.", days),
			Remedy: "Leave force_destroy out. The bucket can be deleted when everything in it has outlived its retention and was removed."})
	}
	return findings, !daysKnown || !forceKnown
}

// CheckImmutableDays judges for how long a bucket is immutable against what a
// plan keeps: BAK-6 has it "before its retention ends", so the last monthly
// backup is protected, too (see cloud.BackupCounts.Days). 0 is no immutable
// bucket, which is for the plan to judge.
//
// The days count from when an object was written. Where later backups share
// objects with earlier ones, as restic's do, whoever writes has to renew the
// retention of what they share, or begin anew before the days are over.
func CheckImmutableDays(field string, days int64, keep cloud.BackupCounts) []Finding {
	least := int64(keep.Days())
	switch {
	case days == 0:
		return nil
	case days < 0:
		return []Finding{{Field: field, Summary: "Negative number of days", Detail: fmt.Sprintf("The number is %d.", days),
			Remedy: fmt.Sprintf("Set it to %d or more, or leave it out for a bucket that is not immutable.", least)}}
	case days < least:
		return []Finding{{Promise: BAK6, Field: field, Summary: "Immutable for too short a time",
			Detail: fmt.Sprintf("After %d days a stolen key can delete backups that are kept for up to %d days (%d daily, %d weekly and %d monthly ones).", days, least, keep.Daily, keep.Weekly, keep.Monthly),
			Remedy: fmt.Sprintf("Set it to %d or more.", least)}}
	case days > MaxImmutableDays:
		return []Finding{{Field: field, Summary: "Immutable for too long a time",
			Detail: fmt.Sprintf("For %d days nobody could delete what is written there, nor stop paying for it.", days),
			Remedy: fmt.Sprintf("Set it to %d or less.", MaxImmutableDays)}}
	}
	return nil
}

// CheckNoncurrentDays judges a lifecycle rule that removes a version of an
// object for good so many days after it was deleted or overwritten: not before
// the plan's longest kept backup could need it (BAK-1), nor while the bucket
// is immutable (BAK-6). 0 is no such rule.
//
// No rule may remove current objects by their age: restic's later backups
// share what earlier ones wrote.
func CheckNoncurrentDays(field string, days, immutableDays int64, keep cloud.BackupCounts) []Finding {
	least := int64(keep.Days())
	switch {
	case days == 0:
		return nil
	case days < 0:
		return []Finding{{Field: field, Summary: "Negative number of days", Detail: fmt.Sprintf("The number is %d.", days),
			Remedy: "Leave it out for a bucket that removes nothing by itself."}}
	case days < least:
		return []Finding{{Promise: BAK1, Field: field, Summary: "Lifecycle removes backups that are kept",
			Detail: fmt.Sprintf("What is deleted by mistake or with a stolen key would be gone for good after %d days, but backups are kept for up to %d days.", days, least),
			Remedy: fmt.Sprintf("Set it to %d or more, or leave it out.", max(least, immutableDays))}}
	case days < immutableDays:
		return []Finding{{Promise: BAK6, Field: field, Summary: "Lifecycle removes what is immutable",
			Detail: fmt.Sprintf("What is deleted would be gone for good after %d days, but the bucket is immutable for %d days.", days, immutableDays),
			Remedy: fmt.Sprintf("Set it to %d or more, or leave it out.", immutableDays)}}
	}
	return nil
}

// CheckLock judges the locking of a whole bucket's retention. On Google Cloud
// it cannot be undone: not by the vendor's support either, and the bucket
// cannot be deleted before its last object is old enough. So it wants to be
// said twice. Field: the one given.
func CheckLock(field, acknowledgement string, lock, acknowledged bool) []Finding {
	if !lock || acknowledged {
		return nil
	}
	return []Finding{{Promise: BAK6, Field: field, Summary: "Irreversible lock not acknowledged",
		Detail: "Once the bucket's retention is locked, nobody can shorten or remove it, and the bucket cannot be deleted before its last object has outlived it.",
		Remedy: fmt.Sprintf("Set %s to true as well if this is meant. Without the lock the bucket is immutable, too, for everybody who may not change its settings.", acknowledgement)}}
}
