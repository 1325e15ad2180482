package acceptance

import (
	"context"
	"fmt"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"
	"github.com/hetznercloud/hcloud-go/v2/hcloud"
)

const dataVolume = "holdfast_volume.data"

// volume is a block with attributes besides name, location and size.
func volume(name, location string, size int, more string) string {
	return fmt.Sprintf("resource \"holdfast_volume\" \"data\" {\n  name = %q\n  location = %q\n  size_gb = %d\n%s\n}\n", name, location, size, more)
}

// theVolume is the only volume in the account.
func (w *world) theVolume(t *testing.T) *hcloud.Volume {
	t.Helper()
	volumes, err := w.Client.Volume.All(context.Background())
	if err != nil || len(volumes) != 1 {
		t.Fatalf("the account has %d volumes: %v", len(volumes), err)
	}
	return volumes[0]
}

// volumeIs wants the only volume to satisfy a condition.
func (w *world) volumeIs(t *testing.T, what string, is func(*hcloud.Volume) bool) resource.TestCheckFunc {
	return func(*terraform.State) error {
		if v := w.theVolume(t); !is(v) {
			return fmt.Errorf("the volume is not %s: %s of %d GB in %s, labels %v, protected %t", what, v.Name, v.Size, v.Location.Name, v.Labels, v.Protection.Delete)
		}
		return nil
	}
}

func TestVolume(t *testing.T) {
	w := newWorld(t)
	var id string
	w.test(t,
		resource.TestStep{
			PreConfig:        w.ResetRequests,
			Config:           w.config(volume("data", "hetzner/fsn1", 20, `tenant = "acme"`)),
			ConfigPlanChecks: planned(dataVolume, plancheck.ResourceActionCreate),
			Check: resource.ComposeAggregateTestCheckFunc(
				w.asked(map[string]int{"POST /v1/volumes": 1}),
				holds(dataVolume, map[string]string{
					"name": "data", "location": "hetzner/fsn1", "deployment": "acc", "tenant": "acme", "size_gb": "20", "encrypted": "true", "deletion_protection": "false",
				}),
				absent(dataVolume, "tier", "labels.%"),
				remember(dataVolume, &id),
				func(state *terraform.State) error {
					v := w.theVolume(t)
					return holds(dataVolume, map[string]string{
						"id": fmt.Sprintf("hetzner/fsn1/%d", v.ID), "native_id": fmt.Sprint(v.ID), "device": v.LinuxDevice,
					})(state)
				},
				w.volumeIs(t, "unformatted and labelled", func(v *hcloud.Volume) bool {
					return v.Name == "data-fsn1" && v.Format == nil && v.Labels["holdfast-deployment"] == "acc" && v.Labels["holdfast-name"] == "data" &&
						v.Labels["holdfast-tenant"] == "acme" && v.Labels["holdfast-key"] != ""
				}),
			),
		},
		resource.TestStep{
			PreConfig:        w.ResetRequests,
			Config:           w.config(volume("data", "hetzner/fsn1", 20, `tenant = "acme"`)),
			ConfigPlanChecks: nothingPlanned(),
			Check:            w.asked(map[string]int{"GET /v1/volumes": 1}),
		},
		resource.TestStep{
			PreConfig:        w.ResetRequests,
			Config:           w.config(volume("data", "hetzner/fsn1", 30, `tenant = "acme"`)),
			ConfigPlanChecks: planned(dataVolume, plancheck.ResourceActionUpdate),
			Check: resource.ComposeAggregateTestCheckFunc(stays(dataVolume, &id), holds(dataVolume, map[string]string{"size_gb": "30"}),
				w.asked(map[string]int{"GET /v1/volumes": 1, "POST /v1/volumes/{id}/actions/resize": 1}),
				w.volumeIs(t, "grown", func(v *hcloud.Volume) bool { return v.Size == 30 })),
		},
		resource.TestStep{
			// The name, the labels and the tier take one request together.
			PreConfig:        w.ResetRequests,
			Config:           w.config(volume("files", "hetzner/fsn1", 30, "tenant = \"acme\"\ntier = \"free\"\nlabels = { team = \"ops\" }")),
			ConfigPlanChecks: planned(dataVolume, plancheck.ResourceActionUpdate),
			Check: resource.ComposeAggregateTestCheckFunc(stays(dataVolume, &id),
				w.asked(map[string]int{"GET /v1/volumes": 1, "PUT /v1/volumes/{id}": 1}),
				w.volumeIs(t, "renamed", func(v *hcloud.Volume) bool {
					return v.Name == "files-fsn1" && v.Labels["team"] == "ops" && v.Labels["holdfast-tier"] == "free" && v.Labels["holdfast-name"] == "files"
				})),
		},
		resource.TestStep{ResourceName: dataVolume, ImportState: true, ImportStateVerify: true},
		resource.TestStep{ResourceName: dataVolume, ImportState: true, ImportStateKind: resource.ImportBlockWithID},
		resource.TestStep{
			Config:           w.config(volume("files", "hetzner/fsn1", 30, `tenant = "other"`)),
			ConfigPlanChecks: planned(dataVolume, plancheck.ResourceActionDestroyBeforeCreate),
			Check:            resource.ComposeAggregateTestCheckFunc(moved(dataVolume, &id), remember(dataVolume, &id)),
		},
		resource.TestStep{
			// A volume that is replaced anyway may be smaller.
			Config:           w.config(volume("files", "hetzner/hel1", 10, `tenant = "other"`)),
			ConfigPlanChecks: planned(dataVolume, plancheck.ResourceActionDestroyBeforeCreate),
			Check: resource.ComposeAggregateTestCheckFunc(moved(dataVolume, &id),
				w.volumeIs(t, "moved", func(v *hcloud.Volume) bool {
					return v.Name == "files-hel1" && v.Location.Name == "hel1" && v.Size == 10
				})),
		},
		resource.TestStep{
			PreConfig:        w.ResetRequests,
			Config:           w.config(""),
			ConfigPlanChecks: planned(dataVolume, plancheck.ResourceActionDestroy),
			Check:            w.asked(map[string]int{"GET /v1/volumes": 1, "DELETE /v1/volumes/{id}": 1}),
		},
	)
}

// A volume that was shared becomes a tenant's in place, since nobody's data
// comes along; it never becomes another's, or nobody's again.
func TestVolumeGetsItsTenant(t *testing.T) {
	w := newWorld(t)
	var id string
	w.test(t,
		resource.TestStep{Config: w.config(volume("data", "hetzner/fsn1", 10, "")), Check: remember(dataVolume, &id)},
		resource.TestStep{
			Config:           w.config(volume("data", "hetzner/fsn1", 10, `tenant = "acme"`)),
			ConfigPlanChecks: planned(dataVolume, plancheck.ResourceActionUpdate), Check: stays(dataVolume, &id),
		},
		resource.TestStep{
			Config:           w.config(volume("data", "hetzner/fsn1", 10, "")),
			ConfigPlanChecks: planned(dataVolume, plancheck.ResourceActionDestroyBeforeCreate), Check: moved(dataVolume, &id),
		},
	)
}

// Import by identity, where the command line has it.
func TestVolumeIdentity(t *testing.T) {
	w := newWorld(t)
	config := w.config(volume("data", "hetzner/fsn1", 10, ""))
	c := w.testCase(
		resource.TestStep{Config: config},
		resource.TestStep{ResourceName: dataVolume, ImportState: true, ImportStateKind: resource.ImportBlockWithResourceIdentity},
	)
	c.TerraformVersionChecks = []tfversion.TerraformVersionCheck{tfversion.SkipBelow(tfversion.Version1_12_0)}
	resource.UnitTest(t, c)
}

// What somebody changed with the vendor's own tools is shown and undone.
func TestVolumeDrift(t *testing.T) {
	w := newWorld(t)
	config := w.config(volume("data", "hetzner/fsn1", 10, "tenant = \"acme\"\ntier = \"paid\"\nlabels = { team = \"ops\" }"))
	repaired := w.volumeIs(t, "repaired", func(v *hcloud.Volume) bool {
		return v.Name == "data-fsn1" && v.Labels["team"] == "ops" && v.Labels["extra"] == "" && v.Labels["holdfast-deployment"] == "acc" &&
			v.Labels["holdfast-tenant"] == "acme" && v.Labels["holdfast-tier"] == "paid" && !v.Protection.Delete
	})
	drift := func(change func(*hcloud.Volume)) resource.TestStep {
		return resource.TestStep{
			PreConfig:        func() { change(w.theVolume(t)) },
			Config:           config,
			ConfigPlanChecks: planned(dataVolume, plancheck.ResourceActionUpdate),
			Check:            repaired,
		}
	}
	update := func(options func(*hcloud.Volume) hcloud.VolumeUpdateOpts) resource.TestStep {
		return drift(func(v *hcloud.Volume) {
			must[*hcloud.Volume](t)(w.Client.Volume.Update(context.Background(), v, options(v)))
		})
	}
	relabel := func(change map[string]string) resource.TestStep {
		return update(func(v *hcloud.Volume) hcloud.VolumeUpdateOpts {
			return hcloud.VolumeUpdateOpts{Labels: labelled(v.Labels, change)}
		})
	}
	w.test(t,
		resource.TestStep{Config: config},
		update(func(*hcloud.Volume) hcloud.VolumeUpdateOpts { return hcloud.VolumeUpdateOpts{Name: "somebody"} }),
		relabel(map[string]string{"team": "sales", "extra": "yes"}),
		relabel(map[string]string{"holdfast-deployment": ""}),
		relabel(map[string]string{"holdfast-tier": "free"}),
		relabel(map[string]string{"holdfast-tenant": ""}),
		drift(func(v *hcloud.Volume) {
			on := true
			w.done(t)(w.Client.Volume.ChangeProtection(context.Background(), v, hcloud.VolumeChangeProtectionOpts{Delete: &on}))
		}),
		resource.TestStep{
			// Disappeared: made again.
			PreConfig: func() {
				if _, err := w.Client.Volume.Delete(context.Background(), w.theVolume(t)); err != nil {
					t.Fatal(err)
				}
			},
			Config: config, ConfigPlanChecks: planned(dataVolume, plancheck.ResourceActionCreate), Check: repaired,
		},
		resource.TestStep{
			// Grown: nothing can make it smaller, so the configuration has to follow.
			PreConfig: func() { w.done(t)(w.Client.Volume.Resize(context.Background(), w.theVolume(t), 40)) },
			Config:    config, ExpectError: says("Volume cannot shrink", "size_gb =", "has 40 GB", "Set size_gb to 40 or more"),
		},
		resource.TestStep{
			Config:           w.config(volume("data", "hetzner/fsn1", 40, "tenant = \"acme\"\ntier = \"paid\"\nlabels = { team = \"ops\" }")),
			ConfigPlanChecks: nothingPlanned(),
		},
	)
}

func TestVolumeProtection(t *testing.T) {
	w := newWorld(t)
	protected := func(more string) string {
		return volume("data", "hetzner/fsn1", 10, "deletion_protection = true\ntenant = \"acme\"\n"+more)
	}
	trigger := func(value, lifecycle string) string {
		return w.config(fmt.Sprintf("resource \"terraform_data\" \"when\" { input = %q }\n", value) + protected(lifecycle))
	}
	const triggered = "lifecycle { replace_triggered_by = [terraform_data.when] }"
	config := w.config(protected(""))
	w.test(t,
		resource.TestStep{
			PreConfig: w.ResetRequests, Config: config,
			Check: resource.ComposeAggregateTestCheckFunc(holds(dataVolume, map[string]string{"deletion_protection": "true"}),
				w.asked(map[string]int{"POST /v1/volumes": 1, "POST /v1/volumes/{id}/actions/change_protection": 1}),
				w.volumeIs(t, "protected by the cloud", func(v *hcloud.Volume) bool { return v.Protection.Delete })),
		},
		resource.TestStep{Config: config, Destroy: true, ExpectError: says("Deletion protection", `volume "data"`, "set deletion_protection = false, apply")},
		resource.TestStep{Config: w.config(""), ExpectError: says("Deletion protection", "no plan may delete it")},
		resource.TestStep{Config: w.config(volume("data", "hetzner/hel1", 10, `tenant = "acme"`)),
			ExpectError: says("Deletion protection", "location =", "changing location replaces it")},
		resource.TestStep{Config: w.config(volume("data", "hetzner/fsn1", 10, "tenant = \"other\"\ndeletion_protection = true")),
			ExpectError: says("Deletion protection", "tenant =", "changing tenant replaces it")},
		resource.TestStep{Config: config, Taint: []string{dataVolume}, ExpectError: says("Deletion protection", "tainted", "untaint")},
		resource.TestStep{
			// Somebody took the cloud's own protection off: it comes back, and the
			// way out of the mark is the same as ever.
			PreConfig: func() {
				off := false
				w.done(t)(w.Client.Volume.ChangeProtection(context.Background(), w.theVolume(t), hcloud.VolumeChangeProtectionOpts{Delete: &off}))
			},
			Config: config, ConfigPlanChecks: planned(dataVolume, plancheck.ResourceActionDestroyBeforeCreate),
			Check: w.volumeIs(t, "protected again", func(v *hcloud.Volume) bool { return v.Protection.Delete }),
		},
		resource.TestStep{Config: trigger("one", "")},
		resource.TestStep{Config: trigger("two", triggered), ExpectError: says("Deletion protection", "deletion_protection = true", "replace_triggered_by")},
		// The way out.
		resource.TestStep{Config: w.config(volume("data", "hetzner/fsn1", 10, `tenant = "acme"`)), ConfigPlanChecks: planned(dataVolume, plancheck.ResourceActionUpdate),
			Check: w.volumeIs(t, "unprotected", func(v *hcloud.Volume) bool { return !v.Protection.Delete })},
		resource.TestStep{Config: w.config(""), ConfigPlanChecks: planned(dataVolume, plancheck.ResourceActionDestroy), Check: w.cloudHolds("volume", 0)},
	)
}

func TestVolumeRefusals(t *testing.T) {
	w := newWorld(t)
	w.refused(t, map[string]refusal{
		"not encrypted":       {volume("data", "hetzner/fsn1", 10, "encrypted = false"), []string{"Volume without encryption (ENC-1)", "encrypted =", "set it to true"}},
		"too small":           {volume("data", "hetzner/fsn1", 9, ""), []string{"Volume too small", "size_gb =", "Ask for 10 GB or more"}},
		"nothing":             {volume("data", "hetzner/fsn1", 0, ""), []string{"Volume too small", "size_gb ="}},
		"too large":           {volume("data", "hetzner/fsn1", 10241, ""), []string{"Volume too large", "size_gb =", "Ask for 10240 GB or less"}},
		"name of capitals":    {volume("Data", "hetzner/fsn1", 10, ""), []string{"Invalid name", "name ="}},
		"no such location":    {volume("data", "hetzner/fsn2", 10, ""), []string{"Unknown location", "location =", "fsn1"}},
		"no location":         {volume("data", "fsn1", 10, ""), []string{"Not a location", "location =", "hetzner/fsn1"}},
		"no such cloud":       {volume("data", "nebula/europe-west3-a", 10, ""), []string{"Unknown location", "location =", "unknown cloud"}},
		"tenant of capitals":  {volume("data", "hetzner/fsn1", 10, `tenant = "ACME"`), []string{"tenant ="}},
		"no such tier":        {volume("data", "hetzner/fsn1", 10, `tier = "gold"`), []string{"tier =", "paid"}},
		"reserved label":      {volume("data", "hetzner/fsn1", 10, `labels = { holdfast-key = "x" }`), []string{"Invalid label", `the prefix "holdfast-" is reserved`}},
		"two with one name":   {volume("data", "hetzner/fsn1", 10, "count = 2"), []string{"The name is claimed twice", "name =", "Give one of them another name"}},
		"a timeout of a word": {volume("data", "hetzner/fsn1", 10, `timeouts = { create = "soon" }`), []string{"Invalid Attribute Value Time Duration"}},
	})
}

// What is unknown at plan is judged before the first request.
func TestVolumeKnownAtApply(t *testing.T) {
	w := newWorld(t)
	later := func(encrypted bool, size int, location string) string {
		return w.config(fmt.Sprintf(`
resource "terraform_data" "late" { input = { encrypted = %t, size = %d, location = %q } }
`, encrypted, size, location) + `
resource "holdfast_volume" "data" {
  name      = "data"
  location  = terraform_data.late.output.location
  encrypted = terraform_data.late.output.encrypted
  size_gb   = terraform_data.late.output.size
}
`)
	}
	w.test(t,
		resource.TestStep{Config: later(false, 10, "hetzner/fsn1"), ExpectError: says("Volume without encryption (ENC-1)", "encrypted =")},
		resource.TestStep{Config: later(true, 9, "hetzner/fsn1"), ExpectError: says("Volume too small", "size_gb =")},
		resource.TestStep{Config: later(true, 10, "hetzner/fsn2"), ExpectError: says("Unknown location", "location =")},
		resource.TestStep{
			PreConfig: func() {
				if counts := w.Counts(); counts.Total != 0 {
					t.Errorf("the cloud was asked: %v", counts.Routes)
				}
			},
			Config: later(true, 10, "hetzner/fsn1"), Check: holds(dataVolume, map[string]string{"size_gb": "10"}),
		},
	)

	sized := func(size int) string {
		return w.config(fmt.Sprintf("resource \"terraform_data\" \"late\" { input = %d }\n", size) + `
resource "holdfast_volume" "data" {
  name     = "data"
  location = "hetzner/fsn1"
  size_gb  = terraform_data.late.output
}
`)
	}
	var id string
	w.test(t,
		resource.TestStep{Config: sized(20), Check: remember(dataVolume, &id)},
		resource.TestStep{Config: sized(15), ExpectError: says("Volume cannot shrink", "size_gb =", "Set size_gb to 20 or more")},
		resource.TestStep{
			Config: sized(25), ConfigPlanChecks: planned(dataVolume, plancheck.ResourceActionUpdate),
			Check: resource.ComposeAggregateTestCheckFunc(stays(dataVolume, &id), holds(dataVolume, map[string]string{"size_gb": "25"})),
		},
	)
}

// A lost location is never asked for anything, and nothing is made in it; what
// was left behind is found again.
func TestVolumeInALostLocation(t *testing.T) {
	w := newWorld(t)
	here := volume("data", "hetzner/fsn1", 10, "")
	standby := "resource \"holdfast_volume\" \"standby\" {\n name = \"data\"\n location = \"hetzner/hel1\"\n size_gb = 10\n}\n"
	var id string
	w.test(t,
		resource.TestStep{Config: w.config(here), Check: remember(dataVolume, &id)},
		resource.TestStep{
			PreConfig: w.ResetRequests,
			Config:    w.config(here, "hetzner/fsn1"), ExpectError: says("Lost location", "location =", "lost_locations"),
		},
		resource.TestStep{
			PreConfig: func() {
				if counts := w.Counts(); counts.Total != 0 {
					t.Errorf("the lost location was asked: %v", counts.Routes)
				}
			},
			Config: w.config(standby, "hetzner/fsn1"), ConfigPlanChecks: planned("holdfast_volume.standby", plancheck.ResourceActionCreate),
			Check: resource.ComposeAggregateTestCheckFunc(w.asked(map[string]int{"POST /v1/volumes": 1}), w.cloudHolds("volume", 2)),
		},
		resource.TestStep{
			Config: w.config(here + standby), ConfigPlanChecks: planned(dataVolume, plancheck.ResourceActionCreate),
			Check: resource.ComposeAggregateTestCheckFunc(stays(dataVolume, &id), w.cloudHolds("volume", 2)),
		},
	)
}
