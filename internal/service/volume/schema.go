package volume

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/encryption"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/googleblock"
)

func resourceSchema(_ context.Context) schema.Schema {
	attributes := service.TenancyAttributes("volume")
	attributes["size_gb"] = schema.Int64Attribute{
		Required:            true,
		MarkdownDescription: "Size in GB as the vendor counts them. Grows in place (the file system in the guest is yours to grow); it can never shrink.",
	}
	attributes["encrypted"] = schema.BoolAttribute{
		Optional: true,
		Computed: true,
		Default:  booldefault.StaticBool(true),
		MarkdownDescription: "That the data is encrypted at rest (ENC-1): by the cloud where it does that (Google Cloud), else by LUKS2 in the guest. " +
			"Always `true`; anything else is refused.",
	}
	attributes["device"] = schema.StringAttribute{
		Computed:            true,
		PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
		MarkdownDescription: "The path at which a Linux guest finds the volume.",
	}
	attributes[encryption.Name] = encryption.Attribute("What opens the volume that the guest encrypts with LUKS2 (AES-256, XTS; ENC-1): required of a volume that a `holdfast_vm` mounts by its `guest.mounts`. " +
		"The machine makes the volume's key itself, binds it to Tang servers in its network, and seals a recovery key to the operators; no key is ever known to Terraform or the cloud. " +
		"No cloud keeps these settings: an import does not know them, and the next apply writes them to the state. Changed in place, with nothing asked of the cloud: " +
		"**they act when the machine that mounts the volume is first made, on a volume that is still empty**. A volume that is encrypted already keeps what it was bound to; bind it anew in the machine (`clevis luks bind`).")
	return schema.Schema{
		MarkdownDescription: "A data disk of one location, encrypted at rest (ENC-1). A VM holds it by naming it in `volume_ids`. " +
			"Removing the volume from the configuration destroys its data: set `deletion_protection` where that must not happen.",
		Attributes: attributes,
		Blocks:     map[string]schema.Block{googleblock.Name: googleblock.Volume()},
	}
}
