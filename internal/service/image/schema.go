package image

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64default"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

func resourceSchema(context.Context) schema.Schema {
	keep := []planmodifier.String{stringplanmodifier.UseStateForUnknown()}
	return schema.Schema{
		MarkdownDescription: "A hardened image in a cloud (SYS-1, SYS-2, SYS-3), from which `holdfast_vm`s are made by `image_id`. " +
			"A temporary machine of the vendor's stock Debian hardens itself by the profile that this provider carries (`holdfast image profile` prints it), switches itself off, becomes the image, and is removed.\n\n" +
			"**It takes minutes.** Terraform prints `Still creating...` meanwhile, and a provider can print nothing else while it works: the stages (the machine is made, hardens itself, is off, its disk becomes the image, it is removed) are in the log, with `TF_LOG_PROVIDER=INFO`. " +
			"The machine switches itself off only if everything went well, so one that is on after `build_minutes` has failed: the error shows the end of its serial console on Google Cloud; Hetzner Cloud gives nobody a console's output. " +
			"The machine is removed in every case, also after an interrupt. Should the run itself be killed, the next one for an image of that name removes what is left, and `holdfast orphans` lists it until then.\n\n" +
			"**An image is replaced, never changed**: by another `base`, `profile` or `roles`, and by another version of the profile in a newer provider (`source_hash` tells). VMs that name the image are then replaced, too; " +
			"`lifecycle { ignore_changes = [image_id] }` in a VM keeps it on the image that it has. Write `lifecycle { create_before_destroy = true }` in the image: " +
			"the new one, under the same name, is then there before the VMs are replaced, and the old one goes last; a failed hardening changes nothing. " +
			"An image that a VM of the deployment was made from is not deleted: the apply says which VM, the old image stays, and the next apply tries again.\n\n" +
			"Both clouds keep images for all their locations, so a stand-by uses the same image. For a stand-by in another cloud declare one there beforehand: a failover then needs not wait for it.",
		Attributes: map[string]schema.Attribute{
			"location": schema.StringAttribute{
				Required: true,
				MarkdownDescription: "`<cloud>/<data centre>`: where the temporary machine stands. Images are the cloud's, for all its locations: another location of the same cloud changes only the `id`, in place; " +
					"one of another cloud replaces the image.",
			},
			"base": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "The vendor's stock image to start from: `debian-12`, which the profile is for. Changing this replaces the image.",
			},
			"profile": schema.StringAttribute{
				Optional: true, Computed: true,
				Default:             stringdefault.StaticString(hardened),
				MarkdownDescription: "The hardening profile: `hardened`, the default and the only one. Changing this replaces the image.",
			},
			"roles": schema.SetAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "Optional roles of the profile, such as `postgresql`. Changing this replaces the image.",
			},
			"server_type": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "The vendor's name of the temporary machine's size, of architecture x86. Without it, the cheapest with 2 GB of memory that the location sells. " +
					"Where a type comes with a disk (Hetzner Cloud), the image needs a disk of that size. Changing this changes nothing of an image that exists.",
			},
			"network_id": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "The `id` of a `holdfast_network` in the same location for the temporary machine, which needs a way to the internet for packages and gets a public address. " +
					"Required on Google Cloud, which has no machine without a network, and where nothing is let in that no firewall rule lets in. Changing this changes nothing of an image that exists.",
			},
			"build_minutes": schema.Int64Attribute{
				Optional: true, Computed: true,
				Default:             int64default.StaticInt64(standardMinutes),
				MarkdownDescription: fmt.Sprintf("How long the hardening may take, in minutes, from 1 to 240. Changed in place. Default %d.", standardMinutes),
			},
			"source_hash": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: "A digest of everything that decides what is in the image: base, profile, roles. Another one is another image.",
			},
			"architecture": schema.StringAttribute{
				Computed: true, PlanModifiers: keep,
				MarkdownDescription: "`x86`: of the machines that can be made from the image.",
			},
			"min_disk_gb": schema.Int64Attribute{
				Computed: true, PlanModifiers: []planmodifier.Int64{int64planmodifier.UseStateForUnknown()},
				MarkdownDescription: "The size of the disk in GB that a machine needs for the image. A VM whose server type comes with less is refused by the plan.",
			},
			"status": schema.StringAttribute{
				Computed: true, PlanModifiers: keep,
				MarkdownDescription: "The vendor's word for the image's state, for example `available`.",
			},
		},
	}
}
