package hetzner

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/minio/minio-go/v7"
	"golang.org/x/sync/errgroup"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// buckets implements cloud.Buckets over the vendor's object stores, one endpoint
// a location.
type buckets struct {
	keys    ObjectStorage
	version string
	lost    func(cloud.Location) bool
	now     func() time.Time
	log     *slog.Logger

	mu      sync.Mutex
	clients map[string]*s3
}

var _ cloud.Buckets = (*buckets)(nil)

func newBuckets(options Options, log *slog.Logger) *buckets {
	b := &buckets{keys: options.ObjectStorage, version: options.Version, lost: options.Lost, now: options.Now, log: log, clients: map[string]*s3{}}
	if b.keys.Endpoint == "" {
		b.keys.Endpoint = ObjectStorageEndpoint
	}
	if b.keys.HTTPClient == nil {
		b.keys.HTTPClient = options.HTTPClient
	}
	if b.now == nil {
		b.now = time.Now
	}
	if b.version == "" {
		b.version = "dev"
	}
	return b
}

// usable tells why there can be no buckets.
func (b *buckets) usable() error {
	if b.keys.Missing != nil {
		return b.keys.Missing
	}
	if b.keys.AccessKey == "" || b.keys.SecretKey == "" {
		return &cloud.Error{Code: cloud.CodeUnauthorized, Cloud: Name, Kind: cloud.KindBucket, Doing: "use the object storage",
			Message: "there are no keys for it: the API token does not open it", Remedy: keysRemedy}
	}
	if err := CheckObjectStorageEndpoint(b.keys.Endpoint); err != nil {
		return &cloud.Error{Code: cloud.CodeInvalid, Cloud: Name, Kind: cloud.KindBucket, Doing: "use the object storage", Field: "endpoint", Message: err.Error(), Err: err}
	}
	return nil
}

// at is the client of a location's endpoint.
func (b *buckets) at(location string) (*s3, error) {
	if !slices.Contains(objectLocations(), location) {
		return nil, &cloud.Error{Code: cloud.CodeInvalid, Cloud: Name, Kind: cloud.KindBucket, Doing: "use the object storage", Field: "location",
			Message: fmt.Sprintf("the vendor has no object storage in %q", location),
			Remedy:  "Use one of " + strings.Join(objectLocations(), ", ") + "."}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if c, ok := b.clients[location]; ok {
		return c, nil
	}
	c, err := newS3(b.keys, location, b.version)
	if err == nil {
		b.clients[location] = c
	}
	return c, err
}

func (b *buckets) isLost(location string) bool {
	return b.lost != nil && b.lost(cloud.Location{Cloud: Name, Name: location})
}

// endpoint is a location's URL as S3 clients want it.
func (b *buckets) endpoint(location string) string {
	return strings.TrimRight(strings.ReplaceAll(b.keys.Endpoint, placeholder, location), "/")
}

// Create implements cloud.Store. A bucket is made and then set up: S3 takes next
// to nothing inline. Before anything is set, it is made sure whose the bucket is:
// the gateway answers a second creation of one's own bucket as if it were the
// first.
func (b *buckets) Create(ctx context.Context, spec cloud.BucketSpec, saved func(cloud.Bucket)) (cloud.Bucket, error) {
	var none cloud.Bucket
	name := bucketName(spec.Meta)
	fail := func(err error) error { return failBucket(err, name, "create backup bucket") }
	if err := errors.Join(b.CheckGuests(spec), cloud.CheckBucket(Name, spec), checkBucketPlace(spec.Meta), ctx.Err()); err != nil {
		return none, fail(err)
	}
	c, err := b.at(spec.Location.Name)
	if err != nil {
		return none, fail(err)
	}
	cause := c.MakeBucket(ctx, name, minio.MakeBucketOptions{Region: c.location, ObjectLocking: spec.ImmutableDays > 0})
	if code := cloud.CodeOf(fail(cause)); ctx.Err() != nil || s3Code(cause) != "BucketAlreadyOwnedByYou" &&
		slices.Contains([]cloud.Code{cloud.CodeNameTaken, cloud.CodeUnauthorized, cloud.CodeRateLimited, cloud.CodeInvalid, cloud.CodeQuota}, code) {
		return none, fail(cause)
	}
	// It was made now, or before; or an answer was lost and nobody knows.
	state, err := c.readBucket(ctx, name)
	switch {
	case err != nil && cause != nil && cloud.IsNotFound(fail(err)):
		if s3Code(cause) == "BucketAlreadyOwnedByYou" {
			return none, b.taken(name, "a bucket of this account has the name, in another location", spec)
		}
		return none, fail(cause)
	case err != nil:
		return none, fail(errors.Join(cause, err))
	}
	current := state.observe(c.location, b.endpoint(c.location))
	if err := b.claim(ctx, c, state, current, spec); err != nil {
		return none, fail(err)
	}
	current.ID.Location = spec.Location
	saved(current)
	if spec.ImmutableDays > 0 && !state.locked {
		return current, fail(unsupported(cloud.KindBucket, name, "immutable_days", "the bucket is there already, and was made without object lock, which cannot be switched on later"))
	}
	made, err := b.bring(ctx, c, current, spec)
	return made, cloud.Unfinished(fail(err))
}

// claim makes sure that a bucket is this spec's own, or nobody's.
func (b *buckets) claim(ctx context.Context, c *s3, state *bucketState, have cloud.Bucket, spec cloud.BucketSpec) error {
	key := state.labels[cloud.LabelKey]
	switch {
	case key != "" && key == keyOf(cloud.KindBucket, spec.Meta):
		b.log.InfoContext(ctx, "adopting a bucket that carries this deployment's key", "id", state.name)
		return nil
	case have.Deployment != "":
		return b.taken(state.name, fmt.Sprintf("it is %q of the deployment %q", have.Name, have.Deployment), spec)
	}
	unused, err := c.unused(ctx, state)
	if err != nil || unused {
		return err
	}
	return b.taken(state.name, "no Holdfast deployment owns it, and it is in use", spec)
}

func (b *buckets) taken(name, message string, spec cloud.BucketSpec) error {
	return &cloud.Error{Code: cloud.CodeNameTaken, Cloud: Name, Kind: cloud.KindBucket, ID: name, Doing: "create backup bucket", Field: "name",
		Message: "the name is taken: " + message,
		Remedy: fmt.Sprintf("Rename one of the two, or import it where it is (terraform import <address> %s).",
			cloud.ID{Location: spec.Location, Native: name})}
}

func checkBucketPlace(meta cloud.Meta) error {
	if meta.Location.Cloud == Name {
		return nil
	}
	return &cloud.Error{Code: cloud.CodeInvalid, Field: "location", Message: fmt.Sprintf("%q is not a location of Hetzner Cloud", meta.Location)}
}

// Get implements cloud.Store, with six requests where the bucket's name tells its
// location.
func (b *buckets) Get(ctx context.Context, native string) (cloud.Bucket, error) {
	var found cloud.Bucket
	err := b.wherever(ctx, native, "read backup bucket", func(c *s3) error {
		state, err := c.readBucket(ctx, native)
		if err == nil {
			found = state.observe(c.location, b.endpoint(c.location))
		}
		return err
	})
	return found, err
}

// wherever tries the locations in which a bucket can be, until one knows it.
func (b *buckets) wherever(ctx context.Context, native, doing string, try func(*s3) error) error {
	fail := func(err error) error { return failBucket(err, native, doing) }
	var missing error
	skipped := ""
	for _, location := range whereItMayBe(native) {
		if err := ctx.Err(); err != nil {
			return fail(err)
		}
		if b.isLost(location) {
			skipped = location
			continue
		}
		c, err := b.at(location)
		if err == nil {
			err = try(c)
		}
		failed := fail(err)
		if !cloud.IsNotFound(failed) {
			return failed
		}
		missing = failed
	}
	if skipped != "" {
		return &cloud.Error{Code: cloud.CodeUnavailable, Cloud: Name, Kind: cloud.KindBucket, ID: native, Doing: doing, Err: missing,
			Message: "it is in no location that can be reached; " + skipped + " was declared lost"}
	}
	return missing
}

// listing bounds how many buckets are read at once.
const listing = 8

// List implements cloud.Store: a request for each location, one for each bucket
// of the account (its labels), and five for each that the filter selects. An
// account has 100 buckets at most, the vendor's limit as users report it.
func (b *buckets) List(ctx context.Context, filter cloud.Filter) ([]cloud.Bucket, error) {
	var (
		mu    sync.Mutex
		found []cloud.Bucket
	)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(listing)
	for _, location := range objectLocations() {
		if b.isLost(location) {
			continue
		}
		c, err := b.at(location)
		if err != nil {
			return nil, failBucket(err, "", "list backup buckets")
		}
		names, err := c.ListBuckets(ctx)
		if err != nil {
			_ = group.Wait()
			return nil, failBucket(err, "", "list backup buckets in "+location)
		}
		for _, one := range names {
			group.Go(func() error {
				have, err := b.selected(ctx, c, one.Name, filter)
				if err != nil || have == nil {
					return failBucket(err, one.Name, "list backup buckets")
				}
				mu.Lock()
				defer mu.Unlock()
				found = append(found, *have)
				return nil
			})
		}
	}
	err := group.Wait()
	slices.SortFunc(found, func(x, y cloud.Bucket) int { return strings.Compare(x.ID.Native, y.ID.Native) })
	return found, err
}

// selected reads a bucket that the filter selects; nil for any other, for one
// that has gone meanwhile, and for one that a store names and another has.
func (b *buckets) selected(ctx context.Context, c *s3, name string, filter cloud.Filter) (*cloud.Bucket, error) {
	labels, err := c.labelsOf(ctx, name)
	if err == nil && filterMatches(filter, labels) {
		var state *bucketState
		if state, err = c.readBucket(ctx, name); err == nil {
			have := state.observe(c.location, b.endpoint(c.location))
			return &have, nil
		}
	}
	if cloud.IsNotFound(failBucket(err, name, "")) {
		return nil, nil
	}
	return nil, err
}

// filterMatches tells whether a filter selects what carries these labels.
func filterMatches(filter cloud.Filter, labels map[string]string) bool {
	if filter.Deployment != "" && labels[cloud.LabelDeployment] != filter.Deployment ||
		len(filter.Keys) > 0 && !slices.Contains(filter.Keys, labels[cloud.LabelKey]) {
		return false
	}
	for key, value := range filter.Labels {
		if have, ok := labels[key]; !ok || have != value {
			return false
		}
	}
	return true
}

// Update implements cloud.Store: one request for each thing that differs, and one
// more for a policy, of which the statements of others are kept.
func (b *buckets) Update(ctx context.Context, current cloud.Bucket, want cloud.BucketSpec) (cloud.Bucket, error) {
	c, err := b.at(current.ID.Location.Name)
	if err == nil {
		err = b.CheckGuests(want)
	}
	if err == nil {
		current, err = b.bring(ctx, c, current, want)
	}
	return current, failBucket(err, current.ID.Native, "update backup bucket")
}

func (b *buckets) bring(ctx context.Context, c *s3, current cloud.Bucket, want cloud.BucketSpec) (cloud.Bucket, error) {
	changes, err := planBucket(current, want)
	if err != nil {
		return current, err
	}
	for _, change := range changes {
		if err := c.carryOut(ctx, current.ID.Native, change, want); err != nil {
			return current, failBucket(err, current.ID.Native, "set the "+string(change)+" of backup bucket")
		}
	}
	return afterwards(current, want), nil
}

// Delete implements cloud.Store. A bucket that holds anything stays.
func (b *buckets) Delete(ctx context.Context, native string) error {
	err := b.wherever(ctx, native, "delete backup bucket", func(c *s3) error { return c.RemoveBucket(ctx, native) })
	if cloud.IsNotFound(err) {
		return nil
	}
	return err
}

// Open implements cloud.Buckets.
func (b *buckets) Open(id cloud.ID) (cloud.ObjectReader, error) {
	c, err := b.at(id.Location.Name)
	if err != nil {
		return nil, failBucket(err, id.Native, "open backup bucket")
	}
	return &objectReader{c: c, bucket: id.Native}, nil
}
