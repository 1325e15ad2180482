package volume

import (
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/googleblock"
)

// model is the resource as Terraform holds it.
type model struct {
	service.Common
	service.Tenancy
	SizeGB    types.Int64  `tfsdk:"size_gb"`
	Encrypted types.Bool   `tfsdk:"encrypted"`
	Device    types.String `tfsdk:"device"`
	Google    types.Object `tfsdk:"google"`
}

// googleTypes are the types of the attributes of Google Cloud's block.
func googleTypes() map[string]attr.Type {
	return map[string]attr.Type{googleblock.KMSKey: types.StringType, googleblock.DiskType: types.StringType}
}
