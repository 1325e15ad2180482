package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest/status"
	holdfast "github.com/holdfast-cloud/terraform-provider-holdfast/internal/provider"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/orphans"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/servicetest"
)

// asked is when the inventories of these tests are taken.
func asked() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

// vault is a cloud with three buckets, and a provider that knows only it.
type vault struct {
	*servicetest.Cloud
	ids []cloud.ID
	env map[string]string
}

func newVault(t *testing.T) *vault {
	t.Helper()
	v := &vault{Cloud: servicetest.NewCloud(), env: map[string]string{"HOLDFAST_DEPLOYMENT": "acme-eu"}}
	for _, name := range []string{"fsn1", "hel1", "nbg1"} {
		v.ids = append(v.ids, v.BucketStore.Put(cloud.BucketSpec{Meta: cloud.Meta{Name: "b", Location: cloud.Location{Cloud: "hetzner", Name: name}, Deployment: "acme-eu"}}))
	}
	return v
}

// backUp makes one backup of a tenant in every bucket, so many hours ago.
func (v *vault) backUp(tenant string, hours int) {
	for i, id := range v.ids {
		v.BucketStore.Write(id.Native, status.Prefix("acme-eu", tenant)+"restic/snapshots/"+fmt.Sprintf("%064x", i), []byte("ciphertext"), asked().Add(-time.Duration(hours)*time.Hour))
	}
}

func (v *vault) run(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	provider := holdfast.New("test", holdfast.WithGetenv(func(name string) string { return v.env[name] }),
		holdfast.WithClouds(func(holdfast.Config) service.Clouds { return v }))
	var out, errs bytes.Buffer
	code = Run(t.Context(), Options{Version: "test", Provider: provider, Now: asked, Args: append([]string{"backups"}, args...),
		Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &errs})
	return code, out.String(), errs.String()
}

// state is what `terraform state pull` prints of a plan and two machines.
func (v *vault) state(plan string, tenants ...string) string {
	var resources []string
	add := func(kind string, attributes map[string]any) {
		text, _ := json.Marshal(attributes)
		resources = append(resources, fmt.Sprintf(`{"mode":"managed","type":"holdfast_%s","name":"x","instances":[{"attributes":%s}]}`, kind, text))
	}
	var buckets []map[string]any
	for i, id := range v.ids {
		buckets = append(buckets, map[string]any{"id": id.String(), "location": id.Location.String(), "immutable_days": 93 * (i % 2)})
	}
	add("backup_plan", map[string]any{"id": plan, "name": plan, "rpo_hours": 24, "buckets": buckets})
	for i, tenant := range tenants {
		add("vm", map[string]any{"id": fmt.Sprintf("hetzner/fsn1/%d", i), "deployment": "acme-eu", "tenant": tenant, "backup_plan_id": plan})
	}
	add("vm", map[string]any{"id": "hetzner/fsn1/99", "deployment": "acme-eu", "tenant": "unplanned", "backup_plan_id": nil})
	return `{"version":4,"resources":[` + strings.Join(resources, ",") + `]}`
}

func TestBackupsTable(t *testing.T) {
	v := newVault(t)
	v.backUp("acme", 10)
	code, stdout, stderr := v.run(t, v.state("standard", "acme"), "--state", "-")
	if code != ExitOK || stderr != "" {
		t.Fatalf("exit code %d, stderr %q:\n%s", code, stderr, stdout)
	}
	for _, want := range []string{"TENANT", "acme", "bucket-1", "hetzner/nbg1", "10h", "1 tenant: 0 ok, 1 degraded, 0 broken."} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is missing:\n%s", want, stdout)
		}
	}
	if v.Count("list_objects", cloud.KindBucket) != 3 {
		t.Errorf("%d lists", v.Count("list_objects", cloud.KindBucket))
	}
}

func TestBackupsExitCodes(t *testing.T) {
	v := newVault(t)
	v.backUp("acme", 10)
	v.backUp("late", 30)
	bucket := func(i int) string { return v.ids[i].String() }
	for name, test := range map[string]struct {
		stdin string
		args  []string
		code  int
	}{
		"kept":                   {"", []string{"--bucket", bucket(0), "--tenant", "acme"}, ExitOK},
		"broken":                 {"", []string{"--bucket", bucket(0)}, ExitBroken},
		"a longer objective":     {"", []string{"--bucket", bucket(0), "--rpo", "28h"}, ExitOK},
		"a shorter one":          {"", []string{"--bucket", bucket(0), "--tenant", "acme", "--rpo", "7h59m"}, ExitBroken},
		"never backed up":        {v.state("standard", "acme", "never"), []string{"--state", "-"}, ExitBroken},
		"another plan's tenants": {v.state("standard", "acme"), []string{"--state", "-", "--plan", "standard"}, ExitOK},
	} {
		if code, stdout, stderr := v.run(t, test.stdin, test.args...); code != test.code || stderr != "" {
			t.Errorf("%s: exit code %d, stderr %q:\n%s", name, code, stderr, stdout)
		}
	}
}

func TestBackupsForms(t *testing.T) {
	v := newVault(t)
	v.backUp("acme", 10)
	state := file(t, v.state("standard", "acme", "never"))
	code, stdout, _ := v.run(t, "", "--state", state, "--output", "json")
	var document struct {
		Tenants []struct {
			Tenant string `json:"tenant"`
			State  string `json:"state"`
			Copies []struct {
				Immutable bool `json:"immutable"`
			} `json:"copies"`
		} `json:"tenants"`
	}
	if err := json.Unmarshal([]byte(stdout), &document); err != nil || code != ExitBroken || len(document.Tenants) != 2 {
		t.Fatalf("exit code %d, %v:\n%s", code, err, stdout)
	}
	if one := document.Tenants[1]; one.Tenant != "never" || one.State != "broken" || len(one.Copies) != 3 || one.Copies[0].Immutable || !one.Copies[1].Immutable {
		t.Errorf("%+v", document)
	}
	code, stdout, _ = v.run(t, "", "--state", state, "-o", "prometheus")
	if code != ExitBroken || !strings.Contains(stdout, "# TYPE holdfast_backup_") || !strings.Contains(stdout, `tenant="never"`) {
		t.Errorf("exit code %d:\n%s", code, stdout)
	}
}

// Two plans with buckets of their own: a tenant of the one has nothing to look
// for in the other's.
func TestBackupsOfSeveralPlans(t *testing.T) {
	v := newVault(t)
	europe := *v
	europe.ids = v.ids[:2]
	europe.backUp("acme", 10)
	america := *v
	america.ids = v.ids[2:]
	america.backUp("globex", 10)
	states := []string{"--state", file(t, europe.state("eu", "acme")), "--state", file(t, america.state("us", "globex"))}
	if code, stdout, stderr := v.run(t, "", states...); code != ExitUncertain || !strings.Contains(stderr, "the backup plans eu, us have different buckets") || !strings.Contains(stderr, "--plan") {
		t.Errorf("exit code %d, stderr %q:\n%s", code, stderr, stdout)
	}
	for plan, tenant := range map[string]string{"eu": "acme", "us": "globex"} {
		code, stdout, stderr := v.run(t, "", append(states, "--plan", plan)...)
		if code != ExitOK || stderr != "" || !strings.Contains(stdout, tenant) || !strings.Contains(stdout, "1 tenant:") {
			t.Errorf("%s: exit code %d, stderr %q:\n%s", plan, code, stderr, stdout)
		}
	}
	same := []string{"--state", file(t, europe.state("eu", "acme")), "--state", file(t, europe.state("eu-late", "acme"))}
	if code, stdout, stderr := v.run(t, "", same...); code != ExitOK || stderr != "" {
		t.Errorf("the same buckets: exit code %d, stderr %q:\n%s", code, stderr, stdout)
	}
}

// A machine without a tenant has a plan for what it holds, and no backups of
// anybody's.
func TestBackupsPassOverMachinesOfNobody(t *testing.T) {
	v := newVault(t)
	v.backUp("acme", 10)
	if code, stdout, stderr := v.run(t, v.state("standard", "acme", ""), "--state", "-"); code != ExitOK || stderr != "" || !strings.Contains(stdout, "1 tenant:") {
		t.Errorf("exit code %d, stderr %q:\n%s", code, stderr, stdout)
	}
}

// A location is lost and another does not answer: what is left is judged, what
// is not is said, and nobody asks the lost one.
func TestBackupsDegraded(t *testing.T) {
	v := newVault(t)
	v.backUp("acme", 10)
	v.env["HOLDFAST_LOST_LOCATIONS"] = "hetzner/fsn1"
	v.Fault = func(_ string, _ cloud.Kind, native string) error {
		switch native {
		case v.ids[0].Native:
			t.Error("the lost location was asked")
		case v.ids[1].Native:
			return &cloud.Error{Code: cloud.CodeUnavailable, Cloud: "hetzner", Message: "no route to host"}
		}
		return nil
	}
	code, stdout, stderr := v.run(t, v.state("standard", "acme"), "--state", "-")
	if code != ExitOK || !strings.Contains(stdout, "1 degraded") || !strings.Contains(stderr, "Warning: the bucket bucket-2 in hetzner/hel1 could not be read") {
		t.Errorf("exit code %d, stderr %q:\n%s", code, stderr, stdout)
	}
	code, stdout, stderr = v.run(t, "", "--bucket", v.ids[1].String())
	if code != ExitUncertain || !strings.Contains(stderr, "no bucket could be read") {
		t.Errorf("exit code %d, stderr %q:\n%s", code, stderr, stdout)
	}
}

func TestBackupsRefuses(t *testing.T) {
	v := newVault(t)
	good := v.ids[0].String()
	for name, test := range map[string]struct {
		stdin  string
		args   []string
		stderr string
	}{
		"nothing to look into": {"", nil, "which buckets?"},
		"no id":                {"", []string{"--bucket", "fsn1"}, "is not an object id"},
		"unknown location":     {"", []string{"--bucket", "hetzner/fns1/b"}, "did you mean fsn1"},
		"no access":            {"", []string{"--bucket", "google/us-central1-a/b"}, "no block \"google\""},
		"no form":              {"", []string{"--bucket", good, "--output", "xml"}, "none of table, json, prometheus"},
		"no age":               {"", []string{"--bucket", good, "--rpo", "-1h"}, "is no age"},
		"no duration":          {"", []string{"--bucket", good, "--rpo", "soon"}, "invalid"},
		"no tenant":            {"", []string{"--bucket", good, "--tenant", "ACME"}, "Invalid tenant"},
		"no tenants":           {"", []string{"--bucket", good}, "no tenant of the deployment acme-eu"},
		"a word too many":      {"", []string{"--bucket", good, "now"}, "unknown command"},
		"stdin twice":          {"", []string{"--state", "-", "--state", "-"}, "can be given once"},
		"a plan of nothing":    {"", []string{"--bucket", good, "--plan", "standard"}, "which is missing"},
		"no such plan":         {v.state("standard"), []string{"--state", "-", "--plan", "other"}, `no backup plan "other"`},
		"no plan":              {`{"version":4,"resources":[]}`, []string{"--state", "-"}, "the state has no backup plan"},
		"no state":             {"{}", []string{"--state", "-"}, "it has no version"},
		"another's state":      {strings.ReplaceAll(v.state("standard", "acme"), "acme-eu", "acme-us"), []string{"--state", "-"}, `belongs to the deployment "acme-us"`},
	} {
		t.Run(name, func(t *testing.T) {
			code, _, stderr := v.run(t, test.stdin, test.args...)
			if code != ExitUncertain || !strings.Contains(stderr, test.stderr) {
				t.Errorf("exit code %d, stderr %q, want %q", code, stderr, test.stderr)
			}
		})
	}
	t.Run("no keys", func(t *testing.T) {
		v.BucketsErr = &cloud.Error{Code: cloud.CodeUnauthorized, Cloud: "hetzner", Message: "there are no keys", Remedy: "Set them."}
		if code, _, stderr := v.run(t, "", "--bucket", good); code != ExitUncertain || !strings.Contains(stderr, "there are no keys\nSet them.") {
			t.Errorf("exit code %d, stderr %q", code, stderr)
		}
	})
}

// A plan is no object of any cloud: `holdfast orphans` passes over it.
func TestOrphansPassOverPlans(t *testing.T) {
	var owned orphans.Owned
	if count, err := readState([]byte(newVault(t).state("standard", "acme")), "acme-eu", &owned); err != nil || count != 2 {
		t.Errorf("%d objects, %v", count, err)
	}
}
