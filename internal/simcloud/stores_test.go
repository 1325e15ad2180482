package simcloud_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
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

	names *simcloud.Names
	ca    string // the file of its authority
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
	names, err := sim.ServeNames("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, names.CA, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := errors.Join(names.Shutdown(ctx), at.Shutdown(ctx), sim.Close()); err != nil {
			t.Error(err)
		}
	})
	client, err := storage.NewClient(t.Context(), option.WithEndpoint(at.URL+"/storage/v1/"), option.WithHTTPClient(&http.Client{Transport: owner{}}))
	if err != nil {
		t.Fatal(err)
	}
	return &stores{t: t, sim: sim, at: at, gcs: client, names: names, ca: ca}
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

// TestNames reaches the simulation under the vendors' own names, and no other name.
func TestNames(t *testing.T) {
	s := serveStores(t, simcloud.Options{})
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.names.CA)
	proxy, err := url.Parse(s.names.Proxy)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{Proxy: http.ProxyURL(proxy), TLSClientConfig: &tls.Config{RootCAs: roots}}
	defer transport.CloseIdleConnections()
	for target, want := range map[string]int{
		"https://storage.googleapis.com/storage/v1/b?project=acme-prod":      401,
		"https://www.googleapis.com/storage/v1/b/acme-nothing":               404,
		"https://www.googleapis.com/compute/v1/projects/acme-prod/zones":     401,
		"https://compute.googleapis.com/compute/v1/projects/acme-prod/zones": 401,
		"https://api.hetzner.cloud/v1/locations":                             401,
		"https://fsn1.your-objectstorage.com/acme-nothing/k":                 404,
		"https://acme-nothing.hel1.your-objectstorage.com/k":                 404,
	} {
		resp, err := (&http.Client{Transport: transport}).Get(target)
		if err != nil {
			t.Errorf("%s: %v", target, err)
			continue
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: %d, want %d", target, resp.StatusCode, want)
		}
	}
	for _, target := range []string{"https://example.com/", "https://moon.your-objectstorage.com/", "http://storage.googleapis.com/"} {
		resp, err := (&http.Client{Transport: transport}).Get(target)
		if err == nil {
			resp.Body.Close()
		}
		if err == nil && resp.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d", target, resp.StatusCode)
		}
	}
	core, err := minio.NewCore("hel1.your-objectstorage.com", &minio.Options{Secure: true, Region: "hel1", Transport: transport, BucketLookup: minio.BucketLookupDNS,
		Creds: credentials.NewStaticV4(simcloud.DefaultS3AccessKey, simcloud.DefaultS3SecretKey, "")})
	if err != nil {
		t.Fatal(err)
	}
	if err := core.MakeBucket(t.Context(), "acme-north", minio.MakeBucketOptions{Region: "hel1"}); err != nil {
		t.Fatal(err)
	}
	if _, err := core.Client.PutObject(t.Context(), "acme-north", "a/b", strings.NewReader("x"), 1, minio.PutObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	if stat, err := core.StatObject(t.Context(), "acme-north", "a/b", minio.StatObjectOptions{}); err != nil || stat.Size != 1 {
		t.Errorf("under a bucket's own name: %+v, %v", stat, err)
	}
}

// restic runs it on a repository and answers what it says.
func (s *stores) restic(repository string, args ...string) (string, error) {
	s.t.Helper()
	out, err := s.command(s.t.Context(), repository, args...).CombinedOutput()
	return string(out), err
}

func (s *stores) command(ctx context.Context, repository string, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, "restic", append([]string{"--no-cache", "--cacert", s.ca, "-r", repository}, args...)...)
	command.Env = append(os.Environ(), "RESTIC_PASSWORD=secret", "RESTIC_PASSWORD2=secret", "AWS_ACCESS_KEY_ID="+simcloud.DefaultS3AccessKey,
		"AWS_SECRET_ACCESS_KEY="+simcloud.DefaultS3SecretKey, "HTTPS_PROXY="+s.names.Proxy, "GOOGLE_ACCESS_TOKEN=sim-token",
		"GOOGLE_PROJECT_ID=acme-prod", "AWS_DEFAULT_REGION=fsn1", "HOME="+s.t.TempDir())
	return command
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
	s := serveStores(t, simcloud.Options{DataFile: filepath.Join(t.TempDir(), "sim.db")})
	testRestic(t, s)
	s.resticKeeps()
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
		if err := os.WriteFile(filepath.Join(source, fmt.Sprint(i)), bytes.Repeat([]byte{byte(i)}, 40_000*i), 0o600); err != nil {
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
		if r == repositories[1] {
			continue // each run of restic derives its key anew, which takes a second
		}
		back := t.TempDir()
		s.must(r, "restore", "latest", "--target", back)
		if out, err := exec.CommandContext(ctx, "diff", "-r", source, filepath.Join(back, source)).CombinedOutput(); err != nil {
			t.Errorf("%s: what comes back differs: %v %s", r, err, out)
		}
		s.must(r, "forget", "--keep-daily", "7", "--prune")
		if err := json.Unmarshal([]byte(s.must(r, "snapshots", "--json")), &snapshots); err != nil || len(snapshots) != 1 {
			t.Errorf("after forget %s has %d snapshots, %v", r, len(snapshots), err)
		}
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

// resticKeeps lets restic try to forget a snapshot under a retention policy of Cloud
// Storage, before its time and after.
func (s *stores) resticKeeps() {
	s.t.Helper()
	const repository = "gs:acme-gcs:/ada"
	policy := storage.BucketAttrsToUpdate{RetentionPolicy: &storage.RetentionPolicy{RetentionPeriod: 30 * 24 * time.Hour}}
	if _, err := s.gcs.Bucket("acme-gcs").Update(s.t.Context(), policy); err != nil {
		s.t.Fatal(err)
	}
	left := func() []struct{ ID string } {
		var out []struct{ ID string }
		if err := json.Unmarshal([]byte(s.must(repository, "--no-lock", "snapshots", "--json")), &out); err != nil {
			s.t.Fatal(err)
		}
		return out
	}
	id := left()[0].ID
	// restic tries again for minutes: it is stopped at the first refusal.
	s.sim.ResetRequests()
	ctx, stop := context.WithCancel(s.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.command(ctx, repository, "forget", id).Run() }()
	for refused := false; !refused; {
		select {
		case err := <-ended:
			s.t.Fatalf("restic forgets what is retained: %v", err)
		case <-time.After(20 * time.Millisecond):
			refused = s.sim.RequestsOf(simcloud.GCS).Status[http.StatusForbidden] > 0
		}
	}
	stop()
	if err := <-ended; err == nil {
		s.t.Error("restic was stopped, and says that it succeeded")
	}
	if n := len(left()); n != 1 {
		s.t.Errorf("%d snapshots are left of one that is retained", n)
	}
	s.sim.Clock().Advance(31 * 24 * time.Hour)
	s.must(repository, "unlock", "--remove-all")
	s.must(repository, "forget", id)
	if n := len(left()); n != 0 {
		s.t.Errorf("after its time %d snapshots are left", n)
	}
}
