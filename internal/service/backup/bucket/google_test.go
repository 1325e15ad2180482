package bucket

import (
	"maps"
	"strings"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/servicetest"
)

const key = "projects/acme/locations/us-central1/keyRings/backups/cryptoKeys/all"

func startGoogle(t *testing.T) (*servicetest.Cloud, *servicetest.Terraform) {
	t.Helper()
	c := servicetest.NewCloud()
	c.Name = "google"
	return c, servicetest.NewTerraform(t, servicetest.NewEnv(t, c), NewResource)
}

func google() servicetest.Config {
	return servicetest.Config{"name": "us", "location": "google/us-central1-a", "immutable_days": 93}
}

func TestGoogleKey(t *testing.T) {
	c, tf := startGoogle(t)
	made := tf.Create(google())
	config := google().With("google", map[string]any{"kms_key": key})
	plan := tf.Plan(made, config)
	if len(plan.Replaces) > 0 {
		t.Errorf("replaces %v", plan.Replaces)
	}
	made, diags := tf.Apply(plan)
	if len(diags) > 0 || !maps.Equal(c.BucketStore.All()["bucket-1"].Options, map[string]string{"kms_key": key}) {
		t.Errorf("the driver got %v, %v", c.BucketStore.All()["bucket-1"].Options, diags)
	}
	made, _ = tf.Refresh(made)
	if plan := tf.Plan(made, config); !plan.IsNoOp() {
		t.Errorf("the plan is not empty: %v", plan.Planned)
	}
	// Somebody took it away.
	c.BucketStore.Change("bucket-1", func(b *cloud.Bucket) { b.Options = nil })
	made, _ = tf.Refresh(made)
	tf.Change(made, config)
	if got := c.BucketStore.All()["bucket-1"].Options["kms_key"]; got != key {
		t.Errorf("the key is %q", got)
	}
	expect(t, tf.Plan(made, google().With("google", map[string]any{"kms_key": strings.Replace(key, "us-central1", "europe-west3", 1)})).Diags.Errors(),
		[]string{"google.kms_key: ", "Key of another region"})
}

// The one step that nobody can undo is announced by the plan, once, and can
// indeed not be undone.
func TestLock(t *testing.T) {
	c, tf := startGoogle(t)
	made := tf.Create(google())
	locked := google().With("lock_retention", true)
	plan := tf.Plan(made, locked)
	if warnings := plan.Diags.Warnings(); len(warnings) != 1 || !strings.Contains(warnings[0], "locked for ever") || !strings.Contains(warnings[0], "93 days") {
		t.Errorf("warnings %q", warnings)
	}
	made, diags := tf.Apply(plan)
	if len(diags) > 0 || !c.BucketStore.All()["bucket-1"].LockRetention {
		t.Errorf("the cloud has %+v, %v", c.BucketStore.All()["bucket-1"], diags)
	}
	made, _ = tf.Refresh(made)
	if plan := tf.Plan(made, locked); !plan.IsNoOp() || len(plan.Diags) > 0 {
		t.Errorf("plan %v, %v", plan.Planned, plan.Diags)
	}
	if plan := tf.Plan(made, locked.With("immutable_days", 120)); len(plan.Diags) > 0 {
		t.Errorf("a longer retention: %v", plan.Diags)
	}
	expect(t, tf.Plan(made, google()).Diags.Errors(), []string{"lock_retention: ", "locked for ever (BAK-6)"})
}

// Elsewhere the vendor tells of no lock, and the attribute stays as written.
func TestLockElsewhere(t *testing.T) {
	c, tf := start(t)
	config := basic().With("immutable_days", 93).With("lock_retention", true)
	plan := tf.Plan(servicetest.Instance{}, config)
	if len(plan.Diags) > 0 {
		t.Errorf("%v", plan.Diags)
	}
	made, _ := tf.Apply(plan)
	for _, told := range []bool{false, true} {
		c.BucketStore.Change("bucket-1", func(b *cloud.Bucket) { b.LockRetention = told })
		made, _ = tf.Refresh(made)
		if plan := tf.Plan(made, config); !plan.IsNoOp() {
			t.Errorf("told %v: the plan is not empty: %v", told, plan.Planned)
		}
	}
	tf.Change(made, basic().With("immutable_days", 93))
}
