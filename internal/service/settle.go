package service

import (
	"context"
	"fmt"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// settle makes a state fit the plan that it came from: attributes that the
// plan knew keep the planned value, as Terraform demands, and what is unknown
// to both becomes null. A cloud that made something else of a planned value
// is found out by the next refresh.
func settle(ctx context.Context, plan tfsdk.Plan, state *tfsdk.State, diags *diag.Diagnostics) {
	planned, reached := map[string]tftypes.Value{}, map[string]tftypes.Value{}
	if err := plan.Raw.As(&planned); err != nil {
		diags.AddError("State not settled", fmt.Sprintf("The plan is not an object: %s", err))
		return
	}
	if err := state.Raw.As(&reached); err != nil {
		diags.AddError("State not settled", fmt.Sprintf("The state is not an object: %s", err))
		return
	}
	reached = maps.Clone(reached) // As gives the value's own map
	for name, value := range planned {
		if value.IsFullyKnown() {
			reached[name] = value
		}
	}
	settled, err := tftypes.Transform(tftypes.NewValue(state.Raw.Type(), reached), func(_ *tftypes.AttributePath, value tftypes.Value) (tftypes.Value, error) {
		if !value.IsKnown() {
			return tftypes.NewValue(value.Type(), nil), nil
		}
		return value, nil
	})
	if err != nil {
		diags.AddError("State not settled", err.Error())
		return
	}
	state.Raw = settled
}
