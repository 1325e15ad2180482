package schemajson

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	tfjson "github.com/hashicorp/terraform-json"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

var update = flag.Bool("update", false, "write the golden files anew")

// served answers the two schema calls and nothing else.
type served struct {
	tfprotov6.ProviderServer
	schemas    *tfprotov6.GetProviderSchemaResponse
	identities *tfprotov6.GetResourceIdentitySchemasResponse
	err        error
}

func (s served) GetProviderSchema(context.Context, *tfprotov6.GetProviderSchemaRequest) (*tfprotov6.GetProviderSchemaResponse, error) {
	return s.schemas, s.err
}

func (s served) GetResourceIdentitySchemas(context.Context, *tfprotov6.GetResourceIdentitySchemasRequest) (*tfprotov6.GetResourceIdentitySchemasResponse, error) {
	return s.identities, nil
}

// everything is a provider with each kind of thing that a schema can hold.
func everything() served {
	object := tftypes.Object{AttributeTypes: map[string]tftypes.Type{
		"n": tftypes.Number,
		"t": tftypes.Tuple{ElementTypes: []tftypes.Type{tftypes.String, tftypes.Bool}},
	}}
	body := &tfprotov6.Schema{Version: 2, Block: &tfprotov6.SchemaBlock{
		Description:     "A *thing*.",
		DescriptionKind: tfprotov6.StringKindMarkdown,
		Deprecated:      true,
		Attributes: []*tfprotov6.SchemaAttribute{
			{Name: "name", Type: tftypes.String, Required: true, Description: "Its name."},
			{Name: "labels", Type: tftypes.Map{ElementType: tftypes.String}, Optional: true, Computed: true},
			{Name: "secret", Type: tftypes.DynamicPseudoType, Optional: true, Sensitive: true, WriteOnly: true},
			{Name: "shape", Type: object, Computed: true, Deprecated: true},
			{Name: "rules", Optional: true, NestedType: &tfprotov6.SchemaObject{
				Nesting: tfprotov6.SchemaObjectNestingModeList,
				Attributes: []*tfprotov6.SchemaAttribute{
					{Name: "networks", Type: tftypes.Set{ElementType: tftypes.String}, Required: true},
				},
			}},
		},
		BlockTypes: []*tfprotov6.SchemaNestedBlock{{
			TypeName: "timeouts",
			Nesting:  tfprotov6.SchemaNestedBlockNestingModeSingle,
			Block: &tfprotov6.SchemaBlock{Attributes: []*tfprotov6.SchemaAttribute{
				{Name: "create", Type: tftypes.String, Optional: true},
			}},
		}, {
			TypeName: "disk",
			Nesting:  tfprotov6.SchemaNestedBlockNestingModeSet,
			MinItems: 1,
			MaxItems: 4,
			Block:    &tfprotov6.SchemaBlock{},
		}},
	}}
	named := map[string]*tfprotov6.Schema{"holdfast_thing": body}
	return served{
		schemas: &tfprotov6.GetProviderSchemaResponse{
			Provider:                 &tfprotov6.Schema{Block: &tfprotov6.SchemaBlock{}},
			ResourceSchemas:          named,
			DataSourceSchemas:        named,
			EphemeralResourceSchemas: named,
			ListResourceSchemas:      named,
			ActionSchemas:            map[string]*tfprotov6.ActionSchema{"holdfast_do": {Schema: &tfprotov6.Schema{Block: &tfprotov6.SchemaBlock{}}}},
			Functions: map[string]*tfprotov6.Function{"parse_id": {
				Summary:     "Parses an id.",
				Description: "Longer.",
				Parameters:  []*tfprotov6.FunctionParameter{{Name: "id", Type: tftypes.String, AllowNullValue: true}},
				VariadicParameter: &tfprotov6.FunctionParameter{
					Name: "more", Type: tftypes.List{ElementType: tftypes.Number},
				},
				Return: &tfprotov6.FunctionReturn{Type: object},
			}},
			Diagnostics: []*tfprotov6.Diagnostic{{Severity: tfprotov6.DiagnosticSeverityWarning, Summary: "only a warning"}},
		},
		identities: &tfprotov6.GetResourceIdentitySchemasResponse{
			IdentitySchemas: map[string]*tfprotov6.ResourceIdentitySchema{"holdfast_thing": {
				Version: 1,
				IdentityAttributes: []*tfprotov6.ResourceIdentitySchemaAttribute{
					{Name: "id", Type: tftypes.String, RequiredForImport: true, Description: "Its id."},
					{Name: "zone", Type: tftypes.String, OptionalForImport: true},
				},
			}},
		},
	}
}

func TestExport(t *testing.T) {
	got, err := Export(t.Context(), everything(), "registry.terraform.io/holdfast-cloud/holdfast")
	if err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/everything.json"
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("not what %s holds (-want +got):\n%s", golden, diff)
	}
	// What Terraform's own JSON types refuse is no schema document.
	var document tfjson.ProviderSchemas
	if err := json.Unmarshal(got, &document); err != nil {
		t.Fatal(err)
	}
	if err := document.Validate(); err != nil {
		t.Error(err)
	}
}

func TestExportErrors(t *testing.T) {
	failing := []*tfprotov6.Diagnostic{{Severity: tfprotov6.DiagnosticSeverityError, Summary: "Bad schema", Detail: "attribute x"}}
	tests := map[string]struct {
		server served
		want   string
	}{
		"transport":           {served{err: errors.New("gone")}, "gone"},
		"schema diagnostic":   {served{schemas: &tfprotov6.GetProviderSchemaResponse{Diagnostics: failing}}, "Bad schema: attribute x"},
		"identity diagnostic": {served{schemas: &tfprotov6.GetProviderSchemaResponse{}, identities: &tfprotov6.GetResourceIdentitySchemasResponse{Diagnostics: failing}}, "resource identities: Bad schema"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Export(t.Context(), test.server, "x")
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}
