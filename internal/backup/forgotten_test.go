package backup

import (
	"testing"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest/status"
)

// forgetting is one bucket with 30 backups of a tenant, and what the guest tells
// of them.
func forgetting(t *testing.T, age time.Duration) (*estate, *status.Bucket) {
	t.Helper()
	e := newEstate(t)
	e.stores, e.sources = e.stores[:1], e.sources[:1]
	var told *status.Bucket
	e.add(t, "acme", 30, 0, age, func(_ int, st *status.Status) { told = &st.Backups[0] })
	return e, told
}

func (e *estate) forget(id string) {
	e.stores[0].remove(status.Prefix("acme-eu", "acme") + resticSnapshots + id)
}

func (e *estate) one(t *testing.T) string {
	t.Helper()
	reports, _ := inventory(t, e, options())
	return line(reports[0])
}

// What is kept for no class is forgotten sooner or later: that is told, and
// breaks no promise.
func TestInventoryForgets(t *testing.T) {
	e, told := forgetting(t, 10*time.Hour)
	for _, s := range told.Snapshots {
		if len(s.Classes) == 0 {
			e.forget(s.ID)
			break
		}
	}
	if got := e.one(t); got != "acme degraded 1/1 10h0m0s: ok(29)+forgotten" {
		t.Error(got)
	}
}

// Between a backup and the status that tells of it, `restic forget` takes what
// the new one has displaced.
func TestInventoryForgetsWhatIsDisplaced(t *testing.T) {
	e, told := forgetting(t, 58*time.Hour)
	seventh := told.Snapshots[6]
	if len(seventh.Classes) != 1 {
		t.Fatalf("%+v", seventh)
	}
	e.forget(seventh.ID)
	if got := e.one(t); got != "acme broken 0/1 58h0m0s: stale(29)+vanished" {
		t.Errorf("with no other backup: %s", got)
	}
	e.stores[0].put(status.Prefix("acme-eu", "acme")+resticSnapshots+snapshotOf("new"), asked.Add(-30*time.Minute), nil)
	if got := e.one(t); got != "acme degraded 1/1 30m0s: ok(30)+forgotten" {
		t.Errorf("after another backup: %s", got)
	}
	// One more is too many.
	e.forget(told.Snapshots[5].ID)
	if got := e.one(t); got != "acme broken 1/1 30m0s: ok(29)+vanished+forgotten" {
		t.Errorf("after a theft: %s", got)
	}
}
