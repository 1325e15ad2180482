package cloud

import "context"

// RetentionReader is an ObjectReader that can tell, with one request, for how
// long its bucket is immutable.
type RetentionReader interface {
	// ImmutableDays is for how many days after it was written nobody can delete
	// an object that is written now, as the bucket itself says; 0 is not at
	// all. CodeUnauthorized where the credentials may read objects only.
	ImmutableDays(ctx context.Context) (int, error)
}
