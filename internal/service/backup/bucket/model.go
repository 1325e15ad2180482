package bucket

import (
	"context"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/googleblock"
)

// model is the resource as Terraform holds it.
type model struct {
	service.Common
	ImmutableDays  types.Int64  `tfsdk:"immutable_days"`
	LockRetention  types.Bool   `tfsdk:"lock_retention"`
	OldVersionDays types.Int64  `tfsdk:"old_version_days"`
	ForceDestroy   types.Bool   `tfsdk:"force_destroy"`
	Guests         types.Map    `tfsdk:"guests"`
	Google         types.Object `tfsdk:"google"`
	Bucket         types.String `tfsdk:"bucket"`
	Endpoint       types.String `tfsdk:"endpoint"`
	SoftDeleteDays types.Int64  `tfsdk:"soft_delete_days"`
	Protections    types.Object `tfsdk:"protections"`
}

// guards are all protections, in the order in which drivers report them.
func guards() []cloud.BucketGuard {
	return []cloud.BucketGuard{cloud.GuardPrivate, cloud.GuardVersioned, cloud.GuardEncrypted, cloud.GuardTLS, cloud.GuardRetention, cloud.GuardLifecycle,
		cloud.GuardGuests}
}

func protectionTypes() map[string]attr.Type {
	kinds := map[string]attr.Type{}
	for _, guard := range guards() {
		kinds[string(guard)] = types.BoolType
	}
	return kinds
}

// untold tells that a vendor has nothing to be read of a guard, whose value is
// null there: Hetzner offers no encryption at rest, and Google Cloud Storage no
// setting that refuses requests without TLS.
func untold(guard cloud.BucketGuard, location cloud.Location) bool {
	if location.Cloud == googleblock.Name {
		return guard == cloud.GuardTLS
	}
	return guard == cloud.GuardEncrypted
}

// protections tells of each guard whether it holds.
func protections(location cloud.Location, broken []cloud.BucketGuard) types.Object {
	values := map[string]attr.Value{}
	for _, guard := range guards() {
		values[string(guard)] = types.BoolValue(!slices.Contains(broken, guard))
		if untold(guard, location) {
			values[string(guard)] = types.BoolNull()
		}
	}
	return types.ObjectValueMust(protectionTypes(), values)
}

// broken is the reverse.
func broken(value types.Object) []cloud.BucketGuard {
	var off []cloud.BucketGuard
	for _, guard := range guards() {
		if holds, ok := value.Attributes()[string(guard)].(types.Bool); ok && !holds.IsUnknown() && !holds.IsNull() && !holds.ValueBool() {
			off = append(off, guard)
		}
	}
	return off
}

// toSpec maps a model whose values are all known.
func toSpec(ctx context.Context, m *model, meta cloud.Meta) (cloud.BucketSpec, diag.Diagnostics) {
	guests, diags := guestsOf(ctx, m.Guests)
	spec := cloud.BucketSpec{Meta: meta, Guests: guests, ImmutableDays: int(m.ImmutableDays.ValueInt64()), LockRetention: m.LockRetention.ValueBool(),
		OldVersionDays: int(m.OldVersionDays.ValueInt64())}
	if meta.Location.Cloud == googleblock.Name {
		spec.Options = googleblock.Options(m.Google)
	}
	return spec, diags
}

// fromObject writes what was observed into the model.
func fromObject(_ context.Context, m *model, b cloud.Bucket) diag.Diagnostics {
	location, err := cloud.ParseLocation(m.Location.ValueString())
	if err != nil {
		return diag.Diagnostics{diag.NewAttributeErrorDiagnostic(path.Root("location"), "Not a location", err.Error())}
	}
	m.ImmutableDays = types.Int64Value(int64(b.ImmutableDays))
	m.OldVersionDays = types.Int64Value(int64(b.OldVersionDays))
	if locksApart(location) {
		m.LockRetention = types.BoolValue(b.LockRetention)
	}
	m.LockRetention = orFalse(m.LockRetention)
	m.ForceDestroy = orFalse(m.ForceDestroy) // no cloud knows it
	m.Guests = guestsMap(m.Guests, b.Guests)
	m.Google = googleblock.Observe(m.Google, googleblock.BucketTypes(), b.Options, location)
	m.Bucket = types.StringValue(b.ID.Native)
	m.Endpoint = service.OptionalString(b.Endpoint)
	m.SoftDeleteDays = types.Int64Value(int64(b.SoftDeleteDays))
	m.Protections = protections(location, b.Broken)
	return nil
}

// locksApart tells whether the vendor locks a bucket's retention in a step of
// its own, which it also tells of (Google Cloud's Bucket Lock). Elsewhere each
// object is locked when it is written, and lock_retention stays as it is
// written.
func locksApart(location cloud.Location) bool { return location.Cloud == googleblock.Name }

func orFalse(value types.Bool) types.Bool {
	if value.IsNull() || value.IsUnknown() {
		return types.BoolValue(false)
	}
	return value
}

// rebuild makes the observed bucket again from a model that was read from it.
func rebuild(m *model, object cloud.Object, spec cloud.BucketSpec) cloud.Bucket {
	return cloud.Bucket{Object: object, BucketSpec: spec, Broken: broken(m.Protections), Endpoint: m.Endpoint.ValueString(), SoftDeleteDays: int(m.SoftDeleteDays.ValueInt64())}
}
