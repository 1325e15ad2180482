package acceptance

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	"github.com/minio/minio-go/v7"
)

// protected are one location of each cloud that a plan protects.
var protected = []string{"hetzner/fsn1", "google/europe-west3-a"}

// spaced makes a pattern of a text that Terraform breaks into lines.
func spaced(text string) *regexp.Regexp {
	return regexp.MustCompile(`(?s)` + strings.ReplaceAll(regexp.QuoteMeta(text), " ", `[\s│]+`))
}

// Each rule has its own message, on both clouds, before any bucket exists, and
// nobody is asked.
func TestBackupPlanRefused(t *testing.T) {
	for _, protects := range protected {
		t.Run(strings.ReplaceAll(protects, "/", "-"), func(t *testing.T) {
			v := newVaults(t)
			var steps []resource.TestStep
			refused := func(config string, texts ...string) {
				for _, text := range texts {
					steps = append(steps, resource.TestStep{Config: v.config(config), PlanOnly: true, ExpectError: spaced(text)})
				}
			}
			set := func(days map[string]int, texts ...string) { refused(backups(protects, days, ""), texts...) }
			with := func(extra string, texts ...string) { refused(backups(protects, good(), extra), texts...) }
			instead := func(from, to string, texts ...string) {
				text := backups(protects, good(), "")
				changed := strings.Replace(text, from, to, 1)
				if changed == text {
					t.Fatalf("%q is not there", from)
				}
				refused(changed, texts...)
			}
			// Places.
			set(map[string]int{"hetzner/nbg1": 93, "google/us-central1-a": 0}, "Too few backup buckets (BAK-2)", "Add a bucket in ")
			set(map[string]int{"hetzner/nbg1": 93, "google/us-central1-a": 0, "google/us-central1-b": 0}, "Backups in too few data centres (BAK-2)")
			set(map[string]int{"hetzner/nbg1": 93, "hetzner/hel1": 0, "google/europe-west1-b": 0}, "Backups on too few continents (BAK-2)")
			set(map[string]int{"hetzner/nbg1": 0, "hetzner/hel1": 0, "google/us-central1-a": 0}, "No immutable backups (BAK-6)", "Set immutable_days on the bucket in")
			set(map[string]int{"hetzner/nbg1": 93, protects: 0, "google/us-central1-a": 0}, "Bucket in the protected data centre does not count (DR-2)")
			set(map[string]int{"hetzner/nbg1": 0, "hetzner/hel1": 0, protects: 93, "google/us-central1-a": 0}, "Immutable backups only in the protected data centre (BAK-6)")
			// Numbers.
			with("retention = { daily = 6 }", "Too few daily backups (BAK-1)")
			with("retention = { weekly = 3 }", "Too few weekly backups (BAK-1)")
			with("retention = { monthly = 2 }", "Too few monthly backups (BAK-1)")
			with("retention = { monthly = 12 }", "Immutable for too short a time (BAK-6)", "Set it to 372 or more")
			with("rpo_hours = 48", "Recovery point objective too long (DR-1)")
			with("rpo_hours = 4", "Recovery point objective that cannot be kept (BAK-3)")
			// Clocks.
			instead("02:30", "12:00", "Backup in business hours (UPT-2)", "Europe/Berlin")
			instead("02:30", "06:00", "Backup in business hours (UPT-2)")
			instead("02:30", "25:00", "Not a time of day")
			instead("02:30", "half past two", "Not a time of day")
			with(`time_zone = "Asia/Singapore"`, "Backup in business hours (UPT-2)")
			with(`time_zone = "Middle-earth"`, "Unknown time zone")
			// Names.
			instead(`name     = "standard"`, `name = "Standard plan"`, "Invalid name")
			instead(fmt.Sprintf("[%q]", protects), `[]`, "Nothing is protected (DR-2)")
			instead(fmt.Sprintf("[%q]", protects), `["hetzner/fns1"]`, "Not a location")
			instead("holdfast_backup_bucket.hetzner_hel1,", `{ location = "hetzner/hel1" },`, "Incomplete bucket")
			instead("holdfast_backup_bucket.hetzner_hel1,", `{ id = "hel1", location = "hetzner/hel1" },`, "Not a bucket's id")
			instead("holdfast_backup_bucket.hetzner_hel1,", `{ id = "hetzner/hel1/b", location = "hetzner/fsn1" },`, "Another location than the bucket's")
			instead("immutable_days = 93", `immutable_days = 30`, "Immutable for too short a time (BAK-6)")
			v.test(t, steps...)
			if n := v.asked(); n != 0 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// What was unknown to the plan is judged by the apply, and what was known by the
// plan all the same; sets may be made with for_each.
func TestBackupPlanUnknown(t *testing.T) {
	for _, protects := range protected {
		t.Run(strings.ReplaceAll(protects, "/", "-"), func(t *testing.T) {
			v := newVaults(t)
			// later gives a value that no first plan knows.
			later := func(name, value string) string {
				return fmt.Sprintf("resource \"terraform_data\" %q {\n  input = %s\n}\n", name, value)
			}
			in := func(days, schedule string) string {
				return v.config(later("schedule", fmt.Sprintf("%q", schedule)) + later("protects", fmt.Sprintf("%q", protects)) + later("days", days) + `
locals {
  places = { "hetzner/nbg1" = terraform_data.days.output, "hetzner/hel1" = 0, "google/us-central1-a" = 0 }
}

resource "holdfast_backup_bucket" "all" {
  for_each       = local.places
  name           = "backups"
  location       = each.key
  immutable_days = each.value
}

resource "holdfast_backup_plan" "of" {
  for_each = toset(["standard", "second"])
  name     = each.key
  schedule = terraform_data.schedule.output
  protects = [terraform_data.protects.output]
  buckets  = values(holdfast_backup_bucket.all)
}
`)
			}
			v.test(t,
				resource.TestStep{Config: strings.Replace(in("93", "02:30"), `, "hetzner/hel1" = 0`, "", 1), PlanOnly: true, ExpectError: spaced("Too few backup buckets (BAK-2)")},
				resource.TestStep{Config: in("0", "02:30"), ExpectError: spaced("No immutable backups (BAK-6)")},
				resource.TestStep{Config: in("93", "12:00"), ExpectError: spaced("Backup in business hours (UPT-2)")},
				resource.TestStep{Config: in("93", "02:30"), ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue(`holdfast_backup_plan.of["standard"]`, tfjsonpath.New("bucket_ids"), knownvalue.ListSizeExact(3)),
					statecheck.ExpectKnownValue(`holdfast_backup_plan.of["second"]`, tfjsonpath.New("id"), knownvalue.StringExact("second")),
				}},
				resource.TestStep{Config: v.config("")}, // at the end, the framework reads a state in a form without for_each
			)
		})
	}
}

// What is said of buckets is compared with the buckets before it is kept.
func TestBackupPlanVerifies(t *testing.T) {
	onBoth(t, func(t *testing.T, v vaults, place string) {
		_, zone, _ := strings.Cut(place, "/")
		name := "acc-backups-" + zone
		with := func(id, days string) string {
			rest := "holdfast_backup_bucket.hetzner_hel1, holdfast_backup_bucket.google_us_central1_a"
			if place == places[1] {
				rest = "holdfast_backup_bucket.hetzner_hel1, holdfast_backup_bucket.hetzner_nbg1"
			}
			config := backups("hetzner/fsn1", good(), "")
			from, to := strings.Index(config, "buckets  = ["), strings.Index(config, "output \"ids\"")
			return v.config(config[:from] + fmt.Sprintf("buckets = [{ id = %q, location = %q, immutable_days = %s }, %s]\n}\n", id, place, days, rest) + config[to:])
		}
		v.test(t,
			resource.TestStep{Config: with(place+"/acc-nothing-"+zone, "93"), ExpectError: spaced("No such bucket")},
			resource.TestStep{Config: with(place+"/"+name, "120"), ExpectError: spaced("Bucket is less immutable than it is said to be (BAK-6)")},
			resource.TestStep{
				PreConfig: func() {
					var err error
					if place == places[0] {
						err = v.store(t, zone).MakeBucket(t.Context(), "free", minio.MakeBucketOptions{})
					} else {
						_, err = v.gcs(t.Context(), "POST", "b?project="+googleProject, `{"name": "theirs", "location": "US-CENTRAL1", "labels": {"holdfast-deployment": "theirs"}}`)
					}
					if err != nil {
						t.Fatal(err)
					}
				},
				Config:      with(place+"/"+map[string]string{places[0]: "free", places[1]: "theirs"}[place], "0"),
				ExpectError: map[string]*regexp.Regexp{places[0]: spaced("No immutable backups (BAK-6)"), places[1]: spaced("Bucket of another deployment")}[place],
			},
			resource.TestStep{Config: with(place+"/"+name, map[string]string{places[0]: "93", places[1]: "0"}[place]), Check: resource.TestCheckResourceAttr(planName, "buckets.0.id", place+"/"+name)},
		)
	})
}
