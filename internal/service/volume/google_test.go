package volume

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/servicetest"
)

const key = "projects/acme/locations/europe-west3/keyRings/disks/cryptoKeys/customer"

func google(block map[string]any) servicetest.Config {
	config := basic().With("location", "google/europe-west3-a")
	if block != nil {
		config = config.With("google", block)
	}
	return config
}

func startGoogle(t *testing.T) (*servicetest.Cloud, *servicetest.Terraform) {
	t.Helper()
	c := servicetest.NewCloud()
	c.Name = "google"
	return c, servicetest.NewTerraform(t, servicetest.NewEnv(t, c), NewResource)
}

// vendor lets the cloud show a volume as Compute Engine does.
func vendor(c *servicetest.Cloud) {
	c.VolumeStore.Change("1", func(v *cloud.Volume) {
		shown := map[string]string{"type": "pd-balanced"}
		maps.Copy(shown, v.Options)
		if shown["kms_key"] != "" {
			shown["kms_key"] += "/cryptoKeyVersions/1"
		}
		v.Options = shown
	})
}

func TestGoogleBlock(t *testing.T) {
	for name, test := range map[string]struct {
		block map[string]any
		want  map[string]string
	}{
		"absent":           {nil, nil},
		"empty":            {map[string]any{}, nil},
		"key":              {map[string]any{"kms_key": key}, map[string]string{"kms_key": key}},
		"type":             {map[string]any{"type": "pd-ssd"}, map[string]string{"type": "pd-ssd"}},
		"the default type": {map[string]any{"type": "pd-balanced"}, map[string]string{"type": "pd-balanced"}},
	} {
		t.Run(name, func(t *testing.T) {
			c, tf := startGoogle(t)
			made := tf.Create(google(test.block))
			if got := c.VolumeStore.All()["1"].Options; !maps.Equal(got, test.want) {
				t.Errorf("the driver got %v, want %v", got, test.want)
			}
			vendor(c)
			refreshed, diags := tf.Refresh(made)
			if len(diags) > 0 {
				t.Fatal(diags.Errors())
			}
			if plan := tf.Plan(refreshed, google(test.block)); !plan.IsNoOp() {
				t.Errorf("the second plan is not empty: %v %v", plan.Planned, plan.Diags.Errors())
			}
			imported, diags := tf.Import("google/europe-west3-a/1")
			if len(diags.Errors()) > 0 {
				t.Fatal(diags.Errors())
			}
			if plan := tf.Plan(imported, google(test.block)); len(plan.Replaces) > 0 || len(plan.Diags.Errors()) > 0 {
				t.Errorf("after the import the plan replaces because of %v, %v", plan.Replaces, plan.Diags.Errors())
			}
		})
	}
}

func TestGoogleReplacements(t *testing.T) {
	c, tf := startGoogle(t)
	made := tf.Create(google(map[string]any{"kms_key": key}))
	vendor(c)
	made, _ = tf.Refresh(made)
	for name, block := range map[string]map[string]any{
		"another key": {"kms_key": key + "2"}, "no key": {}, "no block": nil, "another type": {"kms_key": key, "type": "pd-ssd"},
	} {
		if plan := tf.Plan(made, google(block)); !slices.Equal(plan.Replaces, []string{"google"}) || len(plan.Diags.Errors()) > 0 {
			t.Errorf("%s: replaces %v, %v", name, plan.Replaces, plan.Diags.Errors())
		}
	}
	protected := tf.Change(made, google(map[string]any{"kms_key": key}).With("deletion_protection", true))
	expect(t, tf.Plan(protected, google(nil).With("deletion_protection", true)).Diags.Errors(), []string{"google: ", "Deletion protection"})
}

// On another cloud the block says nothing, whatever becomes of it.
func TestGoogleBlockElsewhere(t *testing.T) {
	c, tf := start(t)
	made := tf.Create(basic().With("google", map[string]any{"kms_key": key}))
	if got := c.VolumeStore.All()["1"].Options; len(got) > 0 {
		t.Errorf("the driver got %v", got)
	}
	refreshed, _ := tf.Refresh(made)
	if plan := tf.Plan(refreshed, basic().With("google", map[string]any{"kms_key": key})); !plan.IsNoOp() {
		t.Errorf("the second plan is not empty: %v", plan.Planned)
	}
	if plan := tf.Plan(refreshed, basic()); len(plan.Replaces) > 0 {
		t.Errorf("replaces %v", plan.Replaces)
	}
}

func TestGoogleRefusals(t *testing.T) {
	_, tf := startGoogle(t)
	for name, test := range map[string]struct {
		block map[string]any
		want  string
	}{
		"raw key":        {map[string]any{"kms_key": "SGVsbG8gZnJvbSBHb29nbGUgQ2xvdWQgUGxhdGZvcm0="}, "(ENC-1)"},
		"another region": {map[string]any{"kms_key": strings.Replace(key, "europe-west3", "us-east1", 1)}, "Key of another region"},
		"type":           {map[string]any{"type": "ssd"}, "google.type: Unknown type of disk"},
	} {
		t.Run(name, func(t *testing.T) {
			expect(t, tf.Plan(servicetest.Instance{}, google(test.block)).Diags.Errors(), []string{"google.", test.want})
		})
	}
}
