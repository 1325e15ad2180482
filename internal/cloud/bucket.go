package cloud

import (
	"context"
	"fmt"
	"strconv"
)

// KindBucket is a bucket for backups.
const KindBucket Kind = "backup_bucket"

// BucketSpec is a bucket for backups. What every such bucket has is no field:
// it is private and versioned, and encrypted at rest and for TLS only where the
// vendor has such a thing (ENC-2). A driver sets these, and repairs them.
type BucketSpec struct {
	Meta
	// ImmutableDays is for how long nobody can delete or overwrite a version
	// of an object that was written, the account's owner included (BAK-6); 0 is
	// not at all. It can grow, and never shrink or end.
	ImmutableDays int
	// LockRetention makes the vendor keep ImmutableDays for ever, where that
	// is a step of its own which cannot be undone (Google Cloud's Bucket Lock).
	// Where it is not, the retention is locked from the beginning, and observed
	// so: there, true and false ask for the same.
	LockRetention bool
	// OldVersionDays is for how long replaced and deleted versions are kept;
	// at least ImmutableDays. 0 keeps them for ever.
	OldVersionDays int
	// Guests are the machines that write into the bucket, by their tenants'
	// names. Who else has access is not this package's business.
	Guests []BucketGuest
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
	// GuardEncrypted: objects are encrypted at rest by the vendor, with the key
	// that the spec names if it names one. A driver of a vendor that offers no
	// such thing says so in its package comment, and never reports the guard
	// broken: what holds ENC-2 there is restic, which encrypts before it sends.
	GuardEncrypted BucketGuard = "encrypted"
	// GuardTLS: requests without TLS are refused, where a bucket can be told
	// to; elsewhere the guard is never broken.
	GuardTLS BucketGuard = "tls_only"
	// GuardRetention: the retention is as the spec wants it.
	GuardRetention BucketGuard = "retention"
	// GuardLifecycle: nothing is expired within the retention.
	GuardLifecycle BucketGuard = "lifecycle"
	// GuardGuests: what is granted to guests is what their spec says to the
	// letter, and the bucket grants them nothing beside it.
	GuardGuests BucketGuard = "guests"
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
	// CheckGuests judges what can be known in advance of a spec's guests: the
	// form of their principals, and whether so many fit (GuestsTooMany). An
	// empty principal is one that is not known yet. It contacts nobody, and gives an error of CodeInvalid on the field guests
	// or on one in it.
	CheckGuests(spec BucketSpec) error
}

// BucketDriver is a driver of a cloud that has buckets.
type BucketDriver interface {
	Driver
	// Buckets is an error where the credentials that buckets need are not
	// configured: some vendors give other ones for them.
	Buckets() (Buckets, error)
}

// A bucket's own labels: what was wanted of it, so that whoever reads it knows
// what is missing without the configuration.
const (
	// LabelImmutableDays carries BucketSpec.ImmutableDays.
	LabelImmutableDays = "holdfast-immutable-days"
	// LabelOldVersionDays carries BucketSpec.OldVersionDays.
	LabelOldVersionDays = "holdfast-old-version-days"
)

// BucketLabels gives all labels of a bucket: those of LabelsOf and its own.
func BucketLabels(spec BucketSpec) map[string]string {
	labels := LabelsOf(KindBucket, spec.Meta, false)
	labels[LabelImmutableDays] = strconv.Itoa(spec.ImmutableDays)
	labels[LabelOldVersionDays] = strconv.Itoa(spec.OldVersionDays)
	guestLabel(labels, spec.Guests)
	return labels
}

// BucketLabelDays reads a label that BucketLabels wrote; false where it is
// absent or no number of days.
func BucketLabelDays(labels map[string]string, label string) (int, bool) {
	days, err := strconv.Atoi(labels[label])
	return days, err == nil && days >= 0
}

// CheckBucket refuses a spec that contradicts itself.
func CheckBucket(cloud string, spec BucketSpec) error {
	bad := func(field, message, remedy string) error {
		return &Error{Code: CodeInvalid, Cloud: cloud, Kind: KindBucket, Doing: "check " + KindBucket.Noun(), Field: field, Message: message, Remedy: remedy}
	}
	switch {
	case spec.ImmutableDays < 0:
		return bad("immutable_days", fmt.Sprintf("%d is no number of days", spec.ImmutableDays), "Use 0 for a bucket that is not immutable.")
	case spec.OldVersionDays < 0:
		return bad("old_version_days", fmt.Sprintf("%d is no number of days", spec.OldVersionDays), "Use 0 to keep old versions for ever.")
	case spec.OldVersionDays > 0 && spec.OldVersionDays < spec.ImmutableDays:
		return bad("old_version_days", fmt.Sprintf("old versions would be removed after %d days, within the %d days for which nothing can be", spec.OldVersionDays, spec.ImmutableDays),
			fmt.Sprintf("Set it to %d or more, or to 0 to keep them for ever.", spec.ImmutableDays))
	case spec.LockRetention && spec.ImmutableDays == 0:
		return bad("lock_retention", "there is no retention to lock", "Set immutable_days, or leave lock_retention out.")
	}
	return checkGuests(cloud, spec)
}

// CheckBucketChange refuses to shorten what BAK-6 promises: a bucket's
// retention grows, and never shrinks or ends.
func CheckBucketChange(cloud string, have Bucket, want BucketSpec) error {
	if want.ImmutableDays < have.ImmutableDays {
		return &Error{Code: CodeUnsupported, Cloud: cloud, Kind: KindBucket, ID: have.ID.Native, Doing: "change " + KindBucket.Noun(), Field: "immutable_days",
			Message: fmt.Sprintf("it is immutable for %d days, which can be made more and never fewer (BAK-6)", have.ImmutableDays),
			Remedy:  fmt.Sprintf("Set immutable_days to %d or more, or make another bucket.", have.ImmutableDays)}
	}
	return CheckBucket(cloud, want)
}
