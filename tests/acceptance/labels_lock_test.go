package acceptance

import (
	"context"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/minio/minio-go/v7"
)

// The owner of a bucket at Hetzner may shorten or clear its default retention,
// with its tags or without: the apply puts it back in place, although becoming
// immutable is a replacement otherwise.
func TestBackupBucketRetentionCleared(t *testing.T) {
	v := newVaults(t)
	store, name, ctx := v.store(t, "nbg1"), "acc-backups-nbg1", context.Background()
	config := v.config(bucket("hetzner/nbg1", "immutable_days = 93"))
	var id string
	lock := func(days uint, tagged bool) func() {
		return func() {
			var err error
			if mode, unit := minio.Compliance, minio.Days; days > 0 {
				err = store.SetBucketObjectLockConfig(ctx, name, &mode, &days, &unit)
			} else {
				err = store.SetBucketObjectLockConfig(ctx, name, nil, nil, nil)
			}
			if err == nil && !tagged {
				err = store.RemoveBucketTagging(ctx, name)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	steps := []resource.TestStep{{Config: config, Check: remember(bucketName, &id)}}
	for _, harm := range []func(){lock(7, true), lock(0, true), lock(0, false)} {
		steps = append(steps, resource.TestStep{
			PreConfig: harm, Config: config, ConfigPlanChecks: planned(bucketName, plancheck.ResourceActionUpdate),
			Check: all(stays(bucketName, &id), func(*terraform.State) error {
				_, mode, days, _, err := store.GetObjectLockConfig(ctx, name)
				if err == nil && (mode == nil || *mode != minio.Compliance || days == nil || *days != 93) {
					t.Errorf("the default retention is %v for %v days", mode, days)
				}
				return err
			}),
		})
	}
	v.test(t, steps...)
}
