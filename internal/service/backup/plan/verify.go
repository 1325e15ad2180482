package plan

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/policy"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
)

// verify reads every bucket of a plan that is about to be written: it exists,
// is this deployment's, and as immutable as the plan takes it to be. Nothing is
// asked of lost locations. A store that does not answer now is only warned of:
// a failover must not wait for it.
func (p *plan) verify(ctx context.Context, m *model, diags *diag.Diagnostics) {
	ctx, cancel := context.WithTimeout(cloud.WithPriority(ctx, cloud.PriorityPaid), p.env.Timeouts.Read)
	defer cancel()
	buckets, _ := bucketsOf(m.Buckets)
	for i, b := range buckets {
		id, err := cloud.ParseID(b.ID.ValueString())
		if err != nil || p.env.Lost.Contains(id.Location) {
			continue // the former was reported
		}
		attribute := path.Root("buckets").AtListIndex(i)
		observed, err := p.read(ctx, id)
		switch {
		case err == nil:
			p.compare(observed, id, b.ImmutableDays.ValueInt64(), i, diags)
		case cloud.IsNotFound(err):
			diags.AddAttributeError(attribute.AtName("id"), "No such bucket", fmt.Sprintf("%s does not exist. Refer to a holdfast_backup_bucket of this configuration, or to one that exists.", id))
		case cloud.CodeOf(err).Temporary():
			why := service.Explain(err, "look at the bucket "+id.String(), nil)
			diags.AddAttributeWarning(attribute.AtName("id"), why.Summary(), why.Detail()+"\n\nThe plan is written all the same. Whether the bucket is immutable was not verified.")
		default:
			why := service.Explain(err, "look at the bucket "+id.String(), nil)
			diags.AddAttributeError(attribute.AtName("id"), why.Summary(), why.Detail())
		}
	}
}

func (p *plan) read(ctx context.Context, id cloud.ID) (cloud.Bucket, error) {
	driver, err := p.env.Clouds.Driver(id.Location.Cloud)
	if err != nil {
		return cloud.Bucket{}, err
	}
	buckets, err := cloud.BucketsOf(driver)
	if err != nil {
		return cloud.Bucket{}, err
	}
	return buckets.Get(ctx, id.Native)
}

// compare reports where a bucket is not what the plan takes it to be.
func (p *plan) compare(observed cloud.Bucket, id cloud.ID, days int64, i int, diags *diag.Diagnostics) {
	field := fmt.Sprintf("buckets[%d].", i)
	if owner := observed.Deployment; owner != "" && owner != p.env.Deployment {
		service.Report(diags, policy.Finding{Field: field + "id", Summary: "Bucket of another deployment",
			Detail: fmt.Sprintf("%s belongs to the deployment %q, and this configuration is the deployment %q.", id, owner, p.env.Deployment), Remedy: "Use a bucket of this deployment."})
	}
	if stands := observed.Location; stands.Name != "" && stands != id.Location {
		service.Report(diags, policy.Finding{Field: field + "id", Summary: "Bucket of another location",
			Detail: fmt.Sprintf("%s does not stand in %s, but in %s.", id.Native, id.Location, stands), Remedy: "Use its id: " + cloud.ID{Location: stands, Native: id.Native}.String() + "."})
	}
	if int64(observed.ImmutableDays) < days {
		service.Report(diags, policy.Finding{Promise: policy.BAK6, Field: field + "immutable_days", Summary: "Bucket is less immutable than it is said to be",
			Detail: fmt.Sprintf("%s is immutable for %d days, not for %d.", id, observed.ImmutableDays, days), Remedy: "Give the bucket as it is, such as holdfast_backup_bucket.a."})
	}
}
