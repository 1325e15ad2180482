package acceptance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/storage"
	"github.com/minio/minio-go/v7"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest/status"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/s3"
	"github.com/holdfast-cloud/terraform-provider-holdfast/tests/harness"
)

// cellar is vaults that the real restic reaches: Hetzner's on their own ports,
// Google's under the vendor's name, since restic takes no other address for it.
type cellar struct {
	vaults
	program, ca, home string
	proxy             string
	gcs               *storage.Client
}

// newCellar starts both clouds with their clock at a time, in real speed.
func newCellar(t *testing.T, start time.Time) cellar {
	t.Helper()
	t.Parallel()
	program, err := harness.FindRestic(t.Context())
	if err != nil {
		t.Skip(err)
	}
	sim, err := harness.StartSim(simcloud.Options{Clock: simcloud.NewClock(start, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	names, err := sim.ServeNames("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := names.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	c := cellar{vaults: vaults{&world{Sim: sim}}, program: program, home: t.TempDir(), proxy: names.Proxy}
	c.ca = filepath.Join(c.home, "ca.pem")
	if err := os.WriteFile(c.ca, names.CA, 0o600); err != nil {
		t.Fatal(err)
	}
	c.gcs, err = storage.NewClient(t.Context(), option.WithEndpoint(sim.StorageEndpoint()), option.WithHTTPClient(&http.Client{Transport: owner{}}))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// owner adds the access token of the account's owner.
type owner struct{}

func (owner) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+token)
	return http.DefaultTransport.RoundTrip(r)
}

// repository is where a tenant's guest keeps its backups in the bucket of that
// id.
func (c cellar) repository(t *testing.T, id, tenant string) repository {
	t.Helper()
	parsed, err := cloud.ParseID(id)
	if err != nil {
		t.Fatal(err)
	}
	prefix := status.Prefix("acc", tenant)
	at := "gs:" + parsed.Native + ":/" + prefix + "restic"
	if parsed.Location.Cloud == "hetzner" {
		at = "s3:" + c.S3Endpoint(parsed.Location.Name) + "/" + parsed.Native + "/" + prefix + "restic"
	}
	return repository{c: c, id: parsed, prefix: prefix, restic: harness.Restic{Program: c.program, Repository: at, Home: c.home, CA: c.ca,
		Env: []string{"AWS_ACCESS_KEY_ID=" + s3.DefaultAccessKey, "AWS_SECRET_ACCESS_KEY=" + s3.DefaultSecretKey,
			"GOOGLE_PROJECT_ID=" + googleProject, "GOOGLE_ACCESS_TOKEN=" + token, "HTTPS_PROXY=" + c.proxy}}}
}

// repository is a tenant's part of a bucket.
type repository struct {
	c      cellar
	id     cloud.ID
	prefix string
	restic harness.Restic
}

func (r repository) run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := r.restic.Run(context.Background(), args...)
	if err != nil {
		t.Fatalf("%s: %v", r.id, err)
	}
	return string(out)
}

// put writes an object of the tenant's, as its guest does.
func (r repository) put(t *testing.T, key string, content []byte) {
	t.Helper()
	ctx := context.Background()
	if r.id.Location.Cloud == "hetzner" {
		if _, err := r.c.store(t, r.id.Location.Name).PutObject(ctx, r.id.Native, key, strings.NewReader(string(content)), int64(len(content)), minio.PutObjectOptions{}); err != nil {
			t.Fatal(err)
		}
		return
	}
	w := r.c.gcs.Bucket(r.id.Native).Object(key).NewWriter(ctx)
	_, err := w.Write(content)
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// version is one content of an object.
type version struct {
	key, id string
	// marker is that of a deletion (Hetzner only); live is what the name leads to.
	marker, live bool
	written      time.Time
}

func (v version) String() string { return fmt.Sprintf("%s (%s)", v.key, v.id) }

// versions lists all of the tenant's below the prefix, old ones included, in the
// order of keys and times.
func (r repository) versions(t *testing.T, below string) []version {
	t.Helper()
	var found []version
	if r.id.Location.Cloud == "hetzner" {
		for o := range r.c.store(t, r.id.Location.Name).ListObjects(context.Background(), r.id.Native, minio.ListObjectsOptions{Prefix: r.prefix + below, Recursive: true, WithVersions: true}) {
			if o.Err != nil {
				t.Fatal(o.Err)
			}
			found = append(found, version{o.Key, o.VersionID, o.IsDeleteMarker, o.IsLatest && !o.IsDeleteMarker, o.LastModified})
		}
	} else {
		all := r.c.gcs.Bucket(r.id.Native).Objects(context.Background(), &storage.Query{Prefix: r.prefix + below, Versions: true})
		for {
			o, err := all.Next()
			if errors.Is(err, iterator.Done) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, version{o.Name, fmt.Sprint(o.Generation), false, o.Deleted.IsZero(), o.Created})
		}
	}
	slices.SortStableFunc(found, func(a, b version) int {
		if d := strings.Compare(a.key, b.key); d != 0 {
			return d
		}
		return a.written.Compare(b.written)
	})
	return found
}

// read gives the content of one version.
func (r repository) read(t *testing.T, v version) string {
	t.Helper()
	var body io.ReadCloser
	var err error
	if r.id.Location.Cloud == "hetzner" {
		body, err = r.c.store(t, r.id.Location.Name).GetObject(context.Background(), r.id.Native, v.key, minio.GetObjectOptions{VersionID: v.id})
	} else {
		body, err = r.generation(v).NewReader(context.Background())
	}
	if err != nil {
		t.Fatalf("%s is gone: %v", v, err)
	}
	defer body.Close()
	content, err := io.ReadAll(body)
	if err != nil {
		t.Fatalf("%s is gone: %v", v, err)
	}
	return string(content)
}

// generation is a version in Google's words.
func (r repository) generation(v version) *storage.ObjectHandle {
	var number int64
	if _, err := fmt.Sscan(v.id, &number); err != nil {
		panic(err)
	}
	return r.c.gcs.Bucket(r.id.Native).Object(v.key).Generation(number)
}
