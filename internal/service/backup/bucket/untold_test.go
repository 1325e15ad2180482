package bucket

import (
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/servicetest"
)

// Where a vendor has nothing to read of a protection, it is neither true nor
// false: in the plan, after the apply, after a refresh, and after an import.
func TestUntoldProtectionsAreNull(t *testing.T) {
	for _, test := range []struct {
		cloud, location string
		untold          cloud.BucketGuard
	}{
		{"hetzner", "hetzner/nbg1", cloud.GuardEncrypted},
		{"google", "google/us-central1-a", cloud.GuardTLS},
	} {
		t.Run(test.cloud, func(t *testing.T) {
			c := servicetest.NewCloud()
			c.Name = test.cloud
			tf := servicetest.NewTerraform(t, servicetest.NewEnv(t, c), NewResource)
			config := servicetest.Config{"name": "a", "location": test.location}
			look := func(when string, instance servicetest.Instance) {
				t.Helper()
				shown, ok := instance.Get(t, "protections").(map[string]any)
				if !ok {
					t.Fatalf("%s: protections %v", when, instance.Get(t, "protections"))
				}
				for _, guard := range guards() {
					var want any = true
					if guard == test.untold {
						want = nil
					}
					if got := shown[string(guard)]; got != want {
						t.Errorf("%s: %s = %v, want %v", when, guard, got, want)
					}
				}
			}
			plan := tf.Plan(servicetest.Instance{}, config)
			look("planned", servicetest.Instance{State: plan.Planned})
			made, diags := tf.Apply(plan)
			if len(diags) > 0 {
				t.Fatal(diags)
			}
			look("made", made)
			made, _ = tf.Refresh(made)
			look("refreshed", made)
			if next := tf.Plan(made, config); !next.IsNoOp() {
				t.Errorf("the second plan is not empty: %v", next.Planned)
			}
			imported, diags := tf.Import(test.location + "/bucket-1")
			if len(diags) > 0 {
				t.Fatal(diags)
			}
			look("imported", imported)
		})
	}
}

// As long as the location is unknown, so is which of them can be read.
func TestProtectionsOfAnUnknownLocation(t *testing.T) {
	_, tf := start(t)
	plan := tf.Plan(servicetest.Instance{}, basic().With("location", servicetest.Unknown))
	if got := (servicetest.Instance{State: plan.Planned}).Get(t, "protections"); got != servicetest.Unknown {
		t.Errorf("protections %v, want unknown", got)
	}
}
