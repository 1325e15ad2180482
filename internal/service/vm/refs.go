package vm

import (
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// parseIDs reads the known ids of a set. What is no id is policy's to report.
func parseIDs(set types.Set) []cloud.ID {
	var ids []cloud.ID
	for _, text := range elements(set) {
		if id, err := cloud.ParseID(text); err == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

// elements gives the known texts of a set, sorted.
func elements(set types.Set) []string {
	var texts []string
	for _, element := range set.Elements() {
		if text, ok := element.(types.String); ok && !text.IsUnknown() && !text.IsNull() {
			texts = append(texts, text.ValueString())
		}
	}
	slices.Sort(texts)
	return texts
}

// natives gives the vendor's part of ids.
func natives(ids []cloud.ID) []string {
	var list []string
	for _, id := range ids {
		list = append(list, id.Native)
	}
	return list
}

// idFor gives the neutral id of an observed vendor id: the one that the
// configuration knows it by, which may carry another location than the
// machine's, or one in the machine's location.
func idFor(native string, before []string, location cloud.Location) string {
	for _, text := range before {
		if id, err := cloud.ParseID(text); err == nil && id.Native == native && id.Location.Cloud == location.Cloud {
			return text
		}
	}
	return cloud.ID{Location: location, Native: native}.String()
}

// idSet makes the set of observed vendor ids. No cloud knows the difference
// between no set and an empty one, so it stays as it was.
func idSet(observed []string, before types.Set, location cloud.Location) types.Set {
	if len(observed) == 0 && (before.IsNull() || before.IsUnknown()) {
		return types.SetNull(types.StringType)
	}
	texts := elements(before)
	values := make([]attr.Value, 0, len(observed))
	for _, native := range observed {
		values = append(values, types.StringValue(idFor(native, texts, location)))
	}
	return types.SetValueMust(types.StringType, values)
}
