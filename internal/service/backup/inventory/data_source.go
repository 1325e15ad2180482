package inventory

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/backup"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/policy"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
)

// NewDataSource makes data.holdfast_backups; now is the time to which ages are
// counted.
func NewDataSource(now func() time.Time) datasource.DataSource { return &source{now: now} }

type source struct {
	now func() time.Time
	env *service.Env
}

var (
	_ datasource.DataSourceWithConfigure      = (*source)(nil)
	_ datasource.DataSourceWithValidateConfig = (*source)(nil)
)

// Metadata implements datasource.DataSource.
func (*source) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_backups"
}

// Schema implements datasource.DataSource.
func (*source) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = sourceSchema()
}

// Configure implements datasource.DataSourceWithConfigure.
func (s *source) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	s.env = service.EnvOf(req.ProviderData, &resp.Diagnostics)
}

// ValidateConfig implements datasource.DataSourceWithValidateConfig. The model
// is not read as a whole: unknown values do not fit it.
func (*source) ValidateConfig(ctx context.Context, req datasource.ValidateConfigRequest, resp *datasource.ValidateConfigResponse) {
	var (
		ids     types.List
		tenants types.Set
		rpo     types.Int64
	)
	diags := &resp.Diagnostics
	diags.Append(req.Config.GetAttribute(ctx, path.Root("bucket_ids"), &ids)...)
	diags.Append(req.Config.GetAttribute(ctx, path.Root("tenants"), &tenants)...)
	diags.Append(req.Config.GetAttribute(ctx, path.Root("rpo_hours"), &rpo)...)
	if diags.HasError() {
		return
	}
	bucketsOf(ids, diags)
	tenantsOf(tenants, diags)
	if hours := rpo.ValueInt64(); !rpo.IsNull() && !rpo.IsUnknown() && (hours < 1 || hours > maxRPOHours) {
		diags.AddAttributeError(path.Root("rpo_hours"), "Not an objective", fmt.Sprintf("%d hours are no age of a backup.\n\nWrite 1 to %d, or leave it out.", hours, maxRPOHours))
	}
}

// bucketsOf reads the known ids.
func bucketsOf(list types.List, diags *diag.Diagnostics) []Bucket {
	var buckets []Bucket
	if !list.IsUnknown() && len(list.Elements()) == 0 {
		diags.AddAttributeError(path.Root("bucket_ids"), "No bucket", "There is nothing to look into.\n\nName the buckets, such as holdfast_backup_plan.standard.bucket_ids.")
	}
	for i, element := range list.Elements() {
		text, ok := element.(types.String)
		if !ok || text.IsUnknown() {
			continue
		}
		id, err := cloud.ParseID(text.ValueString())
		if err != nil {
			diags.AddAttributeError(path.Root("bucket_ids").AtListIndex(i), "Not a bucket's id", err.Error())
			continue
		}
		buckets = append(buckets, Bucket{ID: id})
	}
	return buckets
}

// tenantsOf reads the known names, sorted.
func tenantsOf(set types.Set, diags *diag.Diagnostics) []string {
	names, _ := service.KnownStrings(set)
	slices.Sort(names)
	for _, name := range names {
		for _, finding := range policy.CheckTenant(name) {
			finding.Field = "tenants"
			service.Report(diags, finding)
		}
	}
	return names
}

// Read implements datasource.DataSource.
func (s *source) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m model
	diags := &resp.Diagnostics
	diags.Append(req.Config.Get(ctx, &m)...)
	if diags.HasError() {
		return
	}
	buckets, tenants := bucketsOf(m.BucketIDs, diags), tenantsOf(m.Tenants, diags)
	if diags.HasError() {
		return
	}
	m.Broken, m.Degraded, m.Inventory, m.Buckets = []string{}, []string{}, []tenantModel{}, []sourceModel{}
	m.RPOHours = types.Int64Value(cmp.Or(m.RPOHours.ValueInt64(), policy.MaxRPOHours))
	if !m.Tenants.IsNull() && len(tenants) == 0 {
		m.OK = types.BoolValue(true) // nobody is to have any
		diags.Append(resp.State.Set(ctx, &m)...)
		return
	}
	sources, err := Sources(s.env, buckets)
	if err != nil {
		why := service.Explain(err, "look into the buckets", nil)
		diags.AddAttributeError(path.Root("bucket_ids"), why.Summary(), why.Detail())
		return
	}
	ctx, cancel := context.WithTimeout(cloud.WithPriority(ctx, cloud.PriorityRefresh), s.env.Timeouts.Read)
	defer cancel()
	rpo := time.Duration(m.RPOHours.ValueInt64()) * time.Hour
	summary, err := backup.Read(ctx, sources, Options(s.env, tenants, rpo, s.now()), func(r backup.Report) error {
		m.add(r)
		return nil
	})
	if err != nil {
		const doing = "take the inventory of backups"
		if why := service.Explain(err, doing, nil); ctx.Err() != nil {
			diags.Append(why)
		} else {
			diags.AddError("Cannot "+doing, err.Error()) // of every bucket
		}
		return
	}
	m.conclude(summary, retentions(ctx, sources, summary.Sources, diags), diags)
	diags.Append(resp.State.Set(ctx, &m)...)
}

// add takes one tenant.
func (m *model) add(r backup.Report) {
	m.Inventory = append(m.Inventory, fromReport(r))
	switch r.State {
	case backup.StateBroken:
		m.Broken = append(m.Broken, r.Tenant)
	case backup.StateDegraded:
		m.Degraded = append(m.Degraded, r.Tenant)
	}
}

// conclude adds what is known when all tenants are, and warns of buckets that
// should have answered.
func (m *model) conclude(summary backup.Summary, immutable []types.Int64, diags *diag.Diagnostics) {
	slices.SortFunc(m.Inventory, func(a, b tenantModel) int { return cmp.Compare(a.Tenant, b.Tenant) })
	slices.Sort(m.Broken)
	slices.Sort(m.Degraded)
	m.OK = types.BoolValue(len(m.Broken) == 0)
	for i, one := range summary.Sources {
		told := fromSource(one)
		told.Immutable = immutable[i]
		m.Buckets = append(m.Buckets, told)
		if told.State == sourceUnreachable {
			why := service.Explain(one.Err, "read the bucket "+told.BucketID, nil)
			diags.AddAttributeWarning(path.Root("bucket_ids"), why.Summary(), why.Detail()+"\n\nIts copies count as unreachable.")
		}
	}
}
