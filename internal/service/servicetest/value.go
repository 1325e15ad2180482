package servicetest

import (
	"math/big"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// value makes the configuration of a block.
func (tf *Terraform) value(config Config) tftypes.Value {
	tf.t.Helper()
	object, ok := tf.kind().(tftypes.Object)
	if !ok {
		tf.t.Fatalf("the schema is a %T", tf.kind())
	}
	for name := range config {
		if _, ok := object.AttributeTypes[name]; !ok {
			tf.t.Fatalf("%s has no attribute %q", tf.name, name)
		}
	}
	return toValue(tf.t, object, map[string]any(config))
}

// toValue makes a value of a type from Go values.
func toValue(t testing.TB, kind tftypes.Type, from any) tftypes.Value {
	t.Helper()
	switch from.(type) {
	case nil:
		return tftypes.NewValue(kind, nil)
	case unknown:
		return tftypes.NewValue(kind, tftypes.UnknownValue)
	}
	switch kind := kind.(type) {
	case tftypes.Object:
		given, fields := asMap(t, from), map[string]tftypes.Value{}
		for name, fieldType := range kind.AttributeTypes {
			fields[name] = toValue(t, fieldType, given[name])
		}
		return tftypes.NewValue(kind, fields)
	case tftypes.Map:
		elements := map[string]tftypes.Value{}
		for key, element := range asMap(t, from) {
			elements[key] = toValue(t, kind.ElementType, element)
		}
		return tftypes.NewValue(kind, elements)
	case tftypes.List:
		return tftypes.NewValue(kind, toValues(t, kind.ElementType, from))
	case tftypes.Set:
		return tftypes.NewValue(kind, toValues(t, kind.ElementType, from))
	}
	return tftypes.NewValue(kind, from)
}

func asMap(t testing.TB, from any) map[string]any {
	t.Helper()
	given, ok := from.(map[string]any)
	if !ok {
		t.Fatalf("%v is a %T where a map[string]any is needed", from, from)
	}
	return given
}

func toValues(t testing.TB, kind tftypes.Type, from any) []tftypes.Value {
	t.Helper()
	given, ok := from.([]any)
	if !ok {
		t.Fatalf("%v is a %T where a []any is needed", from, from)
	}
	values := []tftypes.Value{}
	for _, element := range given {
		values = append(values, toValue(t, kind, element))
	}
	return values
}

// goValue is the reverse: strings, bools, int64 or float64, []any,
// map[string]any; Unknown and nil.
func goValue(t testing.TB, value tftypes.Value) any {
	t.Helper()
	if !value.IsKnown() {
		return Unknown
	}
	if value.IsNull() {
		return nil
	}
	var err error
	var out any
	switch kind := value.Type(); {
	case kind.Is(tftypes.String):
		var v string
		err = value.As(&v)
		out = v
	case kind.Is(tftypes.Bool):
		var v bool
		err = value.As(&v)
		out = v
	case kind.Is(tftypes.Number):
		var v big.Float
		err = value.As(&v)
		if n, accuracy := v.Int64(); accuracy == big.Exact {
			out = n
		} else {
			out, _ = v.Float64()
		}
	case kind.Is(tftypes.Object{}), kind.Is(tftypes.Map{}):
		var v map[string]tftypes.Value
		err = value.As(&v)
		fields := map[string]any{}
		for name, field := range v {
			fields[name] = goValue(t, field)
		}
		out = fields
	default:
		var v []tftypes.Value
		err = value.As(&v)
		elements := []any{}
		for _, element := range v {
			elements = append(elements, goValue(t, element))
		}
		out = elements
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Diags are a call's diagnostics.
type Diags []*tfprotov6.Diagnostic

// Errors gives the errors as `attribute: summary: detail`.
func (d Diags) Errors() []string { return d.of(tfprotov6.DiagnosticSeverityError) }

// Warnings gives the warnings in the same form.
func (d Diags) Warnings() []string { return d.of(tfprotov6.DiagnosticSeverityWarning) }

func (d Diags) of(severity tfprotov6.DiagnosticSeverity) []string {
	var texts []string
	for _, one := range d {
		if one.Severity != severity {
			continue
		}
		text := one.Summary + ": " + one.Detail
		if one.Attribute != nil {
			text = pathText(one.Attribute) + ": " + text
		}
		texts = append(texts, text)
	}
	return texts
}

// pathText writes a path in the dotted form of service.ParsePath.
func pathText(p *tftypes.AttributePath) string {
	var b strings.Builder
	for i, step := range p.Steps() {
		switch step := step.(type) {
		case tftypes.AttributeName:
			if i > 0 {
				b.WriteByte('.')
			}
			b.WriteString(string(step))
		case tftypes.ElementKeyInt:
			b.WriteString("[" + big.NewInt(int64(step)).String() + "]")
		case tftypes.ElementKeyString:
			b.WriteString(`["` + string(step) + `"]`)
		case tftypes.ElementKeyValue:
			b.WriteString("[*]")
		}
	}
	return b.String()
}
