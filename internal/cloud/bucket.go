package cloud

import "context"

// KindBucket is a bucket for backups.
const KindBucket Kind = "backup_bucket"

// BucketSpec is a bucket for backups. What every such bucket has is no field:
// it is private, versioned, encrypted at rest, and answers over TLS only
// (ENC-2). A driver sets these, and repairs them.
type BucketSpec struct {
	Meta
	// ImmutableDays is for how long nobody can delete or overwrite a version
	// of an object that was written, the account's owner included (BAK-6); 0 is
	// not at all. It can grow, and never shrink or end.
	ImmutableDays int
	// LockRetention makes the vendor keep ImmutableDays for ever, where that
	// is a step of its own which cannot be undone (Google Cloud's Bucket Lock).
	// Where it is not, the retention is locked from the beginning.
	LockRetention bool
	// OldVersionDays is for how long replaced and deleted versions are kept;
	// at least ImmutableDays. 0 keeps them for ever.
	OldVersionDays int
	// Options are what only one vendor has, by the names of its block.
	Options map[string]string
}

// BucketGuard is a protection that every bucket for backups has.
type BucketGuard string

// The guards.
const (
	// GuardPrivate: nobody reads or writes without credentials.
	GuardPrivate BucketGuard = "private"
	// GuardVersioned: a replaced or deleted object can be had back.
	GuardVersioned BucketGuard = "versioned"
	// GuardEncrypted: objects are encrypted at rest.
	GuardEncrypted BucketGuard = "encrypted"
	// GuardTLS: requests without TLS are refused.
	GuardTLS BucketGuard = "tls_only"
	// GuardRetention: the retention is as the spec wants it.
	GuardRetention BucketGuard = "retention"
	// GuardLifecycle: nothing is expired within the retention.
	GuardLifecycle BucketGuard = "lifecycle"
)

// Bucket is an observed bucket.
type Bucket struct {
	Object
	BucketSpec
	// Broken are the guards that were found to be off, in the order of the
	// constants: an update repairs them.
	Broken []BucketGuard
	// Endpoint is the URL of the store that holds the bucket, as S3 clients
	// want it; empty where there is one for all the vendor's buckets.
	Endpoint string
	// SoftDeleteDays is for how long the vendor keeps what was deleted beyond
	// recall otherwise; 0 where it does not.
	SoftDeleteDays int
}

// Buckets is what a driver offers for buckets. Native ids are the buckets'
// names: they are unique among all of a vendor's customers, or nearly so.
type Buckets interface {
	Store[BucketSpec, Bucket]
	// Empty deletes all objects of a bucket with all their versions, so that
	// the bucket can be deleted; CodeProtected if some are immutable, before
	// any is deleted where the vendor tells so in advance.
	Empty(ctx context.Context, native string) error
	// Open reads the objects of a bucket. It contacts nobody.
	Open(id ID) (ObjectReader, error)
}

// BucketDriver is a driver of a cloud that has buckets.
type BucketDriver interface {
	Driver
	// Buckets is an error where the credentials that buckets need are not
	// configured: some vendors give other ones for them.
	Buckets() (Buckets, error)
}
