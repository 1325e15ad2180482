package plan

import (
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64default"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/objectdefault"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/policy"
)

const description = `When backups are made, which are kept, how old the newest may be, and in which buckets they are held. A plan that breaks a promise does not pass the plan, and the message says which locations would mend it, the cheapest first:

- at least 3 buckets in 3 data centres on 2 continents (BAK-2); one in the data centre of what is protected may be there, and does not count (DR-2);
- at least one of these immutable, for as long as a backup is kept (BAK-6);
- 7 daily, 4 weekly and 3 monthly backups, or more (BAK-1), none older than 24 hours (DR-1);
- made in the quiet hours of each region, from 20:00 to 06:00 on its own clocks, on every day of the year (UPT-2).

Nothing at any vendor corresponds to a plan: it is kept in the state only, and all its attributes change in place.

**Buckets are given as they are**: ` + "`buckets = [holdfast_backup_bucket.a, …]`" + ` or ` + "`values(holdfast_backup_bucket.all)`" + `. Of each the plan takes ` + "`id`, `location` and `immutable_days`" + `; the latter two are known before the bucket exists, so that a set that breaks a promise is refused by the first plan, and not by the apply. What is unknown then is judged when it is known. Before a plan is written to the state, every bucket is read once, and has to be as immutable as it is said to be.

**Lost locations**: a bucket in a lost location counts as missing, with a warning that says what is degraded. While there are lost locations, an existing plan of which only ` + "`protects`" + ` changes is not refused, only warned of: a failover must not wait for a bucket.`

func resourceSchema() schema.Schema {
	return schema.Schema{
		MarkdownDescription: description,
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{
				Computed: true, MarkdownDescription: "The `name`; also what to import by. An import takes over nothing but the name, since nothing at any vendor knows the rest: the next plan shows all the rest as a change in place, and the apply writes it.",
			},
			"name": schema.StringAttribute{
				Required: true, MarkdownDescription: "Name of the plan: lower case letters, digits and hyphens. Changed in place.",
			},
			"schedule": schema.StringAttribute{
				Required: true, MarkdownDescription: "Time of day at which backups begin, `HH:MM`, within the quiet hours of all that is protected (UPT-2).",
			},
			"time_zone": schema.StringAttribute{
				Optional: true, MarkdownDescription: "IANA time zone of `schedule`, such as `Europe/Berlin`. Default: each location's own.",
			},
			"retention": retentionAttribute(),
			"rpo_hours": schema.Int64Attribute{
				Optional: true, Computed: true, Default: int64default.StaticInt64(policy.MaxRPOHours),
				MarkdownDescription: "Recovery point objective: the age in hours of the newest backup from which it is an alarm (BAK-3, DR-1). Default `24`, which is also the most that is promised.",
			},
			"protects": schema.SetAttribute{
				Required: true, ElementType: types.StringType,
				MarkdownDescription: "The locations of the machines that the plan backs up, stand-bys included, such as `[\"hetzner/fsn1\", \"hetzner/hel1\"]`. The rules have to hold for each of them: after a failover they do without another change.",
			},
			"buckets": bucketsAttribute(),
			"bucket_ids": schema.ListAttribute{
				Computed: true, ElementType: types.StringType, MarkdownDescription: "The `id`s of `buckets`, in their order.",
			},
		},
	}
}

func bucketsAttribute() schema.Attribute {
	return schema.ListNestedAttribute{
		Required:            true,
		MarkdownDescription: "The buckets in which every backup is held: `holdfast_backup_bucket`s, or objects with what a plan needs of one.",
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			// Not Required: the framework would refuse a bucket that is unknown as a
			// whole, as all are in `terraform validate`. The check does it.
			"id":             schema.StringAttribute{Optional: true, MarkdownDescription: "Required. The bucket's `id`."},
			"location":       schema.StringAttribute{Optional: true, MarkdownDescription: "Required. The bucket's `location`."},
			"immutable_days": schema.Int64Attribute{Optional: true, MarkdownDescription: "For how long the bucket is immutable; at least as long as `retention` keeps a backup, if it is at all."},
		}},
	}
}

func retentionAttribute() schema.Attribute {
	standard := cloud.DefaultRetention()
	kinds, values, attributes := map[string]attr.Type{}, map[string]attr.Value{}, map[string]schema.Attribute{}
	for _, class := range cloud.BackupClasses() {
		n, name := int64(standard.Of(class)), string(class)
		kinds[name], values[name] = types.Int64Type, types.Int64Value(n)
		attributes[name] = schema.Int64Attribute{Optional: true, Computed: true, Default: int64default.StaticInt64(n),
			MarkdownDescription: map[cloud.BackupClass]string{
				cloud.BackupDaily:   "The last backup of each of so many days. Default and least: 7.",
				cloud.BackupWeekly:  "The last backup of each of so many weeks. Default and least: 4.",
				cloud.BackupMonthly: "The last backup of each of so many months. Default and least: 3.",
			}[class]}
	}
	return schema.SingleNestedAttribute{
		Optional: true, Computed: true, Attributes: attributes,
		Default:             objectdefault.StaticValue(types.ObjectValueMust(kinds, values)),
		MarkdownDescription: "Which backups are kept (BAK-1), as restic's `--keep-daily`, `--keep-weekly` and `--keep-monthly` do.",
	}
}
