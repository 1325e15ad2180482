package cloud

import (
	"maps"
	"strings"
)

// Noun is the kind's name in messages: "SSH key", "VM", "volume".
func (k Kind) Noun() string {
	switch k {
	case KindSSHKey:
		return "SSH key"
	case KindVM:
		return "VM"
	case KindBucket:
		return "backup bucket"
	default:
		return string(k)
	}
}

// KeyOf is the value of LabelKey of an object of the kind. global tells that
// the vendor keeps one for all its locations (see Capabilities.Global).
func KeyOf(kind Kind, meta Meta, global bool) string {
	location := meta.Location
	if global {
		location.Name = ""
	}
	return Key(meta.Deployment, kind, meta.Name, location)
}

// LabelsOf gives all labels that an object carries at a vendor: the user's and
// Holdfast's own. global is as in KeyOf.
func LabelsOf(kind Kind, meta Meta, global bool) map[string]string {
	labels := make(map[string]string, len(meta.Labels)+6)
	maps.Copy(labels, meta.Labels)
	set := func(key, value string) {
		if value != "" {
			labels[key] = value
		}
	}
	set(LabelDeployment, meta.Deployment)
	set(LabelName, meta.Name)
	set(LabelLocation, meta.Location.Name)
	set(LabelTenant, meta.Tenant)
	set(LabelTier, string(meta.Tier))
	if meta.Deployment != "" {
		set(LabelKey, KeyOf(kind, meta, global))
	}
	return labels
}

// KeyIn reads LabelKey, by which a create finds an object; empty where the
// labels of name and location deny what the object was observed to have.
func KeyIn(labels map[string]string, seen Meta) string {
	if labels[LabelLocation] != seen.Location.Name || labels[LabelName] != seen.Name {
		return ""
	}
	return labels[LabelKey]
}

// MetaOf reads what LabelsOf wrote: Name and Location are the labels', and
// empty where an object has none. Whether somebody renamed or moved it is for
// the driver to find out, from what the vendor itself says.
func MetaOf(cloud string, labels map[string]string) Meta {
	meta := Meta{
		Name:       labels[LabelName],
		Location:   Location{Cloud: cloud, Name: labels[LabelLocation]},
		Deployment: labels[LabelDeployment],
		Tenant:     labels[LabelTenant],
		Tier:       Tier(labels[LabelTier]),
	}
	for key, value := range labels {
		if !strings.HasPrefix(key, LabelPrefix) {
			if meta.Labels == nil {
				meta.Labels = map[string]string{}
			}
			meta.Labels[key] = value
		}
	}
	return meta
}
