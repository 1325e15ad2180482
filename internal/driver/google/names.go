package google

import (
	"crypto/sha256"
	"encoding/base32"
	"regexp"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

const (
	// maxName is the longest name of a Compute Engine resource (RFC 1035, in
	// the API description of every resource's field `name`).
	maxName = 63
	// suffixLength is what a child's name appends to its parent's: a hyphen
	// and 8 characters.
	suffixLength = 9
	// maxNativeName leaves room for a child's suffix.
	maxNativeName = maxName - suffixLength
	// shortHash is how many characters of a digest stand for what was cut off
	// a long name: 30 bits.
	shortHash = 6
)

// nativeName is the vendor-side name of an object; see the package comment.
func nativeName(kind cloud.Kind, meta cloud.Meta) string {
	if kind == cloud.KindSSHKey {
		return meta.Name
	}
	suffix := "-" + meta.Location.Name
	if len(meta.Name)+len(suffix) <= maxNativeName {
		return meta.Name + suffix
	}
	keep := max(maxNativeName-len(suffix)-shortHash-1, 1)
	return strings.TrimRight(meta.Name[:min(keep, len(meta.Name))], "-") + "-" + digest(shortHash, meta.Name) + suffix
}

// childName names what belongs to an object: its subnetworks, routes, further
// rules, boot disk. The same parts give the same name in every run.
func childName(parent string, parts ...string) string {
	cut := parent
	if len(cut) > maxNativeName {
		cut = strings.TrimRight(cut[:maxNativeName], "-")
	}
	return cut + "-" + digest(suffixLength-1, append([]string{parent}, parts...)...)
}

// digest gives the first characters of a SHA-256 in lower case base32.
func digest(length int, parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:]))[:length]
}

var (
	// zoneSuffix finds the zone at the end of a native name.
	zoneSuffix = regexp.MustCompile(`^.+-([a-z]+-[a-z]+[0-9]+-[a-z][a-z0-9]*)$`)
	// nativePattern is RFC 1035's label, as the API description has it.
	nativePattern = regexp.MustCompile(`^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$`)
)

// zoneIn reads the zone out of a native name that this driver chose; empty if
// somebody else did.
func zoneIn(native string) string {
	if found := zoneSuffix.FindStringSubmatch(native); found != nil {
		return found[1]
	}
	return ""
}

// regionOf gives a zone's region: `europe-west3` of `europe-west3-a`.
func regionOf(zone string) string {
	if i := strings.LastIndexByte(zone, '-'); i > 0 {
		return zone[:i]
	}
	return zone
}

// lastPart gives the last element of a resource's URL: its name.
func lastPart(url string) string { return url[strings.LastIndexByte(url, '/')+1:] }

// part gives the element of a resource's URL that follows the given one:
// part(".../zones/z/disks/d", "zones") is "z"; empty if there is none.
func part(url, collection string) string {
	elements := strings.Split(url, "/")
	for i := len(elements) - 2; i >= 0; i-- {
		if elements[i] == collection {
			return elements[i+1]
		}
	}
	return ""
}

// globalURL names a global resource of the driver's project in a request.
func (d *Driver) globalURL(collection, name string) string {
	return "projects/" + d.project + "/global/" + collection + "/" + name
}

// regionURL names a resource of a region in a request.
func (d *Driver) regionURL(region, collection, name string) string {
	return "projects/" + d.project + "/regions/" + region + "/" + collection + "/" + name
}

// zoneURL names a resource of a zone in a request.
func (d *Driver) zoneURL(zone, collection, name string) string {
	return "projects/" + d.project + "/zones/" + zone + "/" + collection + "/" + name
}
