package cloud

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"regexp"
	"strings"
)

// Kind is the neutral name of a sort of object.
type Kind string

// The kinds of the first generation.
const (
	KindSSHKey   Kind = "ssh_key"
	KindNetwork  Kind = "network"
	KindFirewall Kind = "firewall"
	KindVolume   Kind = "volume"
	KindVM       Kind = "vm"
)

// Labels that Holdfast sets on every object it makes. The names are valid
// label keys on all clouds (Hetzner Cloud: RFC 1123-like names of up to 63
// characters; Google Cloud: lower case letters, digits, `_` and `-`).
const (
	// LabelPrefix is reserved: a user's label may not begin with it.
	LabelPrefix = "holdfast-"
	// LabelDeployment carries the deployment's name.
	LabelDeployment = "holdfast-deployment"
	// LabelKey carries Key's digest: the address by which a create whose
	// answer was lost finds its object.
	LabelKey = "holdfast-key"
	// LabelName carries the neutral name.
	LabelName = "holdfast-name"
	// LabelLocation carries the location's name within its cloud.
	LabelLocation = "holdfast-location"
	// LabelTenant carries the tenant, where the object has one.
	LabelTenant = "holdfast-tenant"
	// LabelTier carries the tier of the tenant.
	LabelTier = "holdfast-tier"
)

// Key derives the label value that identifies an object of a deployment by
// the only address that a provider knows. Where the vendor keeps one object
// of this kind for all its locations (see Capabilities.Global), pass the
// location with an empty name. The value is 32 characters of base32 in lower
// case: 160 bits of a SHA-256.
func Key(deployment string, kind Kind, name string, location Location) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{deployment, string(kind), name, location.Cloud, location.Name}, "\x00")))
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:20]))
}

// MaxNameLength is the longest neutral name. With the location's name
// appended it stays within the 63 characters of a host name label
// (RFC 1123) and of a label value on every cloud.
const MaxNameLength = 50

var (
	namePattern       = regexp.MustCompile(`^[a-z]([a-z0-9-]*[a-z0-9])?$`)
	labelKeyPattern   = regexp.MustCompile(`^[a-z]([a-z0-9_-]{0,61}[a-z0-9])?$`)
	labelValuePattern = regexp.MustCompile(`^([a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?)?$`)
)

// CheckName tells why a text cannot be the name of an object, a tenant or a
// deployment.
func CheckName(name string) error {
	if len(name) > MaxNameLength {
		return fmt.Errorf("%q has %d characters, at most %d are possible", name, len(name), MaxNameLength)
	}
	if !namePattern.MatchString(name) {
		return fmt.Errorf("%q is not a name: use lower case letters, digits and hyphens, beginning with a letter and ending with a letter or digit", name)
	}
	return nil
}

// CheckLabel tells why a pair cannot be a user's label. The rule is the
// intersection of what the clouds accept, so that an object can move from
// one to another with its labels.
func CheckLabel(key, value string) error {
	switch {
	case strings.HasPrefix(key, LabelPrefix):
		return fmt.Errorf("label %q: the prefix %q is reserved for Holdfast's own labels", key, LabelPrefix)
	case !labelKeyPattern.MatchString(key):
		return fmt.Errorf("label key %q: use up to 63 lower case letters, digits, '-' and '_', beginning with a letter and ending with a letter or digit", key)
	case !labelValuePattern.MatchString(value):
		return fmt.Errorf("label %q has the value %q: use up to 63 lower case letters, digits, '-' and '_', beginning and ending with a letter or digit", key, value)
	}
	return nil
}
