package bucket

import (
	"context"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
)

// NewResource makes the resource holdfast_backup_bucket.
func NewResource() resource.Resource {
	return service.NewResource[model](service.Definition[model, cloud.BucketSpec, cloud.Bucket]{
		Kind:         cloud.KindBucket,
		Noun:         cloud.KindBucket.Noun(),
		Schema:       resourceSchema,
		Store:        storeOf,
		Check:        check,
		Replaces:     replaces,
		Review:       review,
		Lacks:        lacks,
		Fixed:        fixed,
		Stays:        true,
		BeforeDelete: empty,
		ToSpec:       toSpec,
		FromObject:   fromObject,
		Observed:     func(b cloud.Bucket) (cloud.Object, cloud.Meta) { return b.Object, b.Meta },
		Rebuild:      rebuild,
	})
}

// replaces: the vendor's name of a bucket is made of its own, and never changes.
func replaces(prior, plan *model) []string {
	if plan.Name.Equal(prior.Name) {
		return nil
	}
	return []string{"name"}
}

// fixed: where the vendor decides at a bucket's creation whether it can be
// immutable, one that is can still be so for longer. So can one that was made
// so and of which somebody removed the retention, whose guard is broken: to
// replace it would be to delete what it is there to keep.
func fixed(attribute string, prior, plan *model) bool {
	if attribute != "immutable_days" {
		return true
	}
	if slices.Contains(broken(prior.Protections), cloud.GuardRetention) {
		return false
	}
	return prior.ImmutableDays.ValueInt64() == 0 && (plan.ImmutableDays.IsUnknown() || plan.ImmutableDays.ValueInt64() > 0)
}

// lacks tells of a bucket that has lost a protection, or keeps old versions
// for another time than the default.
func lacks(state map[string]tftypes.Value) bool {
	var holds map[string]tftypes.Value
	if state["protections"].As(&holds) != nil {
		return true
	}
	for _, guard := range guards() {
		var on bool
		if value, ok := holds[string(guard)]; !ok || !value.IsNull() && (value.As(&on) != nil || !on) {
			return true
		}
	}
	return !state["old_version_days"].Equal(defaultOldVersions(state["immutable_days"]))
}

// empty deletes what is in a bucket that may be destroyed with its contents.
func empty(ctx context.Context, driver cloud.Driver, m *model, id cloud.ID) error {
	if !m.ForceDestroy.ValueBool() {
		return nil
	}
	buckets, err := cloud.BucketsOf(driver)
	if err != nil {
		return err
	}
	return buckets.Empty(ctx, id.Native)
}
