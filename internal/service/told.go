package service

import (
	"context"
	"fmt"
	"maps"
	"math/big"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// told is what was last declared of an object in attributes that others can
// change in place (see cloud.Capabilities.Loose), by attribute; nil stands for
// null. The state shows what was observed, so that a plan shows what was
// changed; told decides what the plan replaces. Without it, whoever takes the
// labels off an object would have it replaced.
type told map[string]*string

// looseNames are the attributes that told is about.
func looseNames(kind cloud.Kind, caps cloud.Capabilities) []string {
	return append([]string{"name", "tenant"}, caps.Loose[kind]...)
}

// tell reads the attributes from a state or plan. What is unknown, or is no
// text or number, is left out.
func tell(raw tftypes.Value, names []string) told {
	attributes := map[string]tftypes.Value{}
	if raw.IsNull() || raw.As(&attributes) != nil {
		return nil
	}
	said := told{}
	for _, name := range names {
		if value, ok := attributes[name]; ok && value.IsKnown() {
			if text, ok := wordOf(value); ok {
				said[name] = text
			}
		}
	}
	return said
}

// wordOf writes a text or number; nil for null.
func wordOf(value tftypes.Value) (*string, bool) {
	if value.IsNull() {
		return nil, true
	}
	var text string
	var number big.Float
	switch {
	case value.Type().Is(tftypes.String) && value.As(&text) == nil:
		return &text, true
	case value.Type().Is(tftypes.Number) && value.As(&number) == nil:
		text = number.Text('f', -1)
		return &text, true
	}
	return nil, false
}

// valueOf is the reverse of wordOf; false for what is no value of the type.
func valueOf(kind tftypes.Type, word *string) (tftypes.Value, bool) {
	switch {
	case word == nil:
		return tftypes.NewValue(kind, nil), true
	case kind.Is(tftypes.String):
		return tftypes.NewValue(kind, *word), true
	case kind.Is(tftypes.Number):
		number, _, err := big.ParseFloat(*word, 10, 512, big.ToNearestEven) // the precision of the plugin protocol
		return tftypes.NewValue(kind, number), err == nil
	}
	return tftypes.Value{}, false
}

// recall puts what was declared in the place of what was observed.
func (t told) recall(raw tftypes.Value) tftypes.Value {
	attributes := map[string]tftypes.Value{}
	if len(t) == 0 || raw.IsNull() || raw.As(&attributes) != nil {
		return raw
	}
	attributes = maps.Clone(attributes) // As gives the value's own map
	for name, word := range t {
		had, ok := attributes[name]
		if !ok {
			continue // not of this version of the schema
		}
		if value, ok := valueOf(had.Type(), word); ok {
			attributes[name] = value
		}
	}
	return tftypes.NewValue(raw.Type(), attributes)
}

// after gives what counts as declared once an object was observed: an update
// that did not end well had written some of what it was to write.
func (t told) after(next, observed told) told {
	t = maps.Clone(t)
	for name, word := range next {
		if seen, ok := observed[name]; ok && sameWord(seen, word) {
			t[name] = word
		}
	}
	return t
}

func sameWord(a, b *string) bool { return a == nil && b == nil || a != nil && b != nil && *a == *b }

// text gives an attribute's word, or what else there is.
func (t told) text(name, otherwise string) string {
	word, ok := t[name]
	switch {
	case !ok:
		return otherwise
	case word == nil:
		return ""
	}
	return *word
}

// mislabelled tells whether a create would not find the observed object under
// the name and location that it has.
func (r *Resource[M, S, T, PM]) mislabelled(object cloud.Object, seen cloud.Meta, id cloud.ID, caps cloud.Capabilities) bool {
	global := caps.Global[r.def.Kind]
	if !global && seen.Location.Name != "" && seen.Location != id.Location {
		return true
	}
	seen.Location = id.Location
	return object.Key != cloud.KeyOf(r.def.Kind, seen, global)
}

// refuseSwap refuses a change that replaces an object, while somebody has
// changed the object's labels to the very same: Terraform sees no difference,
// and would hand the object over as it is.
func (r *Resource[M, S, T, PM]) refuseSwap(req resource.ModifyPlanRequest, said told, replaced []string, diags *diag.Diagnostics) {
	had, wants := tell(req.State.Raw, replaced), tell(req.Plan.Raw, replaced)
	for _, name := range replaced {
		was, ok := said[name]
		if want, planned := wants[name]; !ok || !planned || !sameWord(want, had[name]) || sameWord(want, was) {
			continue
		}
		diags.AddAttributeError(path.Root(name), "Changed at the vendor, too",
			fmt.Sprintf("The configuration changes %s from %q to %q, which replaces the %s; somebody has already changed it at the vendor, where the object is still the old one. "+
				"Set %[1]s back to %[2]q and apply, which repairs the object; then change it.", name, said.text(name, ""), wants.text(name, ""), r.def.Noun))
	}
}

// remember writes down what a state declares, which a write has just reached.
func (r *Resource[M, S, T, PM]) remember(ctx context.Context, private privateSetter, record Record, raw tftypes.Value, caps cloud.Capabilities, diags *diag.Diagnostics) {
	record.Told, record.Next = tell(raw, looseNames(r.def.Kind, caps)), nil
	writeRecord(ctx, private, record, diags)
}
