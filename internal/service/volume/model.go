package volume

import (
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
)

// model is the resource as Terraform holds it.
type model struct {
	service.Common
	service.Tenancy
	SizeGB     types.Int64  `tfsdk:"size_gb"`
	Encrypted  types.Bool   `tfsdk:"encrypted"`
	Device     types.String `tfsdk:"device"`
	Encryption types.Object `tfsdk:"encryption"`
	Google     types.Object `tfsdk:"google"`
}
