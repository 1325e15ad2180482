package servicetest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// BucketStore is the buckets of a Cloud, with what is in them. It implements
// cloud.Buckets: a bucket with something in it cannot be deleted, and an
// immutable one cannot be emptied.
type BucketStore struct {
	*Store[cloud.BucketSpec, cloud.Bucket]
	contents map[string]map[string]content
}

type content struct {
	body     []byte
	modified time.Time
}

func newBucketStore(c *Cloud) *BucketStore {
	store := newStore(c, cloud.KindBucket,
		func(o cloud.Object, s cloud.BucketSpec) cloud.Bucket {
			return cloud.Bucket{Object: o, BucketSpec: s, Endpoint: "https://" + s.Location.Name + ".example.com", SoftDeleteDays: 7}
		},
		func(t cloud.Bucket) (cloud.Object, cloud.BucketSpec, cloud.Meta) {
			return t.Object, t.BucketSpec, t.Meta
		},
		func(s cloud.BucketSpec) cloud.Meta { return s.Meta })
	store.prefix = "bucket-" // vendors want names of three characters or more
	return &BucketStore{contents: map[string]map[string]content{}, Store: store}
}

// Buckets implements cloud.BucketDriver.
func (d driver) Buckets() (cloud.Buckets, error) {
	if d.c.BucketsErr != nil {
		return nil, d.c.BucketsErr
	}
	return d.c.BucketStore, nil
}

// Write places an object in a bucket, as a guest does.
func (s *BucketStore) Write(native, key string, body []byte, modified time.Time) {
	s.cloud.mu.Lock()
	defer s.cloud.mu.Unlock()
	if s.contents[native] == nil {
		s.contents[native] = map[string]content{}
	}
	s.contents[native][key] = content{body, modified}
}

// Delete implements cloud.Store.
func (s *BucketStore) Delete(ctx context.Context, native string) error {
	s.cloud.mu.Lock()
	held := len(s.contents[native])
	s.cloud.mu.Unlock()
	if held > 0 {
		return &cloud.Error{Code: cloud.CodeInUse, Cloud: s.cloud.Name, Kind: s.kind, ID: native, Doing: "delete backup bucket",
			VendorCode: "BucketNotEmpty", Message: "the bucket is not empty"}
	}
	return s.Store.Delete(ctx, native)
}

// Empty implements cloud.Buckets.
func (s *BucketStore) Empty(ctx context.Context, native string) error {
	if err := s.cloud.enter(ctx, "empty", s.kind, native); err != nil {
		return err
	}
	s.cloud.mu.Lock()
	defer s.cloud.mu.Unlock()
	if s.objects[native].ImmutableDays > 0 && len(s.contents[native]) > 0 {
		return &cloud.Error{Code: cloud.CodeProtected, Cloud: s.cloud.Name, Kind: s.kind, ID: native, Doing: "empty backup bucket", Message: "objects are locked"}
	}
	delete(s.contents, native)
	return nil
}

// Open implements cloud.Buckets.
func (s *BucketStore) Open(id cloud.ID) (cloud.ObjectReader, error) {
	return bucketReader{s, id.Native}, nil
}

// MaxGuests is how many guests a bucket takes.
const MaxGuests = 3

// CheckGuests implements cloud.Buckets. A principal is anything without a space.
func (s *BucketStore) CheckGuests(spec cloud.BucketSpec) error {
	for _, guest := range spec.Guests {
		if strings.Contains(guest.Principal, " ") {
			return &cloud.Error{Code: cloud.CodeInvalid, Cloud: s.cloud.Name, Field: fmt.Sprintf("guests[%q].principal", guest.Tenant), Message: "not a principal", Remedy: "Leave the space out."}
		}
	}
	if n := len(spec.Guests); n > MaxGuests {
		return cloud.GuestsTooMany(s.cloud.Name, spec.Name, n, MaxGuests, "a rule of this test's")
	}
	return cloud.CheckGuests(s.cloud.Name, spec)
}

// bucketReader reads one bucket.
type bucketReader struct {
	store  *BucketStore
	native string
}

// ListObjects implements cloud.ObjectReader.
func (r bucketReader) ListObjects(ctx context.Context, prefix, after string) ([]cloud.ObjectInfo, bool, error) {
	if err := r.store.cloud.enter(ctx, "list_objects", cloud.KindBucket, r.native); err != nil {
		return nil, false, err
	}
	r.store.cloud.mu.Lock()
	defer r.store.cloud.mu.Unlock()
	if _, ok := r.store.objects[r.native]; !ok {
		return nil, false, r.store.missing(r.native)
	}
	var page []cloud.ObjectInfo
	for _, key := range slices.Sorted(maps.Keys(r.store.contents[r.native])) {
		if !strings.HasPrefix(key, prefix) || key <= after {
			continue
		}
		if len(page) == cloud.MaxListedObjects {
			return page, true, nil
		}
		held := r.store.contents[r.native][key]
		page = append(page, cloud.ObjectInfo{Key: key, Bytes: int64(len(held.body)), Modified: held.modified})
	}
	return page, false, nil
}

// ReadObject implements cloud.ObjectReader.
func (r bucketReader) ReadObject(ctx context.Context, key string, limit int64) ([]byte, error) {
	if err := r.store.cloud.enter(ctx, "read_object", cloud.KindBucket, r.native); err != nil {
		return nil, err
	}
	r.store.cloud.mu.Lock()
	defer r.store.cloud.mu.Unlock()
	held, ok := r.store.contents[r.native][key]
	switch {
	case !ok:
		return nil, &cloud.Error{Code: cloud.CodeNotFound, Cloud: r.store.cloud.Name, Doing: "read object", ID: key, Message: "there is no such object"}
	case int64(len(held.body)) > limit:
		return nil, &cloud.Error{Code: cloud.CodeInvalid, Cloud: r.store.cloud.Name, Doing: "read object", ID: key, Message: fmt.Sprintf("it has more than %d bytes", limit)}
	}
	return slices.Clone(held.body), nil
}

// ImmutableDays implements cloud.RetentionReader.
func (r bucketReader) ImmutableDays(ctx context.Context) (int, error) {
	if err := r.store.cloud.enter(ctx, "retention", cloud.KindBucket, r.native); err != nil {
		return 0, err
	}
	r.store.cloud.mu.Lock()
	defer r.store.cloud.mu.Unlock()
	bucket, ok := r.store.objects[r.native]
	if !ok {
		return 0, r.store.missing(r.native)
	}
	return bucket.ImmutableDays, nil
}
