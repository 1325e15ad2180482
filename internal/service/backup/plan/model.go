package plan

import (
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/policy"
)

// model is the resource as Terraform holds it.
type model struct {
	ID        types.String `tfsdk:"id"`
	Name      types.String `tfsdk:"name"`
	Schedule  types.String `tfsdk:"schedule"`
	TimeZone  types.String `tfsdk:"time_zone"`
	Retention types.Object `tfsdk:"retention"`
	RPOHours  types.Int64  `tfsdk:"rpo_hours"`
	Protects  types.Set    `tfsdk:"protects"`
	Buckets   types.List   `tfsdk:"buckets"`
	BucketIDs types.List   `tfsdk:"bucket_ids"`
}

// bucket is what a plan says of one bucket. All of it may be unknown.
type bucket struct {
	ID            types.String
	Location      types.String
	ImmutableDays types.Int64
}

// bucketsOf reads the list; known tells whether its length is.
func bucketsOf(list types.List) (buckets []bucket, known bool) {
	for _, element := range list.Elements() {
		one := bucket{types.StringUnknown(), types.StringUnknown(), types.Int64Unknown()}
		if object, ok := element.(types.Object); ok && !object.IsUnknown() {
			one = bucket{types.StringNull(), types.StringNull(), types.Int64Null()}
			if id, ok := object.Attributes()["id"].(types.String); ok {
				one.ID = id
			}
			if location, ok := object.Attributes()["location"].(types.String); ok {
				one.Location = location
			}
			if days, ok := object.Attributes()["immutable_days"].(types.Int64); ok {
				one.ImmutableDays = days
			}
		}
		buckets = append(buckets, one)
	}
	return buckets, !list.IsUnknown()
}

// idsOf gives bucket_ids as far as it is known.
func idsOf(list types.List) types.List {
	buckets, known := bucketsOf(list)
	ids := []attr.Value{}
	for _, b := range buckets {
		known = known && !b.ID.IsUnknown()
		ids = append(ids, b.ID)
	}
	if !known {
		return types.ListUnknown(types.StringType)
	}
	return types.ListValueMust(types.StringType, ids)
}

// keep reads the retention; absent numbers are the defaults.
func keep(retention types.Object) policy.Opt[cloud.BackupCounts] {
	if retention.IsUnknown() {
		return policy.Unknown[cloud.BackupCounts]()
	}
	counts := cloud.DefaultRetention()
	for name, into := range map[string]*int{"daily": &counts.Daily, "weekly": &counts.Weekly, "monthly": &counts.Monthly} {
		value, ok := retention.Attributes()[name].(types.Int64)
		switch {
		case !ok || value.IsNull():
		case value.IsUnknown():
			return policy.Unknown[cloud.BackupCounts]()
		default:
			*into = int(value.ValueInt64())
		}
	}
	return policy.Known(counts)
}

// rpo reads the objective.
func rpo(value types.Int64) policy.Opt[int64] {
	switch {
	case value.IsUnknown():
		return policy.Unknown[int64]()
	case value.IsNull():
		return policy.Known[int64](policy.MaxRPOHours)
	}
	return policy.Known(value.ValueInt64())
}
