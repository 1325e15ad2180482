package vm

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// A key that another location lists is the same key; anything else replaces
// the machine.
func TestSameKeys(t *testing.T) {
	set := func(ids ...string) types.Set {
		values := make([]attr.Value, 0, len(ids))
		for _, id := range ids {
			values = append(values, types.StringValue(id))
		}
		return types.SetValueMust(types.StringType, values)
	}
	prior := set("hetzner/fsn1/1", "hetzner/fsn1/2")
	for name, test := range map[string]struct {
		plan types.Set
		same bool
	}{
		"unchanged":        {prior, true},
		"another location": {set("hetzner/hel1/2", "hetzner/hel1/1"), true},
		"one moved":        {set("hetzner/fsn1/1", "hetzner/hel1/2"), true},
		"another key":      {set("hetzner/fsn1/1", "hetzner/fsn1/3"), false},
		"another cloud":    {set("google/fsn1/1", "google/fsn1/2"), false},
		"one less":         {set("hetzner/fsn1/1"), false},
		"one more":         {set("hetzner/fsn1/1", "hetzner/fsn1/2", "hetzner/fsn1/3"), false},
		"unknown":          {types.SetUnknown(types.StringType), false},
		"one unknown":      {types.SetValueMust(types.StringType, []attr.Value{types.StringValue("hetzner/fsn1/1"), types.StringUnknown()}), false},
		"no id":            {set("hetzner/fsn1/1", "two"), false},
	} {
		if got := sameKeys(prior, test.plan); got != test.same {
			t.Errorf("%s: %v", name, got)
		}
	}
}
