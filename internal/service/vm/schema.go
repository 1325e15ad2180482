package vm

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

func resourceSchema(_ context.Context) schema.Schema {
	keep := []planmodifier.String{stringplanmodifier.UseStateForUnknown()}
	return schema.Schema{
		MarkdownDescription: "A virtual machine of one tenant (ISO-1). It has SSH keys and no password (SYS-3), a firewall (NET-1), a private network of its tenant (ISO-2) and, where it holds data, a backup plan (BAK-1); a configuration without them does not pass the plan.\n\n" +
			"Say what the machine needs with `cpus` and `memory_gb`, and it gets the cheapest server type with at least this that its location sells when the machine is made; " +
			"where that turns out to be sold out, the next one. A plan finds out whether there is one, and shows the type of machines that exist. " +
			"A machine keeps its type when prices change; it is rescaled in place (with a stop) when it needs more, or when less is asked for than before and something cheaper does. " +
			"Its own disk never shrinks, so a type with a smaller disk is no choice then.\n\n" +
			"SSH keys, network, firewalls and volumes are given to the machine in the request that creates it.",
		Attributes: map[string]schema.Attribute{
			"tenant": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "The tenant whose machine this is (ISO-1). Changing this replaces the VM.",
			},
			"tier": schema.StringAttribute{
				Optional: true, Computed: true,
				Default: stringdefault.StaticString(string(cloud.TierPaid)),
				MarkdownDescription: "`paid` or `free`: what the tenant pays for. Where the cloud's request limit is scarce, paid tenants go first (DR-4). " +
					"Changed in place. Default `paid`.",
			},
			"cpus": schema.Int64Attribute{
				Optional:            true,
				MarkdownDescription: "The least number of virtual CPUs. Changed in place with a stop.",
			},
			"memory_gb": schema.Float64Attribute{
				Optional:            true,
				MarkdownDescription: "The least memory in GB. Changed in place with a stop.",
			},
			"architecture": schema.StringAttribute{
				Optional: true, Computed: true,
				MarkdownDescription: "`x86` or `arm`. Without it, a new machine is `x86` and an existing one stays what it is. Changing this replaces the VM, also by way of `server_type`.",
			},
			"server_type": schema.StringAttribute{
				Optional: true, Computed: true,
				MarkdownDescription: "The vendor's name of the size, instead of `cpus`, `memory_gb` and `architecture`. " +
					"Changed in place with a stop, unless the architecture changes; a type whose disk is smaller than `disk_gb` is refused.",
			},
			"disk_gb": schema.Int64Attribute{
				Computed:            true,
				MarkdownDescription: "The size of the machine's own disk in GB; null where the cloud does not tell.",
			},
			"image": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Name of one of the vendor's images, for example `debian-12`; or give `image_id`. Changing this replaces the VM.",
			},
			"image_id": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "The `id` of a `holdfast_image` of the same cloud, instead of `image`. The plan looks whether the machine's architecture and disk suit it. " +
					"Changing this to another image replaces the VM; `lifecycle { ignore_changes = [image_id] }` keeps it on the one that it was made from.",
			},
			"ssh_key_ids": schema.SetAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "The `id`s of the `holdfast_ssh_key`s that may log in: at least one (SYS-3). They are put into the machine at its first boot, so changing this replaces the VM.",
			},
			"network_id": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "The `id` of a `holdfast_network` of the same tenant and location; every VM has one (ISO-2). Changed in place.",
			},
			"private_ip": schema.StringAttribute{
				Optional: true, Computed: true,
				MarkdownDescription: "The address in the network; without it the cloud chooses one. Changed in place.",
			},
			"firewall_ids": schema.SetAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "The `id`s of the `holdfast_firewall`s in front of the machine: at least one (NET-1). Changed in place, the new ones before the old ones go.",
			},
			"volume_ids": schema.SetAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "The `id`s of the `holdfast_volume`s that the machine holds, in the same location and of no other tenant. Changed in place; a volume that is not named here is detached.",
			},
			"backup_plan_id": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "The `id` of the `holdfast_backup_plan` by which the machine's data is backed up. A VM with `volume_ids` has one (BAK-1): without it the plan is refused, or the apply where the id is known no earlier. " +
					"Importing and refreshing never are; `terraform destroy -refresh=false` destroys what has none. The id is the plan's name, so `\"standard\"` as text will do where the plan is declared elsewhere; it is all that a failover needs, even with every bucket out of reach. " +
					"No cloud keeps it: an import does not know it, and the next apply writes it to the state. Changed in place, with nothing asked of the cloud.",
			},
			"user_data": schema.StringAttribute{
				Optional: true, Sensitive: true,
				MarkdownDescription: "What cloud-init runs at first boot: a `#cloud-config` document, a script, or a MIME multipart of them. " +
					"It must hold no password and no private key, and must not open password logins (SYS-3). " +
					"It is kept in the state as it is written here, and left out of what a plan prints. Changing this replaces the VM.",
			},
			"power_state": schema.StringAttribute{
				Optional: true, Computed: true,
				Default:             stringdefault.StaticString(string(cloud.PowerRunning)),
				MarkdownDescription: "`running` or `stopped`. Changed in place. Default `running`.",
			},
			"public_ipv4": schema.BoolAttribute{
				Optional: true, Computed: true,
				Default: booldefault.StaticBool(false),
				MarkdownDescription: "Whether the machine has a public IPv4 address, to be reached from the internet and to reach it. " +
					"Without any public address it does so only through a machine of its network (see the `routes` of `holdfast_network`). Changing this replaces the VM. Default `false`.",
			},
			"public_ipv6": schema.BoolAttribute{
				Optional: true, Computed: true,
				Default:             booldefault.StaticBool(false),
				MarkdownDescription: "Whether the machine has a public IPv6 network. Changing this replaces the VM. Default `false`.",
			},
			"ipv4_address": schema.StringAttribute{
				Computed: true, PlanModifiers: keep,
				MarkdownDescription: "The public IPv4 address.",
			},
			"ipv6_address": schema.StringAttribute{
				Computed: true, PlanModifiers: keep,
				MarkdownDescription: "The first address of the public IPv6 network, which is the one that the machine uses.",
			},
			"ipv6_network": schema.StringAttribute{
				Computed: true, PlanModifiers: keep,
				MarkdownDescription: "The public IPv6 network.",
			},
			"status": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: "The vendor's word for what the machine does now, for example `running`.",
			},
		},
		Blocks: vendorBlocks(),
	}
}
