package googleblock

import (
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// Name is the block's, and its cloud's.
const Name = "google"

// The block's attributes, which are also the driver's option keys.
const (
	// KMSKey is the Cloud KMS key that encrypts the disk.
	KMSKey = "kms_key"
	// DiskType is the vendor's name of the disk's type.
	DiskType = "type"
)

// DefaultDiskType is what a disk is that names no type.
const DefaultDiskType = "pd-balanced"

// KMSKeyAttribute is the schema of the key; noun is what a change replaces,
// disk what the key encrypts.
func KMSKeyAttribute(noun, disk string) schema.StringAttribute {
	return schema.StringAttribute{
		Optional: true,
		MarkdownDescription: fmt.Sprintf("Cloud KMS key that encrypts %s instead of one that Google manages (CMEK; ENC-1): "+
			"`projects/<project>/locations/<location>/keyRings/<ring>/cryptoKeys/<key>`, in the disk's region, a multi-region or `global`. "+
			"The project's Compute Engine service agent needs the role `roles/cloudkms.cryptoKeyEncrypterDecrypter` on it. "+
			"Raw keys (CSEK) are refused: Google has deprecated them, and the key would be in the state. Changing this replaces the %s.", disk, noun),
	}
}

// DiskTypeAttribute is the schema of the disk's type; noun is what a change
// replaces.
func DiskTypeAttribute(noun string) schema.StringAttribute {
	return schema.StringAttribute{
		Optional: true,
		MarkdownDescription: fmt.Sprintf("Type of the disk, such as `pd-balanced`, `pd-ssd` or `hyperdisk-balanced`. Changing this replaces the %s. Default `%s`.",
			noun, DefaultDiskType),
	}
}

// text gives an attribute of a block; null where the block is absent, unknown
// where it is.
func text(block types.Object, name string) types.String {
	if block.IsUnknown() {
		return types.StringUnknown()
	}
	value, ok := block.Attributes()[name].(types.String)
	if !ok {
		return types.StringNull()
	}
	return value
}

// Options gives the block as a driver's options; nil if it says nothing.
func Options(block types.Object) map[string]string {
	var given map[string]string
	for _, name := range []string{KMSKey, DiskType} {
		if value := text(block, name).ValueString(); value != "" {
			if given == nil {
				given = map[string]string{}
			}
			given[name] = value
		}
	}
	return given
}

// versions begins the part of a key's name that tells its version. The vendor
// shows the version that encrypted a disk; the configuration names the key.
const versions = "/cryptoKeyVersions/"

// Observe writes a driver's observed options into the block of something that
// stands in the location. Only what differs from the defaults makes an absent
// block appear; elsewhere than on Google Cloud the block stays as it is.
func Observe(block types.Object, kinds map[string]attr.Type, options map[string]string, location cloud.Location) types.Object {
	if block.IsUnknown() {
		block = types.ObjectNull(kinds)
	}
	if location.Cloud != Name {
		if block.IsNull() {
			return types.ObjectNull(kinds)
		}
		return block
	}
	key, _, _ := strings.Cut(options[KMSKey], versions)
	observed := map[string]string{KMSKey: key, DiskType: options[DiskType]}
	values := map[string]attr.Value{}
	said := !block.IsNull()
	for name := range kinds {
		value := types.StringNull()
		switch was := text(block, name); {
		case observed[name] == "" && name == DiskType, isDefault(name, observed[name]) && was.IsNull():
			value = was // not told, or as it is when nothing is said
		case observed[name] != "":
			value, said = types.StringValue(observed[name]), true
		}
		values[name] = value
	}
	if !said {
		return types.ObjectNull(kinds)
	}
	return types.ObjectValueMust(kinds, values)
}

func isDefault(name, value string) bool { return name == DiskType && value == DefaultDiskType }

// Replaces tells whether something in the planned location has to be made
// anew because its block changed. What is unknown counts as changed.
func Replaces(location types.String, prior, plan types.Object) bool {
	if here, err := cloud.ParseLocation(location.ValueString()); err == nil && here.Cloud != Name {
		return false
	}
	for _, name := range []string{KMSKey, DiskType} {
		had, wants := text(prior, name), text(plan, name)
		if wants.IsUnknown() {
			return true
		}
		if normal(name, had) != normal(name, wants) {
			return true
		}
	}
	return false
}

// normal gives the value that an attribute stands for.
func normal(name string, value types.String) string {
	if name == DiskType && value.ValueString() == "" {
		return DefaultDiskType
	}
	return value.ValueString()
}
