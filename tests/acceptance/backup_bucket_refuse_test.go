package acceptance

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/minio/minio-go/v7"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

// asked counts the requests to both object stores.
func (v vaults) asked() int {
	return v.RequestsOf(simcloud.S3).Total + v.RequestsOf(simcloud.GCS).Total
}

// What breaks a promise, or cannot be, is refused by the plan, and nobody is
// asked anything.
func TestBackupBucketRefused(t *testing.T) {
	const readOnly = `Read-Only Attribute`
	both := map[string]string{
		"immutable_days = 30":                            `Immutable for too short a time \(BAK-6\)`,
		"immutable_days = -1":                            `Negative number of days`,
		"immutable_days = 4000":                          `Immutable for too long a time`,
		"immutable_days = 93\n  force_destroy = true":    `Immutable bucket cannot be destroyed \(BAK-6\)`,
		"immutable_days = 120\n  old_version_days = 100": `Lifecycle removes what is immutable \(BAK-6\)`,
		"old_version_days = 30":                          `Lifecycle removes backups that are kept \(BAK-1\)`,
		"old_version_days = -1":                          `Negative number of days`,
		"old_version_days = 40000":                       `Impossible number of days`,
		"lock_retention = true":                          `No retention to lock`,
		"immutable_days = 0\n  lock_retention = true":    `No retention to lock`,
		`labels = { "holdfast-key" = "x" }`:              `Invalid label`,
		`labels = { team = null }`:                       `Label without a value`,
		`google { kms_key = "projects/a" }`:              `Not the name of a key`,
		`bucket = "mine"`:                                readOnly,
		`protections = { private = false }`:              readOnly,
		`soft_delete_days = 0`:                           readOnly,
	}
	onBoth(t, func(t *testing.T, v vaults, place string) {
		var steps []resource.TestStep
		refused := func(config, text string) {
			steps = append(steps, resource.TestStep{Config: v.config(config), PlanOnly: true, ExpectError: regexp.MustCompile(text)})
		}
		for extra, text := range both {
			refused(bucket(place, extra), text)
		}
		cloud, _, _ := strings.Cut(place, "/")
		if cloud == "hetzner" {
			refused(bucket("hetzner/ash", ""), `No object storage there`)
		} else {
			refused(bucket(place, `google { kms_key = "`+strings.Replace(rightKey, "us-central1", "europe-west3", 1)+`" }`), `Key of another region`)
		}
		refused(bucket(cloud+"/nowhere9", ""), `Unknown location`)
		refused(bucket("nowhere", ""), `Not a location`)
		refused(strings.Replace(bucket(place, ""), `"backups"`, `"Back_ups"`, 1), `Invalid name`)
		refused(bucket(place, "")+strings.Replace(bucket(place, ""), `"a"`, `"b"`, 1), `The name is claimed twice`)
		steps = append(steps, resource.TestStep{Config: v.config(bucket(place, ""), place), PlanOnly: true, ExpectError: regexp.MustCompile(`Lost location`)})
		v.test(t, steps...)
		if n := v.asked(); n != 0 {
			t.Errorf("%d requests", n)
		}
	})
}

// What a bucket that exists can no longer become is refused by the plan, too.
func TestBackupBucketStays(t *testing.T) {
	onBoth(t, func(t *testing.T, v vaults, place string) {
		config := v.config(bucket(place, "immutable_days = 120\n  deletion_protection = true"))
		refused := func(extra, text string) resource.TestStep {
			return resource.TestStep{Config: v.config(bucket(place, extra)), ExpectError: regexp.MustCompile(text)}
		}
		renamed := strings.Replace(bucket(place, "immutable_days = 120\n  deletion_protection = true"), `"backups"`, `"others"`, 1)
		v.test(t,
			resource.TestStep{Config: config, Check: resource.TestCheckResourceAttr(bucketName, "deletion_protection", "true")},
			refused("deletion_protection = true\n  immutable_days = 93", `Retention cannot shrink \(BAK-6\)`),
			refused("deletion_protection = true\n  immutable_days = 0", `Retention cannot shrink \(BAK-6\)`),
			refused("deletion_protection = true", `Retention cannot shrink \(BAK-6\)`),
			refused("deletion_protection = true\n  immutable_days = 120\n  force_destroy = true", `Immutable bucket cannot be destroyed \(BAK-6\)`),
			resource.TestStep{Config: v.config(""), ExpectError: regexp.MustCompile(`Deletion protection`)},
			resource.TestStep{Config: v.config(renamed), ExpectError: regexp.MustCompile(`Deletion protection`)},
			resource.TestStep{Config: config, PlanOnly: true},
			resource.TestStep{Config: v.config(bucket(place, "immutable_days = 120"))},
		)
	})
}

// The vendor's refusals are told with what to do about them.
func TestBackupBucketVendorRefuses(t *testing.T) {
	t.Run("keys", func(t *testing.T) {
		v := newVaults(t)
		wrong := strings.Replace(v.config(bucket("hetzner/nbg1", "")), `secret_key = "`, `secret_key = "wrong`, 1)
		v.test(t, resource.TestStep{Config: wrong, ExpectError: regexp.MustCompile(`Cannot create backup bucket`)})
	})
	t.Run("no keys", func(t *testing.T) {
		v := newVaults(t)
		config := v.config(bucket("hetzner/nbg1", ""))
		from, to := strings.Index(config, "object_storage {"), strings.Index(config, "google {")
		v.test(t, resource.TestStep{Config: config[:from] + "  }\n  " + config[to:], PlanOnly: true, ExpectError: regexp.MustCompile(`(?i)object storage`)})
	})
	taken := map[string]func(t *testing.T, v vaults) error{
		"hetzner/nbg1": func(t *testing.T, v vaults) error {
			store := v.store(t, "nbg1")
			if err := store.MakeBucket(context.Background(), "acc-backups-nbg1", minio.MakeBucketOptions{}); err != nil {
				return err
			}
			_, err := store.PutObject(context.Background(), "acc-backups-nbg1", "mine", strings.NewReader("x"), 1, minio.PutObjectOptions{})
			return err
		},
		"google/us-central1-a": func(_ *testing.T, v vaults) error {
			_, err := v.gcs(context.Background(), http.MethodPost, "b?project="+googleProject, `{"name": "acc-backups-us-central1-a", "location": "US-CENTRAL1"}`)
			return err
		},
	}
	for _, place := range places {
		t.Run("name taken "+strings.ReplaceAll(place, "/", "-"), func(t *testing.T) {
			v := newVaults(t)
			v.test(t, resource.TestStep{
				PreConfig: func() {
					if err := taken[place](t, v); err != nil {
						t.Fatal(err)
					}
				},
				Config: v.config(bucket(place, "")), ExpectError: regexp.MustCompile(`(?s)the name is\s+taken`),
			})
		})
	}
}

// Another name, or another location, is another bucket; one that was deleted
// behind Terraform's back is made again.
func TestBackupBucketReplaced(t *testing.T) {
	for place, other := range map[string]string{"hetzner/nbg1": "hetzner/hel1", "google/us-central1-a": "google/europe-west3-a"} {
		t.Run(strings.ReplaceAll(place, "/", "-"), func(t *testing.T) {
			v := newVaults(t)
			named := func(name, place string) string {
				return v.config(strings.Replace(bucket(place, ""), `"backups"`, fmt.Sprintf("%q", name), 1))
			}
			var native string
			remember := resource.TestCheckResourceAttrWith(bucketName, "bucket", func(value string) error { native = value; return nil })
			_, zone, _ := strings.Cut(other, "/")
			v.test(t,
				resource.TestStep{Config: named("backups", place)},
				resource.TestStep{Config: named("others", place), ConfigPlanChecks: does(plancheck.ResourceActionDestroyBeforeCreate)},
				resource.TestStep{Config: named("others", other), ConfigPlanChecks: does(plancheck.ResourceActionDestroyBeforeCreate),
					Check: resource.ComposeAggregateTestCheckFunc(remember, resource.TestCheckResourceAttr(bucketName, "id", other+"/acc-others-"+zone))},
				resource.TestStep{
					PreConfig: func() {
						var err error
						if strings.HasPrefix(other, "hetzner/") {
							err = v.store(t, zone).RemoveBucket(t.Context(), native)
						} else {
							_, err = v.gcs(t.Context(), http.MethodDelete, "b/"+native, "")
						}
						if err != nil {
							t.Fatal(err)
						}
					},
					Config: named("others", other), ConfigPlanChecks: does(plancheck.ResourceActionCreate)},
			)
			if n := len(v.Objects("bucket")); n != 0 {
				t.Errorf("%d buckets are left", n)
			}
		})
	}
}
