package hetzner

import (
	"context"
	"maps"
	"slices"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/tags"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// bucketChange is one thing about a bucket that an update sets.
type bucketChange string

const (
	setLabels    bucketChange = "labels"
	setRetention bucketChange = "retention"
	setVersions  bucketChange = "versioning"
	setPolicy    bucketChange = "policy"
	setPrivate   bucketChange = "access control list"
	setLifecycle bucketChange = "lifecycle"
	setGuests    bucketChange = "guests"
)

// planBucket gives the changes from what was observed to what is wanted. A bucket
// that is nobody's gets its owner's mark first, so that a run that is killed
// leaves a bucket that the next one knows; of any other the retention comes
// first, which alone can be refused, so that no label says what is not so.
func planBucket(current cloud.Bucket, want cloud.BucketSpec) ([]bucketChange, error) {
	if err := cloud.CheckBucketChange(Name, current, want); err != nil {
		return nil, err
	}
	if want.Location.Name != current.Location.Name {
		return nil, unsupported(cloud.KindBucket, current.ID.Native, "location", "a bucket stays where it was made")
	}
	var changes []bucketChange
	add := func(needed bool, change bucketChange) {
		if needed {
			changes = append(changes, change)
		}
	}
	retain := want.ImmutableDays > 0 && (current.ImmutableDays != want.ImmutableDays || has(current, cloud.GuardRetention))
	add(retain && current.Deployment != "", setRetention)
	add(!maps.Equal(cloud.BucketLabels(current.BucketSpec), cloud.BucketLabels(want)) || has(current, cloud.GuardRetention) || has(current, cloud.GuardLifecycle), setLabels)
	add(retain && current.Deployment == "", setRetention)
	add(has(current, cloud.GuardVersioned), setVersions)
	add(has(current, cloud.GuardPrivate) || has(current, cloud.GuardTLS), setPolicy)
	add(has(current, cloud.GuardPrivate), setPrivate)
	add(has(current, cloud.GuardLifecycle) || current.OldVersionDays != want.OldVersionDays, setLifecycle)
	// Last, since it can be refused.
	add(has(current, cloud.GuardGuests) || !slices.Equal(current.Guests, want.Guests), setGuests)
	return changes, nil
}

// carryOut makes one change.
func (c *s3) carryOut(ctx context.Context, name string, change bucketChange, want cloud.BucketSpec) error {
	switch change {
	case setLabels:
		labels, err := tags.NewTags(cloud.BucketLabels(want), false)
		if err != nil {
			return &cloud.Error{Code: cloud.CodeInvalid, Field: "labels", Message: err.Error(), Err: err}
		}
		return c.SetBucketTagging(ctx, name, labels)
	case setRetention:
		mode, days, unit := minio.Compliance, uint(want.ImmutableDays), minio.Days
		return c.SetBucketObjectLockConfig(ctx, name, &mode, &days, &unit)
	case setVersions:
		return c.EnableVersioning(ctx, name)
	case setPolicy:
		have, err := c.Client.GetBucketPolicy(ctx, name)
		if err != nil {
			return err
		}
		policy, err := repairedPolicy(name, have)
		if err != nil {
			return err
		}
		return c.SetBucketPolicy(ctx, name, policy)
	case setPrivate:
		return c.makePrivate(ctx, name)
	case setGuests:
		return c.setGuests(ctx, name, want)
	default:
		return c.SetBucketLifecycle(ctx, name, lifecycleOf(want.OldVersionDays))
	}
}

// setGuests lets in whom the spec names. The store knows no condition under which
// a policy is replaced: whoever writes it between the read and the write loses.
func (c *s3) setGuests(ctx context.Context, name string, want cloud.BucketSpec) error {
	owner, _, err := c.grantsOf(ctx, name)
	if err == nil {
		err = checkGuestProjects(name, owner, want.Guests)
	}
	if err != nil {
		return err
	}
	have, err := c.Client.GetBucketPolicy(ctx, name)
	if err != nil {
		return err
	}
	policy, err := guestPolicy(name, owner, have, want)
	if err != nil {
		return err
	}
	return c.SetBucketPolicy(ctx, name, policy)
}

// afterwards is a bucket when all changes were made.
func afterwards(current cloud.Bucket, want cloud.BucketSpec) cloud.Bucket {
	current.BucketSpec = want
	current.Labels = maps.Clone(want.Labels)
	current.Options = nil
	current.Protected = false // the vendor does not protect buckets
	current.LockRetention = want.ImmutableDays > 0
	current.Broken = nil
	return current
}
