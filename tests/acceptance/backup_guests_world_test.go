package acceptance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/iam"
	"cloud.google.com/go/iam/apiv1/iampb"
	"cloud.google.com/go/storage"
	"github.com/hetznercloud/hcloud-go/v2/hcloud"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"golang.org/x/oauth2"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/s3"
	"github.com/holdfast-cloud/terraform-provider-holdfast/tests/harness"
)

// The operator's S3 keys belong to project 1, the guests' to projects 2 and 3; one
// in project 1 is a mistake. Secrets are the keys' names in lower case.
var s3GuestKeys = map[string]string{"ACMEKEY": "2", "ZOOKEY": "3", "OWNKEY": "1"}

// Tokens of service accounts.
var guestAccounts = map[string]string{"acme-token": "acme@acc.iam.gserviceaccount.com", "zoo-token": "zoo@acc.iam.gserviceaccount.com"}

// newGuestWorld is newVaults with more credentials.
func newGuestWorld(t *testing.T) vaults {
	t.Helper()
	t.Parallel()
	keys := map[string]s3.Key{s3.DefaultAccessKey: {Secret: s3.DefaultSecretKey, Project: "1"}}
	for access, project := range s3GuestKeys {
		keys[access] = s3.Key{Secret: strings.ToLower(access), Project: project}
	}
	sim, err := harness.StartSim(simcloud.Options{S3: s3.Options{Keys: keys}, GoogleServiceAccounts: guestAccounts})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	return vaults{&world{Sim: sim, Client: hcloud.NewClient(hcloud.WithToken(token), hcloud.WithEndpoint(sim.HetznerEndpoint()),
		hcloud.WithPollOpts(hcloud.PollOpts{BackoffFunc: hcloud.ConstantBackoff(10 * time.Millisecond)}))}}
}

// door is a vendor's store through somebody's eyes.
type door interface {
	put(ctx context.Context, bucket, key, text string) error
	get(ctx context.Context, bucket, key string) error
	list(ctx context.Context, bucket, prefix string) error
	remove(ctx context.Context, bucket, key string) error
	// destroy deletes every version of an object that the operator sees.
	destroy(ctx context.Context, bucket, key string) error
	// change tries to change each setting that protects a bucket, and gives the
	// names of those it could.
	change(ctx context.Context, bucket string) []string
	// refused tells whether an error is the store's refusal.
	refused(err error) bool
}

// vendor is how one vendor's guests are named, reached and meddled with.
type vendor struct {
	place      string
	principals map[string]string // by tenant
	open       func(tenant string) door
	// restic gives the repository of a tenant and the environment that opens it
	// with a tenant's credentials.
	restic func(bucket, of, as string) (repository string, env []string)
	// widen lets a guest read the whole bucket; withdraw takes its rights away.
	widen, withdraw func(ctx context.Context, bucket, tenant string) error
}

// vendors are both, the operator being the tenant "".
func (v vaults) vendors(t *testing.T) []vendor {
	t.Helper()
	return []vendor{v.hetznerVendor(t), v.googleVendor(t)}
}

func (v vaults) hetznerVendor(t *testing.T) vendor {
	t.Helper()
	at, err := url.Parse(v.S3Endpoint("nbg1"))
	if err != nil {
		t.Fatal(err)
	}
	access := map[string]string{"": s3.DefaultAccessKey, "acme": "ACMEKEY", "zoo": "ZOOKEY"}
	secret := func(tenant string) string {
		if tenant == "" {
			return s3.DefaultSecretKey
		}
		return strings.ToLower(access[tenant])
	}
	client := func(tenant string) *minio.Client {
		c, err := minio.New(at.Host, &minio.Options{Creds: credentials.NewStaticV4(access[tenant], secret(tenant), ""), Region: "nbg1", MaxRetries: 1})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	owner := client("")
	statement := func(bucket, principal string) string {
		return fmt.Sprintf(`{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam:::user/%s"]},"Action":["s3:GetObject"],"Resource":["arn:aws:s3:::%s/*"]}`, principal, bucket)
	}
	principals := map[string]string{"acme": "p2:ACMEKEY", "zoo": "p3:ZOOKEY"}
	return vendor{place: "hetzner/nbg1", principals: principals,
		open: func(tenant string) door { return s3Door{client(tenant), owner} },
		restic: func(bucket, of, as string) (string, []string) {
			return "s3:" + v.S3Endpoint("nbg1") + "/" + bucket + "/acc/" + of + "/restic", []string{"AWS_ACCESS_KEY_ID=" + access[as], "AWS_SECRET_ACCESS_KEY=" + secret(as)}
		},
		widen: func(ctx context.Context, bucket, tenant string) error {
			have, err := owner.GetBucketPolicy(ctx, bucket)
			if err != nil {
				return err
			}
			return owner.SetBucketPolicy(ctx, bucket, strings.Replace(have, `"Statement":[`, `"Statement":[`+statement(bucket, principals[tenant])+",", 1))
		},
		withdraw: func(ctx context.Context, bucket, tenant string) error {
			have, err := owner.GetBucketPolicy(ctx, bucket)
			if err != nil {
				return err
			}
			return owner.SetBucketPolicy(ctx, bucket, strings.ReplaceAll(have, principals[tenant], "p7:NOBODY"))
		},
	}
}

func (v vaults) googleVendor(t *testing.T) vendor {
	t.Helper()
	tokenOf := func(tenant string) string {
		if tenant == "" {
			return token
		}
		return tenant + "-token"
	}
	client := func(tenant string) *storage.Client {
		c, err := storage.NewClient(context.Background(), option.WithHTTPClient(oauth2.NewClient(context.Background(), oauth2.StaticTokenSource(&oauth2.Token{AccessToken: tokenOf(tenant)}))),
			option.WithoutAuthentication(), option.WithEndpoint(v.StorageEndpoint()), storage.WithJSONReads())
		if err != nil {
			t.Fatal(err)
		}
		c.SetRetry(storage.WithPolicy(storage.RetryNever))
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	owner := client("")
	// restic's backend takes no other endpoint than the vendor's.
	names, err := v.ServeNames("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = names.Shutdown(context.Background()) })
	authority := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(authority, names.CA, 0o600); err != nil {
		t.Fatal(err)
	}
	principals := map[string]string{"acme": guestAccounts["acme-token"], "zoo": guestAccounts["zoo-token"]}
	edit := func(ctx context.Context, bucket string, change func(*iam.Policy3)) error {
		handle := owner.Bucket(bucket).IAM().V3()
		policy, err := handle.Policy(ctx)
		if err != nil {
			return err
		}
		change(policy)
		return handle.SetPolicy(ctx, policy)
	}
	return vendor{place: "google/us-central1-a", principals: principals,
		open: func(tenant string) door { return gcsDoor{client(tenant), owner} },
		restic: func(bucket, of, as string) (string, []string) {
			return "gs:" + bucket + ":/acc/" + of + "/restic", []string{"GOOGLE_PROJECT_ID=" + googleProject, "GOOGLE_ACCESS_TOKEN=" + tokenOf(as),
				"HTTPS_PROXY=" + names.Proxy, "SSL_CERT_FILE=" + authority}
		},
		widen: func(ctx context.Context, bucket, tenant string) error {
			return edit(ctx, bucket, func(p *iam.Policy3) {
				p.Bindings = append(p.Bindings, &iampb.Binding{Role: "roles/storage.objectViewer", Members: []string{"serviceAccount:" + principals[tenant]}})
			})
		},
		withdraw: func(ctx context.Context, bucket, tenant string) error {
			return edit(ctx, bucket, func(p *iam.Policy3) {
				p.Bindings = slices.DeleteFunc(p.Bindings, func(b *iampb.Binding) bool { return slices.Contains(b.Members, "serviceAccount:"+principals[tenant]) })
			})
		},
	}
}

// s3Door is minio-go's.
type s3Door struct {
	*minio.Client
	owner *minio.Client
}

func (d s3Door) refused(err error) bool { return minio.ToErrorResponse(err).Code == "AccessDenied" }

func (d s3Door) put(ctx context.Context, bucket, key, text string) error {
	_, err := d.PutObject(ctx, bucket, key, strings.NewReader(text), int64(len(text)), minio.PutObjectOptions{})
	return err
}

func (d s3Door) get(ctx context.Context, bucket, key string) error {
	object, err := d.GetObject(ctx, bucket, key, minio.GetObjectOptions{})
	if err == nil {
		_, err = io.Copy(io.Discard, object)
	}
	return err
}

func (d s3Door) list(ctx context.Context, bucket, prefix string) error {
	for object := range d.ListObjects(ctx, bucket, minio.ListObjectsOptions{Prefix: prefix, Recursive: true}) {
		if object.Err != nil {
			return object.Err
		}
	}
	return nil
}

func (d s3Door) remove(ctx context.Context, bucket, key string) error {
	return d.RemoveObject(ctx, bucket, key, minio.RemoveObjectOptions{})
}

func (d s3Door) destroy(ctx context.Context, bucket, key string) error {
	for object := range d.owner.ListObjects(ctx, bucket, minio.ListObjectsOptions{Prefix: key, WithVersions: true, Recursive: true}) {
		if object.Err != nil {
			return object.Err
		}
		if err := d.RemoveObject(ctx, bucket, key, minio.RemoveObjectOptions{VersionID: object.VersionID, GovernanceBypass: true}); err != nil {
			return err
		}
	}
	return nil
}

func (d s3Door) change(ctx context.Context, bucket string) []string {
	mode, days, unit := minio.Governance, uint(1), minio.Days
	return succeeded(map[string]func() error{
		"policy":     func() error { return d.SetBucketPolicy(ctx, bucket, "") },
		"versioning": func() error { return d.SuspendVersioning(ctx, bucket) },
		"lifecycle":  func() error { return d.SetBucketLifecycle(ctx, bucket, nil) },
		"lock":       func() error { return d.SetBucketObjectLockConfig(ctx, bucket, &mode, &days, &unit) },
		"bucket":     func() error { return d.RemoveBucket(ctx, bucket) },
		"the list of buckets": func() error {
			found, err := d.ListBuckets(ctx)
			if err == nil && len(found) == 0 {
				err = errors.New("there are none to be seen")
			}
			return err
		},
	})
}

// succeeded gives the names of what could be done.
func succeeded(tries map[string]func() error) []string {
	var done []string
	for _, name := range slices.Sorted(maps.Keys(tries)) {
		if tries[name]() == nil {
			done = append(done, name)
		}
	}
	return done
}

// gcsDoor is the vendor's own client.
type gcsDoor struct {
	*storage.Client
	owner *storage.Client
}

func (d gcsDoor) refused(err error) bool {
	var api *googleapi.Error
	return errors.As(err, &api) && api.Code == http.StatusForbidden
}

func (d gcsDoor) put(ctx context.Context, bucket, key, text string) error {
	w := d.Bucket(bucket).Object(key).NewWriter(ctx)
	w.ChunkSize = 0
	_, err := io.WriteString(w, text)
	return errors.Join(err, w.Close())
}

func (d gcsDoor) get(ctx context.Context, bucket, key string) error {
	r, err := d.Bucket(bucket).Object(key).NewReader(ctx)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, r)
	return errors.Join(err, r.Close())
}

func (d gcsDoor) list(ctx context.Context, bucket, prefix string) error {
	_, err := d.Bucket(bucket).Objects(ctx, &storage.Query{Prefix: prefix}).Next()
	if errors.Is(err, iterator.Done) {
		return nil
	}
	return err
}

func (d gcsDoor) remove(ctx context.Context, bucket, key string) error {
	return d.Bucket(bucket).Object(key).Delete(ctx)
}

func (d gcsDoor) destroy(ctx context.Context, bucket, key string) error {
	versions := d.owner.Bucket(bucket).Objects(ctx, &storage.Query{Prefix: key, Versions: true})
	for {
		object, err := versions.Next()
		if errors.Is(err, iterator.Done) {
			return nil
		}
		if err == nil {
			err = d.Bucket(bucket).Object(key).Generation(object.Generation).Delete(ctx)
		}
		if err != nil {
			return err
		}
	}
}

func (d gcsDoor) change(ctx context.Context, bucket string) []string {
	b := d.Bucket(bucket)
	update := func(u storage.BucketAttrsToUpdate) func() error {
		return func() error { _, err := b.Update(ctx, u); return err }
	}
	return succeeded(map[string]func() error{
		"policy":     func() error { return b.IAM().V3().SetPolicy(ctx, &iam.Policy3{}) },
		"versioning": update(storage.BucketAttrsToUpdate{VersioningEnabled: false}),
		"lifecycle":  update(storage.BucketAttrsToUpdate{Lifecycle: &storage.Lifecycle{}}),
		"lock":       update(storage.BucketAttrsToUpdate{RetentionPolicy: &storage.RetentionPolicy{}}),
		"bucket":     func() error { return b.Delete(ctx) },
		"the list of buckets": func() error {
			_, err := d.Buckets(ctx, googleProject).Next()
			return err
		},
	})
}

// restic runs Debian's restic with a tenant's credentials.
func (v vendor) run(ctx context.Context, t *testing.T, bucket, of, as string, arguments ...string) (string, error) {
	t.Helper()
	program := os.Getenv("HOLDFAST_RESTIC")
	if program == "" {
		var err error
		if program, err = exec.LookPath("restic"); err != nil {
			t.Skip("restic is not on the PATH: install it (Debian: apt-get install restic), or name the program in HOLDFAST_RESTIC")
		}
	}
	repository, env := v.restic(bucket, of, as)
	command := exec.CommandContext(ctx, program, append([]string{"--no-cache", "--repo", repository}, arguments...)...)
	command.Env = append(env, "RESTIC_PASSWORD=of-"+of, "HOME="+filepath.Join(t.TempDir(), "home"), "PATH="+os.Getenv("PATH"), "TZ=UTC")
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	err := command.Run()
	return out.String(), err
}
