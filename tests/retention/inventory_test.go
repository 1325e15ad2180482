package retention

import (
	"cmp"
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/backup"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest/status"
	"github.com/holdfast-cloud/terraform-provider-holdfast/tests/harness"
)

// folder is a bucket: a folder, of which restic's local backend makes what its
// S3 and Google backends make of a bucket.
type folder string

func (f folder) ListObjects(_ context.Context, prefix, after string) (page []cloud.ObjectInfo, more bool, err error) {
	err = filepath.WalkDir(string(f), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		key, err := filepath.Rel(string(f), path)
		if err != nil || !strings.HasPrefix(key, prefix) || key <= after {
			return err
		}
		info, err := d.Info()
		page = append(page, cloud.ObjectInfo{Key: key, Bytes: info.Size(), Modified: info.ModTime()})
		return err
	})
	slices.SortFunc(page, func(a, b cloud.ObjectInfo) int { return cmp.Compare(a.Key, b.Key) })
	most := min(len(page), cloud.MaxListedObjects)
	return page[:most], most < len(page), err
}

func (f folder) ReadObject(_ context.Context, key string, limit int64) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(string(f), key))
	if err == nil && int64(len(text)) > limit {
		return nil, &cloud.Error{Code: cloud.CodeInvalid, Message: "too large"}
	}
	return text, err
}

func (r *repository) snapshots(t *testing.T) []harness.ResticSnapshot {
	t.Helper()
	var all []harness.ResticSnapshot
	if err := json.Unmarshal(r.run(t, "snapshots", "--json"), &all); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(all, func(a, b harness.ResticSnapshot) int { return b.Time.Compare(a.Time) })
	return all
}

// What restic itself writes, copies and forgets is what the inventory finds,
// and the guest's status can be filled with what restic prints.
func TestInventoryOfRestic(t *testing.T) {
	t.Parallel()
	location := func(name string) cloud.Location { return cloud.Location{Cloud: "hetzner", Name: name} }
	var sources []backup.Source
	var repositories []*repository
	for _, name := range []string{"nbg1", "hel1", "fsn1"} {
		bucket := filepath.Join(t.TempDir(), "bucket")
		r := &repository{restic: resticBinary(t), dir: filepath.Join(bucket, filepath.FromSlash(status.Prefix("acme-eu", "acme")), "restic")}
		r.run(t, "init")
		repositories = append(repositories, r)
		sources = append(sources, backup.Source{Name: "backups-" + name, Location: location(name), Reader: folder(bucket)})
	}
	data := filepath.Join(t.TempDir(), "data")
	for _, day := range []string{"2026-11-01", "2026-11-02", "2026-11-03", "2026-11-03"} {
		if err := os.WriteFile(data, []byte(day), 0o600); err != nil {
			t.Fatal(err)
		}
		repositories[0].run(t, "backup", "--quiet", "--host", "acme", "--time", day+" 02:30:00", data)
	}
	// One copy of all, one of the oldest only; then two backups of a day are one.
	repositories[1].run(t, "copy", "--from-repo", repositories[0].dir)
	all := repositories[0].snapshots(t)
	repositories[2].run(t, "copy", "--from-repo", repositories[0].dir, all[3].ID)
	keep := []string{"forget", "--host", "acme", "--keep-daily", "7", "--keep-weekly", "4", "--keep-monthly", "3"}
	repositories[0].run(t, append(keep, "--prune")...)

	told := status.Status{Version: status.Version, Deployment: "acme-eu", Tenant: "acme", Machine: "acme", WrittenAt: time.Now(),
		BootID: "0b1d6a4e-3c7f-4e21-9d55-2f6a0c9e7b13",
		System: status.System{OS: "Debian", Kernel: "6.12", BootedAt: time.Now(), PatchedAt: time.Now()}}
	for i, r := range repositories {
		groups, err := harness.ParseForget(r.run(t, append(keep, "--dry-run", "--json")...))
		if err != nil || len(groups) != 1 {
			t.Fatalf("%d groups, %v", len(groups), err)
		}
		classes := map[string][]cloud.BackupClass{}
		for k, kept := range groups[0].Keep {
			for _, reason := range groups[0].Reasons[k].Matches {
				for _, class := range cloud.BackupClasses() {
					if strings.Contains(reason, string(class)) {
						classes[kept.ID] = append(classes[kept.ID], class)
					}
				}
			}
		}
		bucket := status.Bucket{Name: sources[i].Name, Location: sources[i].Location.String()}
		for _, s := range r.snapshots(t) {
			bucket.Snapshots = append(bucket.Snapshots, status.Snapshot{ID: s.ID, Time: s.Time, Bytes: 10, Classes: classes[s.ID]})
		}
		told.Backups = append(told.Backups, bucket)
	}

	inventory := func() backup.Report {
		t.Helper()
		var reports []backup.Report
		if _, err := backup.Read(t.Context(), sources, backup.Options{Deployment: "acme-eu", RPO: 100 * 365 * 24 * time.Hour, Now: time.Now(),
			Policy: backup.Policy{Keep: cloud.DefaultRetention()}}, func(r backup.Report) error { reports = append(reports, r); return nil }); err != nil {
			t.Fatal(err)
		}
		if len(reports) != 1 || reports[0].Tenant != "acme" {
			t.Fatalf("%+v", reports)
		}
		return reports[0]
	}

	// The bare repositories: the backups are there, their times are when they
	// were written, and the guest is asked for.
	for i, c := range inventory().Copies {
		if want := len(repositories[i].snapshots(t)); c.Snapshots != want || c.State != backup.CopyOK || c.Told || len(c.Problems) != 1 || c.Problems[0].Code != backup.ProblemStatus {
			t.Errorf("bucket %d: %d backups, want %d: %+v", i, c.Snapshots, want, c)
		}
	}

	text, err := told.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range sources {
		path := filepath.Join(string(source.Reader.(folder)), filepath.FromSlash(status.Key("acme-eu", "acme")))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	report := inventory()
	if report.State != backup.StateOK {
		t.Errorf("%+v", report)
	}
	for i, want := range []struct {
		backups int
		counts  cloud.BackupCounts
		newest  string
	}{
		{3, cloud.BackupCounts{Daily: 3, Weekly: 2, Monthly: 1}, "2026-11-03"},
		{4, cloud.BackupCounts{Daily: 3, Weekly: 2, Monthly: 1}, "2026-11-03"},
		{1, cloud.BackupCounts{Daily: 1, Weekly: 1, Monthly: 1}, "2026-11-01"},
	} {
		c := report.Copies[i]
		snapshots := repositories[i].snapshots(t)
		if c.Snapshots != want.backups || len(snapshots) != want.backups || c.Newest.Format(time.DateOnly) != want.newest || !c.Newest.Equal(snapshots[0].Time) || !c.Told {
			t.Errorf("bucket %d: %d backups, the newest of %s; restic lists %v", i, c.Snapshots, c.Newest, snapshots)
		}
		if atLeast(t, repositories[i].version(t), 16) { // keeps the oldest, too
			continue
		}
		if c.Counts != want.counts {
			t.Errorf("bucket %d: %+v, want %+v", i, c.Counts, want.counts)
		}
	}

	// Somebody removes a backup behind the guest's back: the oldest, which is the only
	// one of its day. Of two of one time, one is kept for no class, and may go.
	left := repositories[1].snapshots(t)
	if err := os.Remove(filepath.Join(repositories[1].dir, "snapshots", left[len(left)-1].ID)); err != nil {
		t.Fatal(err)
	}
	report = inventory()
	if c := report.Copies[1]; report.State != backup.StateBroken || len(c.Problems) != 1 || c.Problems[0].Code != backup.ProblemVanished || c.Snapshots != 3 {
		t.Errorf("%+v", report)
	}
}
