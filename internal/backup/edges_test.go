package backup

import (
	"testing"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest/status"
)

// The edges of what clocks may say, in one bucket.
func TestInventoryClocks(t *testing.T) {
	object := func(e *estate, id string, modified time.Time) {
		key := status.Prefix("acme-eu", "acme") + resticSnapshots + id
		e.stores[0].remove(key)
		e.stores[0].put(key, modified, nil)
	}
	for _, tc := range []struct {
		name   string
		change func(e *estate, st *status.Status)
		want   string
	}{
		{"the store is ahead of whoever asks", func(e *estate, st *status.Status) {
			object(e, st.Backups[0].Snapshots[0].ID, asked.Add(time.Hour))
			st.Backups[0].Snapshots[0].Time = asked.Add(30 * time.Minute)
		}, "acme ok 1/1 0s: ok(1)"},
		{"a guest's clock just within the slack", func(_ *estate, st *status.Status) {
			st.Backups[0].Snapshots[0].Time = asked.Add(-10*time.Hour + time.Minute + clockSlack)
		}, "acme ok 1/1 9h54m0s: ok(1)"},
		{"and just past it", func(_ *estate, st *status.Status) {
			st.Backups[0].Snapshots[0].Time = asked.Add(-10*time.Hour + time.Minute + clockSlack + time.Second)
		}, "acme degraded 1/1 9h59m0s: ok(1)+clock"},
		{"a backup that was written with the status", func(e *estate, st *status.Status) {
			object(e, snapshotOf("late"), st.WrittenAt.Add(-clockSlack))
		}, "acme ok 1/1 1h5m0s: ok(2)"},
		{"and one before", func(e *estate, st *status.Status) {
			object(e, snapshotOf("late"), st.WrittenAt.Add(-clockSlack-time.Second))
		}, "acme degraded 1/1 1h5m1s: ok(2)+unreported"},
		{"a bucket of the name in another location", func(_ *estate, st *status.Status) {
			st.Backups[0].Location = "hetzner/hel1"
		}, "acme degraded 1/1 9h59m0s: ok(1)+status"},
		{"a class of a longer retention", func(e *estate, st *status.Status) {
			gone := st.Backups[0].Snapshots[0]
			gone.ID, gone.Time, gone.Classes = snapshotOf("gone"), asked.AddDate(-1, 0, 0), []cloud.BackupClass{cloud.BackupMonthly}
			st.Backups[0].Snapshots = append(st.Backups[0].Snapshots, gone)
		}, "acme broken 1/1 10h0m0s: ok(1)+vanished"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := newEstate(t)
			e.stores, e.sources = e.stores[:1], e.sources[:1]
			e.add(t, "acme", 1, 0, 10*time.Hour, func(_ int, st *status.Status) { tc.change(e, st) })
			if got := e.one(t); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}
