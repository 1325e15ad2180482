package googleblock

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// Name is the block's, and its cloud's.
const Name = "google"

// The block's attributes, which are also the driver's option keys.
const (
	// KMSKey is the Cloud KMS key that encrypts the disk.
	KMSKey = "kms_key"
	// DiskType is the vendor's name of a volume's type.
	DiskType = "type"
	// BootDiskGB and BootDiskType are the size and type of a VM's own disk.
	BootDiskGB   = "boot_disk_gb"
	BootDiskType = "boot_disk_type"
	// SecureBoot tells whether only signed boot loaders start.
	SecureBoot = "secure_boot"
	// ServiceAccount is the address of the account that the VM acts as.
	ServiceAccount = "service_account"
	// IPForwarding tells whether the VM may pass on the traffic of others.
	IPForwarding = "ip_forwarding"
)

// observed tells which attributes the vendor tells again. The others stay in
// the state as they were written.
var observed = []string{KMSKey, DiskType, ServiceAccount}

// DefaultDiskType is what a disk is that names no type.
const DefaultDiskType = "pd-balanced"

// text gives an attribute of a block as a driver reads it; null where the
// attribute or the block is absent, unknown where it is.
func text(block types.Object, name string) types.String {
	if block.IsUnknown() {
		return types.StringUnknown()
	}
	value, ok := block.Attributes()[name]
	switch {
	case !ok || value.IsNull():
		return types.StringNull()
	case value.IsUnknown():
		return types.StringUnknown()
	}
	switch value := value.(type) {
	case types.String:
		return value
	case types.Bool:
		return types.StringValue(strconv.FormatBool(value.ValueBool()))
	case types.Int64:
		return types.StringValue(strconv.FormatInt(value.ValueInt64(), 10))
	}
	return types.StringNull()
}

// Options gives the block as a driver's options; nil if it says nothing.
func Options(block types.Object) map[string]string {
	var given map[string]string
	for name := range block.Attributes() {
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
	values, said := maps.Clone(block.Attributes()), !block.IsNull()
	if values == nil {
		values = map[string]attr.Value{}
	}
	for name, kind := range kinds {
		if value, ok := values[name]; !ok || value.IsUnknown() {
			values[name] = null(kind)
		}
		if !slices.Contains(observed, name) {
			continue
		}
		switch told := keyOf(name, options[name]); {
		case told == "" && name == DiskType, told == defaultOf(name) && values[name].IsNull():
			// Not told, or as it is when nothing is said.
		case told == "":
			values[name] = types.StringNull()
		default:
			values[name], said = types.StringValue(told), true
		}
	}
	if !said {
		return types.ObjectNull(kinds)
	}
	return types.ObjectValueMust(kinds, values)
}

// null is the absent value of one of the block's types.
func null(kind attr.Type) attr.Value {
	switch kind {
	case types.BoolType:
		return types.BoolNull()
	case types.Int64Type:
		return types.Int64Null()
	}
	return types.StringNull()
}

// keyOf takes the version off a key that the vendor tells.
func keyOf(name, value string) string {
	if name == KMSKey {
		value, _, _ = strings.Cut(value, versions)
	}
	return value
}

// defaultOf is what an absent attribute stands for, as far as it is the same
// for every object.
func defaultOf(name string) string {
	switch name {
	case DiskType:
		return DefaultDiskType
	case IPForwarding:
		return strconv.FormatBool(false)
	}
	return ""
}

// Replaces tells whether something in the planned location has to be made
// anew because its block changed. What is unknown counts as changed. What the
// vendor does not tell is taken to be as planned if the object was imported.
func Replaces(location types.String, prior, plan types.Object, imported bool) bool {
	if here, err := cloud.ParseLocation(location.ValueString()); err == nil && here.Cloud != Name {
		return false
	}
	if plan.IsUnknown() {
		return true
	}
	names := maps.Clone(prior.Attributes())
	if names == nil {
		names = map[string]attr.Value{}
	}
	maps.Copy(names, plan.Attributes())
	for name := range names {
		had, wants := text(prior, name), text(plan, name)
		if imported && had.IsNull() && !slices.Contains(observed, name) {
			continue
		}
		if wants.IsUnknown() || meaning(name, had) != meaning(name, wants) {
			return true
		}
	}
	return false
}

// meaning is the value that an attribute stands for.
func meaning(name string, value types.String) string {
	if value.ValueString() == "" {
		return defaultOf(name)
	}
	return value.ValueString()
}
