package cloud

import "testing"

func TestBackupCounts(t *testing.T) {
	var counts BackupCounts
	for i, class := range BackupClasses() {
		for range i + 1 {
			counts.Add(class)
		}
	}
	counts.Add("yearly")
	if want := (BackupCounts{Daily: 1, Weekly: 2, Monthly: 3}); counts != want {
		t.Errorf("got %+v, want %+v", counts, want)
	}
	for i, class := range BackupClasses() {
		if counts.Of(class) != i+1 {
			t.Errorf("%s: %d", class, counts.Of(class))
		}
	}
	if counts.Of("yearly") != 0 {
		t.Error("an unknown class has a count")
	}
	for want, c := range map[int]BackupCounts{93: DefaultRetention(), 28: {Daily: 7, Weekly: 4}, 400: {Daily: 400, Monthly: 3}, 0: {Daily: -1}} {
		if c.Days() != want {
			t.Errorf("%+v: %d days, want %d", c, c.Days(), want)
		}
	}
	// BAK-1: 14 backups.
	if d := DefaultRetention(); d.Daily+d.Weekly+d.Monthly != 14 {
		t.Errorf("the default keeps %+v", d)
	}
}
