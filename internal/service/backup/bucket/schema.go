package bucket

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64default"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/googleblock"
)

const description = `A bucket for backups in one location. It is always private and versioned, encrypted at rest on Google Cloud, and set to refuse requests without TLS where the vendor has a setting for it (ENC-2); there is no attribute that would make it otherwise. Hetzner promises no encryption at rest for Object Storage: there it is restic that keeps ENC-2, which encrypts before it sends. One bucket serves all tenants of a deployment: each has the prefix ` + "`<deployment>/<tenant>/`" + `.

Every protective setting is read at each refresh. One that somebody has changed is ` + "`false`" + ` in ` + "`protections`" + `: the plan shows it, and the apply puts it right.

**Immutable buckets** (BAK-6): with ` + "`immutable_days`" + `, nobody can delete or overwrite what was written for as long, neither with a stolen key nor as the account's owner. It can grow, and never shrink. Until the last object has outlived it, the bucket cannot be destroyed, and is paid for.

**A lost location**: a bucket whose location is in the provider's ` + "`lost_locations`" + ` stays in the state as it was last seen, with a warning: nothing is asked or changed there, and backups count as missing until the location is back. Removing the block leaves the bucket behind.

A bucket that holds anything is not deleted, nor replaced, unless ` + "`force_destroy`" + ` is set.`

func resourceSchema(context.Context) schema.Schema {
	keep := []planmodifier.String{stringplanmodifier.UseStateForUnknown()}
	return schema.Schema{
		MarkdownDescription: description,
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{
				Required: true,
				MarkdownDescription: "Name, unique among the deployment's buckets in one location: lower case letters, digits and hyphens, beginning with a letter. " +
					"The vendor's name is made of deployment, name and location (see `bucket`), since vendors want names that no other customer has. " +
					"An imported bucket that Holdfast did not make has the vendor's name. Changing this replaces the bucket.",
			},
			"immutable_days": schema.Int64Attribute{
				Optional: true, Computed: true, Default: int64default.StaticInt64(0),
				MarkdownDescription: "For how many days after it was written nobody can delete or overwrite an object (BAK-6): 93 or more, which is how long the default retention of a backup plan keeps a backup. " +
					"It grows in place and never shrinks. From 0 to more replaces the bucket where the vendor decides it at creation (Hetzner). " +
					"There the account's owner can still shorten or clear the bucket's default: what was written keeps its lock, and what is written afterwards gets the weaker one, or none, until the next apply puts the default back. Default `0`: not immutable.",
			},
			"lock_retention": schema.BoolAttribute{
				Optional: true, Computed: true, Default: booldefault.StaticBool(false),
				MarkdownDescription: "Acknowledge that the vendor locks `immutable_days` of the bucket **for ever: this cannot be undone by anybody**, the vendor's support included. " +
					"On Google Cloud (Bucket Lock) the account's owner can remove the retention as long as this is `false`. " +
					"On S3 (Hetzner) every object is locked when it is written (compliance mode), whatever this says. Default `false`.",
			},
			"old_version_days": schema.Int64Attribute{
				Optional: true, Computed: true,
				MarkdownDescription: "For how many days replaced and deleted versions of an object are kept, and can be had back: 93 or more, and at least `immutable_days`. `0` keeps them for ever. " +
					"Changed in place. Default: 93, or `immutable_days` if that is more.",
			},
			"force_destroy": schema.BoolAttribute{
				Optional: true, Computed: true, Default: booldefault.StaticBool(false),
				MarkdownDescription: "Delete all objects with all their versions when the bucket is destroyed or replaced. It has to be applied before it counts. Refused with `immutable_days` (BAK-6). Default `false`.",
			},
			"guests": guestsAttribute(),
			"bucket": schema.StringAttribute{
				Computed: true, PlanModifiers: keep,
				MarkdownDescription: "The bucket's name at its vendor, which restic and other tools need.",
			},
			"endpoint": schema.StringAttribute{
				Computed: true, PlanModifiers: keep,
				MarkdownDescription: "The URL of the store as S3 clients want it; null where there is one for all the vendor's buckets.",
			},
			"soft_delete_days": schema.Int64Attribute{
				Computed: true, PlanModifiers: []planmodifier.Int64{int64planmodifier.UseStateForUnknown()},
				MarkdownDescription: "For how many days the vendor itself keeps what was deleted for good; `0` where it does not.",
			},
			"protections": protectionsAttribute(),
		},
		Blocks: map[string]schema.Block{googleblock.Name: googleblock.Bucket()},
	}
}

func protectionsAttribute() schema.Attribute {
	holds := func(text string) schema.BoolAttribute {
		return schema.BoolAttribute{Computed: true, MarkdownDescription: text}
	}
	return schema.SingleNestedAttribute{
		Computed:            true,
		MarkdownDescription: "Which protections were found in place at the last refresh. All are planned to be `true`, so one that was broken shows as a change, which the apply makes. One of which the vendor has nothing to read is null.",
		Attributes: map[string]schema.Attribute{
			"private":   holds("Nobody reads or writes without credentials."),
			"versioned": holds("A replaced or deleted object can be had back."),
			"encrypted": holds("Objects are encrypted at rest. Google Cloud: always, and another key than the one that was asked for shows in `google.kms_key`. Null on Hetzner, which promises no encryption at rest for Object Storage, see above."),
			"tls_only":  holds("Hetzner: the statement that refuses requests without TLS stands in the bucket's policy. The published gateway knows no `aws:SecureTransport` of a request without TLS, so that there the statement never takes effect; whether Hetzner's does was not tried. Null on Google Cloud, which has no such setting. The provider, and machines' settings, use TLS in any case."),
			"retention": holds("The retention is what `immutable_days` and `lock_retention` want."),
			"lifecycle": holds("Nothing is expired within `immutable_days` and `old_version_days`."),
			"guests":    holds("The bucket grants the `guests` what they are to have, to the letter, and nothing beside it."),
		},
	}
}
