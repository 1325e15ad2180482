package simcloud_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/storage"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"google.golang.org/api/option"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

// stores is a simulation with clients of both object stores.
type stores struct {
	t   *testing.T
	sim *simcloud.Sim
	at  *simcloud.Served
	gcs *storage.Client
}

func serveStores(t *testing.T, o simcloud.Options) *stores {
	t.Helper()
	sim, err := simcloud.New(o)
	if err != nil {
		t.Fatal(err)
	}
	at, err := sim.Serve("127.0.0.1:0")
	if err != nil {
		t.Fatal(errors.Join(err, sim.Close()))
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := errors.Join(at.Shutdown(ctx), sim.Close()); err != nil {
			t.Error(err)
		}
	})
	client, err := storage.NewClient(t.Context(), option.WithEndpoint(at.URL+"/storage/v1/"), option.WithHTTPClient(&http.Client{Transport: owner{}}))
	if err != nil {
		t.Fatal(err)
	}
	return &stores{t: t, sim: sim, at: at, gcs: client}
}

type owner struct{}

func (owner) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer sim-token")
	return http.DefaultTransport.RoundTrip(r)
}

func (s *stores) s3(location string) *minio.Core {
	s.t.Helper()
	core, err := minio.NewCore(strings.TrimPrefix(s.at.S3[location], "http://"), &minio.Options{Region: location, MaxRetries: 1,
		Creds: credentials.NewStaticV4(simcloud.DefaultS3AccessKey, simcloud.DefaultS3SecretKey, "")})
	if err != nil {
		s.t.Fatal(err)
	}
	return core
}

// TestStores asks both stores on the simulator's own addresses, counts by cloud,
// and loses a location with all that stands in it.
func TestStores(t *testing.T) {
	s := serveStores(t, simcloud.Options{})
	ctx := t.Context()
	if err := s.s3("fsn1").MakeBucket(ctx, "acme-s3", minio.MakeBucketOptions{Region: "fsn1"}); err != nil {
		t.Fatal(err)
	}
	if err := s.gcs.Bucket("acme-gcs").Create(ctx, "acme-prod", &storage.BucketAttrs{Location: "europe-west3"}); err != nil {
		t.Fatal(err)
	}
	w := s.gcs.Bucket("acme-gcs").Object("k").NewWriter(ctx)
	_, _ = io.WriteString(w, "hello")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := s.gcs.Bucket("acme-gcs").Object("k").NewReader(ctx) // by the XML API
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(r); err != nil || string(b) != "hello" {
		t.Errorf("read %q, %v", b, err)
	}
	resp, err := http.Get(s.at.URL + "/s3/fsn1/acme-s3") // all locations under one address
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("a request without a key: %d", resp.StatusCode)
	}
	for cloud, route := range map[string]string{simcloud.S3: "PUT /s3/{location}/{bucket}", simcloud.GCS: "POST /storage/v1/b"} {
		if n := s.sim.RequestsOf(cloud).Routes[route]; n != 1 {
			t.Errorf("%s counted %d of %s", cloud, n, route)
		}
	}
	if n := s.sim.RequestsOf(simcloud.Hetzner).Total + s.sim.RequestsOf(simcloud.Google).Total; n != 0 {
		t.Errorf("%d requests were counted elsewhere", n)
	}
	if _, err := s.sim.AddFault(simcloud.Fault{Kind: simcloud.FaultLocationLost, Cloud: simcloud.Hetzner, Location: "fsn1"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.s3("fsn1").ListBuckets(ctx); minio.ToErrorResponse(err).StatusCode != http.StatusServiceUnavailable {
		t.Errorf("the store of a lost location: %v", err)
	}
	if _, err := s.s3("nbg1").ListBuckets(ctx); err != nil {
		t.Errorf("that of another: %v", err)
	}
	if _, err := s.gcs.Bucket("acme-gcs").Attrs(ctx); err != nil {
		t.Errorf("another vendor's: %v", err)
	}
}

// restic runs it on a repository and answers what it says.
func (s *stores) restic(repository string, args ...string) (string, error) {
	s.t.Helper()
	command := exec.CommandContext(s.t.Context(), "restic", append([]string{"--no-cache", "-r", repository}, args...)...)
	command.Env = append(os.Environ(), "RESTIC_PASSWORD=secret", "RESTIC_PASSWORD2=secret", "AWS_ACCESS_KEY_ID="+simcloud.DefaultS3AccessKey,
		"AWS_SECRET_ACCESS_KEY="+simcloud.DefaultS3SecretKey, "STORAGE_EMULATOR_HOST="+s.at.URL, "GOOGLE_ACCESS_TOKEN=sim-token",
		"GOOGLE_PROJECT_ID=acme-prod", "AWS_DEFAULT_REGION=fsn1", "HOME="+s.t.TempDir())
	out, err := command.CombinedOutput()
	return string(out), err
}

func (s *stores) must(repository string, args ...string) string {
	s.t.Helper()
	out, err := s.restic(repository, args...)
	if err != nil {
		s.t.Fatalf("restic %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// TestRestic backs up to both stores with the real restic, copies from one to the
// other, forgets, and checks; and fails to destroy what is immutable.
func TestRestic(t *testing.T) {
	if _, err := exec.LookPath("restic"); err != nil {
		t.Skip("restic is not on PATH")
	}
	for name, dir := range map[string]string{"in memory": "", "in files": t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			o := simcloud.Options{Clock: simcloud.NewClock(time.Time{}, 1)}
			if dir != "" {
				o.DataFile = filepath.Join(dir, "sim.db")
			}
			testRestic(t, serveStores(t, o))
		})
	}
}

func testRestic(t *testing.T, s *stores) {
	ctx := t.Context()
	core := s.s3("fsn1")
	if err := core.MakeBucket(ctx, "acme-immutable", minio.MakeBucketOptions{Region: "fsn1", ObjectLocking: true}); err != nil {
		t.Fatal(err)
	}
	mode, days, unit := minio.Compliance, uint(30), minio.Days
	if err := core.SetObjectLockConfig(ctx, "acme-immutable", &mode, &days, &unit); err != nil {
		t.Fatal(err)
	}
	if err := s.s3("hel1").MakeBucket(ctx, "acme-north", minio.MakeBucketOptions{Region: "hel1"}); err != nil {
		t.Fatal(err)
	}
	if err := s.gcs.Bucket("acme-gcs").Create(ctx, "acme-prod", &storage.BucketAttrs{Location: "europe-west3"}); err != nil {
		t.Fatal(err)
	}
	repositories := []string{"s3:" + s.at.S3["fsn1"] + "/acme-immutable/ada", "s3:" + s.at.S3["hel1"] + "/acme-north/ada", "gs:acme-gcs:/ada"}
	source := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(source, 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		if err := os.WriteFile(filepath.Join(source, fmt.Sprint(i)), bytes.Repeat([]byte{byte(i)}, 100_000*i), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i, r := range repositories {
		s.must(r, "init")
		if i == 0 {
			s.must(r, "backup", "--time", "2026-10-01 03:00:00", source)
			s.must(r, "backup", "--time", "2026-10-01 04:00:00", source)
			continue
		}
		s.must(repositories[0], "copy", "--repo2", r)
	}
	for _, r := range repositories {
		var snapshots []struct{ Time time.Time }
		if err := json.Unmarshal([]byte(s.must(r, "snapshots", "--json")), &snapshots); err != nil || len(snapshots) != 2 {
			t.Errorf("%s has %d snapshots, %v", r, len(snapshots), err)
		}
		s.must(r, "check", "--read-data")
		back := t.TempDir()
		s.must(r, "restore", "latest", "--target", back)
		if out, err := exec.CommandContext(ctx, "diff", "-r", source, filepath.Join(back, source)).CombinedOutput(); err != nil {
			t.Errorf("%s: what comes back differs: %v %s", r, err, out)
		}
		s.must(r, "forget", "--keep-daily", "7", "--prune")
		if err := json.Unmarshal([]byte(s.must(r, "snapshots", "--json")), &snapshots); err != nil || len(snapshots) != 1 {
			t.Errorf("after forget %s has %d snapshots, %v", r, len(snapshots), err)
		}
		s.must(r, "check")
	}
	s.notDestroyed(core)
}

// notDestroyed looks at the bucket with object lock after restic's forget: every
// version that it deleted is still there, behind a marker, and cannot be destroyed.
func (s *stores) notDestroyed(core *minio.Core) {
	s.t.Helper()
	ctx := s.t.Context()
	hidden := 0
	for o := range core.Client.ListObjects(ctx, "acme-immutable", minio.ListObjectsOptions{Recursive: true, WithVersions: true, Prefix: "ada/snapshots/"}) {
		if o.Err != nil {
			s.t.Fatal(o.Err)
		}
		if o.IsDeleteMarker {
			continue
		}
		if !o.IsLatest {
			hidden++
		}
		if err := core.Client.RemoveObject(ctx, "acme-immutable", o.Key, minio.RemoveObjectOptions{VersionID: o.VersionID, GovernanceBypass: true}); minio.ToErrorResponse(err).Code != "AccessDenied" {
			s.t.Errorf("destroying %s: %v", o.Key, err)
		}
	}
	if hidden != 1 {
		s.t.Errorf("restic's forget hid %d snapshots, want 1", hidden)
	}
}
