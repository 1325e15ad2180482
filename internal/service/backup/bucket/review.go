package bucket

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/catalog"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/policy"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/googleblock"
)

// oldVersionDays is for how long old versions are kept by default: as long as
// the default retention of a plan keeps a backup.
func oldVersionDays() int64 { return int64(cloud.DefaultRetention().Days()) }

// check judges what needs no environment (BAK-6).
func check(ctx context.Context, m *model, diags *diag.Diagnostics) {
	days, old := days(m.ImmutableDays), days(m.OldVersionDays)
	findings, _ := policy.CheckBackupBucket(policy.BackupBucket{ImmutableDays: days, ForceDestroy: flag(m.ForceDestroy)})
	if m.ID.IsNull() {
		// Of a plan, what nobody wrote is filled in before it is judged.
		findings = append(findings, checkOldVersions(days, old, m.OldVersionDays.IsNull())...)
	}
	if n, known := days.Get(); known && n == 0 && m.LockRetention.ValueBool() {
		findings = append(findings, policy.Finding{Field: "lock_retention", Summary: "No retention to lock",
			Detail: "The bucket is not immutable, so there is nothing to be locked for ever.", Remedy: "Set immutable_days, or leave lock_retention out."})
	}
	checkGuests(ctx, m.Guests, diags)
	service.Report(diags, append(findings, googleblock.Check(m.Location, m.Google)...)...)
}

// days reads a number; without it the default of 0 holds.
func days(value types.Int64) policy.Opt[int64] {
	if value.IsUnknown() {
		return policy.Unknown[int64]()
	}
	return policy.Known(value.ValueInt64())
}

func flag(value types.Bool) policy.Opt[bool] {
	if value.IsUnknown() {
		return policy.Unknown[bool]()
	}
	return policy.Known(value.ValueBool())
}

// checkOldVersions judges for how long old versions are kept.
func checkOldVersions(immutable, old policy.Opt[int64], absent bool) []policy.Finding {
	least, _ := immutable.Get() // 0 while it is unknown
	kept, known := old.Get()
	switch {
	case absent || !known:
		return nil
	case kept > policy.MaxImmutableDays:
		return []policy.Finding{{Field: "old_version_days", Summary: "Impossible number of days",
			Detail: fmt.Sprintf("The number is %d.", kept), Remedy: fmt.Sprintf("Set it to %d or less, or to 0 to keep old versions for ever.", policy.MaxImmutableDays)}}
	}
	return policy.CheckNoncurrentDays("old_version_days", kept, least, cloud.DefaultRetention())
}

// review fills in what a plan can foresee, and judges what needs the
// environment or the prior state.
func review(ctx context.Context, r *service.Review[model]) {
	location, err := cloud.ParseLocation(r.Plan.Location.ValueString())
	if err == nil {
		reachable(r, location)
		reviewGuests(ctx, r, location)
	}
	same := r.Prior != nil && r.Prior.Location.Equal(r.Plan.Location) && len(replaces(r.Prior, r.Plan)) == 0
	if same {
		stays(r, location)
	}
	if r.Config.OldVersionDays.IsNull() && !r.Final {
		r.Plan.OldVersionDays = types.Int64Unknown()
		if !r.Plan.ImmutableDays.IsUnknown() {
			r.Plan.OldVersionDays = types.Int64Value(max(oldVersionDays(), r.Plan.ImmutableDays.ValueInt64()))
		}
	}
	service.Report(r.Diags, checkOldVersions(days(r.Plan.ImmutableDays), days(r.Plan.OldVersionDays), false)...)
	r.Plan.Protections = types.ObjectUnknown(protectionTypes())
	if err == nil {
		r.Plan.Protections = protections(location, nil)
	}
	if r.Final {
		return
	}
	if locked := same && r.Prior.LockRetention.ValueBool(); r.Plan.LockRetention.ValueBool() && !locked && locksApart(location) {
		r.Diags.AddAttributeWarning(path.Root("lock_retention"), "The retention will be locked for ever",
			fmt.Sprintf("Applying this plan locks the retention of %s days. Nobody can shorten or remove it ever after, and what is written to the bucket is kept, and paid for, as long. "+
				"If that is not meant, do not apply: set lock_retention = false.", daysText(r.Plan.ImmutableDays)))
	}
}

// reachable reports why there are no buckets in a location.
func reachable(r *service.Review[model], location cloud.Location) {
	attribute := path.Root("location")
	if entry, err := r.Env.Catalog.Lookup(location); err == nil && !entry.ObjectStorage {
		r.Diags.AddAttributeError(attribute, "No object storage there",
			fmt.Sprintf("The catalogue knows of no object storage in %s.\n\n%s", location, elsewhere(r.Env.Catalog, location.Cloud)))
		return
	}
	driver, err := r.Env.Clouds.Driver(location.Cloud)
	if err != nil {
		return // reported where all objects are judged, or not known yet
	}
	if _, err := cloud.BucketsOf(driver); err != nil && (r.Final || !errors.Is(err, service.ErrNotYetKnown)) {
		why := service.Explain(err, "reach the object storage of "+location.Cloud, nil)
		r.Diags.AddAttributeError(attribute, why.Summary(), why.Detail())
	}
}

// elsewhere names locations of a cloud that have object storage.
func elsewhere(locations *catalog.Catalog, cloudName string) string {
	entries, err := locations.Select(catalog.Filter{Cloud: cloudName})
	if err != nil {
		return ""
	}
	const most = 5
	var names []string
	for _, entry := range entries {
		if entry.ObjectStorage && len(names) < most {
			names = append(names, entry.Location.String())
		}
	}
	if len(names) == 0 {
		return "Choose a location of another cloud."
	}
	return "Choose another location, such as " + strings.Join(names, ", ") + "."
}

// stays judges what can never be undone of a bucket that stays where it is.
func stays(r *service.Review[model], location cloud.Location) {
	had, wants := r.Prior.ImmutableDays.ValueInt64(), r.Plan.ImmutableDays
	if !wants.IsUnknown() && wants.ValueInt64() < had {
		service.Report(r.Diags, policy.Finding{Promise: policy.BAK6, Field: "immutable_days", Summary: "Retention cannot shrink",
			Detail: fmt.Sprintf("The bucket is immutable for %d days, and would be so for %d: backups that nobody was to be able to delete could be deleted earlier.", had, wants.ValueInt64()),
			Remedy: fmt.Sprintf("Set it to %d or more. For less, declare another bucket under another name, and remove this one when all in it has outlived its retention.", had)})
	}
	if r.Prior.LockRetention.ValueBool() && !r.Plan.LockRetention.IsUnknown() && !r.Plan.LockRetention.ValueBool() && locksApart(location) {
		service.Report(r.Diags, policy.Finding{Promise: policy.BAK6, Field: "lock_retention", Summary: "The retention is locked for ever",
			Detail: "Nobody can unlock it, the vendor included.", Remedy: "Set lock_retention = true."})
	}
}

func daysText(value types.Int64) string {
	if value.IsUnknown() {
		return "some"
	}
	return fmt.Sprint(value.ValueInt64())
}

// defaultOldVersions is the default as it stands in a state.
func defaultOldVersions(immutable tftypes.Value) tftypes.Value {
	var days big.Float
	if immutable.IsNull() || !immutable.IsKnown() || immutable.As(&days) != nil {
		return tftypes.NewValue(tftypes.Number, oldVersionDays())
	}
	n, _ := days.Int64()
	return tftypes.NewValue(tftypes.Number, max(oldVersionDays(), n))
}
