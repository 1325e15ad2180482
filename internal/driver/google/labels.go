package google

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// maxDescription bounds the field `description` of networks, subnetworks,
// routes and firewall rules. The API description gives no number; the service
// refuses more than 2,048 characters.
const maxDescription = 2048

// labelsOf gives all labels of an object: the user's and Holdfast's own.
func labelsOf(kind cloud.Kind, meta cloud.Meta) map[string]string {
	return cloud.LabelsOf(kind, meta, kind == cloud.KindSSHKey)
}

// metaOf reads an observed object's Meta. zone is the vendor's own statement,
// if the object stands in one; otherwise the label's is taken, or what the
// native name tells. The neutral name is the label's: nothing can be renamed
// at this vendor.
func metaOf(native, zone string, labels map[string]string, protected bool) cloud.Meta {
	meta := cloud.MetaOf(Name, labels)
	meta.Protected = protected
	if zone != "" {
		meta.Location.Name = zone
	}
	if meta.Location.Name == "" {
		meta.Location.Name = zoneIn(native)
	}
	if meta.Name == "" {
		meta.Name = native
	}
	return meta
}

// objectOf makes the neutral identity of an observed object; created is the
// vendor's creationTimestamp.
func objectOf(native, created string, meta cloud.Meta, labels map[string]string) cloud.Object {
	return cloud.Object{ID: cloud.ID{Location: meta.Location, Native: native}, NativeName: native, Created: timeOf(created), Key: cloud.KeyIn(labels, meta)}
}

// sameLabels tells whether two Metas ask for the same labels.
func sameLabels(kind cloud.Kind, current, want cloud.Meta) bool {
	return maps.Equal(labelsOf(kind, current), labelsOf(kind, want))
}

// mergedMeta is an object's Meta after its plan: what was wanted, under the
// native name that it keeps.
func mergedMeta(object cloud.Object, want cloud.Meta) (cloud.Object, cloud.Meta) {
	object.ID.Location = want.Location
	want.Labels = maps.Clone(want.Labels)
	return object, want
}

// describe writes pairs as the description of an object that has no labels.
func describe(pairs map[string]string) (string, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(pairs); err != nil {
		return "", err
	}
	text := strings.TrimRight(b.String(), "\n")
	if len(text) > maxDescription {
		return "", &cloud.Error{Code: cloud.CodeInvalid, Cloud: Name, Field: "labels",
			Message: fmt.Sprintf("its labels take %d characters; Google Cloud keeps them in the object's description, which holds %d", len(text), maxDescription),
			Remedy:  "Use fewer or shorter labels."}
	}
	return text, nil
}

// described reads what describe wrote; nil for any other text.
func described(text string) map[string]string {
	var pairs map[string]string
	if !strings.HasPrefix(text, "{") || json.Unmarshal([]byte(text), &pairs) != nil {
		return nil
	}
	return pairs
}

// matches tells whether an object with these labels is selected.
func matches(filter cloud.Filter, labels map[string]string) bool {
	if filter.Deployment != "" && labels[cloud.LabelDeployment] != filter.Deployment {
		return false
	}
	if len(filter.Keys) > 0 && !slices.Contains(filter.Keys, labels[cloud.LabelKey]) {
		return false
	}
	for key, value := range filter.Labels {
		if have, ok := labels[key]; !ok || have != value {
			return false
		}
	}
	return true
}

// labelFilter writes a filter over native labels in the vendor's language.
// Regular expressions cannot be combined with other terms, and a key says
// more than all others: the caller applies matches to what is answered.
func labelFilter(filter cloud.Filter) string {
	if len(filter.Keys) > 0 {
		return anyOf("labels."+cloud.LabelKey, filter.Keys)
	}
	var terms []string
	if filter.Deployment != "" {
		terms = append(terms, equal("labels."+cloud.LabelDeployment, filter.Deployment))
	}
	for _, key := range slices.Sorted(maps.Keys(filter.Labels)) {
		terms = append(terms, equal("labels."+key, filter.Labels[key]))
	}
	return strings.Join(terms, " AND ")
}

// equal is one term of a filter.
func equal(field, value string) string { return fmt.Sprintf("(%s = %q)", field, value) }

// anyOf selects what has one of the values, which must hold nothing that a
// regular expression takes for more than itself: names and keys do not.
func anyOf(field string, values []string) string {
	return fmt.Sprintf("%s eq %q", field, strings.Join(values, "|"))
}
