package google

import (
	"context"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

var _ cloud.RetentionReader = (*objectReader)(nil)

// ImmutableDays implements cloud.RetentionReader.
func (r *objectReader) ImmutableDays(ctx context.Context) (int, error) {
	bucket, err := r.b.Get(ctx, r.bucket)
	return bucket.ImmutableDays, err
}
