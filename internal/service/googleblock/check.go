package googleblock

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/policy"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
)

var (
	// kmsKeyPattern is the resource name of a key. A project id may carry its
	// organisation's domain; key rings and keys have up to 63 letters, digits,
	// '_' and '-' (https://cloud.google.com/kms/docs/resource-hierarchy).
	kmsKeyPattern = regexp.MustCompile(`^projects/(?:[a-z0-9.-]+:)?[a-z0-9][a-z0-9-]{0,61}[a-z0-9]/locations/([a-z][a-z0-9-]*)/keyRings/[A-Za-z0-9_-]{1,63}/cryptoKeys/[A-Za-z0-9_-]{1,63}$`)
	// regionPattern tells a region (europe-west3) from a multi-region (europe,
	// eur4) and from global.
	regionPattern = regexp.MustCompile(`^[a-z]+-[a-z]+[0-9]+$`)
	// diskTypePattern: the types of Persistent Disk are all there will be;
	// Hyperdisk is still growing
	// (https://cloud.google.com/compute/docs/disks).
	diskTypePattern = regexp.MustCompile(`^(pd-(standard|balanced|ssd|extreme)|hyperdisk-[a-z][a-z-]*[a-z])$`)
)

// accountPattern is a service account's address; the default account of
// Compute Engine has one too.
var accountPattern = regexp.MustCompile(`^[a-z0-9.-]+@[a-z0-9.-]+\.gserviceaccount\.com$`)

// The least and most of a boot disk, in GB: that of Persistent Disk
// (https://cloud.google.com/compute/docs/disks/persistent-disks).
const minDiskGB, maxDiskGB = 10, 65536

// Check judges what is known of a block, and whether something in the location
// can use the key that it names.
func Check(location types.String, block types.Object) []policy.Finding {
	findings := checkKMSKey(location, block)
	for _, name := range []string{DiskType, BootDiskType} {
		findings = append(findings, checkDiskType(name, block)...)
	}
	if account := text(block, ServiceAccount); service.Known(account) && !accountPattern.MatchString(account.ValueString()) {
		findings = append(findings, policy.Finding{Field: Name + "." + ServiceAccount, Summary: "Not a service account",
			Detail: fmt.Sprintf("%q is not the address of a service account.", account.ValueString()),
			Remedy: "Write <name>@<project>.iam.gserviceaccount.com, or leave it out: then the machine has no account."})
	}
	if size, ok := block.Attributes()[BootDiskGB].(types.Int64); ok && !size.IsNull() && !size.IsUnknown() && (size.ValueInt64() < minDiskGB || size.ValueInt64() > maxDiskGB) {
		findings = append(findings, policy.Finding{Field: Name + "." + BootDiskGB, Summary: "Impossible size of a disk",
			Detail: fmt.Sprintf("A machine's own disk has %d to %d GB, not %d.", minDiskGB, maxDiskGB, size.ValueInt64()),
			Remedy: "Ask for a size in between, or leave it out."})
	}
	return findings
}

// checkKMSKey judges the key. What is unknown waits.
func checkKMSKey(location types.String, block types.Object) []policy.Finding {
	value := text(block, KMSKey)
	if !service.Known(value) {
		return nil
	}
	finding := policy.Finding{Field: Name + "." + KMSKey,
		Remedy: "Write projects/<project>/locations/<location>/keyRings/<ring>/cryptoKeys/<key>, as `gcloud kms keys list` shows it."}
	name := value.ValueString()
	key, _, versioned := strings.Cut(name, versions)
	match := kmsKeyPattern.FindStringSubmatch(name)
	switch {
	case rawKey(name):
		finding.Promise = policy.ENC1
		finding.Summary = "A raw key instead of a key's name"
		finding.Detail = "This looks like the key itself. Keys supplied by the customer (CSEK) are deprecated by Google, and the key would be kept in the state and in every plan."
		finding.Remedy = "Treat this key as disclosed. Make a key in Cloud KMS and name it: projects/<project>/locations/<location>/keyRings/<ring>/cryptoKeys/<key>."
		return []policy.Finding{finding}
	case versioned && kmsKeyPattern.MatchString(key):
		finding.Summary = "A version instead of a key"
		finding.Detail = "A disk is encrypted with the key's primary version; a version cannot be chosen."
		finding.Remedy = fmt.Sprintf("Leave %q and what follows out.", versions)
		return []policy.Finding{finding}
	case match == nil:
		finding.Summary = "Not the name of a key"
		finding.Detail = "This is not the resource name of a Cloud KMS key."
		if strings.HasPrefix(name, "projects/") { // no secret begins like this
			finding.Detail = fmt.Sprintf("%q is not the resource name of a Cloud KMS key.", name)
		}
		return []policy.Finding{finding}
	}
	here, err := cloud.ParseLocation(location.ValueString())
	if err != nil || here.Cloud != Name {
		return nil
	}
	region := regionOf(here)
	if at := match[1]; at != region && regionPattern.MatchString(at) {
		finding.Summary = "Key of another region"
		finding.Detail = fmt.Sprintf("The key is in %s, and what it is to encrypt in %s: a key of one region encrypts nothing in another, and would be lost with its own.", at, here)
		finding.Remedy = fmt.Sprintf("Name a key in %s, in a multi-region that holds it, or in global.", region)
		return []policy.Finding{finding}
	}
	return nil
}

// checkDiskType judges a type of disk.
func checkDiskType(name string, block types.Object) []policy.Finding {
	value := text(block, name)
	if !service.Known(value) || diskTypePattern.MatchString(value.ValueString()) {
		return nil
	}
	return []policy.Finding{{Field: Name + "." + name, Summary: "Unknown type of disk",
		Detail: fmt.Sprintf("%q is not a type of disk on Google Cloud.", value.ValueString()),
		Remedy: "Write pd-standard, pd-balanced, pd-ssd, pd-extreme or a hyperdisk-…, without the path before it."}}
}

// regionOf gives the region of a zone: europe-west3-a is in europe-west3.
func regionOf(zone cloud.Location) string {
	if i := strings.LastIndexByte(zone.Name, '-'); i > 0 {
		return zone.Name[:i]
	}
	return zone.Name
}

// rawKey tells whether a text looks like a key itself: 256 bits, plain or
// wrapped with an RSA key of 2048 bits, in base64 or hexadecimal, or anything
// in the form of a private key.
func rawKey(text string) bool {
	packed := strings.Join(strings.Fields(text), "")
	if strings.Contains(packed, "PRIVATEKEY") {
		return true
	}
	if bytes, err := hex.DecodeString(packed); err == nil && len(bytes) == 32 {
		return true
	}
	unpadded := strings.TrimRight(packed, "=")
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		if bytes, err := encoding.DecodeString(unpadded); err == nil && (len(bytes) == 32 || len(bytes) == 256) {
			return true
		}
	}
	return false
}
