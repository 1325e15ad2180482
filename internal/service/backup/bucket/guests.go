package bucket

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/policy"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
)

// guestModel is one of the guests, as Terraform holds it.
type guestModel struct {
	Principal   types.String `tfsdk:"principal"`
	ClearsLocks types.Bool   `tfsdk:"clears_locks"`
}

func guestType() types.ObjectType {
	return types.ObjectType{AttrTypes: map[string]attr.Type{"principal": types.StringType, "clears_locks": types.BoolType}}
}

func guestsAttribute() schema.Attribute {
	return schema.MapNestedAttribute{
		Optional: true,
		MarkdownDescription: "The machines that write their backups here with credentials of their own, by tenant. Each may write, list and read below `<deployment>/<tenant>/`, and nothing else: " +
			"it can delete no backup, nor a version of one, nor read another tenant's, nor see or change a setting of the bucket. Two tenants never share credentials (ISO-2). " +
			"Changed in place. What others grant on the bucket is left alone, unless it grants a guest more: that is drift, and taken away. " +
			"Some 20 to 30 guests fit into one bucket; the plan says how many. The guide *What a stolen machine can do to its backups* tells what is left to be feared.",
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"principal": schema.StringAttribute{
				Required: true,
				MarkdownDescription: "Whom the vendor knows by the machine's credentials; the secret part belongs on the machine only. " +
					"Hetzner: `p<number of the project>:<access key>`, of a **project of the tenant's own**: a key may do everything in its project, and read what another key of it wrote. " +
					"Google Cloud: the address of a service account, which should have no role on the project.",
			},
			"clears_locks": schema.BoolAttribute{
				Optional: true, Computed: true, Default: booldefault.StaticBool(false),
				MarkdownDescription: "Let the machine remove the locks that restic leaves below `restic/locks/` after each command. " +
					"Without, restic warns after every backup and somebody else runs `restic unlock`. Default `false`.",
			},
		}},
	}
}

// guestsOf reads the guests that are known, in the order of specs. A principal
// that is not known yet is empty.
func guestsOf(ctx context.Context, value types.Map) (guests []cloud.BucketGuest, diags diag.Diagnostics) {
	for tenant, element := range value.Elements() {
		object, ok := element.(types.Object)
		if !ok || object.IsUnknown() || object.IsNull() {
			guests = append(guests, cloud.BucketGuest{Tenant: tenant})
			continue
		}
		var guest guestModel
		diags.Append(object.As(ctx, &guest, basetypes.ObjectAsOptions{})...)
		guests = append(guests, cloud.BucketGuest{Tenant: tenant, Principal: guest.Principal.ValueString(), ClearsLocks: guest.ClearsLocks.ValueBool()})
	}
	return cloud.SortGuests(guests), diags
}

// guestsMap is the reverse. Without any it stays null if nobody wrote it, since no
// cloud knows the difference to an empty map.
func guestsMap(before types.Map, guests []cloud.BucketGuest) types.Map {
	if len(guests) == 0 && (before.IsNull() || before.IsUnknown()) {
		return types.MapNull(guestType())
	}
	elements := map[string]attr.Value{}
	for _, guest := range guests {
		elements[guest.Tenant] = types.ObjectValueMust(guestType().AttrTypes, map[string]attr.Value{
			"principal": types.StringValue(guest.Principal), "clears_locks": types.BoolValue(guest.ClearsLocks)})
	}
	return types.MapValueMust(guestType(), elements)
}

// checkGuests judges what needs no environment.
func checkGuests(ctx context.Context, value types.Map, diags *diag.Diagnostics) {
	for tenant, element := range value.Elements() {
		if element.IsNull() {
			diags.AddAttributeError(path.Root("guests").AtMapKey(tenant), "Guest missing", "It is null.\n\nLeave it out, or say who it is.")
			return
		}
	}
	guests, more := guestsOf(ctx, value)
	diags.Append(more...)
	judged := make([]policy.BackupGuest, len(guests))
	for i, guest := range guests {
		judged[i] = policy.BackupGuest{Tenant: guest.Tenant}
		if known(value, guest.Tenant) {
			judged[i].Principal = policy.Known(guest.Principal)
		}
	}
	service.Report(diags, policy.CheckBackupGuests(judged)...)
}

// known tells whether a guest's principal is.
func known(value types.Map, tenant string) bool {
	object, ok := value.Elements()[tenant].(types.Object)
	if !ok || object.IsUnknown() {
		return false
	}
	principal, ok := object.Attributes()["principal"].(types.String)
	return ok && !principal.IsUnknown()
}

// reviewGuests judges what the vendor takes, before anything is asked of it: the
// form of principals, and how many fit into one bucket.
func reviewGuests(ctx context.Context, r *service.Review[model], location cloud.Location) {
	guests, diags := guestsOf(ctx, r.Plan.Guests)
	r.Diags.Append(diags...)
	if len(guests) == 0 || !service.Known(r.Plan.Name) || diags.HasError() {
		return
	}
	driver, err := r.Env.Clouds.Driver(location.Cloud)
	if err != nil {
		return // reported elsewhere
	}
	buckets, err := cloud.BucketsOf(driver)
	if err != nil {
		return
	}
	err = buckets.CheckGuests(cloud.BucketSpec{Meta: cloud.Meta{Name: r.Plan.Name.ValueString(), Deployment: r.Env.Deployment, Location: location}, Guests: guests})
	if err != nil {
		r.Diags.Append(service.Explain(err, fmt.Sprintf("let guests into the bucket %q", r.Plan.Name.ValueString()), func(string) bool { return true }))
	}
}
