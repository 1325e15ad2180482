package hetzner

import (
	"crypto/sha256"
	"encoding/base32"
	"slices"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

const (
	// maxBucketName is S3's longest name of a bucket.
	maxBucketName = 63
	// shortBucketHash is how many characters of a digest stand for what was cut
	// off a long name: 40 bits.
	shortBucketHash = 8
)

// bucketName is the vendor-side name of a bucket:
// <deployment>-<name>-<location>. The location stands last, so that whoever
// knows the name knows which endpoint to ask.
func bucketName(meta cloud.Meta) string {
	name, suffix := meta.Name, "-"+meta.Location.Name
	if meta.Deployment != "" {
		name = meta.Deployment + "-" + name
	}
	if len(name)+len(suffix) <= maxBucketName {
		return name + suffix
	}
	sum := sha256.Sum256([]byte(meta.Deployment + "\x00" + meta.Name))
	digest := strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:]))[:shortBucketHash]
	return strings.TrimRight(name[:maxBucketName-len(suffix)-shortBucketHash-1], "-") + "-" + digest + suffix
}

// whereItMayBe lists the locations in which a bucket can be, the one that its
// name ends with first.
func whereItMayBe(bucket string) []string {
	locations := objectLocations()
	i := slices.IndexFunc(locations, func(l string) bool { return strings.HasSuffix(bucket, "-"+l) })
	if i > 0 {
		named := locations[i]
		locations = slices.Insert(slices.Delete(locations, i, i+1), 0, named)
	}
	return locations
}
