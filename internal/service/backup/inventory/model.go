package inventory

import (
	"time"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/backup"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
)

// model is the data source as Terraform holds it.
type model struct {
	BucketIDs types.List    `tfsdk:"bucket_ids"`
	Tenants   types.Set     `tfsdk:"tenants"`
	RPOHours  types.Int64   `tfsdk:"rpo_hours"`
	OK        types.Bool    `tfsdk:"ok"`
	Broken    []string      `tfsdk:"broken"`
	Degraded  []string      `tfsdk:"degraded"`
	Inventory []tenantModel `tfsdk:"inventory"`
	Buckets   []sourceModel `tfsdk:"buckets"`
}

type tenantModel struct {
	Tenant   string       `tfsdk:"tenant"`
	State    string       `tfsdk:"state"`
	Newest   types.String `tfsdk:"newest"`
	AgeHours types.Int64  `tfsdk:"age_hours"`
	Fresh    int64        `tfsdk:"fresh_copies"`
	Missing  int64        `tfsdk:"missing_copies"`
	Copies   []copyModel  `tfsdk:"copies"`
}

type copyModel struct {
	BucketID string       `tfsdk:"bucket_id"`
	State    string       `tfsdk:"state"`
	Newest   types.String `tfsdk:"newest"`
	NewestID types.String `tfsdk:"newest_id"`
	AgeHours types.Int64  `tfsdk:"age_hours"`
	Backups  types.Int64  `tfsdk:"backups"`
	Daily    types.Int64  `tfsdk:"daily"`
	Weekly   types.Int64  `tfsdk:"weekly"`
	Monthly  types.Int64  `tfsdk:"monthly"`
	Bytes    types.Int64  `tfsdk:"bytes"`
	Told     bool         `tfsdk:"told_by_guest"`
	Problems []string     `tfsdk:"problems"`
}

type sourceModel struct {
	BucketID string       `tfsdk:"bucket_id"`
	State    string       `tfsdk:"state"`
	Problem  types.String `tfsdk:"problem"`
	// Immutable is in days.
	Immutable types.Int64 `tfsdk:"immutable_days"`
}

// instant writes a time as RFC 3339 in UTC; null for none.
func instant(t time.Time) types.String {
	if t.IsZero() {
		return types.StringNull()
	}
	return types.StringValue(t.UTC().Format(time.RFC3339))
}

// hours are whole ones; null where there is nothing that has an age.
func hours(newest time.Time, age time.Duration) types.Int64 {
	if newest.IsZero() {
		return types.Int64Null()
	}
	return types.Int64Value(int64(age / time.Hour))
}

func fromReport(r backup.Report) tenantModel {
	m := tenantModel{Tenant: r.Tenant, State: string(r.State), Newest: instant(r.Newest), AgeHours: hours(r.Newest, r.Age),
		Fresh: int64(r.Fresh), Missing: int64(r.Missing), Copies: []copyModel{}}
	for _, c := range r.Copies {
		m.Copies = append(m.Copies, fromCopy(c))
	}
	return m
}

// fromCopy: of a bucket that was not read, nothing is known.
func fromCopy(c backup.Copy) copyModel {
	m := copyModel{BucketID: cloud.ID{Location: c.Location, Native: c.Bucket}.String(), State: string(c.State),
		Newest: instant(c.Newest), NewestID: service.OptionalString(c.NewestID), AgeHours: hours(c.Newest, c.Age), Told: c.Told, Problems: []string{}}
	if c.State != backup.CopyLost && c.State != backup.CopyUnreachable {
		m.Backups = types.Int64Value(int64(c.Snapshots))
		m.Daily, m.Weekly, m.Monthly = types.Int64Value(int64(c.Counts.Daily)), types.Int64Value(int64(c.Counts.Weekly)), types.Int64Value(int64(c.Counts.Monthly))
	}
	if c.Bytes > 0 {
		m.Bytes = types.Int64Value(c.Bytes)
	}
	for _, p := range c.Problems {
		m.Problems = append(m.Problems, p.Text)
	}
	return m
}

// The states of a bucket as a whole.
const (
	sourceRead        = "read"
	sourceLost        = "lost"
	sourceUnreachable = "unreachable"
)

func fromSource(s backup.SourceState) sourceModel {
	m := sourceModel{BucketID: cloud.ID{Location: s.Location, Native: s.Name}.String(), State: sourceRead}
	switch {
	case s.Lost:
		m.State = sourceLost
	case s.Err != nil:
		m.State, m.Problem = sourceUnreachable, types.StringValue(s.Err.Error())
	}
	return m
}
