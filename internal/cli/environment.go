package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
)

// environment configures the provider as an empty block of it would, so that a
// command takes accounts, deployment and lost locations from the same
// environment variables, and judges them by the same rules. What is given here
// wins. Nobody is contacted.
func environment(ctx context.Context, newProvider func() provider.Provider, deployment string, lost []string) (*service.Env, error) {
	p := newProvider()
	var described provider.SchemaResponse
	p.Schema(ctx, provider.SchemaRequest{}, &described)
	block, ok := described.Schema.Type().TerraformType(ctx).(tftypes.Object)
	if !ok || described.Diagnostics.HasError() {
		return nil, fmt.Errorf("the provider does not describe its block: %w", asError(described.Diagnostics))
	}
	values := make(map[string]tftypes.Value, len(block.AttributeTypes))
	for name, kind := range block.AttributeTypes {
		values[name] = tftypes.NewValue(kind, nil)
	}
	if deployment != "" {
		values["deployment"] = tftypes.NewValue(tftypes.String, deployment)
	}
	if len(lost) > 0 {
		var elements []tftypes.Value
		for _, location := range lost {
			elements = append(elements, tftypes.NewValue(tftypes.String, location))
		}
		values["lost_locations"] = tftypes.NewValue(block.AttributeTypes["lost_locations"], elements)
	}
	var configured provider.ConfigureResponse
	p.Configure(ctx, provider.ConfigureRequest{Config: tfsdk.Config{Schema: described.Schema, Raw: tftypes.NewValue(block, values)}}, &configured)
	if configured.Diagnostics.HasError() {
		return nil, asError(configured.Diagnostics)
	}
	env, ok := configured.ResourceData.(*service.Env)
	if !ok {
		return nil, errors.New("the provider has nothing to hand over")
	}
	return env, nil
}

// asError joins the errors among diagnostics.
func asError(diags diag.Diagnostics) error {
	var errs []error
	for _, one := range diags.Errors() {
		errs = append(errs, errors.New(strings.TrimSuffix(one.Summary(), ".")+": "+one.Detail()))
	}
	return errors.Join(errs...)
}
