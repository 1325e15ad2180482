package acceptance

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/minio/minio-go/v7"
)

const bucketName = "holdfast_backup_bucket.a"

func bucket(location, extra string) string {
	return fmt.Sprintf(`
resource "holdfast_backup_bucket" "a" {
  name     = "backups"
  location = %q
  %s
}
`, location, extra)
}

// places are one location of each cloud.
var places = []string{"hetzner/nbg1", "google/us-central1-a"}

func TestBackupBucket(t *testing.T) {
	for _, place := range places {
		t.Run(strings.ReplaceAll(place, "/", "-"), func(t *testing.T) {
			v := newVaults(t)
			v.test(t,
				resource.TestStep{
					Config: v.config(bucket(place, `labels = { team = "db" }`)),
					Check: resource.ComposeAggregateTestCheckFunc(
						resource.TestMatchResourceAttr(bucketName, "id", regexp.MustCompile("^"+place+"/[a-z0-9-]+$")),
						resource.TestCheckResourceAttrPair(bucketName, "bucket", bucketName, "native_id"),
						resource.TestCheckResourceAttr(bucketName, "immutable_days", "0"),
						resource.TestCheckResourceAttr(bucketName, "old_version_days", "93"),
						resource.TestCheckResourceAttr(bucketName, "labels.team", "db"),
						resource.TestCheckResourceAttr(bucketName, "protections.private", "true"),
						resource.TestCheckResourceAttr(bucketName, "protections.versioned", "true"),
					),
				},
				resource.TestStep{ // in place
					Config: v.config(bucket(place, `old_version_days = 120`)),
					ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
						plancheck.ExpectResourceAction(bucketName, plancheck.ResourceActionUpdate)}},
					Check: resource.TestCheckResourceAttr(bucketName, "old_version_days", "120"),
				},
				resource.TestStep{ResourceName: bucketName, ImportState: true, ImportStateVerify: true, ImportStateVerifyIgnore: []string{"timeouts"}},
				resource.TestStep{
					Config:      v.config(bucket(place, "immutable_days = 30")),
					ExpectError: regexp.MustCompile(`Immutable for too short a time \(BAK-6\)`),
				},
				resource.TestStep{
					Config:      v.config(bucket(place, "immutable_days = 93\n force_destroy = true")),
					ExpectError: regexp.MustCompile(`Immutable bucket cannot be destroyed \(BAK-6\)`),
				},
				resource.TestStep{Config: v.config(bucket(place, ""))},
			)
		})
	}
}

// Where object lock is decided at creation, becoming immutable is a
// replacement; where it is not, an update. Longer is always an update, and
// shorter never possible.
func TestBackupBucketImmutable(t *testing.T) {
	for place, action := range map[string]plancheck.ResourceActionType{
		"hetzner/nbg1": plancheck.ResourceActionDestroyBeforeCreate, "google/us-central1-a": plancheck.ResourceActionUpdate,
	} {
		t.Run(strings.ReplaceAll(place, "/", "-"), func(t *testing.T) {
			v := newVaults(t)
			does := func(action plancheck.ResourceActionType) resource.ConfigPlanChecks {
				return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(bucketName, action)}}
			}
			v.test(t,
				resource.TestStep{Config: v.config(bucket(place, ""))},
				resource.TestStep{Config: v.config(bucket(place, "immutable_days = 93")), ConfigPlanChecks: does(action),
					Check: resource.TestCheckResourceAttr(bucketName, "old_version_days", "93")},
				resource.TestStep{Config: v.config(bucket(place, "immutable_days = 120")), ConfigPlanChecks: does(plancheck.ResourceActionUpdate),
					Check: resource.TestCheckResourceAttr(bucketName, "old_version_days", "120")},
				resource.TestStep{Config: v.config(bucket(place, "immutable_days = 93")), ExpectError: regexp.MustCompile(`Retention cannot shrink \(BAK-6\)`)},
				resource.TestStep{Config: v.config(bucket(place, "immutable_days = 120"))},
			)
		})
	}
}

// A bucket with backups in it is not destroyed, unless that was said before.
func TestBackupBucketDestroy(t *testing.T) {
	v := newVaults(t)
	store := v.store(t, "nbg1")
	var name string
	config := func(extra string) string { return v.config(bucket("hetzner/nbg1", extra)) }
	v.test(t,
		resource.TestStep{Config: config(""), Check: resource.TestCheckResourceAttrWith(bucketName, "bucket", func(value string) error { name = value; return nil })},
		resource.TestStep{
			PreConfig: func() {
				if _, err := store.PutObject(context.Background(), name, "acc/acme/restic/config", strings.NewReader("x"), 1, minio.PutObjectOptions{}); err != nil {
					t.Fatal(err)
				}
			},
			Config: v.config(""), ExpectError: regexp.MustCompile(`force_destroy`),
		},
		resource.TestStep{Config: config("force_destroy = true")},
		resource.TestStep{Config: v.config("")},
	)
	if found, err := store.BucketExists(t.Context(), name); err != nil || found {
		t.Errorf("the bucket is left: %v %v", found, err)
	}
}
