package inventory

import (
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

const description = `What there is of each tenant's backups in each bucket, and whether the newest are recent enough (BAK-3, DR-1). It is read at every refresh from the buckets themselves: one list request for every 1,000 objects, one small read for each tenant and bucket (what its guest tells), and one request for each bucket (whether it is immutable). The list proves what exists; times, sizes and classes are the guest's word, where it tells of them.

A tenant is
- ` + "`ok`" + `: every bucket holds a backup within the objective;
- ` + "`degraded`" + `: the objective is kept, in fewer buckets than declared since a location is lost or cannot be reached, or with something to look at;
- ` + "`broken`" + `: a bucket that can be read holds no backup within the objective, or one that cannot be trusted, or none can be read.

In a ` + "`check`" + ` block a broken objective is a warning of every plan and apply; as a ` + "`postcondition`" + ` it is an error. ` + "`holdfast backups`" + ` prints the same on the command line, for cron and monitoring.`

func sourceSchema() schema.Schema {
	text := func(description string) schema.StringAttribute {
		return schema.StringAttribute{Computed: true, MarkdownDescription: description}
	}
	number := func(description string) schema.Int64Attribute {
		return schema.Int64Attribute{Computed: true, MarkdownDescription: description}
	}
	texts := func(description string) schema.ListAttribute {
		return schema.ListAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: description}
	}
	copies := map[string]schema.Attribute{
		"bucket_id":     text("The bucket."),
		"state":         text("`ok`, `stale` (the newest is older than the objective), `missing` (there is none), `lost` (the location was declared lost) or `unreachable`."),
		"newest":        text("When the newest backup was begun (RFC 3339); null if there is none, or nobody knows."),
		"newest_id":     text("The id of restic's snapshot."),
		"age_hours":     number("Its age in whole hours."),
		"backups":       number("How many backups the bucket holds; null if it was not read."),
		"daily":         number("How many of them are kept as the last of their day."),
		"weekly":        number("How many as the last of their week."),
		"monthly":       number("How many as the last of their month."),
		"bytes":         number("What a restore of the newest would write; null if the guest does not tell."),
		"told_by_guest": schema.BoolAttribute{Computed: true, MarkdownDescription: "Whether times, sizes and classes are the guest's word. Otherwise times are those at which the objects were written."},
		"problems":      texts("What there is to look at, in sentences."),
	}
	return schema.Schema{
		MarkdownDescription: description,
		Attributes: map[string]schema.Attribute{
			"bucket_ids": schema.ListAttribute{
				Required: true, ElementType: types.StringType,
				MarkdownDescription: "The `id`s of the buckets to look into, such as `holdfast_backup_plan.standard.bucket_ids`.",
			},
			"tenants": schema.SetAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "The tenants that should have backups, and only those: one that no bucket knows is reported with every copy missing. Default: whoever is found, so that a tenant that never had a backup is not missed.",
			},
			"rpo_hours": schema.Int64Attribute{
				Optional: true, Computed: true,
				MarkdownDescription: "Recovery point objective: from this age, and two hours more, the newest backup is too old. Two hours, because a daily backup is a day old when the next one begins, and that takes its time. At most 8760, a year. Default `24`.",
			},
			"ok":       schema.BoolAttribute{Computed: true, MarkdownDescription: "Whether no tenant is `broken`."},
			"broken":   texts("The tenants that are `broken`, sorted."),
			"degraded": texts("The tenants that are `degraded`, sorted."),
			"inventory": schema.ListNestedAttribute{
				Computed: true, MarkdownDescription: "The tenants, sorted by name.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"tenant":         text("The tenant."),
					"state":          text("`ok`, `degraded` or `broken`."),
					"newest":         text("When the newest backup in any bucket was begun (RFC 3339); null if there is none."),
					"age_hours":      number("Its age in whole hours."),
					"fresh_copies":   number("How many buckets hold a backup within the objective."),
					"missing_copies": number("How many should and do not, for whatever reason."),
					"copies":         schema.ListNestedAttribute{Computed: true, MarkdownDescription: "One for each bucket, in the order of `bucket_ids`.", NestedObject: schema.NestedAttributeObject{Attributes: copies}},
				}},
			},
			"buckets": schema.ListNestedAttribute{
				Computed: true, MarkdownDescription: "How reading each bucket went, in the order of `bucket_ids`.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"bucket_id": text("The bucket."),
					"state":     text("`read`, `lost` (its location was declared lost, so it was not asked) or `unreachable`."),
					"problem":   text("Why it could not be read; null if it was."),
					"immutable_days": number("For how many days nobody can delete what is written there now, as the bucket itself says (BAK-6); `0` if it is not immutable. " +
						"Null if it was not read, or the credentials may read objects only."),
				}},
			},
		},
	}
}
