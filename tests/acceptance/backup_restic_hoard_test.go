package acceptance

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
	"google.golang.org/api/googleapi"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
)

// hoard is a tenant's repository in an immutable bucket, with one backup, as it
// was when restic had written it.
type hoard struct {
	repository
	// data is the folder that was backed up, and snapshot the backup's id.
	data, snapshot string
	// held are the versions that nobody may destroy, locks left out: those
	// restic removes after each run.
	held     []version
	contents map[version]string
}

// bury backs a folder up with restic.
func (r repository) bury(t *testing.T) hoard {
	t.Helper()
	h := hoard{repository: r, data: t.TempDir(), contents: map[version]string{}}
	for name, text := range map[string]string{"ledger": strings.Repeat("entry ", 50_000), "note": "of some worth"} {
		if err := os.WriteFile(filepath.Join(h.data, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h.run(t, "init")
	h.run(t, "backup", "--quiet", "--host", "acme", h.data)
	h.snapshot = h.snapshots(t)[0].ID
	for _, v := range h.versions(t, "restic/") {
		if !strings.Contains(v.key, "/locks/") && !v.marker {
			h.held = append(h.held, v)
			h.contents[v] = h.read(t, v)
		}
	}
	if len(h.held) < 6 { // config, key, index, snapshot, and packs
		t.Fatalf("restic wrote %v", h.held)
	}
	return h
}

// one is a version to attack: the backup's own.
func (h hoard) one() version {
	for _, v := range h.held {
		if strings.HasSuffix(v.key, "/snapshots/"+h.snapshot) {
			return v
		}
	}
	panic("the snapshot was not held")
}

// intact reads every version again.
func (h hoard) intact(t *testing.T, after string) {
	t.Helper()
	for _, v := range h.held {
		if h.read(t, v) != h.contents[v] {
			t.Errorf("%s: %s has another content", after, v)
		}
	}
}

// refused wants one of these codes of an error, the vendor's own, and
// everything to be there still. No code wants the call to succeed, with as
// little effect.
func (h hoard) refused(t *testing.T, how string, err error, codes ...string) {
	t.Helper()
	if got := codeOf(err); got != strings.Join(codes, "") {
		t.Errorf("%s: %v (%q), want %q", how, err, got, codes)
	}
	h.intact(t, how)
}

// codeOf is a store's own word for what went wrong; empty for no error.
func codeOf(err error) string {
	var google *googleapi.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &google):
		if len(google.Errors) > 0 {
			return google.Errors[0].Reason
		}
		return google.Message
	}
	return minio.ToErrorResponse(err).Code
}

// robbed lets restic forget and prune the only backup with the account's own
// keys. The stores hide what is deleted, so that restic believes it is gone.
// Whoever may write can have it back: by making the oldest version of each
// object its newest.
func (h hoard) robbed(t *testing.T) {
	t.Helper()
	said := h.run(t, "forget", h.snapshot, "--prune")
	if !strings.Contains(said, "100.00%") {
		t.Errorf("restic forget --prune says %q", said)
	}
	h.intact(t, "restic forget --prune")
	if left := h.snapshots(t); len(left) != 0 {
		t.Errorf("restic lists %d backups after it forgot the only one", len(left))
	}
	live := map[string]bool{}
	for _, v := range h.versions(t, "restic/") {
		live[v.key] = live[v.key] || v.live
	}
	hidden := 0
	for _, v := range h.held {
		if !live[v.key] {
			hidden++
			h.revive(t, v)
		}
	}
	if hidden < 3 { // the snapshot, its pack and its index
		t.Errorf("restic hid %d objects", hidden)
	}
	h.restores(t, "after restic forget --prune")
}

// revive makes a version the newest of its object.
func (h hoard) revive(t *testing.T, v version) {
	t.Helper()
	var err error
	if h.id.Location.Cloud == "hetzner" {
		_, err = h.c.store(t, h.id.Location.Name).CopyObject(context.Background(), minio.CopyDestOptions{Bucket: h.id.Native, Object: v.key},
			minio.CopySrcOptions{Bucket: h.id.Native, Object: v.key, VersionID: v.id})
	} else {
		_, err = h.c.gcs.Bucket(h.id.Native).Object(v.key).CopierFrom(h.generation(v)).Run(context.Background())
	}
	if err != nil {
		t.Fatalf("%s cannot be had back: %v", v, err)
	}
}

// restores lets restic check the repository, and compares what it gives back.
func (h hoard) restores(t *testing.T, when string) {
	t.Helper()
	h.run(t, "check", "--read-data")
	back := t.TempDir()
	h.run(t, "restore", h.snapshot, "--target", back)
	for _, name := range []string{"ledger", "note"} {
		want, err := os.ReadFile(filepath.Join(h.data, name))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(back, h.data, name)); err != nil || string(got) != string(want) {
			t.Errorf("%s: %s comes back with %d of %d bytes, %v", when, name, len(got), len(want), err)
		}
	}
}

// clear destroys every version, which has to work once all are past their time.
func (h hoard) clear(t *testing.T) {
	t.Helper()
	ctx := context.Background()
	for _, v := range h.versions(t, "") {
		var err error
		if h.id.Location.Cloud == "hetzner" {
			err = h.c.store(t, h.id.Location.Name).RemoveObject(ctx, h.id.Native, v.key, minio.RemoveObjectOptions{VersionID: v.id})
		} else {
			err = h.generation(v).Delete(ctx)
		}
		if err != nil {
			t.Errorf("%s, past its time: %v", v, err)
		}
	}
	if left := h.versions(t, ""); len(left) > 0 {
		t.Errorf("%d versions are left", len(left))
	}
}

// idInto keeps the bucket's id.
func idInto(id *string) resource.TestCheckFunc {
	return func(state *terraform.State) error {
		*id = state.RootModule().Resources[bucketName].Primary.ID
		return nil
	}
}
