package bucket

import (
	"context"
	"errors"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// store is a cloud's buckets as the resource wants them: what cannot be
// deleted is answered with what to do.
type store struct{ cloud.Buckets }

func storeOf(driver cloud.Driver) cloud.Store[cloud.BucketSpec, cloud.Bucket] {
	buckets, err := cloud.BucketsOf(driver)
	if err != nil {
		return noStore{err}
	}
	return store{buckets}
}

// Delete implements cloud.Store.
func (s store) Delete(ctx context.Context, native string) error {
	err := s.Buckets.Delete(ctx, native)
	var e *cloud.Error
	if !errors.As(err, &e) || e.Remedy != "" || !cloud.HasCode(err, cloud.CodeInUse, cloud.CodeProtected) {
		return err
	}
	told := *e
	told.Remedy = "Backups are kept. To destroy them with the bucket, set force_destroy = true and apply first; what is immutable can only be deleted when its retention is over. " +
		"To keep the bucket and have Terraform forget it, use a removed block (lifecycle { destroy = false })."
	return &told
}

// noStore answers everything with why there is no store.
type noStore struct{ err error }

func (n noStore) Create(context.Context, cloud.BucketSpec, func(cloud.Bucket)) (cloud.Bucket, error) {
	return cloud.Bucket{}, n.err
}
func (n noStore) Get(context.Context, string) (cloud.Bucket, error)          { return cloud.Bucket{}, n.err }
func (n noStore) List(context.Context, cloud.Filter) ([]cloud.Bucket, error) { return nil, n.err }
func (n noStore) Update(context.Context, cloud.Bucket, cloud.BucketSpec) (cloud.Bucket, error) {
	return cloud.Bucket{}, n.err
}
func (n noStore) Delete(context.Context, string) error { return n.err }
