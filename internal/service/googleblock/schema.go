package googleblock

import (
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// VolumeTypes are the types of the attributes of a volume's block.
func VolumeTypes() map[string]attr.Type {
	return map[string]attr.Type{KMSKey: types.StringType, DiskType: types.StringType}
}

// Volume is the schema of a volume's block.
func Volume() schema.Block {
	return schema.SingleNestedBlock{
		MarkdownDescription: "What only Google Cloud has; read only where the volume stands there.",
		Attributes: map[string]schema.Attribute{
			KMSKey: kmsKeyAttribute("volume", "the volume"),
			DiskType: schema.StringAttribute{
				Optional: true,
				MarkdownDescription: fmt.Sprintf("Type of the disk, such as `pd-balanced`, `pd-ssd` or `hyperdisk-balanced`. Changing this replaces the volume. Default `%s`.",
					DefaultDiskType),
			},
		},
	}
}

// BucketTypes are the types of the attributes of a backup bucket's block.
func BucketTypes() map[string]attr.Type { return map[string]attr.Type{KMSKey: types.StringType} }

// Bucket is the schema of a backup bucket's block.
func Bucket() schema.Block {
	return schema.SingleNestedBlock{
		MarkdownDescription: "What only Google Cloud has; read only where the bucket stands there.",
		Attributes: map[string]schema.Attribute{
			KMSKey: schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Cloud KMS key that encrypts new objects instead of one that Google manages (CMEK; ENC-2): " +
					"`projects/<project>/locations/<location>/keyRings/<ring>/cryptoKeys/<key>`, in the bucket's region. " +
					"The project's Cloud Storage service agent needs the role `roles/cloudkms.cryptoKeyEncrypterDecrypter` on it. Changed in place; objects that are there keep their key.",
			},
		},
	}
}

// VMTypes are the types of the attributes of a VM's block.
func VMTypes() map[string]attr.Type {
	return map[string]attr.Type{KMSKey: types.StringType, BootDiskGB: types.Int64Type, BootDiskType: types.StringType,
		SecureBoot: types.BoolType, ServiceAccount: types.StringType, IPForwarding: types.BoolType}
}

// VM is the schema of a VM's block.
func VM() schema.Block {
	return schema.SingleNestedBlock{
		MarkdownDescription: "What only Google Cloud has; read only where the machine stands there. Any change replaces the VM.",
		Attributes: map[string]schema.Attribute{
			KMSKey: kmsKeyAttribute("VM", "the machine's own disk"),
			BootDiskGB: schema.Int64Attribute{
				Optional:            true,
				MarkdownDescription: "Size of the machine's own disk in GB. Default: what the image needs.",
			},
			BootDiskType: schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Type of the machine's own disk, such as `pd-ssd`. Default: what suits the server type.",
			},
			SecureBoot: schema.BoolAttribute{
				Optional: true,
				MarkdownDescription: "Whether only signed boot loaders and kernels start. Default: `true` for the vendor's images, `false` for your own. " +
					"The virtual TPM and integrity monitoring are always on.",
			},
			ServiceAccount: schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Address of the service account that the machine acts as; its roles say what it may do. " +
					"Default: none; the project's default account is never used.",
			},
			IPForwarding: schema.BoolAttribute{
				Optional:            true,
				MarkdownDescription: "Whether the machine may pass on the traffic of others, as the gateway of one of the `routes` of a `holdfast_network` has to. Default `false`.",
			},
		},
	}
}

// kmsKeyAttribute is the schema of the key; noun is what a change replaces,
// disk what the key encrypts.
func kmsKeyAttribute(noun, disk string) schema.StringAttribute {
	return schema.StringAttribute{
		Optional: true,
		MarkdownDescription: fmt.Sprintf("Cloud KMS key that encrypts %s instead of one that Google manages (CMEK; ENC-1): "+
			"`projects/<project>/locations/<location>/keyRings/<ring>/cryptoKeys/<key>`, in the disk's region, a multi-region or `global`. "+
			"The project's Compute Engine service agent needs the role `roles/cloudkms.cryptoKeyEncrypterDecrypter` on it. "+
			"Raw keys (CSEK) are refused: Google has deprecated them, and the key would be in the state. Changing this replaces the %s.", disk, noun),
	}
}
