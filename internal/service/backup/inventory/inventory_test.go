package inventory

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/datasource"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest/status"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/servicetest"
)

// asked is when the inventory is taken.
func asked() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

// world is a cloud with three buckets.
type world struct {
	*servicetest.Cloud
	ids []cloud.ID
}

func newWorld(t *testing.T) world {
	t.Helper()
	w := world{Cloud: servicetest.NewCloud()}
	for _, name := range []string{"fsn1", "hel1", "nbg1"} {
		w.ids = append(w.ids, w.BucketStore.Put(cloud.BucketSpec{Meta: cloud.Meta{Name: "b", Location: cloud.Location{Cloud: "hetzner", Name: name}, Deployment: "test"}}))
	}
	return w
}

// backUp makes a tenant's daily backups in every bucket, the newest so many
// hours ago, and the guest's status.
func (w world) backUp(t *testing.T, tenant string, days, hours int) {
	t.Helper()
	told := status.Status{Version: status.Version, Deployment: "test", Tenant: tenant, Machine: tenant, WrittenAt: asked(), BootID: "0b1d6a4e-3c7f-4e21-9d55-2f6a0c9e7b13",
		System: status.System{OS: "Debian GNU/Linux 13 (trixie)", Kernel: "6.12.48", BootedAt: asked(), PatchedAt: asked()}}
	for b, id := range w.ids {
		held := status.Bucket{Name: id.Native, Location: id.Location.String()}
		for day := range days {
			made := asked().Add(-time.Duration(hours+24*day) * time.Hour)
			one := status.Snapshot{ID: fmt.Sprintf("%063x%x", day, b), Time: made, Bytes: 1 << 20, Classes: []cloud.BackupClass{cloud.BackupDaily}}
			w.BucketStore.Write(id.Native, status.Prefix("test", tenant)+"restic/snapshots/"+one.ID, []byte("ciphertext"), made.Add(time.Minute))
			held.Snapshots = append(held.Snapshots, one)
		}
		told.Backups = []status.Bucket{held}
		text, err := told.Encode()
		if err != nil {
			t.Fatal(err)
		}
		w.BucketStore.Write(id.Native, status.Key("test", tenant), text, asked())
	}
}

func (w world) read(t *testing.T, env *service.Env, config servicetest.Config) (servicetest.Instance, servicetest.Diags) {
	t.Helper()
	if _, ok := config["bucket_ids"]; !ok {
		ids := []any{}
		for _, id := range w.ids {
			ids = append(ids, id.String())
		}
		config = config.With("bucket_ids", ids)
	}
	return servicetest.ReadDataSource(t, env, func() datasource.DataSource { return NewDataSource(asked) }, config)
}

// lines gives "tenant state fresh/copies: copy states".
func lines(t *testing.T, read servicetest.Instance) string {
	t.Helper()
	var out []string
	for _, one := range list(read.Get(t, "inventory")) {
		var states []string
		for _, c := range list(one["copies"]) {
			states = append(states, fmt.Sprint(c["state"], " ", c["backups"]))
		}
		out = append(out, fmt.Sprintf("%v %v %v+%v: %s", one["tenant"], one["state"], one["fresh_copies"], one["missing_copies"], strings.Join(states, ", ")))
	}
	return strings.Join(out, "; ")
}

func list(value any) []map[string]any {
	var out []map[string]any
	elements, _ := value.([]any)
	for _, element := range elements {
		if fields, ok := element.(map[string]any); ok {
			out = append(out, fields)
		}
	}
	return out
}

func TestRead(t *testing.T) {
	w := newWorld(t)
	w.backUp(t, "acme", 3, 10)
	w.backUp(t, "a-b", 1, 20)
	read, diags := w.read(t, servicetest.NewEnv(t, w), servicetest.Config{})
	if len(diags) > 0 {
		t.Fatal(diags.Errors())
	}
	if got := lines(t, read); got != "a-b ok 3+0: ok 1, ok 1, ok 1; acme ok 3+0: ok 3, ok 3, ok 3" {
		t.Error(got)
	}
	if read.Get(t, "ok") != true || read.Get(t, "rpo_hours") != int64(24) || fmt.Sprint(read.Get(t, "broken"), read.Get(t, "degraded")) != "[] []" {
		t.Errorf("ok %v, objective %v, broken %v, degraded %v", read.Get(t, "ok"), read.Get(t, "rpo_hours"), read.Get(t, "broken"), read.Get(t, "degraded"))
	}
	acme := list(read.Get(t, "inventory"))[1]
	copied := list(acme["copies"])[1]
	if acme["newest"] != "2026-11-22T02:00:00Z" || acme["age_hours"] != int64(10) || copied["bucket_id"] != w.ids[1].String() || copied["daily"] != int64(3) ||
		copied["bytes"] != int64(1<<20) || copied["told_by_guest"] != true || len(fmt.Sprint(copied["newest_id"])) != 64 || fmt.Sprint(copied["problems"]) != "[]" {
		t.Errorf("%v", acme)
	}
	if lists, reads := w.Count("list_objects", cloud.KindBucket), w.Count("read_object", cloud.KindBucket); lists != 3 || reads != 6 || w.Count("retention", cloud.KindBucket) != 3 || w.Calls() != 12 {
		t.Errorf("%d lists, %d reads, %d requests", lists, reads, w.Calls())
	}
}

func TestStates(t *testing.T) {
	w := newWorld(t)
	w.backUp(t, "late", 2, 30)
	w.backUp(t, "well", 2, 10)
	env := servicetest.NewEnv(t, w)
	for name, test := range map[string]struct {
		config servicetest.Config
		broken string
		ok     bool
	}{
		"late and missing":        {servicetest.Config{"tenants": []any{"late", "never", "well"}}, "[late never]", false},
		"another objective":       {servicetest.Config{"tenants": []any{"late"}, "rpo_hours": 30}, "[]", true},
		"a shorter one":           {servicetest.Config{"tenants": []any{"well"}, "rpo_hours": 7}, "[well]", false},
		"nobody is to have any":   {servicetest.Config{"tenants": []any{}}, "[]", true},
		"a bucket named twice":    {servicetest.Config{"tenants": []any{"well"}, "bucket_ids": []any{w.ids[0].String(), w.ids[0].String()}}, "[]", true},
		"whoever there is":        {servicetest.Config{}, "[late]", false},
		"one that is not emptied": {servicetest.Config{"tenants": []any{"well"}}, "[]", true},
	} {
		read, diags := w.read(t, env, test.config)
		if len(diags) > 0 || fmt.Sprint(read.Get(t, "broken")) != test.broken || read.Get(t, "ok") != test.ok {
			t.Errorf("%s: broken %v, ok %v, %v", name, read.Get(t, "broken"), read.Get(t, "ok"), diags.Errors())
		}
	}
}

// One of three locations is lost, another does not answer: what is left is
// told, and what is not.
func TestLostAndUnreachable(t *testing.T) {
	w := newWorld(t)
	w.backUp(t, "acme", 3, 10)
	w.Fault = func(call string, _ cloud.Kind, native string) error {
		switch native {
		case w.ids[0].Native:
			t.Errorf("the lost location was asked: %s", call)
		case w.ids[1].Native:
			return &cloud.Error{Code: cloud.CodeUnavailable, Cloud: "hetzner", Message: "no route to host"}
		}
		return nil
	}
	read, diags := w.read(t, servicetest.NewEnv(t, w, "hetzner/fsn1"), servicetest.Config{"tenants": []any{"acme"}})
	if len(diags.Errors()) > 0 || len(diags.Warnings()) != 1 || !strings.Contains(diags.Warnings()[0], "no route to host") {
		t.Fatalf("%v %v", diags.Errors(), diags.Warnings())
	}
	if got := lines(t, read); got != "acme degraded 1+2: lost <nil>, unreachable <nil>, ok 3" {
		t.Error(got)
	}
	var states []string
	for _, b := range list(read.Get(t, "buckets")) {
		states = append(states, fmt.Sprint(b["state"], " ", b["problem"] != nil))
	}
	if got := strings.Join(states, ", "); got != "lost false, unreachable true, read false" {
		t.Error(got)
	}
	// Nothing can be read: nothing is claimed.
	_, diags = w.read(t, servicetest.NewEnv(t, w, "hetzner/fsn1"), servicetest.Config{"bucket_ids": []any{w.ids[0].String(), w.ids[1].String()}})
	if problems := diags.Errors(); len(problems) != 1 || !strings.Contains(problems[0], "no bucket could be read") {
		t.Errorf("%q", problems)
	}
}

func TestRefusals(t *testing.T) {
	w := newWorld(t)
	refused := &cloud.Error{Code: cloud.CodeUnauthorized, Cloud: "hetzner", Message: "no access key"}
	for name, test := range map[string]struct {
		config servicetest.Config
		change func(*servicetest.Cloud)
		want   string
	}{
		"no bucket":        {servicetest.Config{"bucket_ids": []any{}}, nil, "bucket_ids: No bucket"},
		"no id":            {servicetest.Config{"bucket_ids": []any{"fsn1"}}, nil, "bucket_ids[0]: Not a bucket's id"},
		"unknown location": {servicetest.Config{"bucket_ids": []any{"hetzner/fns1/b"}}, nil, "fsn1"},
		"no tenant":        {servicetest.Config{"tenants": []any{"ACME"}}, nil, "tenants: Invalid tenant"},
		"no objective":     {servicetest.Config{"rpo_hours": 0}, nil, "rpo_hours: Not an objective"},
		"a long objective": {servicetest.Config{"rpo_hours": 3_000_000}, nil, "rpo_hours: Not an objective"},
		"another cloud":    {servicetest.Config{"bucket_ids": []any{"google/us-central1-a/b"}}, nil, "bucket_ids: "},
		"no credentials":   {servicetest.Config{}, func(c *servicetest.Cloud) { c.BucketsErr = refused }, "no access key"},
		"no buckets":       {servicetest.Config{}, func(c *servicetest.Cloud) { c.NoBuckets = true }, "no buckets for backups"},
	} {
		w.BucketsErr, w.NoBuckets = nil, false
		if test.change != nil {
			test.change(w.Cloud)
		}
		_, diags := w.read(t, servicetest.NewEnv(t, w), test.config)
		if problems := diags.Errors(); len(problems) != 1 || !strings.Contains(problems[0], test.want) {
			t.Errorf("%s: %q", name, problems)
		}
	}
	if w.Calls() != 0 {
		t.Errorf("%d requests", w.Calls())
	}
}

// The objective is judged by refreshes, which have the least priority.
func TestPriority(t *testing.T) {
	w := newWorld(t)
	w.Watch = func(ctx context.Context, call string, _ cloud.Kind) {
		if cloud.PriorityOf(ctx) != cloud.PriorityRefresh {
			t.Errorf("%s has the priority %v", call, cloud.PriorityOf(ctx))
		}
	}
	w.read(t, servicetest.NewEnv(t, w), servicetest.Config{})
}
