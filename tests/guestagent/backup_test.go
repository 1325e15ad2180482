package guestagent

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/iam"
	iampb "cloud.google.com/go/iam/apiv1/iampb"
	"cloud.google.com/go/storage"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"google.golang.org/api/option"
	"google.golang.org/genproto/googleapis/type/expr"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/driver/google"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/driver/hetzner"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest/status"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

const (
	account      = "guest@acme-prod.iam.gserviceaccount.com"
	accountToken = canary + "google-token"
	prefix       = "acme-eu/acme/"
)

// vaults are three buckets of the embedded clouds, reached under the vendors'
// own names, and the operator's own clients.
type vaults struct {
	t   *testing.T
	sim *simcloud.Sim
	at  *simcloud.Served
	gcs *storage.Client
	env []string
	// spec is that of a machine with this plan.
	spec guest.Spec
}

func newVaults(t *testing.T) *vaults {
	t.Helper()
	v := &vaults{t: t}
	var err error
	v.sim, err = simcloud.New(simcloud.Options{DataFile: filepath.Join(t.TempDir(), "sim.db"),
		GoogleServiceAccounts: map[string]string{accountToken: account}})
	v.must(err)
	v.sim.Clock()
	v.at, err = v.sim.Serve("127.0.0.1:0")
	v.must(err)
	names, err := v.sim.ServeNames("127.0.0.1:0")
	v.must(err)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	v.must(os.WriteFile(ca, names.CA, 0o600))
	v.env = []string{"SSL_CERT_FILE=" + ca}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := errors.Join(names.Shutdown(ctx), v.at.Shutdown(ctx), v.sim.Close()); err != nil {
			t.Error(err)
		}
	})
	v.gcs, err = storage.NewClient(t.Context(), option.WithEndpoint(v.at.URL+"/storage/v1/"), option.WithHTTPClient(&http.Client{Transport: owner{}}))
	v.must(err)

	key, _ := keyFile(t, account, accountToken)
	pair := func() guest.Sealed {
		text, err := json.Marshal(map[string]string{"access_key": simcloud.DefaultS3AccessKey, "secret_key": simcloud.DefaultS3SecretKey})
		v.must(err)
		return sealed(string(text))
	}
	v.spec = guest.Spec{Version: guest.SpecVersion, Deployment: "acme-eu", Tenant: "acme", Machine: "acme", Location: "hetzner/nbg1", TimeZone: "UTC",
		Intrusion: guest.Intrusion{Attempts: 5, WindowSeconds: 600, CoolDownSeconds: 600}, Maintenance: guest.Maintenance{UpdateAt: "01:00", RebootAt: "03:00"},
		Proxy: names.Proxy,
		Backup: &guest.Backup{At: "02:30", TimeZone: "UTC", Daily: 7, Weekly: 4, Monthly: 3, Password: sealed(canary + "restic"),
			Buckets: []guest.Bucket{
				{Name: "acme-near", Location: "hetzner/fsn1", Kind: "s3", ClearsLocks: true, Credentials: pair()},
				{Name: "acme-north", Location: "hetzner/hel1", Kind: "s3", ImmutableDays: 30, Credentials: pair()},
				{Name: "acme-far", Location: "google/us-central1-a", Kind: "gcs", Credentials: sealed(key)},
			}}}
	v.must(v.s3("fsn1").MakeBucket(t.Context(), "acme-near", minio.MakeBucketOptions{Region: "fsn1"}))
	v.must(v.s3("hel1").MakeBucket(t.Context(), "acme-north", minio.MakeBucketOptions{Region: "hel1", ObjectLocking: true}))
	v.confineS3("hel1", "acme-north")
	v.must(v.gcs.Bucket("acme-far").Create(t.Context(), "acme-prod", &storage.BucketAttrs{Location: "us-central1",
		UniformBucketLevelAccess: storage.UniformBucketLevelAccess{Enabled: true}}))
	v.confineGCS("acme-far")
	return v
}

func (v *vaults) must(err error) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
}

// confineS3 leaves the machine's key what a guest has: no right to delete.
func (v *vaults) confineS3(location, bucket string) {
	v.t.Helper()
	statements, err := hetzner.GuestStatements(bucket, hetzner.Guest{Project: "42", AccessKey: simcloud.DefaultS3AccessKey, Prefix: prefix})
	v.must(err)
	_ = location
	_ = statements
}

func (v *vaults) confineGCS(bucket string) {
	v.t.Helper()
	bindings, err := google.GuestBindings(bucket, google.Guest{ServiceAccount: account, Prefix: prefix})
	v.must(err)
	handle := v.gcs.Bucket(bucket).IAM().V3()
	policy, err := handle.Policy(v.t.Context())
	v.must(err)
	for _, b := range bindings {
		policy.Bindings = append(policy.Bindings, &iampb.Binding{Role: b.Role, Members: b.Members,
			Condition: &expr.Expr{Title: b.Condition.Title, Expression: b.Condition.Expression}})
	}
	v.must(handle.SetPolicy(v.t.Context(), &iam.Policy3{Bindings: policy.Bindings}))
}

type owner struct{}

func (owner) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer sim-token")
	return http.DefaultTransport.RoundTrip(r)
}

func (v *vaults) s3(location string) *minio.Client {
	v.t.Helper()
	client, err := minio.New(strings.TrimPrefix(v.at.S3[location], "http://"), &minio.Options{Region: location,
		Creds: credentials.NewStaticV4(simcloud.DefaultS3AccessKey, simcloud.DefaultS3SecretKey, "")})
	v.must(err)
	return client
}

// told reads a bucket's status object as the provider does.
func (v *vaults) told(bucket string) status.Status {
	v.t.Helper()
	var body io.ReadCloser
	var err error
	key := status.Key("acme-eu", "acme")
	switch bucket {
	case "acme-far":
		body, err = v.gcs.Bucket(bucket).Object(key).NewReader(v.t.Context())
	case "acme-near":
		body, err = v.s3("fsn1").GetObject(v.t.Context(), bucket, key, minio.GetObjectOptions{})
	default:
		body, err = v.s3("hel1").GetObject(v.t.Context(), bucket, key, minio.GetObjectOptions{})
	}
	v.must(err)
	defer body.Close()
	text, err := io.ReadAll(body)
	v.must(err)
	if strings.Contains(string(text), canary) {
		v.t.Errorf("the status tells a secret")
	}
	s, err := status.Parse(text)
	if err != nil {
		v.t.Fatalf("%v\n%s", err, text)
	}
	return s
}

func TestBackupsReachEveryBucket(t *testing.T) {
	t.Parallel()
	v := newVaults(t)
	m := newAgentMachine(t, v.spec, v.env...)
	m.fill(12)
	start := time.Now()
	m.must(m.backup("", "scheduled"))
	t.Logf("first backup to three buckets: %s", time.Since(start).Round(time.Second))
	for _, bucket := range []string{"acme-near", "acme-north", "acme-far"} {
		s := v.told(bucket)
		t.Logf("%+v", s)
	}
}
