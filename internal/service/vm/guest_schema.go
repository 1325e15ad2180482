package vm

import (
	"context"
	"fmt"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/encryption"
)

// What a machine is told where the configuration says nothing: our own choice,
// within the bounds of package guest.
const (
	standardAttempts        = 5
	standardWindowSeconds   = 10 * 60
	standardCoolDownSeconds = 60 * 60
	standardUpdateAt        = "02:00"
	standardRebootAt        = "03:30"
)

// wholeSchema is the resource's schema with what a machine is told.
func wholeSchema(ctx context.Context) schema.Schema {
	s := resourceSchema(ctx)
	maps.Copy(s.Attributes, guestAttributes())
	return s
}

// guestAttributes are what a machine is told at its first boot.
func guestAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"guest": guestAttribute(),
		"guest_hash": schema.StringAttribute{
			Computed:            true,
			MarkdownDescription: "Hash of the `guest` settings and `user_data` that the machine was made with; null where it was made without `guest`, or imported.",
		},
		"guest_current": schema.BoolAttribute{
			Computed: true,
			MarkdownDescription: "Whether the machine was made with the `guest` settings that are configured now. `false` after they were changed, until the machine is replaced; null without `guest`. " +
				"A `check` block can watch it.",
		},
		"restore": schema.SingleNestedAttribute{
			Optional: true,
			MarkdownDescription: "What the machine begins with when it is made: a kept backup, from the buckets of `guest.backup` (BAK-5). Volumes that hold data already are never overwritten. " +
				"It acts when the machine is made, and at no other time: it can be set before a failover, changed and removed in place.",
			Attributes: map[string]schema.Attribute{
				"from":    schema.StringAttribute{Required: true, MarkdownDescription: "`latest`; a time such as `2026-11-23T02:30:00Z`, for the newest backup not after it; or the id of a snapshot."},
				"bucket":  schema.StringAttribute{Optional: true, MarkdownDescription: "The `id` of the bucket to read. Default: the nearest that answers and holds the backup."},
				"machine": schema.StringAttribute{Optional: true, MarkdownDescription: "The name of the machine whose backup it is. Default: a machine of the same name."},
			},
		},
	}
}

func guestAttribute() schema.SingleNestedAttribute {
	number := func(text string) schema.Attribute {
		return schema.Int64Attribute{Optional: true, MarkdownDescription: text}
	}
	text := func(text string) schema.Attribute {
		return schema.StringAttribute{Optional: true, MarkdownDescription: text}
	}
	return schema.SingleNestedAttribute{
		Optional: true,
		MarkdownDescription: "What the machine does by itself, on a Holdfast image: who may log in, encrypted volumes, intrusion prevention, updates, backups. It is composed with `user_data` into what cloud-init acts on at first boot, and holds public facts and ciphertext only.\n\n" +
			"**These settings act when the machine is made.** A change is written to the state, with nothing asked of the cloud and a warning in the plan; the running machine keeps what it was told, and `guest_current` is `false`. " +
			"To let a change act, replace the machine (`terraform apply -replace=…`): its volumes stay, and are opened by the new one. Nothing here ever replaces a machine by itself, so that a change of a backup plan is no downtime for all tenants.\n\n" +
			"With `guest`, the tenant's `user_data` may be cloud-config, a script or a MIME multipart of these. Both are acted on: lists (`write_files`, `users`, `bootcmd`, `groups`) are joined, and what the guest decides (`hostname`, `ssh_pwauth`, `disable_root`) is refused in `user_data`.",
		Attributes: map[string]schema.Attribute{
			"admins": schema.MapAttribute{
				Required: true, ElementType: types.ListType{ElemType: types.StringType},
				MarkdownDescription: "The engineers who may log in, each with public keys of their own (SYS-3): `{ ada = [\"ssh-ed25519 …\"] }`. They get accounts without passwords in the group `" + guest.AdminGroup + "`.",
			},
			"mounts": schema.MapNestedAttribute{
				Optional:            true,
				MarkdownDescription: "Where volumes are mounted, as they are: `{ \"/srv/data\" = holdfast_volume.data }`. Each is one of `volume_ids`, and has `encryption` (ENC-1): an empty volume is encrypted and formatted, one that has any content never is.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"id":            text("Required. The volume's `id`."),
					"name":          text("Required. The volume's `name`."),
					"device":        text("Required. The volume's `device`."),
					encryption.Name: encryption.Attribute("Required. The volume's `encryption`."),
				}},
			},
			"ports": schema.SetAttribute{
				Optional: true, ElementType: types.Int64Type,
				MarkdownDescription: "The TCP ports that the tenant's services listen on besides 22, opened in the machine's own firewall. The `holdfast_firewall`s in front of it say from where.",
			},
			"intrusion": schema.SingleNestedAttribute{
				Optional: true, MarkdownDescription: "When whoever tries to log in is blocked (NET-2).",
				Attributes: map[string]schema.Attribute{
					"attempts":          number(fmt.Sprintf("How many failures within the window lead to a block, from 1 to %d. Default `%d`.", guest.MaxAttempts, standardAttempts)),
					"window_seconds":    number(fmt.Sprintf("From %d to %d. Default `%d`.", guest.MinWindowSeconds, guest.MaxWindowSeconds, standardWindowSeconds)),
					"cool_down_seconds": number(fmt.Sprintf("How long the block lasts, from %d to %d. Default `%d`.", guest.MinCoolDownSeconds, guest.MaxCoolDownSeconds, standardCoolDownSeconds)),
				},
			},
			"maintenance": schema.SingleNestedAttribute{
				Optional: true, MarkdownDescription: "When security updates are installed (SYS-1), and when the machine may restart for them: times of day in the quiet hours of its location, from 20:00 to 06:00 on its own clocks (UPT-2).",
				Attributes: map[string]schema.Attribute{
					"update_at": text("`HH:MM`. Default `" + standardUpdateAt + "`."),
					"reboot_at": text("`HH:MM`. Default `" + standardRebootAt + "`."),
				},
			},
			"database": schema.SingleNestedAttribute{
				Optional: true, MarkdownDescription: "The database that the machine runs, reached by the machine itself and the tenant's own network only (ISO-2).",
				Attributes: map[string]schema.Attribute{
					"engine": text("Required. `" + guest.PostgreSQL + "`."),
					"mount":  text("Required. Which of `mounts` holds its data."),
				},
			},
			"proxy":  text("URL of an HTTP proxy by which the machine reaches buckets and package mirrors. It must hold no password."),
			"backup": backupAttribute(),
		},
	}
}

func backupAttribute() schema.Attribute {
	text := func(text string) schema.Attribute {
		return schema.StringAttribute{Optional: true, MarkdownDescription: text}
	}
	number := func(text string) schema.Attribute {
		return schema.Int64Attribute{Optional: true, MarkdownDescription: text}
	}
	return schema.SingleNestedAttribute{
		Optional: true,
		MarkdownDescription: "How the machine makes its backups. The secrets are sealed to the Tang servers of the volumes in `mounts`, which all have the same `encryption`: only a machine that reaches them opens the secrets, and Terraform keeps them nowhere. " +
			"They are write-only attributes, which need Terraform 1.11 or OpenTofu 1.11; older ones refuse a configuration that sets them.",
		Attributes: map[string]schema.Attribute{
			"plan": schema.SingleNestedAttribute{
				Optional: true, MarkdownDescription: "Required. The `holdfast_backup_plan`, as it is: `plan = holdfast_backup_plan.standard`. The one that `backup_plan_id` names.",
				Attributes: map[string]schema.Attribute{
					"name":      text("Required. The plan's `name`."),
					"schedule":  text("Required. The plan's `schedule`."),
					"time_zone": text("The plan's `time_zone`; without it, the location's own."),
					"retention": schema.SingleNestedAttribute{Optional: true, MarkdownDescription: "The plan's `retention`.", Attributes: map[string]schema.Attribute{
						"daily": number("Default `7`."), "weekly": number("Default `4`."), "monthly": number("Default `3`.")}},
					"bucket_ids": schema.ListAttribute{Optional: true, ElementType: types.StringType, MarkdownDescription: "The plan's `bucket_ids`."},
				},
			},
			"buckets": schema.ListNestedAttribute{
				Optional: true, MarkdownDescription: "Required. The plan's `holdfast_backup_bucket`s, as they are: `values(holdfast_backup_bucket.all)`. A backup is made in the nearest, and copied to the others.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"id":             text("Required. The bucket's `id`."),
					"endpoint":       text("The bucket's `endpoint`."),
					"immutable_days": number("The bucket's `immutable_days`."),
				}},
			},
			"paths": schema.SetAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "What is backed up, besides dumps of the database. Default: all `mounts` but the database's.",
			},
			"clears_locks": schema.BoolAttribute{
				Optional:            true,
				MarkdownDescription: "Whether the machine's credentials may remove restic's locks: `clears_locks` of the tenant in the `guests` of all `buckets`. Default `false`: it leaves them, and somebody else runs `restic unlock`.",
			},
			"password_wo": schema.StringAttribute{
				Optional: true, WriteOnly: true,
				MarkdownDescription: "Required when the machine is made. The password by which restic encrypts the tenant's backups (ENC-2): at least 20 characters. Whoever loses it loses the backups.",
			},
			"password_wo_version": number("A number of your own: change it together with `password_wo`, of which Terraform sees no change."),
			"credentials_wo": schema.MapAttribute{
				Optional: true, WriteOnly: true, ElementType: types.StringType,
				MarkdownDescription: "Required when the machine is made. By the `id` of each bucket, the credentials that the machine uses it with, as JSON: for S3 `jsonencode({ access_key = …, secret_key = … })`, for Google Cloud Storage the key file of a service account. " +
					"A machine on Google Cloud that has a service account of its own needs none for buckets there.",
			},
			"credentials_wo_version": number("As `password_wo_version`, for `credentials_wo`."),
		},
	}
}

// typesOf gives the types of a nested attribute's own attributes.
func typesOf(attribute schema.Attribute) map[string]attr.Type {
	if object, ok := attribute.GetType().(types.ObjectType); ok {
		return object.AttrTypes
	}
	return nil
}
