package hetzner

import (
	"context"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

var _ cloud.RetentionReader = (*objectReader)(nil)

// ImmutableDays implements cloud.RetentionReader.
func (r *objectReader) ImmutableDays(ctx context.Context) (int, error) {
	state := &bucketState{name: r.bucket}
	if err := r.c.readLock(ctx, state); err != nil {
		return 0, r.fail(err, "", "read the retention of backup bucket")
	}
	return state.immutableDays(), nil
}
