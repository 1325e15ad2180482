package service

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

func TestSettle(t *testing.T) {
	text := func(v any) tftypes.Value { return tftypes.NewValue(tftypes.String, v) }
	kind := tftypes.Object{AttributeTypes: map[string]tftypes.Type{"kept": tftypes.String, "made": tftypes.String, "void": tftypes.String}}
	plan := tfsdk.Plan{Raw: tftypes.NewValue(kind, map[string]tftypes.Value{"kept": text("planned"), "made": text(tftypes.UnknownValue), "void": text(tftypes.UnknownValue)})}
	before := tftypes.NewValue(kind, map[string]tftypes.Value{"kept": text("normalised"), "made": text("by the cloud"), "void": text(tftypes.UnknownValue)})
	state := tfsdk.State{Raw: before.Copy()}
	var diags diag.Diagnostics
	settle(t.Context(), plan, &state, &diags)
	want := tftypes.NewValue(kind, map[string]tftypes.Value{"kept": text("planned"), "made": text("by the cloud"), "void": text(nil)})
	if diags.HasError() || !state.Raw.Equal(want) {
		t.Errorf("got %s, %v", state.Raw, diags)
	}
	settle(t.Context(), tfsdk.Plan{Raw: text("x")}, &state, &diags)
	if !diags.HasError() {
		t.Error("a plan that is no object passes")
	}
}
