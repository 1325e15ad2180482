package acceptance

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/minio/minio-go/v7"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

const planName = "holdfast_backup_plan.standard"

// backups is a set of buckets, one for each location with its immutable days,
// and a plan of all of them.
func backups(protects string, days map[string]int, extra string) string {
	var resources, buckets, ids strings.Builder
	for _, location := range slices.Sorted(maps.Keys(days)) {
		label := strings.NewReplacer("/", "_", "-", "_").Replace(location)
		fmt.Fprintf(&resources, `
resource "holdfast_backup_bucket" %q {
  name           = "backups"
  location       = %q
  immutable_days = %d
}
`, label, location, days[location])
		fmt.Fprintf(&buckets, "holdfast_backup_bucket.%s, ", label)
		fmt.Fprintf(&ids, "%q = holdfast_backup_bucket.%s.id\n", location, label)
	}
	return fmt.Sprintf(`
%s
resource "holdfast_backup_plan" "standard" {
  name     = "standard"
  schedule = "02:30"
  protects = [%q]
  buckets  = [%s]
  %s
}

output "ids" {
  value = {
%s  }
}
`, resources.String(), protects, buckets.String(), extra, ids.String())
}

func good() map[string]int {
	return map[string]int{"hetzner/nbg1": 93, "hetzner/hel1": 0, "google/us-central1-a": 0}
}

// Buckets are given as they are, and judged by the first plan, before any of
// them exists.
func TestBackupPlan(t *testing.T) {
	v := newVaults(t)
	in := func(days map[string]int) string { return v.config(backups("hetzner/fsn1", days, "")) }
	refused := func(days map[string]int, text string) resource.TestStep {
		return resource.TestStep{Config: in(days), PlanOnly: true, ExpectError: regexp.MustCompile(text)}
	}
	v.test(t,
		refused(map[string]int{"hetzner/nbg1": 93, "google/us-central1-a": 0}, `(?s)Too few backup buckets \(BAK-2\).*Add a bucket in`),
		refused(map[string]int{"hetzner/nbg1": 93, "hetzner/hel1": 0, "google/europe-west3-a": 0}, `Backups on too few continents \(BAK-2\)`),
		refused(map[string]int{"hetzner/nbg1": 93, "hetzner/fsn1": 0, "google/us-central1-a": 0}, `does not count \(DR-2\)`),
		refused(map[string]int{"hetzner/nbg1": 0, "hetzner/hel1": 0, "google/us-central1-a": 0}, `No immutable backups \(BAK-6\)`),
		resource.TestStep{
			PreConfig: func() {
				for kind, n := range v.Inventory() {
					if n > 0 {
						t.Errorf("a refused plan made %d of %s", n, kind)
					}
				}
			},
			Config: in(good()),
			Check: resource.ComposeAggregateTestCheckFunc(
				resource.TestCheckResourceAttr(planName, "id", "standard"),
				resource.TestCheckResourceAttr(planName, "rpo_hours", "24"),
				resource.TestCheckResourceAttr(planName, "retention.daily", "7"),
				resource.TestCheckResourceAttr(planName, "retention.weekly", "4"),
				resource.TestCheckResourceAttr(planName, "retention.monthly", "3"),
				resource.TestCheckResourceAttr(planName, "bucket_ids.#", "3"),
				resource.TestCheckResourceAttr(planName, "buckets.#", "3"),
			),
		},
		resource.TestStep{
			Config: v.config(backups("hetzner/fsn1", good(), "retention = { daily = 14 }\n time_zone = \"Europe/Berlin\"")),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(planName, plancheck.ResourceActionUpdate)}},
			Check: resource.ComposeAggregateTestCheckFunc(
				resource.TestCheckResourceAttr(planName, "retention.daily", "14"),
				resource.TestCheckResourceAttr(planName, "retention.monthly", "3")),
		},
		resource.TestStep{ResourceName: planName, ImportState: true, ImportStateId: "standard", ImportStateVerify: true,
			ImportStateVerifyIgnore: []string{"schedule", "time_zone", "retention", "rpo_hours", "protects", "buckets", "bucket_ids"}},
		resource.TestStep{Config: v.config(strings.Replace(backups("hetzner/fsn1", good(), ""), "02:30", "12:00", 1)), ExpectError: regexp.MustCompile(`Backup in business hours \(UPT-2\)`)},
		resource.TestStep{Config: v.config(backups("hetzner/fsn1", good(), "retention = { monthly = 12 }")), ExpectError: regexp.MustCompile(`Immutable for too short a time \(BAK-6\)`)},
		resource.TestStep{Config: v.config(backups("hetzner/fsn1", good(), "rpo_hours = 48")), ExpectError: regexp.MustCompile(`\(DR-1\)`)},
		resource.TestStep{Config: in(good())},
	)
}

// A bucket's location is lost: plan, apply and inventory go on, and say what is
// degraded; nothing is asked there. It comes back, and nothing has changed.
func TestBackupsWithALostLocation(t *testing.T) {
	v := newVaults(t)
	const inventory = `
data "holdfast_backups" "all" {
  bucket_ids = holdfast_backup_plan.standard.bucket_ids
  rpo_hours  = holdfast_backup_plan.standard.rpo_hours
  tenants    = ["acme"]
}
check "backups" {
  assert {
    condition     = data.holdfast_backups.all.ok
    error_message = "Backups are too old: ${join(", ", data.holdfast_backups.all.broken)}."
  }
}
`
	names := map[string]string{}
	remember := func(state *terraform.State) error {
		ids, ok := state.RootModule().Outputs["ids"].Value.(map[string]any)
		if !ok {
			return fmt.Errorf("the output is a %T", state.RootModule().Outputs["ids"].Value)
		}
		for location, id := range ids {
			names[location] = strings.TrimPrefix(fmt.Sprint(id), location+"/")
		}
		return nil
	}
	backUp := func(location string) {
		t.Helper()
		key := "acc/acme/restic/snapshots/" + strings.Repeat("ab", 32)
		if _, err := v.store(t, strings.TrimPrefix(location, "hetzner/")).PutObject(context.Background(), names[location], key, strings.NewReader("ciphertext"), 10, minio.PutObjectOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	whole := backups("hetzner/fsn1", map[string]int{"hetzner/nbg1": 93, "hetzner/hel1": 0, "google/us-central1-a": 0}, "")
	const all = "data.holdfast_backups.all"
	v.test(t,
		resource.TestStep{Config: v.config(whole), Check: remember},
		resource.TestStep{
			PreConfig: func() { backUp("hetzner/hel1") },
			Config:    v.config(whole + inventory),
			Check: resource.ComposeAggregateTestCheckFunc(
				resource.TestCheckResourceAttr(all, "ok", "false"),
				resource.TestCheckResourceAttr(all, "broken.0", "acme"),
				resource.TestCheckResourceAttr(all, "inventory.0.fresh_copies", "1"),
				resource.TestCheckResourceAttr(all, "inventory.0.missing_copies", "2"),
			),
		},
		resource.TestStep{
			PreConfig: func() { v.ResetRequests() },
			Config:    v.config(whole+inventory, "google/*"),
			Check: resource.ComposeAggregateTestCheckFunc(
				resource.TestCheckResourceAttr("holdfast_backup_bucket.google_us_central1_a", "location", "google/us-central1-a"),
				resource.TestCheckResourceAttr(all, "inventory.0.fresh_copies", "1"),
				func(*terraform.State) error {
					if n := v.RequestsOf(simcloud.GCS).Total; n > 0 {
						return fmt.Errorf("%d requests to the lost cloud", n)
					}
					return nil
				},
			),
		},
		resource.TestStep{ // another change goes on
			Config: v.config(strings.Replace(whole, "02:30", "03:30", 1), "google/*"),
			Check:  resource.TestCheckResourceAttr(planName, "schedule", "03:30"),
		},
		resource.TestStep{Config: v.config(strings.Replace(whole, "02:30", "03:30", 1))},
		resource.TestStep{
			PreConfig: func() {
				store := v.store(t, "hel1")
				if err := store.RemoveObject(context.Background(), names["hetzner/hel1"], "acc/acme/restic/snapshots/"+strings.Repeat("ab", 32), minio.RemoveObjectOptions{}); err != nil {
					t.Fatal(err)
				}
			},
			Config: v.config(strings.Replace(whole, "immutable_days = 0", "immutable_days = 0\n  force_destroy = true", 2)),
		},
	)
}
