package orphans

import (
	"context"
	"errors"
	"fmt"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// buckets are the buckets for backups. Vendors give other credentials for them,
// or none; and what is in them is never deleted here, since it may be all that
// is left of a lost location.
type buckets struct{}

func (buckets) name() cloud.Kind { return cloud.KindBucket }

// noBuckets tells that a cloud's buckets cannot be asked for want of access.
type noBuckets struct{ error }

func (e noBuckets) Unwrap() error { return e.error }

func (buckets) list(ctx context.Context, driver cloud.Driver, filter cloud.Filter) ([]object, error) {
	stores, err := cloud.BucketsOf(driver)
	if err != nil {
		return nil, noBuckets{err}
	}
	all, err := stores.List(ctx, filter)
	if missing(err) {
		return nil, noBuckets{err}
	}
	if err != nil {
		return nil, err
	}
	objects := make([]object, 0, len(all))
	for _, b := range all {
		id := cloud.ID{Location: b.Location, Native: b.ID.Native}
		objects = append(objects, object{deployment: b.Deployment, Orphan: Orphan{
			ID: id, Kind: cloud.KindBucket, Name: b.Name, NativeName: b.NativeName, Created: b.Created, Protected: b.Protected,
			unprotect: func(context.Context) error { return nil }, // no vendor protects buckets
			remove:    func(ctx context.Context) error { return removeBucket(ctx, stores, b) },
		}})
	}
	return objects, nil
}

// refusal is why an orphan is kept that could be asked to be deleted. It is no
// failure.
type refusal string

func (r refusal) Error() string { return string(r) }

// removeBucket deletes a bucket with nothing in it. Whether there is anything
// the vendor says, in the same request.
func removeBucket(ctx context.Context, stores cloud.Buckets, b cloud.Bucket) error {
	if b.ImmutableDays > 0 {
		return refusal(fmt.Sprintf("it is immutable for %d days (BAK-6). Import it to manage it, or delete it with the vendor's tools when all in it has outlived its retention", b.ImmutableDays))
	}
	err := stores.Delete(ctx, b.ID.Native)
	if cloud.HasCode(err, cloud.CodeInUse, cloud.CodeProtected) {
		return refusal("it is not empty, and backups are never deleted here. Import it to manage it, or empty it with the vendor's tools if nobody needs them")
	}
	return err
}

// refused gives the reason of a refusal.
func refused(err error) (string, bool) {
	var r refusal
	is := errors.As(err, &r)
	return string(r), is
}
