package hetzner

import (
	"crypto/sha256"
	"encoding/base32"
	"maps"
	"slices"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// labelOrigin carries the digest of a VM's image, SSH keys and user data: it
// tells whether an object found by its key was made from the same spec, which
// the API does not (keys and user data cannot be read back).
const labelOrigin = cloud.LabelPrefix + "origin"

// labelFirewalls keeps the firewalls of a VM without a public address: the
// vendor's firewalls filter public interfaces only, and the API refuses to
// apply one to such a VM. The guest's own filter holds NET-1 there.
const labelFirewalls = cloud.LabelPrefix + "firewalls"

// vmLabelsOf gives all labels of a VM.
func vmLabelsOf(spec cloud.VMSpec) map[string]string {
	labels := labelsOf(cloud.KindVM, spec.Meta)
	labels[labelOrigin] = originOf(spec)
	if privateOnly(spec) && len(spec.Firewalls) > 0 {
		labels[labelFirewalls] = strings.Join(slices.Compact(slices.Sorted(slices.Values(spec.Firewalls))), "_")
	}
	return labels
}

// nativeName is the vendor-side name of an object; see the package comment.
func nativeName(kind cloud.Kind, meta cloud.Meta) string {
	if kind == cloud.KindSSHKey {
		return meta.Name
	}
	return meta.Name + "-" + meta.Location.Name
}

// keyOf is the value of cloud.LabelKey.
func keyOf(kind cloud.Kind, meta cloud.Meta) string {
	return cloud.KeyOf(kind, meta, kind == cloud.KindSSHKey)
}

// labelsOf gives all labels of an object: the user's and Holdfast's own.
func labelsOf(kind cloud.Kind, meta cloud.Meta) map[string]string {
	return cloud.LabelsOf(kind, meta, kind == cloud.KindSSHKey)
}

// metaOf reads an observed object's Meta. location is the vendor's own
// statement, if the object stands in one; otherwise the label's is taken. The
// neutral name is the label's as long as the vendor-side name fits it: an
// object that somebody renamed shows the name that it has now.
func metaOf(kind cloud.Kind, name, location string, labels map[string]string, protected bool) cloud.Meta {
	meta := cloud.MetaOf(Name, labels)
	meta.Protected = protected
	if location != "" {
		meta.Location.Name = location
	}
	if meta.Name == "" || nativeName(kind, meta) != name {
		meta.Name = name
	}
	return meta
}

// objectOf makes the neutral identity of an observed object.
func objectOf(id int64, name string, meta cloud.Meta, labels map[string]string) cloud.Object {
	return cloud.Object{ID: cloud.ID{Location: meta.Location, Native: native(id)}, NativeName: name, Key: cloud.KeyIn(labels, meta)}
}

// sameLabels tells whether two Metas ask for the same vendor-side name and
// labels.
func sameLabels(kind cloud.Kind, currentName string, current, want cloud.Meta) bool {
	return currentName == nativeName(kind, want) && maps.Equal(labelsOf(kind, current), labelsOf(kind, want))
}

// selector writes a filter in the vendor's label selector language.
func selector(filter cloud.Filter) string {
	var terms []string
	if filter.Deployment != "" {
		terms = append(terms, cloud.LabelDeployment+"="+filter.Deployment)
	}
	switch len(filter.Keys) {
	case 0:
	case 1:
		terms = append(terms, cloud.LabelKey+"="+filter.Keys[0])
	default:
		terms = append(terms, cloud.LabelKey+" in ("+strings.Join(filter.Keys, ",")+")")
	}
	for _, key := range slices.Sorted(maps.Keys(filter.Labels)) {
		terms = append(terms, key+"="+filter.Labels[key])
	}
	return strings.Join(terms, ",")
}

// originOf digests what a VM is made from; 100 bits of a SHA-256 in lower
// case base32.
func originOf(spec cloud.VMSpec) string {
	parts := append([]string{spec.Image, spec.Origin()}, slices.Sorted(slices.Values(spec.SSHKeys))...)
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:]))[:20]
}
