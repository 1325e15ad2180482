package google

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// The keys of VMSpec.Options and VolumeSpec.Options; see the package comment.
const (
	optionKMSKey         = "kms_key"
	optionDiskType       = "type"
	optionBootDiskGB     = "boot_disk_gb"
	optionBootDiskType   = "boot_disk_type"
	optionSecureBoot     = "secure_boot"
	optionServiceAccount = "service_account"
	optionIPForwarding   = "ip_forwarding"
)

// blockOf prefixes an option with the provider block's name, as attributes
// are called.
func blockOf(option string) string { return Name + "." + option }

var (
	// keyName is the resource name of a Cloud KMS key
	// (cloud.google.com/kms/docs/getting-resource-ids).
	keyName = regexp.MustCompile(`^projects/[^/]+/locations/[^/]+/keyRings/[A-Za-z0-9_-]{1,63}/cryptoKeys/[A-Za-z0-9_-]{1,63}$`)
	// keyVersion is what the API appends to it when it answers.
	keyVersion = regexp.MustCompile(`/cryptoKeyVersions/[0-9]+$`)
	// accountEmail is a service account's address.
	accountEmail = regexp.MustCompile(`^[a-z0-9-]+@[a-z0-9.-]+\.gserviceaccount\.com$`)
)

// checkOptions refuses options that the driver does not know, and values that
// cannot be right. known gives each option's check.
func checkOptions(kind cloud.Kind, options map[string]string, known map[string]func(string) error) error {
	for option, value := range options {
		check, ok := known[option]
		if !ok {
			return invalid(kind, blockOf(option), "Google Cloud knows no option "+option, "Leave it out.")
		}
		if value == "" {
			continue
		}
		if err := check(value); err != nil {
			return invalid(kind, blockOf(option), fmt.Sprintf("%s %v", option, err), "")
		}
	}
	return nil
}

func checkKey(value string) error {
	if !keyName.MatchString(value) {
		// The value is not repeated: it may be a key itself.
		return fmt.Errorf("is not the name of a Cloud KMS key (projects/<project>/locations/<location>/keyRings/<ring>/cryptoKeys/<key>); keys that a customer supplies are not used, since the vendor has deprecated them and they would stand in the state")
	}
	return nil
}

var diskTypeName = regexp.MustCompile(`^(pd|hyperdisk)-[a-z-]+$`)

func checkDiskType(value string) error {
	if !diskTypeName.MatchString(value) {
		return fmt.Errorf("%q is not a disk type such as pd-balanced, pd-ssd, pd-standard or hyperdisk-balanced", value)
	}
	return nil
}

func checkFlag(value string) error {
	if _, err := strconv.ParseBool(value); err != nil {
		return fmt.Errorf("is \"true\" or \"false\", not %q", value)
	}
	return nil
}

// bootDiskGB reads the size of a boot disk; 0 leaves it to the image.
func bootDiskGB(options map[string]string) int64 {
	size, _ := strconv.ParseInt(options[optionBootDiskGB], 10, 64)
	return size
}

func checkBootDiskGB(value string) error {
	if size, err := strconv.ParseInt(value, 10, 64); err != nil || size < minVolumeGB || size > largestDiskGB {
		return fmt.Errorf("is a number from %d to %d, not %q", minVolumeGB, largestDiskGB, value)
	}
	return nil
}

func checkAccount(value string) error {
	if !accountEmail.MatchString(value) {
		return fmt.Errorf("%q is not the address of a service account (name@project.iam.gserviceaccount.com); the default one is never used", value)
	}
	return nil
}

func checkVolumeOptions(options map[string]string) error {
	return checkOptions(cloud.KindVolume, options, map[string]func(string) error{
		optionKMSKey: checkKey, optionDiskType: checkDiskType})
}

func checkVMOptions(options map[string]string) error {
	return checkOptions(cloud.KindVM, options, map[string]func(string) error{
		optionKMSKey: checkKey, optionBootDiskGB: checkBootDiskGB, optionBootDiskType: checkDiskType,
		optionSecureBoot: checkFlag, optionServiceAccount: checkAccount, optionIPForwarding: checkFlag})
}

// set tells whether a flag is on; without a value it is as the default says.
func set(options map[string]string, option string, otherwise bool) bool {
	on, err := strconv.ParseBool(options[option])
	if err != nil {
		return otherwise
	}
	return on
}

// given keeps those options that the API tells again, so that what was wanted
// and what is observed can be compared.
func given(options map[string]string, readable ...string) map[string]string {
	var kept map[string]string
	for _, option := range readable {
		if value := options[option]; value != "" {
			if kept == nil {
				kept = map[string]string{}
			}
			kept[option] = value
		}
	}
	return kept
}
