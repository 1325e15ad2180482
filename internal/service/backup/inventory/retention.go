package inventory

import (
	"context"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/backup"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
)

// retentions asks each bucket that was read for how long it is immutable, with
// one request each, all at once. The order is that of the sources; null where
// nobody knows. Credentials that may read objects only are no mistake, so of
// them nobody is warned.
func retentions(ctx context.Context, sources []backup.Source, states []backup.SourceState, diags *diag.Diagnostics) []types.Int64 {
	days, errs := make([]types.Int64, len(sources)), make([]error, len(sources))
	var group sync.WaitGroup
	for i, source := range sources {
		reader, ok := source.Reader.(cloud.RetentionReader)
		if !ok || source.Lost || states[i].Err != nil {
			continue
		}
		group.Go(func() {
			n, err := reader.ImmutableDays(ctx)
			if errs[i] = err; err == nil {
				days[i] = types.Int64Value(int64(n))
			}
		})
	}
	group.Wait()
	for i, err := range errs {
		if err != nil && !cloud.HasCode(err, cloud.CodeUnauthorized) {
			id := cloud.ID{Location: sources[i].Location, Native: sources[i].Name}
			why := service.Explain(err, "read the retention of the bucket "+id.String(), nil)
			diags.AddAttributeWarning(path.Root("bucket_ids"), why.Summary(), why.Detail()+"\n\nWhether it is immutable is not known.")
		}
	}
	return days
}
