package policy

import (
	"errors"
	"testing"
	"time"
	_ "time/tzdata" // the machine that tests need not have it

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/catalog"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// planned is when these plans are made.
var planned = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func entries(t testing.TB, texts ...string) []catalog.Entry {
	t.Helper()
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	var out []catalog.Entry
	for _, text := range texts {
		location, err := cloud.ParseLocation(text)
		if err != nil {
			t.Fatal(err)
		}
		e, err := c.Lookup(location)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

func goodPlan(t testing.TB) BackupPlan {
	t.Helper()
	return BackupPlan{Schedule: Known("02:30"), Zone: Known(""), Protected: Known(entries(t, "hetzner/fsn1")),
		Keep: Known(cloud.DefaultRetention()), RPOHours: Known[int64](24)}
}

func TestCheckBackupPlan(t *testing.T) {
	for _, tc := range []struct {
		name    string
		change  func(*BackupPlan)
		pending bool
		want    []string
	}{
		{"good", func(*BackupPlan) {}, false, nil},
		{"keeps more", func(p *BackupPlan) { p.Keep = Known(cloud.BackupCounts{Daily: 30, Weekly: 8, Monthly: 12}) }, false, nil},
		{"keeps less", func(p *BackupPlan) { p.Keep = Known(cloud.BackupCounts{Daily: 6, Weekly: 0, Monthly: -1}) }, false, []string{
			"BAK-1 retention.daily | Too few daily backups | keeps the backups of 6 days; at least those of 7 are promised | Set daily to 7 or more",
			"BAK-1 retention.weekly | Too few weekly backups | 0 weeks; at least those of 4",
			"BAK-1 retention.monthly | Too few monthly backups | -1 months; at least those of 3"}},
		{"objective too long", func(p *BackupPlan) { p.RPOHours = Known[int64](25) }, false, []string{
			"DR-1 rpo_hours | Recovery point objective too long | might be 25 hours old before anybody is told; at most 24 | Set rpo_hours to 24"}},
		{"objective too short", func(p *BackupPlan) { p.RPOHours = Known[int64](6) }, false, []string{
			"BAK-3 rpo_hours | Recovery point objective that cannot be kept | an objective of 6 hours would be an alarm every day | Set rpo_hours to 24"}},
		{"business hours", func(p *BackupPlan) { p.Schedule = Known("12:00") }, false, []string{
			"UPT-2 schedule | Backup in business hours | 12:00 is 12:00 in Europe/Berlin on 2026-11-22; the region's quiet hours are from 20:00 to 06:00 | such as \"02:30\""}},
		{"not a time", func(p *BackupPlan) { p.Schedule = Known("2:30") }, false, []string{`- schedule | Not a time of day | "2:30" is not written HH:MM`}},
		{"schedule unknown", func(p *BackupPlan) { p.Schedule = Unknown[string]() }, true, nil},
		{"zone unknown", func(p *BackupPlan) { p.Schedule = Known("12:00"); p.Zone = Unknown[string]() }, true, nil},
		{"places unknown", func(p *BackupPlan) { p.Schedule = Known("12:00"); p.Protected = Unknown[[]catalog.Entry]() }, true, nil},
		{"places unknown, not a time", func(p *BackupPlan) { p.Schedule = Known("noon"); p.Protected = Unknown[[]catalog.Entry]() }, true, []string{"- schedule | Not a time of day"}},
		{"numbers unknown", func(p *BackupPlan) { p.Keep = Unknown[cloud.BackupCounts](); p.RPOHours = Unknown[int64]() }, true, nil},
		{"nothing known", func(p *BackupPlan) { *p = BackupPlan{} }, true, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			plan := goodPlan(t)
			tc.change(&plan)
			got, pending := CheckBackupPlan(plan, planned)
			if pending != tc.pending {
				t.Errorf("pending = %v", pending)
			}
			expect(t, got, tc.want...)
		})
	}
}

func TestCheckQuietHours(t *testing.T) {
	for _, tc := range []struct {
		name, schedule, zone string
		locations            []string
		want                 []string
	}{
		{"first quiet minute", "20:00", "", []string{"hetzner/fsn1"}, nil},
		{"last quiet minute", "05:59", "", []string{"hetzner/fsn1"}, nil},
		{"first loud minute", "06:00", "", []string{"hetzner/fsn1"}, []string{"UPT-2 schedule | Backup in business hours"}},
		{"last loud minute", "19:59", "", []string{"hetzner/fsn1"}, []string{"UPT-2 schedule | Backup in business hours"}},
		{"each in its own night", "02:30", "", []string{"hetzner/fsn1", "hetzner/ash", "hetzner/sin"}, nil},
		{"one night is another's day", "02:30", "Europe/Berlin", []string{"hetzner/fsn1", "hetzner/ash", "hetzner/sin"}, []string{
			"UPT-2 schedule | Backup in business hours | 02:30 in Europe/Berlin is 09:30 in Asia/Singapore on 2026-11-22 | on the clocks of Asia/Singapore"}},
		{"UTC all year", "02:00", "UTC", []string{"hetzner/hel1"}, nil},
		{"quiet in winter, loud in summer", "04:30", "UTC", []string{"hetzner/fsn1"}, []string{
			"UPT-2 schedule | Backup in business hours | 04:30 in UTC is 06:30 in Europe/Berlin on 2027-03-28"}},
		{"its own zone, named", "05:30", "America/New_York", []string{"google/us-east4-a"}, nil},
		{"two weeks in March", "14:30", "America/New_York", []string{"hetzner/fsn1"}, []string{
			"UPT-2 schedule | Backup in business hours | 14:30 in America/New_York is 19:30 in Europe/Berlin on 2027-03-14"}},
		{"two locations of one zone are one finding", "12:00", "", []string{"hetzner/fsn1", "hetzner/nbg1"}, []string{"UPT-2 schedule | Backup in business hours"}},
		{"unknown zone", "02:30", "Europe/Nowhere", []string{"hetzner/fsn1"}, []string{`- time_zone | Unknown time zone | "Europe/Nowhere" is not a time zone | "Europe/Berlin" or "UTC"`}},
		{"the planner's zone", "02:30", "Local", []string{"hetzner/fsn1"}, []string{"- time_zone | Unknown time zone"}},
		{"nowhere yet", "12:00", "UTC", nil, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			expect(t, CheckQuietHours(tc.schedule, tc.zone, entries(t, tc.locations...), planned), tc.want...)
		})
	}
	nowhere := []catalog.Entry{{Location: cloud.Location{Cloud: "nimbus", Name: "a1"}}}
	expect(t, CheckQuietHours("02:30", "", nowhere, planned), "UPT-2 schedule | Time zone of the location not known | no time zone for nimbus/a1")
}

func TestParseDailyTime(t *testing.T) {
	for text, want := range map[string]time.Duration{"00:00": 0, "02:30": 150 * time.Minute, "23:59": 1439 * time.Minute} {
		if got, err := ParseDailyTime(text); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "2:30", "02:3", "24:00", "02:60", "02:30:00", " 02:30", "0230", "-1:00"} {
		_, err := ParseDailyTime(text)
		var f Finding
		if !errors.As(err, &f) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestCheckBackupBucket(t *testing.T) {
	for _, tc := range []struct {
		name    string
		bucket  BackupBucket
		pending bool
		want    []string
	}{
		{"plain", BackupBucket{Known[int64](0), Known(false)}, false, nil},
		{"plain, disposable", BackupBucket{Known[int64](0), Known(true)}, false, nil},
		{"immutable", BackupBucket{Known[int64](93), Known(false)}, false, nil},
		{"immutable, disposable", BackupBucket{Known[int64](100), Known(true)}, false, []string{
			"BAK-6 force_destroy | Immutable bucket cannot be destroyed | Nobody can delete from this bucket for 100 days | Leave force_destroy out"}},
		{"a day too short", BackupBucket{Known[int64](92), Known(false)}, false, []string{
			"BAK-6 immutable_days | Immutable for too short a time | After 92 days a stolen key can delete backups that are kept for up to 93 days (7 daily, 4 weekly and 3 monthly ones) | Set it to 93 or more"}},
		{"negative", BackupBucket{Known[int64](-1), Known(true)}, false, []string{"- immutable_days | Negative number of days | -1 | Set it to 93 or more"}},
		{"ten years", BackupBucket{Known[int64](3660), Known(false)}, false, nil},
		{"a slip", BackupBucket{Known[int64](3661), Known(false)}, false, []string{"- immutable_days | Immutable for too long a time | For 3661 days nobody could delete | Set it to 3660 or less"}},
		{"days unknown", BackupBucket{ForceDestroy: Known(true)}, true, nil},
		{"force unknown", BackupBucket{ImmutableDays: Known[int64](1)}, true, []string{"BAK-6 immutable_days | Immutable for too short a time"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, pending := CheckBackupBucket(tc.bucket)
			if pending != tc.pending {
				t.Errorf("pending = %v", pending)
			}
			expect(t, got, tc.want...)
		})
	}
	// A plan that keeps more needs more of its immutable bucket.
	expect(t, CheckImmutableDays("immutable_days", 93, cloud.BackupCounts{Daily: 7, Weekly: 4, Monthly: 12}),
		"BAK-6 immutable_days | Immutable for too short a time | kept for up to 372 days")
}

func TestCheckNoncurrentDays(t *testing.T) {
	keep := cloud.DefaultRetention()
	for _, tc := range []struct {
		days, immutable int64
		want            []string
	}{
		{0, 93, nil},
		{93, 0, nil},
		{93, 93, nil},
		{92, 0, []string{"BAK-1 n | Lifecycle removes backups that are kept | gone for good after 92 days, but backups are kept for up to 93 days | Set it to 93 or more"}},
		{30, 365, []string{"BAK-1 n | Lifecycle removes backups that are kept | after 30 days | Set it to 365 or more"}},
		{364, 365, []string{"BAK-6 n | Lifecycle removes what is immutable | after 364 days, but the bucket is immutable for 365 days | 365 or more"}},
		{-1, 0, []string{"- n | Negative number of days"}},
	} {
		expect(t, CheckNoncurrentDays("n", tc.days, tc.immutable, keep), tc.want...)
	}
}

func TestCheckLock(t *testing.T) {
	expect(t, CheckLock("lock", "i_know", false, false))
	expect(t, CheckLock("lock", "i_know", true, true))
	expect(t, CheckLock("google.lock", "i_know", true, false), "BAK-6 google.lock | Irreversible lock not acknowledged | nobody can shorten or remove it | Set i_know to true as well")
}

func TestCheckVMBackup(t *testing.T) {
	for _, tc := range []struct {
		name    string
		vm      VMBackup
		pending bool
		want    []string
	}{
		{"with a plan", VMBackup{Known("acme"), refs("hetzner/fsn1/5"), Known("standard")}, false, nil},
		{"without", VMBackup{Known("acme"), refs("hetzner/fsn1/5"), Known("")}, false, []string{
			`BAK-1 backup_plan_id | Tenant's data without backups | holds a data volume of the tenant "acme" | Give the id of a holdfast_backup_plan, which is the plan's name: backup_plan_id = holdfast_backup_plan.standard.id, or "standard" as text.`}},
		{"two volumes", VMBackup{Known("acme"), refs("hetzner/fsn1/5", "hetzner/fsn1/6"), Known("")}, false, []string{
			"BAK-1 backup_plan_id | Tenant's data without backups | holds 2 data volumes"}},
		{"volumes that are yet to be created", VMBackup{Known("acme"), Known([]Ref{{}}), Known("")}, false, []string{"BAK-1 backup_plan_id | Tenant's data without backups"}},
		{"no data", VMBackup{Known("acme"), refs(), Known("")}, false, nil},
		{"no tenant", VMBackup{Known(""), refs("hetzner/fsn1/5"), Known("")}, false, nil},
		{"plan unknown", VMBackup{Known("acme"), refs("hetzner/fsn1/5"), Unknown[string]()}, true, nil},
		{"plan unknown, no data", VMBackup{Known("acme"), refs(), Unknown[string]()}, false, nil},
		{"tenant unknown", VMBackup{Unknown[string](), refs("hetzner/fsn1/5"), Known("")}, true, nil},
		{"tenant unknown, plan known", VMBackup{Unknown[string](), refs("hetzner/fsn1/5"), Known("standard")}, false, nil},
		{"volumes unknown", VMBackup{Known("acme"), Unknown[[]Ref](), Known("")}, true, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, pending := CheckVMBackup(tc.vm)
			if pending != tc.pending {
				t.Errorf("pending = %v", pending)
			}
			expect(t, got, tc.want...)
		})
	}
}

func FuzzParseDailyTime(f *testing.F) {
	f.Add("02:30")
	f.Add("24:00")
	f.Fuzz(func(t *testing.T, text string) {
		since, err := ParseDailyTime(text)
		if err == nil && (clock(since) != text || since < 0 || since >= 24*time.Hour) {
			t.Fatalf("%q was read as %s", text, clock(since))
		}
	})
}
