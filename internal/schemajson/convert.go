package schemajson

import (
	"fmt"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/zclconf/go-cty/cty"
)

func schema(from *tfprotov6.Schema) *tfjson.Schema {
	if from == nil {
		return nil
	}
	return &tfjson.Schema{Version: unsigned(from.Version), Block: block(from.Block)}
}

func action(from *tfprotov6.ActionSchema) *tfjson.ActionSchema {
	if from == nil || from.Schema == nil {
		return nil
	}
	return &tfjson.ActionSchema{Block: block(from.Schema.Block)}
}

func block(from *tfprotov6.SchemaBlock) *tfjson.SchemaBlock {
	if from == nil {
		return nil
	}
	to := &tfjson.SchemaBlock{
		Attributes:      attributes(from.Attributes),
		Description:     from.Description,
		DescriptionKind: kind(from.DescriptionKind),
		Deprecated:      from.Deprecated,
	}
	if len(from.BlockTypes) > 0 {
		to.NestedBlocks = make(map[string]*tfjson.SchemaBlockType, len(from.BlockTypes))
	}
	for _, nested := range from.BlockTypes {
		to.NestedBlocks[nested.TypeName] = &tfjson.SchemaBlockType{
			NestingMode: mode(nested.Nesting),
			Block:       block(nested.Block),
			MinItems:    unsigned(nested.MinItems),
			MaxItems:    unsigned(nested.MaxItems),
		}
	}
	return to
}

func attributes(from []*tfprotov6.SchemaAttribute) map[string]*tfjson.SchemaAttribute {
	if len(from) == 0 {
		return nil
	}
	to := make(map[string]*tfjson.SchemaAttribute, len(from))
	for _, a := range from {
		converted := &tfjson.SchemaAttribute{
			Description:     a.Description,
			DescriptionKind: kind(a.DescriptionKind),
			Deprecated:      a.Deprecated,
			Required:        a.Required,
			Optional:        a.Optional,
			Computed:        a.Computed,
			Sensitive:       a.Sensitive,
			WriteOnly:       a.WriteOnly,
		}
		if a.NestedType != nil {
			converted.AttributeNestedType = &tfjson.SchemaNestedAttributeType{
				Attributes:  attributes(a.NestedType.Attributes),
				NestingMode: mode(a.NestedType.Nesting),
			}
		} else {
			converted.AttributeType = ctyType(a.Type)
		}
		to[a.Name] = converted
	}
	return to
}

func identity(from *tfprotov6.ResourceIdentitySchema) *tfjson.IdentitySchema {
	if from == nil {
		return nil
	}
	to := &tfjson.IdentitySchema{
		Version:    unsigned(from.Version),
		Attributes: make(map[string]*tfjson.IdentityAttribute, len(from.IdentityAttributes)),
	}
	for _, a := range from.IdentityAttributes {
		to.Attributes[a.Name] = &tfjson.IdentityAttribute{
			IdentityType:      ctyType(a.Type),
			Description:       a.Description,
			RequiredForImport: a.RequiredForImport,
			OptionalForImport: a.OptionalForImport,
		}
	}
	return to
}

func function(from *tfprotov6.Function) *tfjson.FunctionSignature {
	to := &tfjson.FunctionSignature{
		Description:        from.Description,
		Summary:            from.Summary,
		DeprecationMessage: from.DeprecationMessage,
		ReturnType:         ctyType(from.Return.Type),
	}
	for _, p := range from.Parameters {
		to.Parameters = append(to.Parameters, parameter(p))
	}
	if from.VariadicParameter != nil {
		to.VariadicParameter = parameter(from.VariadicParameter)
	}
	return to
}

func parameter(from *tfprotov6.FunctionParameter) *tfjson.FunctionParameter {
	return &tfjson.FunctionParameter{
		Name:        from.Name,
		Description: from.Description,
		IsNullable:  from.AllowNullValue,
		Type:        ctyType(from.Type),
	}
}

// ctyType converts a protocol type to Terraform's own. A type that the protocol
// does not have is a mistake in this package, so it panics.
func ctyType(from tftypes.Type) cty.Type {
	switch t := from.(type) {
	case tftypes.List:
		return cty.List(ctyType(t.ElementType))
	case tftypes.Set:
		return cty.Set(ctyType(t.ElementType))
	case tftypes.Map:
		return cty.Map(ctyType(t.ElementType))
	case tftypes.Tuple:
		elements := make([]cty.Type, 0, len(t.ElementTypes))
		for _, e := range t.ElementTypes {
			elements = append(elements, ctyType(e))
		}
		return cty.Tuple(elements)
	case tftypes.Object:
		return cty.Object(each(t.AttributeTypes, ctyType))
	}
	switch {
	case from.Is(tftypes.String):
		return cty.String
	case from.Is(tftypes.Number):
		return cty.Number
	case from.Is(tftypes.Bool):
		return cty.Bool
	case from.Is(tftypes.DynamicPseudoType):
		return cty.DynamicPseudoType
	}
	panic(fmt.Sprintf("schemajson: type %s has no counterpart in Terraform's JSON", from))
}

// mode is "single", "list", "set", "map" or "group": the protocol's names in
// lower case.
func mode(nesting fmt.Stringer) tfjson.SchemaNestingMode {
	return tfjson.SchemaNestingMode(strings.ToLower(nesting.String()))
}

func kind(from tfprotov6.StringKind) tfjson.SchemaDescriptionKind {
	if from == tfprotov6.StringKindMarkdown {
		return tfjson.SchemaDescriptionKindMarkdown
	}
	return tfjson.SchemaDescriptionKindPlain
}

// unsigned converts a version or a number of items, neither of which the
// framework lets be negative.
func unsigned(n int64) uint64 { return uint64(max(n, 0)) }
