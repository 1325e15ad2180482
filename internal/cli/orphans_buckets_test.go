package cli

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

// leftBehind is an embedded cloud with three buckets that nothing owns any more: an
// empty one, one with a backup in it, and an immutable one.
func leftBehind(t *testing.T) (e *estate, empty, full, immutable cloud.ID) {
	t.Helper()
	sim, err := simcloud.New(simcloud.Options{})
	if err != nil {
		t.Fatal(err)
	}
	served, err := sim.Serve("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := served.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	e = &estate{sim: sim, env: map[string]string{"HCLOUD_TOKEN": "t", "HCLOUD_ENDPOINT": served.URL + "/v1", "HOLDFAST_DEPLOYMENT": "acme-eu",
		"HCLOUD_S3_ENDPOINT": served.URL + "/s3/{location}", "HCLOUD_S3_ACCESS_KEY": simcloud.DefaultS3AccessKey, "HCLOUD_S3_SECRET_KEY": simcloud.DefaultS3SecretKey}}
	env, err := environment(t.Context(), e.provider(), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	driver, err := env.Clouds.Driver("hetzner")
	if err != nil {
		t.Fatal(err)
	}
	stores, err := cloud.BucketsOf(driver)
	if err != nil {
		t.Fatal(err)
	}
	var ids []cloud.ID
	for location, days := range map[string]int{"fsn1": 0, "hel1": 0, "nbg1": 93} {
		made, err := stores.Create(t.Context(), cloud.BucketSpec{Meta: cloud.Meta{Name: "backups", Location: cloud.Location{Cloud: "hetzner", Name: location},
			Deployment: "acme-eu"}, ImmutableDays: days, OldVersionDays: 93}, func(cloud.Bucket) {})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, made.ID)
	}
	at, err := url.Parse(served.S3["hel1"])
	if err != nil {
		t.Fatal(err)
	}
	client, err := minio.New(at.Host, &minio.Options{Creds: credentials.NewStaticV4(simcloud.DefaultS3AccessKey, simcloud.DefaultS3SecretKey, ""), Region: "hel1"})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		switch id.Location.Name {
		case "fsn1":
			empty = id
		case "hel1":
			full = id
		case "nbg1":
			immutable = id
		}
	}
	if _, err := client.PutObject(t.Context(), full.Native, "acme-eu/acme/restic/config", strings.NewReader("x"), 1, minio.PutObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	return e, empty, full, immutable
}

// Buckets are listed like all else, and backups never deleted, whatever flags
// are given.
func TestOrphansBuckets(t *testing.T) {
	t.Parallel()
	e, empty, full, immutable := leftBehind(t)
	none := file(t, `{"version": 4, "resources": []}`)
	owns := file(t, `{"version": 4, "resources": [{"mode": "managed", "type": "holdfast_backup_bucket", "name": "a", "instances": [
		{"attributes": {"id": "`+full.String()+`", "deployment": "acme-eu"}}]}]}`)

	code, stdout, stderr := e.run(t, "", "--state", owns)
	if code != ExitLeft || stderr != "" || !strings.Contains(stdout, "2 objects of the deployment acme-eu") || !strings.Contains(stdout, empty.String()) ||
		!strings.Contains(stdout, immutable.String()) || strings.Contains(stdout, full.String()) {
		t.Errorf("exit code %d, stderr %q:\n%s", code, stderr, stdout)
	}
	if code, stdout, _ = e.run(t, "", "--state", owns, "--lost", "hetzner/nbg1"); code != ExitLeft || strings.Contains(stdout, immutable.String()) {
		t.Errorf("with a lost location: exit code %d:\n%s", code, stdout)
	}
	code, stdout, stderr = e.run(t, "", "--state", none, "--delete", "--yes", "--protected", "--empty-state")
	if code != ExitLeft || stderr != "" || !strings.Contains(stdout, "1 deleted, 2 kept.") ||
		!strings.Contains(stdout, `kept backup bucket "backups" (`+full.String()+"): it is not empty, and backups are never deleted here") ||
		!strings.Contains(stdout, `kept backup bucket "backups" (`+immutable.String()+"): it is immutable for 93 days (BAK-6)") {
		t.Errorf("exit code %d, stderr %q:\n%s", code, stderr, stdout)
	}
	if n := len(e.sim.Objects("bucket")); n != 2 {
		t.Errorf("%d buckets, want 2", n)
	}

	// Without keys of the object storage all else is listed, and that is told.
	e.env["HCLOUD_S3_ACCESS_KEY"], e.env["HCLOUD_S3_SECRET_KEY"] = "", ""
	e.sim.ResetRequests()
	code, stdout, _ = e.run(t, "", "--state", none, "--json")
	var got orphansReport
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || code != ExitOK || len(got.NoBuckets) != 1 || got.NoBuckets[0] != "hetzner" || e.sim.RequestsOf(simcloud.S3).Total != 0 {
		t.Errorf("exit code %d, %v:\n%s", code, err, stdout)
	}
	if _, stdout, _ = e.run(t, "", "--state", none); !strings.Contains(stdout, "Not asked for buckets: hetzner") {
		t.Errorf("it is not told:\n%s", stdout)
	}
}
