package acceptance

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest/status"
	"github.com/holdfast-cloud/terraform-provider-holdfast/tests/harness"
)

// inventoryOf declares what is looked into, and who should have backups.
func inventoryOf(tenants ...string) string {
	return fmt.Sprintf(`
data "holdfast_backups" "all" {
  bucket_ids = holdfast_backup_plan.standard.bucket_ids
  rpo_hours  = holdfast_backup_plan.standard.rpo_hours
  tenants    = [%s]
}

check "backups" {
  assert {
    condition     = data.holdfast_backups.all.ok
    error_message = "Backups are too old: ${join(", ", data.holdfast_backups.all.broken)}."
  }
}

output "backups" {
  value = data.holdfast_backups.all
}
`, quoted(tenants))
}

// kept are the arguments of forget that BAK-1 asks for.
func kept(more ...string) []string {
	return append([]string{"forget", "--host", "acme", "--keep-daily", "7", "--keep-weekly", "4", "--keep-monthly", "3"}, more...)
}

// TestBackupsOfRestic: what the real restic writes, copies and forgets in
// declared buckets is what the data source and the command line report, first
// of the bare repositories and then with the guest's word.
func TestBackupsOfRestic(t *testing.T) {
	if testing.Short() {
		t.Skip("runs restic some 40 times")
	}
	// All objects are nine hours old, on the store's word.
	c := newCellar(t, time.Now().Add(-9*time.Hour))
	w := newInventoryWorld(t, c)

	w.write(inventoryOf("acme"))
	if out := w.must(t, "apply", "-auto-approve"); !strings.Contains(out, "Check block assertion failed") || !strings.Contains(out, "Backups are too old: acme.") {
		t.Errorf("nothing was backed up, and the check passes:\n%s", out)
	}
	w.exits(t, 1, "", "--state", "-", "--tenant", "acme")
	ids := w.ids(t)
	repositories := map[string]repository{}
	for _, id := range ids {
		repositories[id] = c.repository(t, id, "acme")
	}
	near, far := repositories[ids["hetzner/hel1"]], []repository{repositories[ids["hetzner/nbg1"]], repositories[ids["google/us-central1-a"]]}

	// A history with two backups of the last day, the second ten hours ago.
	data := filepath.Join(t.TempDir(), "data")
	last := time.Now().UTC().Add(-10 * time.Hour).Truncate(time.Hour).Add(30 * time.Minute)
	near.run(t, "init")
	for i, days := range []int{100, 70, 40, 12, 6, 5, 4, 3, 2, 1, 0, 0} {
		at := last.AddDate(0, 0, -days)
		if i == 10 {
			at = at.Add(-10 * time.Minute)
		}
		if err := os.WriteFile(data, []byte(strings.Repeat(at.String(), 1000)), 0o600); err != nil {
			t.Fatal(err)
		}
		near.run(t, "backup", "--quiet", "--host", "acme", "--time", at.Format(time.DateTime), data)
	}
	near.run(t, kept("--prune")...)
	// The first of the last day goes, and what is older by the calendar.
	if n := len(near.snapshots(t)); n >= 12 || n < 8 {
		t.Errorf("restic keeps %d of 12", n)
	}
	for i, other := range far {
		other.run(t, "init", "--from-repo", near.restic.Repository, "--copy-chunker-params")
		copied := []string{"copy", "--from-repo", near.restic.Repository}
		if i == 1 { // has not got all of them yet
			for _, s := range near.snapshots(t)[:3] {
				copied = append(copied, s.ID)
			}
		}
		other.run(t, copied...)
		other.run(t, kept("--prune")...)
	}
	for _, r := range repositories {
		r.run(t, "check", "--read-data")
	}

	// The bare repositories: the list proves how many there are, and when they
	// were written, which is later than when they were made.
	w.must(t, "apply", "-auto-approve")
	want := map[string]figures{}
	for id, r := range repositories {
		newest, of := r.lastWritten(t)
		want[id] = figures{State: "ok", Newest: newest, ID: of, Backups: int64(len(r.snapshots(t))), Problems: 1}
	}
	w.reports(t, "without a status", "acme", "degraded", want)

	// With the guest's word: times, sizes, classes.
	told := guestStatus("acme")
	for id, r := range repositories {
		bucket, f := r.tell(t)
		told.Backups, want[id] = append(told.Backups, bucket), f
	}
	for _, r := range repositories {
		r.putStatus(t, told)
	}
	if out := w.must(t, "apply", "-auto-approve"); strings.Contains(out, "Check block assertion failed") {
		t.Errorf("the check fails on good backups:\n%s", out)
	}
	w.reports(t, "with the guest's status", "acme", "ok", want)
	w.exits(t, 0, "1 tenant: 1 ok, 0 degraded, 0 broken.", "--state", "-", "--tenant", "acme")
	if fresh := far[1].snapshots(t); len(fresh) != 3 {
		t.Errorf("the third bucket has %d backups", len(fresh))
	}

	// Somebody forgets what one bucket has, behind the guest's back.
	gone := []string{"forget"}
	for _, s := range near.snapshots(t) {
		gone = append(gone, s.ID)
	}
	near.run(t, gone...)
	near.run(t, "prune")
	out := w.must(t, "apply", "-auto-approve")
	if !strings.Contains(out, "Check block assertion failed") || !strings.Contains(out, "Backups are too old: acme.") {
		t.Errorf("a bucket lost its backups, and the check passes:\n%s", out)
	}
	want[ids["hetzner/hel1"]] = figures{State: "missing", Told: true, Problems: 1}
	w.reports(t, "with a bucket that lost its backups", "acme", "broken", want)
	w.exits(t, 1, "the bucket does not hold", "--state", "-", "--tenant", "acme")

	// A backup of three days ago that was written today: only the guest knows
	// its age.
	late := c.repository(t, ids["hetzner/hel1"], "initech")
	late.run(t, "init")
	late.run(t, "backup", "--quiet", "--host", "initech", "--time", last.AddDate(0, 0, -3).Format(time.DateTime), data)
	bucket := []string{"--bucket", late.id.String(), "--tenant", "initech"}
	w.exits(t, 0, "initech", bucket...)
	told = guestStatus("initech")
	of, stale := late.tell(t)
	told.Backups = []status.Bucket{of}
	late.putStatus(t, told)
	w.exits(t, 1, "stale", bucket...)
	w.exits(t, 0, "initech", append(bucket, "--rpo", "96h")...)
	w.write(inventoryOf("initech"))
	if out := w.must(t, "apply", "-auto-approve"); !strings.Contains(out, "Backups are too old: initech.") {
		t.Errorf("a stale backup passes:\n%s", out)
	}
	stale.State = "stale"
	missing := figures{State: "missing"}
	w.reports(t, "with a stale backup", "initech", "broken", map[string]figures{
		ids["hetzner/hel1"]: stale, ids["hetzner/nbg1"]: missing, ids["google/us-central1-a"]: missing})

	// Nobody knows: the keys are wrong, or nobody has anything there.
	w.env = append(w.env, "HCLOUD_S3_SECRET_KEY=wrong")
	w.exits(t, 2, "", bucket...)
	w.env = w.env[:len(w.env)-1]
	w.env = append(w.env, "HOLDFAST_DEPLOYMENT=another")
	w.exits(t, 2, "", "--bucket", late.id.String())
}

// snapshots are what restic lists, newest first.
func (r repository) snapshots(t *testing.T) []harness.ResticSnapshot {
	t.Helper()
	var all []harness.ResticSnapshot
	if err := json.Unmarshal([]byte(r.run(t, "snapshots", "--json")), &all); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(all, func(a, b harness.ResticSnapshot) int { return b.Time.Compare(a.Time) })
	return all
}

// lastWritten is when the store took the last backup, and which it is.
func (r repository) lastWritten(t *testing.T) (at, id string) {
	t.Helper()
	var last version
	for _, v := range r.versions(t, "restic/snapshots/") {
		if v.live && (v.written.After(last.written) || v.written.Equal(last.written) && v.key < last.key) {
			last = v
		}
	}
	return last.written.UTC().Format(time.RFC3339), filepath.Base(last.key)
}

// guestStatus is what a tenant's machine says of itself.
func guestStatus(tenant string) status.Status {
	now := time.Now()
	return status.Status{Version: status.Version, Deployment: "acc", Tenant: tenant, Machine: tenant, WrittenAt: now,
		BootID: "0b1d6a4e-3c7f-4e21-9d55-2f6a0c9e7b13",
		System: status.System{OS: "Debian GNU/Linux 13 (trixie)", Kernel: "6.12.48", BootedAt: now, PatchedAt: now}}
}

func (r repository) putStatus(t *testing.T, told status.Status) {
	t.Helper()
	text, err := told.Encode()
	if err != nil {
		t.Fatal(err)
	}
	r.put(t, status.Key("acc", told.Tenant), text)
}

// tell makes of restic's own words what the guest tells of a bucket, and what
// should be reported then.
func (r repository) tell(t *testing.T) (status.Bucket, figures) {
	t.Helper()
	groups, err := harness.ParseForget([]byte(r.run(t, "forget", "--keep-daily", "7", "--keep-weekly", "4", "--keep-monthly", "3", "--dry-run", "--json")))
	if err != nil || len(groups) != 1 {
		t.Fatalf("%d groups, %v", len(groups), err)
	}
	var size struct {
		Total int64 `json:"total_size"`
	}
	if err := json.Unmarshal([]byte(r.run(t, "stats", "latest", "--mode", "restore-size", "--json")), &size); err != nil || size.Total == 0 {
		t.Fatalf("restic stats: %d bytes, %v", size.Total, err)
	}
	classes := map[string][]cloud.BackupClass{}
	f := figures{State: "ok", Told: true, Bytes: size.Total}
	for i, one := range groups[0].Keep {
		reasons := strings.Join(groups[0].Reasons[i].Matches, ", ")
		for class, n := range map[cloud.BackupClass]*int64{cloud.BackupDaily: &f.Daily, cloud.BackupWeekly: &f.Weekly, cloud.BackupMonthly: &f.Monthly} {
			if strings.Contains(reasons, string(class)) {
				*n++
				classes[one.ID] = append(classes[one.ID], class)
			}
		}
	}
	all := r.snapshots(t)
	f.Backups, f.ID, f.Newest = int64(len(all)), all[0].ID, all[0].Time.UTC().Format(time.RFC3339)
	bucket := status.Bucket{Name: r.id.Native, Location: r.id.Location.String()}
	for _, s := range all {
		bucket.Snapshots = append(bucket.Snapshots, status.Snapshot{ID: s.ID, Time: s.Time, Bytes: size.Total, Classes: classes[s.ID]})
	}
	return bucket, f
}
