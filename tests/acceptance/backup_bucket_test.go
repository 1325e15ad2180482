package acceptance

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"
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

// onBoth runs a test in one location of each cloud.
func onBoth(t *testing.T, test func(t *testing.T, v vaults, place string)) {
	t.Helper()
	for _, place := range places {
		t.Run(strings.ReplaceAll(place, "/", "-"), func(t *testing.T) { test(t, newVaults(t), place) })
	}
}

// does wants one action of the plan for the bucket.
func does(action plancheck.ResourceActionType) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(bucketName, action)}}
}

// Every attribute as it is by default, each change that is made in place, and
// an import that takes over all of them.
func TestBackupBucket(t *testing.T) {
	onBoth(t, func(t *testing.T, v vaults, place string) {
		_, zone, _ := strings.Cut(place, "/")
		native := "acc-backups-" + zone
		wanted := intact(place, 0)
		delete(wanted, "labels.team")
		for name, value := range map[string]string{
			"id": place + "/" + native, "native_id": native, "bucket": native, "name": "backups", "location": place, "deployment": "acc",
			"lock_retention": "false", "force_destroy": "false", "deletion_protection": "false", "labels.%": "",
			"endpoint": strings.ReplaceAll(s3Endpoints(v.Sim), "{location}", zone), "soft_delete_days": "0", "google.kms_key": "",
		} {
			wanted[name] = value
		}
		if place == places[1] { // one endpoint for all, and the vendor's own bin
			wanted["endpoint"], wanted["soft_delete_days"] = "", "7"
		}
		in := func(extra string) string { return v.config(bucket(place, extra)) }
		change := func(extra, name, value string) resource.TestStep {
			return resource.TestStep{Config: in(extra), ConfigPlanChecks: does(plancheck.ResourceActionUpdate), Check: attributes(bucketName, map[string]string{name: value})}
		}
		imported := resource.TestStep{ResourceName: bucketName, ImportState: true, ImportStateVerify: true, ImportStateVerifyIgnore: []string{"timeouts"}}
		v.test(t,
			resource.TestStep{Config: in(""), Check: attributes(bucketName, wanted)},
			imported,
			change(`labels = { team = "db" }`, "labels.team", "db"),
			change(`labels = { team = "web" }`, "labels.team", "web"),
			change(`old_version_days = 120`, "old_version_days", "120"),
			imported,
			change(`old_version_days = 0`, "old_version_days", "0"),
			change(``, "old_version_days", "93"),
			change(`deletion_protection = true`, "deletion_protection", "true"),
			change(`force_destroy = true`, "force_destroy", "true"),
			change(`timeouts = { read = "5m" }`, "timeouts.read", "5m"),
			resource.TestStep{Config: in(`google { kms_key = "` + rightKey + `" }`), ConfigPlanChecks: does(plancheck.ResourceActionUpdate)},
			change(``, "google.kms_key", ""),
		)
	})
}

// By id in an import block, and by identity where the command line has it.
func TestBackupBucketImport(t *testing.T) {
	for kind, least := range map[resource.ImportStateKind]tfversion.TerraformVersionCheck{
		resource.ImportBlockWithID:               tfversion.SkipBelow(tfversion.Version1_5_0),
		resource.ImportBlockWithResourceIdentity: tfversion.SkipBelow(tfversion.Version1_12_0),
	} {
		t.Run(fmt.Sprint(kind), func(t *testing.T) {
			onBoth(t, func(t *testing.T, v vaults, place string) {
				made := resource.TestStep{Config: v.config(bucket(place, "immutable_days = 93"))}
				if kind == resource.ImportBlockWithResourceIdentity {
					made.ConfigStateChecks = []statecheck.StateCheck{statecheck.ExpectIdentityValueMatchesState(bucketName, tfjsonpath.New("id"))}
				}
				c := v.testCase(made, resource.TestStep{ResourceName: bucketName, ImportState: true, ImportStateKind: kind})
				c.TerraformVersionChecks = []tfversion.TerraformVersionCheck{least}
				resource.UnitTest(t, c)
			})
		})
	}
}

// Where object lock is decided at creation, becoming immutable is a
// replacement; where it is not, an update. Longer is always an update.
func TestBackupBucketImmutable(t *testing.T) {
	onBoth(t, func(t *testing.T, v vaults, place string) {
		first := plancheck.ResourceActionDestroyBeforeCreate
		if place == places[1] {
			first = plancheck.ResourceActionUpdate
		}
		v.test(t,
			resource.TestStep{Config: v.config(bucket(place, ""))},
			resource.TestStep{Config: v.config(bucket(place, "immutable_days = 93")), ConfigPlanChecks: does(first),
				Check: resource.TestCheckResourceAttr(bucketName, "old_version_days", "93")},
			resource.TestStep{Config: v.config(bucket(place, "immutable_days = 120")), ConfigPlanChecks: does(plancheck.ResourceActionUpdate),
				Check: resource.TestCheckResourceAttr(bucketName, "old_version_days", "120")},
			resource.TestStep{Config: v.config(bucket(place, "immutable_days = 120") + "data \"holdfast_backups\" \"all\" {\n  bucket_ids = [" + bucketName + ".id]\n}\n"),
				Check: resource.TestCheckResourceAttr(allBackups, "buckets.0.immutable_days", "120")}, // as the bucket itself says
		)
	})
}

// Locked for ever: on Google Cloud the account's owner can then neither shorten
// nor remove the retention, Terraform cannot unlock it, and can make it longer.
// Elsewhere the attribute stays as it is written.
func TestBackupBucketLock(t *testing.T) {
	onBoth(t, func(t *testing.T, v vaults, place string) {
		in := func(extra string) string { return v.config(bucket(place, extra)) }
		const locked = "lock_retention = true\n  immutable_days = "
		steps := []resource.TestStep{
			{Config: in("immutable_days = 93"), Check: attributes(bucketName, map[string]string{"lock_retention": "false"})},
			{Config: in(locked + "93"), ConfigPlanChecks: does(plancheck.ResourceActionUpdate), Check: attributes(bucketName, map[string]string{"lock_retention": "true"})},
		}
		longer := resource.TestStep{Config: in(locked + "120"), ConfigPlanChecks: does(plancheck.ResourceActionUpdate), Check: attributes(bucketName, map[string]string{"immutable_days": "120"})}
		if place == places[1] {
			steps = append(steps, resource.TestStep{Config: in("immutable_days = 93"), ExpectError: regexp.MustCompile(`The retention is locked for ever \(BAK-6\)`)})
			longer.PreConfig = func() {
				for _, body := range []string{`{"retentionPolicy": null}`, `{"retentionPolicy": {"retentionPeriod": "86400"}}`} {
					if err := v.patched(body)(t.Context(), "acc-backups-us-central1-a"); err == nil || !strings.Contains(err.Error(), "403") {
						t.Errorf("the owner's key took %s: %v", body, err)
					}
				}
			}
		} else {
			steps = append(steps, resource.TestStep{Config: in("immutable_days = 93"), ConfigPlanChecks: does(plancheck.ResourceActionUpdate)})
		}
		v.test(t, append(steps, longer)...)
	})
}

// put writes an object with the account's own keys.
func (v vaults) put(ctx context.Context, t *testing.T, place, name, key, body string) error {
	t.Helper()
	cloud, zone, _ := strings.Cut(place, "/")
	if cloud == "hetzner" {
		_, err := v.store(t, zone).PutObject(ctx, name, key, strings.NewReader(body), int64(len(body)), minio.PutObjectOptions{})
		return err
	}
	_, err := v.gcs(ctx, http.MethodPost, "/upload/storage/v1/b/"+name+"/o?uploadType=media&name="+url.QueryEscape(key), body)
	return err
}

// A bucket with backups in it is not destroyed, unless that was said before.
func TestBackupBucketDestroy(t *testing.T) {
	onBoth(t, func(t *testing.T, v vaults, place string) {
		in := func(extra string) string { return v.config(bucket(place, extra)) }
		var name string
		v.test(t,
			resource.TestStep{Config: in(""), Check: resource.TestCheckResourceAttrWith(bucketName, "bucket", func(value string) error { name = value; return nil })},
			resource.TestStep{
				PreConfig: func() {
					if err := v.put(t.Context(), t, place, name, "acc/acme/restic/config", "ciphertext"); err != nil {
						t.Fatal(err)
					}
				},
				Config: v.config(""), ExpectError: regexp.MustCompile(`force_destroy`),
			},
			resource.TestStep{Config: strings.Replace(in(""), `"backups"`, `"others"`, 1), ExpectError: regexp.MustCompile(`force_destroy`)},
			resource.TestStep{Config: in("force_destroy = true")},
			resource.TestStep{Config: v.config("")},
		)
		if n := len(v.Objects("bucket")); n != 0 {
			t.Errorf("%d buckets are left", n)
		}
	})
}

// What is immutable is not destroyed; Terraform can forget it.
func TestBackupBucketDestroyImmutable(t *testing.T) {
	onBoth(t, func(t *testing.T, v vaults, place string) {
		var name string
		v.test(t,
			resource.TestStep{Config: v.config(bucket(place, "immutable_days = 93")), Check: resource.TestCheckResourceAttrWith(bucketName, "bucket", func(value string) error { name = value; return nil })},
			resource.TestStep{
				PreConfig: func() {
					if err := v.put(t.Context(), t, place, name, "acc/acme/restic/config", "ciphertext"); err != nil {
						t.Fatal(err)
					}
				},
				Config: v.config(""), ExpectError: regexp.MustCompile(`force_destroy`),
			},
			resource.TestStep{Config: v.config(bucket(place, "immutable_days = 93\n  force_destroy = true")), ExpectError: regexp.MustCompile(`Immutable bucket cannot be destroyed \(BAK-6\)`)},
			resource.TestStep{Config: v.config("removed {\n  from = " + bucketName + "\n  lifecycle {\n    destroy = false\n  }\n}\n")},
		)
		if n := len(v.Objects("bucket")); n != 1 {
			t.Errorf("%d buckets are left, want the immutable one", n)
		}
	})
}
