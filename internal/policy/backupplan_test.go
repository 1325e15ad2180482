package policy

import (
	"math"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// What is kept for longer than anything can be immutable could never be held to
// BAK-6; and numbers that no calendar has would make it look short.
func TestCheckBackupPlanKeepsNoLongerThanImmutable(t *testing.T) {
	for _, tc := range []struct {
		keep cloud.BackupCounts
		want []string
	}{
		{cloud.BackupCounts{Daily: 3660, Weekly: 522, Monthly: 118}, nil},
		{cloud.BackupCounts{Daily: 3661, Weekly: 523, Monthly: 119}, []string{
			"- retention.daily | Too many daily backups | keeps the backups of 3661 days; no bucket can be immutable for as long: 3660 days at most | Set daily to 3660 or less",
			"- retention.weekly | Too many weekly backups | of 523 weeks | Set weekly to 522 or less",
			"- retention.monthly | Too many monthly backups | of 119 months | Set monthly to 118 or less"}},
		// 31 times this is a small number, modulo 2^64.
		{cloud.BackupCounts{Daily: 7, Weekly: 4, Monthly: 595056260442243601}, []string{"- retention.monthly | Too many monthly backups | months; no bucket | Set monthly to 118 or less"}},
		{cloud.BackupCounts{Daily: math.MaxInt, Weekly: 4, Monthly: 3}, []string{"- retention.daily | Too many daily backups"}},
	} {
		plan := goodPlan(t)
		plan.Keep = Known(tc.keep)
		findings, pending := CheckBackupPlan(plan, planned)
		if pending {
			t.Errorf("%+v: pending", tc.keep)
		}
		expect(t, findings, tc.want...)
	}
	// The arithmetic of the buckets is not led astray either.
	huge := cloud.BackupCounts{Daily: 7, Weekly: 4, Monthly: 595056260442243601}
	if huge.Days() < 93 {
		t.Errorf("%+v is kept for %d days", huge, huge.Days())
	}
}

// A daily backup keeps an objective of a day, and none of an hour less.
func TestCheckBackupPlanObjective(t *testing.T) {
	for hours, want := range map[int64][]string{24: nil, 23: {"BAK-3 rpo_hours | Recovery point objective that cannot be kept"}, 0: {"BAK-3 rpo_hours | Recovery point objective that cannot be kept"}, -1: {"BAK-3 rpo_hours | Recovery point objective that cannot be kept"}} {
		plan := goodPlan(t)
		plan.RPOHours = Known(hours)
		findings, _ := CheckBackupPlan(plan, planned)
		expect(t, findings, want...)
	}
}
