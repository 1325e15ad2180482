package encryption

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// Every attribute that the schema has is read, and types are the schema's.
func TestRead(t *testing.T) {
	server := Types()["tang"].(types.ListType).ElemType.(types.ObjectType).AttrTypes
	object := func(thumbprint attr.Value) types.Object {
		return types.ObjectValueMust(Types(), map[string]attr.Value{
			"tang": types.ListValueMust(types.ObjectType{AttrTypes: server}, []attr.Value{types.ObjectValueMust(server, map[string]attr.Value{
				"url": types.StringValue("http://x"), "thumbprint": thumbprint, "advertisement": types.StringValue("{}")})}),
			"threshold": types.Int64Null(), "vtpm": types.BoolValue(true),
			"recovery_keys": types.ListValueMust(types.StringType, []attr.Value{types.StringValue("age1")}),
		})
	}
	s, ok := Read(object(types.StringValue("t")))
	if !ok || len(s.Binding.Tang) != 1 || s.Binding.Tang[0].URL != "http://x" || s.Binding.Tang[0].Thumbprint != "t" || s.Binding.Tang[0].Advertisement != "{}" ||
		s.Binding.Threshold != 1 || !s.Binding.VTPM || len(s.Recovery) != 1 || s.Recovery[0] != "age1" {
		t.Errorf("%+v, %v", s, ok)
	}
	for name, value := range map[string]types.Object{"null": types.ObjectNull(Types()), "unknown": types.ObjectUnknown(Types()), "unknown in part": object(types.StringUnknown())} {
		if _, ok := Read(value); ok {
			t.Errorf("%s: read", name)
		}
		if got := Check(Name, value, false); len(got) > 0 {
			t.Errorf("%s: %v", name, got)
		}
	}
}
