package schemajson

import (
	"context"
	"encoding/json"
	"fmt"

	tfjson "github.com/hashicorp/terraform-json"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// formatVersion is the version of the JSON form, as Terraform 1.x writes it.
const formatVersion = "1.0"

// Export asks the provider for everything that it offers and returns the JSON
// document, with the provider under the given source address, such as
// "registry.terraform.io/holdfast-cloud/holdfast". The provider is not
// configured for this. The error is the provider's first error diagnostic.
func Export(ctx context.Context, server tfprotov6.ProviderServer, address string) ([]byte, error) {
	schemas, err := server.GetProviderSchema(ctx, &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		return nil, fmt.Errorf("reading the provider's schemas: %w", err)
	}
	if err := firstError(schemas.Diagnostics); err != nil {
		return nil, fmt.Errorf("reading the provider's schemas: %w", err)
	}
	identities, err := server.GetResourceIdentitySchemas(ctx, &tfprotov6.GetResourceIdentitySchemasRequest{})
	if err != nil {
		return nil, fmt.Errorf("reading the resource identities: %w", err)
	}
	if err := firstError(identities.Diagnostics); err != nil {
		return nil, fmt.Errorf("reading the resource identities: %w", err)
	}
	provider := &tfjson.ProviderSchema{
		ConfigSchema:             schema(schemas.Provider),
		ResourceSchemas:          each(schemas.ResourceSchemas, schema),
		DataSourceSchemas:        each(schemas.DataSourceSchemas, schema),
		EphemeralResourceSchemas: each(schemas.EphemeralResourceSchemas, schema),
		ListResourceSchemas:      each(schemas.ListResourceSchemas, schema),
		ActionSchemas:            each(schemas.ActionSchemas, action),
		Functions:                each(schemas.Functions, function),
		ResourceIdentitySchemas:  each(identities.IdentitySchemas, identity),
	}
	document, err := json.MarshalIndent(&tfjson.ProviderSchemas{
		FormatVersion: formatVersion,
		Schemas:       map[string]*tfjson.ProviderSchema{address: provider},
	}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing the schemas as JSON: %w", err)
	}
	return append(document, '\n'), nil
}

// firstError returns the first diagnostic that is an error.
func firstError(diagnostics []*tfprotov6.Diagnostic) error {
	for _, d := range diagnostics {
		if d.Severity == tfprotov6.DiagnosticSeverityError {
			return fmt.Errorf("%s: %s", d.Summary, d.Detail)
		}
	}
	return nil
}

// each converts the values of a map; an empty map becomes nil, which JSON
// leaves out as Terraform does.
func each[From, To any](from map[string]From, convert func(From) To) map[string]To {
	if len(from) == 0 {
		return nil
	}
	to := make(map[string]To, len(from))
	for name, value := range from {
		to[name] = convert(value)
	}
	return to
}
