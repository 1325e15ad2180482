package volume

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
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
	return schema.Schema{
		MarkdownDescription: "A data disk of one location, encrypted at rest (ENC-1). A VM holds it by naming it in `volume_ids`. " +
			"Removing the volume from the configuration destroys its data: set `deletion_protection` where that must not happen.",
		Attributes: attributes,
		Blocks:     map[string]schema.Block{googleblock.Name: googleblock.Volume()},
	}
}
