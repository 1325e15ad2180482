package service

import (
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/policy"
)

// KnownStrings gives the known texts among the elements of a list or set, in
// its order; complete tells whether these are all of them.
func KnownStrings(value interface{ Elements() []attr.Value }) (texts []string, complete bool) {
	complete = true
	if v, ok := value.(attr.Value); ok && v.IsUnknown() {
		return nil, false
	}
	for _, element := range value.Elements() {
		text, ok := element.(types.String)
		if !ok || text.IsUnknown() {
			complete = false
			continue
		}
		texts = append(texts, text.ValueString())
	}
	return texts, complete
}

// StringSet makes a set of texts. Without any it stays null if it was null
// before, since no cloud knows the difference to an empty set.
func StringSet(before types.Set, texts []string) types.Set {
	if len(texts) == 0 && before.IsNull() {
		return types.SetNull(types.StringType)
	}
	elements := make([]attr.Value, 0, len(texts))
	for _, text := range texts {
		elements = append(elements, types.StringValue(text))
	}
	return types.SetValueMust(types.StringType, elements)
}

// At puts a parser's answer on an attribute.
func At(field string, err error) policy.Finding {
	//nolint:errorlint // The parsers of package policy answer with a bare Finding.
	if f, ok := err.(policy.Finding); ok {
		f.Field = field
		return f
	}
	return policy.Finding{Field: field, Summary: "Invalid value", Detail: err.Error()}
}

// OnSets moves findings from the elements of sets, which Terraform cannot
// point at by index, to the sets: each is given as its path, with %d for
// every list index above it.
func OnSets(findings []policy.Finding, sets ...string) []policy.Finding {
	for i, f := range findings {
		for _, set := range sets {
			if prefix, ok := setPrefix(f.Field, set); ok {
				findings[i].Field = prefix
			}
		}
	}
	return findings
}

// setPrefix matches the beginning of a field with a set's path, and gives it
// if an element's index follows.
func setPrefix(field, set string) (string, bool) {
	end := 0
	for rest := set; ; {
		fixed, after, more := strings.Cut(rest, "%d")
		if !strings.HasPrefix(field[end:], fixed) {
			return "", false
		}
		end += len(fixed)
		if !more {
			break
		}
		var n int
		if _, err := fmt.Sscanf(field[end:], "%d", &n); err != nil {
			return "", false
		}
		end += len(fmt.Sprint(n))
		rest = after
	}
	return field[:end], strings.HasPrefix(field[end:], "[")
}
