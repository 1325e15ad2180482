package guestagent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	iampb "cloud.google.com/go/iam/apiv1/iampb"
	"cloud.google.com/go/storage"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"google.golang.org/api/option"
	"google.golang.org/genproto/googleapis/type/expr"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest/status"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/s3"
)

const (
	account      = "guest@acme-prod.iam.gserviceaccount.com"
	accountToken = canary + "google-token"
	prefix       = "acme-eu/acme/"
	// The machine's pair of keys for Hetzner's stores, and the operator's.
	machineKey, machineSecret   = "MACHINE", canary + "s3"
	operatorKey, operatorSecret = "OPERATOR", "operator"
	machineProject              = "42"
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

// lose makes a location unreachable, with all that stands in it.
func (v *vaults) lose(location string) {
	v.t.Helper()
	_, err := v.sim.AddFault(simcloud.Fault{Kind: simcloud.FaultLocationLost, Cloud: simcloud.Hetzner, Location: location})
	v.must(err)
}

func newVaults(t *testing.T) *vaults {
	t.Helper()
	v := &vaults{t: t}
	var err error
	v.sim, err = simcloud.New(simcloud.Options{DataFile: filepath.Join(t.TempDir(), "sim.db"),
		GoogleServiceAccounts: map[string]string{accountToken: account}, S3: s3.Options{Keys: map[string]simcloud.S3Key{
			machineKey: {Secret: machineSecret, Project: machineProject}, operatorKey: {Secret: operatorSecret, Project: machineProject}}}})
	v.must(err)
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
		text, err := json.Marshal(map[string]string{"access_key": machineKey, "secret_key": machineSecret})
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
	v.confineS3("acme-north")
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

// confineS3 leaves the machine's key what a guest without locks has: it writes,
// reads and lists below its own prefix, and deletes nothing.
func (v *vaults) confineS3(bucket string) {
	v.t.Helper()
	type statement struct {
		Sid, Effect           string
		Principal             map[string]string
		Action                []string
		Resource, NotResource []string                     `json:",omitempty"`
		Condition             map[string]map[string]string `json:",omitempty"`
	}
	all, own := []string{"arn:aws:s3:::" + bucket}, []string{"arn:aws:s3:::" + bucket + "/" + prefix + "*"}
	work, list := []string{"s3:PutObject", "s3:GetObject"}, []string{"s3:ListBucket"}
	statements := []statement{
		{Sid: "Work", Effect: "Allow", Action: work, Resource: own},
		{Sid: "List", Effect: "Allow", Action: list, Resource: all, Condition: map[string]map[string]string{"StringLike": {"s3:prefix": prefix + "*"}}},
		{Sid: "NoOtherWork", Effect: "Deny", Action: work, NotResource: own},
		{Sid: "NoOtherList", Effect: "Deny", Action: list, Resource: all, Condition: map[string]map[string]string{"StringNotLike": {"s3:prefix": prefix + "*"}}},
		{Sid: "NoWholeList", Effect: "Deny", Action: list, Resource: all, Condition: map[string]map[string]string{"Null": {"s3:prefix": "true"}}},
		{Sid: "NoDelete", Effect: "Deny", Action: []string{"s3:DeleteObject", "s3:DeleteObjectVersion"}, Resource: []string{"arn:aws:s3:::" + bucket + "/*"}},
	}
	for i := range statements {
		statements[i].Principal = map[string]string{"AWS": "arn:aws:iam:::user/p" + machineProject + ":" + machineKey}
	}
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
	v.must(err)
	v.must(v.s3("hel1").SetBucketPolicy(v.t.Context(), bucket, string(text)))
}

// confineGCS does the same for the service account; its status it may overwrite.
func (v *vaults) confineGCS(bucket string) {
	v.t.Helper()
	handle := v.gcs.Bucket(bucket).IAM().V3()
	policy, err := handle.Policy(v.t.Context())
	v.must(err)
	within := func(prefix string) string {
		return fmt.Sprintf("resource.name.startsWith(%q)", "projects/_/buckets/"+bucket+"/objects/"+prefix)
	}
	for role, expression := range map[string]string{
		"roles/storage.objectCreator": within(prefix),
		"roles/storage.objectViewer":  within(prefix) + fmt.Sprintf(" || api.getAttribute(%q, %q).startsWith(%q)", "storage.googleapis.com/objectListPrefix", "", prefix),
		"roles/storage.objectUser":    within(prefix + "status/"),
	} {
		policy.Bindings = append(policy.Bindings, &iampb.Binding{Role: role, Members: []string{"serviceAccount:" + account},
			Condition: &expr.Expr{Title: role, Expression: expression}})
	}
	v.must(handle.SetPolicy(v.t.Context(), policy))
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
		Creds: credentials.NewStaticV4(operatorKey, operatorSecret, "")})
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

// bucketOf is what a status tells of one bucket.
func bucketOf(t *testing.T, s status.Status, name string) status.Bucket {
	t.Helper()
	for _, b := range s.Backups {
		if b.Name == name {
			return b
		}
	}
	t.Fatalf("nothing is told of %s", name)
	return status.Bucket{}
}

// A machine is backed up to three buckets with the rights that a guest has there,
// through a night in which the nearest does not answer; and everything comes back.
func TestBackupsAndRestores(t *testing.T) {
	t.Parallel()
	v := newVaults(t)
	data := filepath.Join(t.TempDir(), "data")
	m := newAgentMachine(t, data, v.spec, v.env...)
	m.must(m.guest("boot")) // settings, the volume as it is, no restore
	first := m.fill(9)
	m.must(m.backup("", "scheduled"))
	all := []string{"acme-near", "acme-north", "acme-far"}
	for _, bucket := range all {
		told := v.told(bucket)
		for _, name := range all {
			b := bucketOf(t, told, name)
			if len(b.Snapshots) != 1 || len(b.Snapshots[0].Classes) != 3 || b.Others != 0 || b.LastRun == nil || b.LastRun.Result != status.OK ||
				b.Check == nil || b.Check.Result != status.OK {
				t.Errorf("%s tells of %s: %+v", bucket, name, b)
			}
		}
		if len(told.Listening) != 2 || told.Listening[0] != (status.Socket{Protocol: "tcp", Address: "0.0.0.0", Port: 22, Program: "sshd"}) ||
			len(told.FailedUnits) != 1 || told.System.SecurityUpdates != 1 || len(told.Volumes) != 1 {
			t.Errorf("%s: %+v", bucket, told)
		}
		want := status.Volume{Name: "acme-data", Mount: m.data, Format: "luks2", Cipher: "aes-xts-plain64", KeyBits: 512, Unlocked: true, UnattendedUnlock: true, RecoverySlot: true}
		if len(told.Volumes) == 1 && told.Volumes[0] != want {
			t.Errorf("%s: %+v", bucket, told.Volumes[0])
		}
	}

	second := m.fill(11)
	v.lose("fsn1")
	if _, log, err := m.backup("", "scheduled"); err == nil || !strings.Contains(log, "acme-near") || strings.Contains(log, "acme-far:") {
		t.Errorf("a night without the nearest bucket: %v %s", err, log)
	}
	told := v.told("acme-north")
	if near := bucketOf(t, told, "acme-near"); len(near.Snapshots) != 1 || near.LastRun.Result != status.Failed || near.LastRun.Message == "" {
		t.Errorf("of the bucket that does not answer: %+v", near)
	}
	for _, name := range []string{"acme-north", "acme-far"} {
		if b := bucketOf(t, told, name); len(b.Snapshots) != 2 || b.LastRun.Result != status.OK {
			t.Errorf("%s: %+v", name, b)
		}
	}

	// The machine is lost with its volume. What replaces it has nothing but its
	// spec.
	m.noSecrets()
	v.must(os.Rename(data, data+"-lost"))
	lost := v.spec
	lost.Restore = &guest.Restore{From: "latest"}
	m = newAgentMachine(t, data, lost, v.env...)
	m.must(m.guest("boot"))
	m.holds(second)
	if r := v.told("acme-far").Restore; r == nil || r.Phase != status.PhaseDone || r.Bucket != "acme-north" || r.BytesTotal == 0 || r.BytesDone != r.BytesTotal {
		t.Errorf("the restore is told as %+v", r)
	}
	m.write(filepath.Join(data, "new"), "written later", 0o600)
	m.must(m.guest("boot")) // again: nothing is restored over what is there
	v.must(os.Remove(filepath.Join(data, "new")))

	// The nearest is back and gets what it missed.
	v.sim.ClearFaults()
	third := m.fill(12)
	said := strings.Fields(m.must(m.backup("", "now")))
	manual := said[len(said)-1]
	// There the first one of the day is forgotten; elsewhere the rights do not
	// allow it.
	near, north := bucketOf(t, v.told("acme-near"), "acme-near"), bucketOf(t, v.told("acme-near"), "acme-north")
	if len(near.Snapshots) != 2 || near.Snapshots[0].ID != manual || len(near.Snapshots[0].Classes) != 0 || len(near.Snapshots[1].Classes) != 3 {
		t.Errorf("the nearest bucket now holds %+v, the newest should be %s", near.Snapshots, manual)
	}
	if len(north.Snapshots) != 3 || len(north.Snapshots[2].Classes) != 0 {
		t.Fatalf("the immutable bucket now holds %+v", north.Snapshots)
	}
	list := m.must(m.backup("", "list"))
	if strings.Count(list, "made by hand") != 3 || strings.Count(list, "3 backups") != 2 || strings.Count(list, "2 backups") != 1 {
		t.Errorf("list: %s", list)
	}
	for name, want := range third {
		if got := m.must(m.backup("", "get", "latest", filepath.Join(m.data, name))); got != want {
			t.Errorf("%s is downloaded as %d bytes, want %d", name, len(got), len(want))
		}
		break
	}
	beside := filepath.Join(t.TempDir(), "beside")
	oldest := north.Snapshots[2]
	m.must(m.backup("", "restore", oldest.ID[:12], "--beside", beside))
	compare(t, filepath.Join(beside, m.data), first)

	// Onto the live data only when asked twice; what was there is kept.
	if _, _, err := m.backup("no\n", "restore", oldest.ID, "--live"); err == nil {
		t.Error("restored although the person did not confirm")
	}
	m.holds(third)
	m.must(m.backup("acme\n", "restore", oldest.Time.Add(time.Second).Format(time.RFC3339), "--live"))
	m.holds(first)
	kept, err := filepath.Glob(filepath.Join(m.data, ".holdfast", "replaced-*"))
	if err != nil || len(kept) != 1 {
		t.Fatalf("%v %v", kept, err)
	}
	compare(t, filepath.Join(kept[0], m.data), third)
	m.noSecrets()
}

// noSecrets looks for what was sealed in all files of the machine that a disk
// keeps.
func (m *agentMachine) noSecrets() {
	m.t.Helper()
	err := filepath.WalkDir(m.root, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || strings.HasPrefix(path, filepath.Join(m.root, "run/holdfast/secrets")) {
			return err
		}
		content, err := os.ReadFile(path)
		if strings.Contains(string(content), canary) {
			m.t.Errorf("%s holds a secret", path)
		}
		return err
	})
	if err != nil {
		m.t.Error(err)
	}
}
