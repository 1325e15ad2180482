package google

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"cloud.google.com/go/storage"
	"google.golang.org/api/iterator"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// Create implements cloud.Store: one request that says everything, one that
// reads what was made, and one for the lock if it is asked for.
func (b *buckets) Create(ctx context.Context, spec cloud.BucketSpec, saved func(cloud.Bucket)) (cloud.Bucket, error) {
	var none cloud.Bucket
	name := bucketName(spec.Meta)
	fail := func(err error) error { return b.fail(err, name, creating) }
	if err := errors.Join(b.CheckGuests(spec), cloud.CheckBucket(Name, spec), checkBucketPlace(spec.Meta), ctx.Err()); err != nil {
		return none, fail(err)
	}
	bucket := b.client.Bucket(name)
	cause := bucket.Create(ctx, b.d.project, bucketAttrs(spec))
	if code := cloud.CodeOf(fail(cause)); ctx.Err() != nil || cause != nil && slices.Contains(
		[]cloud.Code{cloud.CodeUnauthorized, cloud.CodeRateLimited, cloud.CodeInvalid, cloud.CodeQuota}, code) {
		return none, fail(cause)
	}
	// It was made now, or before; or an answer was lost and nobody knows.
	attrs, err := bucket.Attrs(ctx)
	switch {
	case err != nil && cause != nil:
		return none, fail(cause) // there is none, or it is another customer's
	case err != nil:
		return none, fail(err)
	case cause != nil && (attrs.Labels[cloud.LabelKey] == "" || attrs.Labels[cloud.LabelKey] != cloud.KeyOf(cloud.KindBucket, spec.Meta, false)):
		return none, b.taken(attrs, spec)
	}
	current := b.observeBucket(attrs)
	current.ID.Location = spec.Location
	if cause != nil {
		b.d.log.InfoContext(ctx, "adopting a bucket that carries this deployment's key", "id", name)
	}
	saved(current)
	made, err := b.bring(ctx, attrs, current.ID, spec)
	if err != nil {
		return current, cloud.Unfinished(fail(err))
	}
	return made, nil
}

// taken names the bucket of this account that is in the way.
func (b *buckets) taken(attrs *storage.BucketAttrs, spec cloud.BucketSpec) error {
	owner := "no Holdfast deployment owns it"
	if deployment := attrs.Labels[cloud.LabelDeployment]; deployment != "" {
		owner = fmt.Sprintf("it is %q of the deployment %q", attrs.Labels[cloud.LabelName], deployment)
	}
	return &cloud.Error{Code: cloud.CodeNameTaken, Cloud: Name, Kind: cloud.KindBucket, ID: attrs.Name, Doing: creating, Field: "name",
		Message: "the name is taken: " + owner,
		Remedy:  fmt.Sprintf("Rename one of the two, or import it (terraform import <address> %s).", cloud.ID{Location: spec.Location, Native: attrs.Name})}
}

func checkBucketPlace(meta cloud.Meta) error {
	if meta.Location.Cloud == Name && meta.Location.Name != "" {
		return nil
	}
	return &cloud.Error{Code: cloud.CodeInvalid, Field: "location", Message: fmt.Sprintf("%q is not a location of Google Cloud", meta.Location)}
}

// Get implements cloud.Store with one request, and one more if it has guests.
func (b *buckets) Get(ctx context.Context, native string) (cloud.Bucket, error) {
	attrs, err := b.client.Bucket(native).Attrs(ctx)
	if err != nil {
		return cloud.Bucket{}, b.fail(err, native, "read backup bucket")
	}
	have, err := b.observeAll(ctx, attrs)
	return have, b.fail(err, native, "read the guests of backup bucket")
}

// List implements cloud.Store with one request for a thousand buckets, and one for
// each with guests: the vendor has no filter for labels. What stands in a region that does not answer
// is left out only if the operator has declared the zone of its name lost.
func (b *buckets) List(ctx context.Context, filter cloud.Filter) ([]cloud.Bucket, error) {
	found := []cloud.Bucket{}
	all := b.client.Buckets(ctx, b.d.project)
	all.ReturnPartialSuccess = true
	all.PageInfo().MaxSize = cloud.MaxListedObjects
	for {
		attrs, err := all.Next()
		if errors.Is(err, iterator.Done) {
			break
		}
		if err != nil {
			return nil, b.fail(err, "", "list backup buckets")
		}
		if matches(filter, attrs.Labels) {
			have, err := b.observeAll(ctx, attrs)
			if err != nil {
				return nil, b.fail(err, attrs.Name, "read the guests of backup bucket")
			}
			found = append(found, have)
		}
	}
	for _, path := range all.Unreachable() {
		name := lastPart(path)
		if zone := zoneIn(name); zone == "" || b.d.lost == nil || !b.d.lost(cloud.Location{Cloud: Name, Name: zone}) {
			return nil, &cloud.Error{Code: cloud.CodeUnavailable, Cloud: Name, Kind: cloud.KindBucket, ID: name, Doing: "list backup buckets",
				Message: "its region does not answer", Remedy: "Apply again, or declare its location lost (lost_locations)."}
		}
	}
	return found, nil
}

// maxBucketChanges bounds how often a change is tried while others change the
// same bucket.
const maxBucketChanges = 4

// Update implements cloud.Store: one request that reads, since what others set
// has to be kept, and one that changes what differs, if anything does.
func (b *buckets) Update(ctx context.Context, current cloud.Bucket, want cloud.BucketSpec) (cloud.Bucket, error) {
	const updating = "update backup bucket"
	if err := b.CheckGuests(want); err != nil {
		return current, b.fail(err, current.ID.Native, updating)
	}
	attrs, err := b.client.Bucket(current.ID.Native).Attrs(ctx)
	if err != nil {
		return current, b.fail(err, current.ID.Native, updating)
	}
	after, err := b.bring(ctx, attrs, current.ID, want)
	if err != nil {
		return current, b.fail(err, current.ID.Native, updating)
	}
	return after, nil
}

// bring makes a bucket what is wanted, beginning with what was just read, and
// only as long as nobody else has changed it since: then it reads again.
func (b *buckets) bring(ctx context.Context, attrs *storage.BucketAttrs, id cloud.ID, want cloud.BucketSpec) (cloud.Bucket, error) {
	bucket := b.client.Bucket(id.Native)
	for attempt := 1; ; attempt++ {
		have, err := b.change(ctx, bucket, attrs, want)
		if err == nil {
			have.ID.Location = id.Location
			return have, nil
		}
		if attempt == maxBucketChanges || !cloud.HasCode(b.fail(err, id.Native, ""), cloud.CodeConflict) {
			return cloud.Bucket{}, err
		}
		if attrs, err = bucket.Attrs(ctx); err != nil {
			return cloud.Bucket{}, err
		}
	}
}

// change makes what differs as it should be. The label that tells of guests stands
// there for as long as there may be any: it is set before they are let in, and goes
// after them.
func (b *buckets) change(ctx context.Context, bucket *storage.BucketHandle, attrs *storage.BucketAttrs, want cloud.BucketSpec) (cloud.Bucket, error) {
	var (
		none   cloud.Bucket
		guests = guestFacts{intact: true}
		err    error
	)
	if attrs.Labels[cloud.LabelGuests] != "" && len(want.Guests) == 0 {
		if _, err = b.setGuests(ctx, bucket, want); err != nil {
			return none, err
		}
		if attrs, err = bucket.Attrs(ctx); err != nil { // another revision now
			return none, err
		}
	}
	unchanged := func() *storage.BucketHandle {
		return bucket.If(storage.BucketConditions{MetagenerationMatch: attrs.MetaGeneration})
	}
	update, err := planBucket(attrs, b.observeBucket(attrs), want)
	if err != nil {
		return none, err
	}
	if update != nil {
		if attrs, err = unchanged().Update(ctx, *update); err != nil {
			return none, err
		}
	}
	if want.LockRetention && !attrs.RetentionPolicy.IsLocked {
		b.d.log.WarnContext(ctx, "locking the retention of a bucket, which nobody can undo", "id", attrs.Name, "days", want.ImmutableDays)
		if err := unchanged().LockRetentionPolicy(ctx); err != nil {
			return none, err
		}
		if attrs, err = bucket.Attrs(ctx); err != nil {
			return none, err
		}
	}
	if len(want.Guests) > 0 {
		if guests, err = b.setGuests(ctx, bucket, want); err != nil {
			return none, err
		}
	}
	return withGuests(b.observeBucket(attrs), guests), nil
}

// Delete implements cloud.Store. A bucket that holds anything stays.
func (b *buckets) Delete(ctx context.Context, native string) error {
	err := b.fail(b.client.Bucket(native).Delete(ctx), native, deleting)
	if cloud.IsNotFound(err) {
		return nil
	}
	return err
}

// Open implements cloud.Buckets.
func (b *buckets) Open(id cloud.ID) (cloud.ObjectReader, error) {
	if strings.TrimSpace(id.Native) == "" {
		return nil, &cloud.Error{Code: cloud.CodeInvalid, Cloud: Name, Kind: cloud.KindBucket, Doing: "open backup bucket", Field: "id", Message: "it has no name"}
	}
	return &objectReader{b: b, bucket: id.Native}, nil
}
