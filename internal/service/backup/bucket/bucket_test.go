package bucket

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/servicetest"
)

func start(t *testing.T, lost ...string) (*servicetest.Cloud, *servicetest.Terraform) {
	t.Helper()
	c := servicetest.NewCloud()
	return c, servicetest.NewTerraform(t, servicetest.NewEnv(t, c, lost...), NewResource)
}

func basic() servicetest.Config {
	return servicetest.Config{"name": "nbg", "location": "hetzner/nbg1"}
}

func TestLifecycle(t *testing.T) {
	c, tf := start(t)
	made := tf.Create(basic())
	for name, want := range map[string]any{
		"id": "hetzner/nbg1/bucket-1", "native_id": "bucket-1", "bucket": "bucket-1", "immutable_days": int64(0), "lock_retention": false, "old_version_days": int64(93),
		"force_destroy": false, "endpoint": "https://nbg1.example.com", "soft_delete_days": int64(7), "google": nil, "deletion_protection": false,
	} {
		if got := made.Get(t, name); got != want {
			t.Errorf("%s = %v, want %v", name, got, want)
		}
	}
	if b := c.BucketStore.All()["bucket-1"]; b.OldVersionDays != 93 || b.ImmutableDays != 0 || b.LockRetention {
		t.Errorf("the cloud has %+v", b)
	}
	refreshed, diags := tf.Refresh(made)
	if len(diags) > 0 {
		t.Fatal(diags.Errors())
	}
	if plan := tf.Plan(refreshed, basic()); !plan.IsNoOp() {
		t.Errorf("the second plan is not empty: %v %v", plan.Planned, plan.Diags.Errors())
	}
	imported, diags := tf.Import("hetzner/nbg1/bucket-1")
	if len(diags.Errors()) > 0 || !imported.State.Equal(refreshed.State) {
		t.Errorf("import: %v\n got %v\nwant %v", diags.Errors(), imported.State, refreshed.State)
	}
	c.BucketStore.Remove("bucket-1")
	if gone, diags := tf.Refresh(made); gone.Exists() || len(diags) > 0 {
		t.Errorf("a bucket that is gone: in the state %t, %v", gone.Exists(), diags.Errors())
	}
}

func TestChangesInPlace(t *testing.T) {
	for _, test := range []struct {
		name, attribute string
		value           any
		is              func(cloud.Bucket) bool
	}{
		{"immutable", "immutable_days", 93, func(b cloud.Bucket) bool { return b.ImmutableDays == 93 && b.OldVersionDays == 93 }},
		{"immutable for long", "immutable_days", 400, func(b cloud.Bucket) bool { return b.ImmutableDays == 400 && b.OldVersionDays == 400 }},
		{"old versions", "old_version_days", 120, func(b cloud.Bucket) bool { return b.OldVersionDays == 120 }},
		{"old versions for ever", "old_version_days", 0, func(b cloud.Bucket) bool { return b.OldVersionDays == 0 }},
		{"labels", "labels", map[string]any{"team": "db"}, func(b cloud.Bucket) bool { return b.Labels["team"] == "db" }},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, tf := start(t)
			made := tf.Create(basic())
			config := basic().With(test.attribute, test.value)
			plan := tf.Plan(made, config)
			if len(plan.Replaces) > 0 {
				t.Fatalf("replaces because of %v", plan.Replaces)
			}
			changed, diags := tf.Apply(plan)
			if len(diags.Errors()) > 0 {
				t.Fatal(diags.Errors())
			}
			if b := c.BucketStore.All()["bucket-1"]; !test.is(b) {
				t.Errorf("the cloud has %+v", b)
			}
			changed, _ = tf.Refresh(changed)
			if plan := tf.Plan(changed, config); !plan.IsNoOp() {
				t.Errorf("the next plan is not empty: %v %v", plan.Planned, plan.Diags.Errors())
			}
		})
	}
}

func TestReplacements(t *testing.T) {
	c, tf := start(t)
	made := tf.Create(basic())
	for attribute, value := range map[string]any{"location": "hetzner/hel1", "name": "other"} {
		if plan := tf.Plan(made, basic().With(attribute, value)); !slices.Equal(plan.Replaces, []string{attribute}) {
			t.Errorf("replaces %v", plan.Replaces)
		}
	}
	// Where object lock is decided at creation, 0 becomes more by replacement
	// only, and more becomes longer in place.
	c.Caps.Replaces = map[cloud.Kind][]string{cloud.KindBucket: {"immutable_days"}}
	for _, days := range []any{93, servicetest.Unknown} {
		if plan := tf.Plan(made, basic().With("immutable_days", days)); !slices.Equal(plan.Replaces, []string{"immutable_days"}) {
			t.Errorf("%v days: replaces %v, %v", days, plan.Replaces, plan.Diags.Errors())
		}
	}
	hard := tf.Change(made, basic().With("immutable_days", 93))
	if plan := tf.Plan(hard, basic().With("immutable_days", 120)); len(plan.Replaces) > 0 || len(plan.Diags.Errors()) > 0 {
		t.Errorf("replaces %v, %v", plan.Replaces, plan.Diags.Errors())
	}
	// One whose retention somebody removed gets it again in place.
	c.BucketStore.Change(hard.Get(t, "native_id").(string), func(b *cloud.Bucket) { b.ImmutableDays, b.Broken = 0, []cloud.BucketGuard{cloud.GuardRetention} })
	weakened, _ := tf.Refresh(hard)
	if plan := tf.Plan(weakened, basic().With("immutable_days", 93)); len(plan.Replaces) > 0 || plan.IsNoOp() || len(plan.Diags.Errors()) > 0 {
		t.Errorf("replaces %v, %v", plan.Replaces, plan.Diags.Errors())
	}
}

// Every protection that somebody took away shows in the plan, and the apply
// brings it back.
func TestDrift(t *testing.T) {
	for _, guard := range guards() {
		t.Run(string(guard), func(t *testing.T) {
			c, tf := start(t)
			config := basic()
			if guard == cloud.GuardEncrypted { // nothing tells of it at the other vendor
				c, tf = startGoogle(t)
				config = google()
			}
			made := tf.Create(config)
			c.BucketStore.Change("bucket-1", func(b *cloud.Bucket) { b.Broken = []cloud.BucketGuard{guard} })
			drifted, diags := tf.Refresh(made)
			if len(diags) > 0 {
				t.Fatal(diags)
			}
			shown, ok := drifted.Get(t, "protections").(map[string]any)
			if !ok || shown[string(guard)] != false {
				t.Fatalf("protections %v", shown)
			}
			for name, holds := range shown {
				untold := name == string(cloud.GuardEncrypted)
				if guard == cloud.GuardEncrypted {
					untold = name == string(cloud.GuardTLS)
				}
				if !untold && holds != (name != string(guard)) {
					t.Errorf("%s = %v", name, holds)
				}
			}
			plan := tf.Plan(drifted, config)
			if plan.IsNoOp() || len(plan.Replaces) > 0 || len(plan.Diags) > 0 {
				t.Fatalf("plan %v, replaces %v, %v", plan.Planned, plan.Replaces, plan.Diags)
			}
			repaired, diags := tf.Apply(plan)
			if len(diags) > 0 {
				t.Fatal(diags)
			}
			if b := c.BucketStore.All()["bucket-1"]; len(b.Broken) > 0 {
				t.Errorf("the cloud has %+v", b)
			}
			repaired, _ = tf.Refresh(repaired)
			if plan := tf.Plan(repaired, config); !plan.IsNoOp() {
				t.Errorf("the next plan is not empty: %v", plan.Planned)
			}
		})
	}
}

// What was broken is what the driver is told.
func TestDriftOfSettings(t *testing.T) {
	c, tf := start(t)
	made := tf.Create(basic().With("immutable_days", 93))
	c.BucketStore.Change("bucket-1", func(b *cloud.Bucket) { b.ImmutableDays, b.OldVersionDays = 40, 1 })
	drifted, _ := tf.Refresh(made)
	tf.Change(drifted, basic().With("immutable_days", 93))
	if b := c.BucketStore.All()["bucket-1"]; b.ImmutableDays != 93 || b.OldVersionDays != 93 {
		t.Errorf("the cloud has %+v", b)
	}
	// The default of old versions is put right, too, although nobody wrote it.
	c.BucketStore.Change("bucket-1", func(b *cloud.Bucket) { b.OldVersionDays = 1 })
	drifted, _ = tf.Refresh(drifted)
	tf.Change(drifted, basic().With("immutable_days", 93))
	if b := c.BucketStore.All()["bucket-1"]; b.OldVersionDays != 93 {
		t.Errorf("the cloud has %+v", b)
	}
}

func TestRefusals(t *testing.T) {
	for _, test := range []struct {
		name      string
		config    servicetest.Config
		complains []string
	}{
		{"immutable for too short a time", basic().With("immutable_days", 30), []string{"immutable_days: ", "(BAK-6)", "93 or more"}},
		{"immutable and disposable", basic().With("immutable_days", 93).With("force_destroy", true), []string{"force_destroy: ", "(BAK-6)"}},
		{"old versions expire in the retention", basic().With("immutable_days", 120).With("old_version_days", 100), []string{"old_version_days: ", "(BAK-6)", "120 or more"}},
		{"old versions expire before backups do", basic().With("old_version_days", 30), []string{"old_version_days: ", "(BAK-1)", "93 or more"}},
		{"negative", basic().With("old_version_days", -1), []string{"old_version_days: ", "Negative"}},
		{"too many", basic().With("old_version_days", 40000), []string{"old_version_days: ", "Impossible"}},
		{"a lock of nothing", basic().With("lock_retention", true), []string{"lock_retention: ", "No retention to lock"}},
		{"no object storage", basic().With("location", "hetzner/ash"), []string{"location: ", "No object storage there", "hetzner/nbg1"}},
		{"unknown location", basic().With("location", "hetzner/nbg2"), []string{"location: ", "nbg1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, tf := start(t)
			expect(t, tf.Plan(servicetest.Instance{}, test.config).Diags.Errors(), test.complains)
		})
	}
}

func TestRetentionNeverShrinks(t *testing.T) {
	c, tf := start(t)
	made := tf.Create(basic().With("immutable_days", 120))
	for _, days := range []any{93, 0} {
		expect(t, tf.Plan(made, basic().With("immutable_days", days)).Diags.Errors(), []string{"immutable_days: ", "Retention cannot shrink (BAK-6)", "120 or more", "another name"})
	}
	// Somebody made it longer: the plan cannot undo that.
	c.BucketStore.Change("bucket-1", func(b *cloud.Bucket) { b.ImmutableDays = 200 })
	longer, _ := tf.Refresh(made)
	expect(t, tf.Plan(longer, basic().With("immutable_days", 120)).Diags.Errors(), []string{"immutable_days: ", "200 or more"})
	// Another bucket may keep less.
	if plan := tf.Plan(made, basic().With("location", "hetzner/hel1")); len(plan.Diags.Errors()) > 0 {
		t.Error(plan.Diags.Errors())
	}
}

func TestUnknownValuesWait(t *testing.T) {
	_, tf := start(t)
	for _, attribute := range []string{"name", "location", "immutable_days", "lock_retention", "old_version_days", "force_destroy"} {
		if plan := tf.Plan(servicetest.Instance{}, basic().With(attribute, servicetest.Unknown)); len(plan.Diags.Errors()) > 0 {
			t.Errorf("%s unknown: %v", attribute, plan.Diags.Errors())
		}
	}
}

func TestDestroy(t *testing.T) {
	write := func(c *servicetest.Cloud) {
		c.BucketStore.Write("bucket-1", "acme-eu/acme/x", []byte("x"), time.Time{})
	}
	t.Run("with contents", func(t *testing.T) {
		c, tf := start(t)
		made := tf.Create(basic())
		write(c)
		_, diags := tf.Apply(tf.Plan(made, nil))
		expect(t, diags.Errors(), []string{"the bucket is not empty", "force_destroy = true"})
		// It counts once it is applied.
		made = tf.Change(made, basic().With("force_destroy", true))
		if gone, diags := tf.Apply(tf.Plan(made, nil)); gone.Exists() || len(diags) > 0 || len(c.BucketStore.All()) > 0 {
			t.Errorf("%v, the cloud has %v", diags.Errors(), c.BucketStore.All())
		}
	})
	t.Run("emptying fails", func(t *testing.T) {
		c, tf := start(t)
		made := tf.Create(basic().With("force_destroy", true))
		write(c)
		c.Fault = func(call string, _ cloud.Kind, _ string) error {
			if call == "empty" {
				return &cloud.Error{Code: cloud.CodeUnavailable, Cloud: "hetzner", Message: "try later"}
			}
			return nil
		}
		kept, diags := tf.Apply(tf.Plan(made, nil))
		expect(t, diags.Errors(), []string{"Cannot delete backup bucket", "try later"})
		if !kept.Exists() || c.Count("delete", cloud.KindBucket) != 0 {
			t.Error("the bucket is no longer in the state")
		}
	})
	t.Run("protected", func(t *testing.T) {
		_, tf := start(t)
		made := tf.Create(basic().With("deletion_protection", true))
		expect(t, tf.Plan(made, nil).Diags.Errors(), []string{"deletion_protection: "})
	})
}

// A bucket in a lost location stays in the state; nobody asks it anything, and
// nothing about it fails.
func TestLost(t *testing.T) {
	c, tf := start(t)
	made := tf.Create(basic())
	c.BucketStore.Change("bucket-1", func(b *cloud.Bucket) { b.Broken = []cloud.BucketGuard{cloud.GuardPrivate} })
	made, _ = tf.Refresh(made)
	calls := c.Calls()

	tf = servicetest.NewTerraform(t, servicetest.NewEnv(t, c, "hetzner/nbg1"), NewResource)
	kept, diags := tf.Refresh(made)
	if !kept.State.Equal(made.State) || len(diags.Errors()) > 0 || len(diags.Warnings()) != 1 || !strings.Contains(diags.Warnings()[0], "lost location hetzner/nbg1") {
		t.Errorf("state %v, %v", kept.State, diags)
	}
	if plan := tf.Plan(kept, basic()); !plan.IsNoOp() {
		t.Errorf("the plan is not empty: %v %v", plan.Planned, plan.Diags.Errors())
	}
	expect(t, tf.Plan(kept, basic().With("immutable_days", 93)).Diags.Errors(), []string{"location: ", "Lost location"})
	expect(t, tf.Plan(servicetest.Instance{}, basic()).Diags.Errors(), []string{"location: ", "Lost location"})
	gone, diags := tf.Apply(tf.Plan(kept, nil))
	if gone.Exists() || len(diags.Errors()) > 0 || len(diags.Warnings()) != 1 {
		t.Errorf("removing it: %v", diags)
	}
	if c.Calls() != calls || len(c.BucketStore.All()) != 1 {
		t.Errorf("%d requests", c.Calls()-calls)
	}
}

func TestNoAccess(t *testing.T) {
	t.Run("no buckets", func(t *testing.T) {
		c, tf := start(t)
		c.NoBuckets = true
		expect(t, tf.Plan(servicetest.Instance{}, basic()).Diags.Errors(), []string{"location: ", "no buckets for backups"})
	})
	missing := &cloud.Error{Code: cloud.CodeUnauthorized, Cloud: "hetzner", Message: "no access key", Remedy: "Set it."}
	t.Run("no credentials", func(t *testing.T) {
		c, tf := start(t)
		made := tf.Create(basic())
		c.BucketsErr = missing
		expect(t, tf.Plan(servicetest.Instance{}, basic()).Diags.Errors(), []string{"location: ", "no access key", "Set it."})
		_, diags := tf.Refresh(made)
		expect(t, diags.Errors(), []string{"no access key"})
		_, diags = tf.Apply(tf.Plan(made, nil))
		expect(t, diags.Errors(), []string{"no access key"})
	})
	t.Run("credentials not known yet", func(t *testing.T) {
		c, tf := start(t)
		unknown := *missing
		unknown.Err = service.ErrNotYetKnown
		c.BucketsErr = &unknown
		plan := tf.Plan(servicetest.Instance{}, basic())
		if len(plan.Diags) > 0 {
			t.Fatal(plan.Diags)
		}
		_, diags := tf.Apply(plan)
		expect(t, diags.Errors(), []string{"no access key"})
	})
}

func TestNoStore(t *testing.T) {
	want := errors.New("no")
	n := noStore{want}
	_, create := n.Create(t.Context(), cloud.BucketSpec{}, nil)
	_, get := n.Get(t.Context(), "")
	_, list := n.List(t.Context(), cloud.Filter{})
	_, update := n.Update(t.Context(), cloud.Bucket{}, cloud.BucketSpec{})
	for _, err := range []error{create, get, list, update, n.Delete(t.Context(), "")} {
		if !errors.Is(err, want) {
			t.Error(err)
		}
	}
}

func expect(t *testing.T, problems, parts []string) {
	t.Helper()
	if len(problems) != 1 {
		t.Fatalf("%d problems: %q", len(problems), problems)
	}
	for _, part := range parts {
		if !strings.Contains(problems[0], part) {
			t.Errorf("the message lacks %q: %s", part, problems[0])
		}
	}
}
