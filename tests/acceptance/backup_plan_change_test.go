package acceptance

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
)

// updatesOf wants an object to be changed where it is.
func updatesOf(address string) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(address, plancheck.ResourceActionUpdate)}}
}

// Every attribute of a plan changes in place.
func TestBackupPlanChanges(t *testing.T) {
	for _, protects := range protected {
		t.Run(strings.ReplaceAll(protects, "/", "-"), func(t *testing.T) {
			v := newVaults(t)
			days := map[string]int{"hetzner/nbg1": 93, "hetzner/hel1": 0, "google/us-central1-a": 0, "google/us-east1-b": 0}
			whole := backups(protects, days, "")
			change := func(from, to, name, value string) resource.TestStep {
				changed := strings.Replace(whole, from, to, 1)
				if changed == whole {
					t.Fatalf("%q is not there", from)
				}
				whole = changed
				return resource.TestStep{Config: v.config(whole), ConfigPlanChecks: updatesOf(planName), Check: resource.TestCheckResourceAttr(planName, name, value)}
			}
			v.test(t,
				resource.TestStep{Config: v.config(whole), Check: attributes(planName, map[string]string{
					"id": "standard", "name": "standard", "schedule": "02:30", "time_zone": "", "rpo_hours": "24", "retention.daily": "7", "retention.weekly": "4",
					"retention.monthly": "3", "protects.#": "1", "protects.0": protects, "buckets.#": "4", "bucket_ids.#": "4",
					"buckets.0.id": "google/us-central1-a/acc-backups-us-central1-a", "buckets.0.location": "google/us-central1-a", "buckets.0.immutable_days": "0",
					"bucket_ids.3": "hetzner/nbg1/acc-backups-nbg1", "buckets.3.immutable_days": "93",
				})},
				change(`"standard"
  schedule`, `"other"
  schedule`, "id", "other"),
				change("02:30", "03:00", "schedule", "03:00"),
				change("  protects = [", "  time_zone = \"Europe/Berlin\"\n  protects = [", "time_zone", "Europe/Berlin"),
				change("  protects = [", "  retention = { daily = 14 }\n  protects = [", "retention.daily", "14"),
				change("daily = 14", "weekly = 5", "retention.weekly", "5"),
				change("weekly = 5", "monthly = 3", "retention.weekly", "4"),
				change("protects = [", `protects = ["hetzner/fsn1", "google/europe-west3-b", `, "protects.#", map[string]string{"hetzner/fsn1": "2", "google/europe-west3-a": "3"}[protects]),
				change("holdfast_backup_bucket.google_us_central1_a, ", "", "bucket_ids.#", "3"),
			)
		})
	}
}

// An import knows the name alone, so the next plan shows all the rest as a
// change, in place, and what is applied is the same as if it had been made.
func TestBackupPlanImport(t *testing.T) {
	v := newVaults(t)
	whole := backups("hetzner/fsn1", good(), "")
	buckets, _, _ := strings.Cut(whole, `resource "holdfast_backup_plan"`)
	v.test(t,
		resource.TestStep{Config: v.config(buckets)},
		resource.TestStep{Config: v.config(whole + "import {\n  to = " + planName + "\n  id = \"No name\"\n}\n"), PlanOnly: true, ExpectError: spaced("Invalid name")},
		resource.TestStep{
			Config: v.config(whole + "import {\n  to = " + planName + "\n  id = \"standard\"\n}\n"), ConfigPlanChecks: updatesOf(planName),
			Check: attributes(planName, map[string]string{"id": "standard", "schedule": "02:30", "rpo_hours": "24", "retention.monthly": "3", "bucket_ids.#": "3"}),
		},
		resource.TestStep{Config: v.config(whole), PlanOnly: true},
	)
}
