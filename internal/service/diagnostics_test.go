package service_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/policy"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
)

func text(d diag.Diagnostic) string {
	where := ""
	if at, ok := d.(diag.DiagnosticWithPath); ok {
		where = at.Path().String() + ": "
	}
	return where + d.Summary() + ": " + d.Detail()
}

func TestExplain(t *testing.T) {
	has := func(name string) bool { return name == "rules" || name == "server_type" }
	tests := map[string]struct {
		err  error
		want []string
		not  string
	}{
		"the vendor's words": {&cloud.Error{Code: cloud.CodeCapacity, Cloud: "hetzner", VendorCode: "resource_unavailable", Message: "sold out", Doing: "create server"},
			[]string{"Cannot do it: hetzner answered: sold out (resource_unavailable)", "create server", "another server type or location"}, ""},
		"on the attribute":         {&cloud.Error{Code: cloud.CodeInvalid, Message: "x", Field: "rules[1].networks"}, []string{"rules[1].networks: "}, ""},
		"not on an unknown one":    {&cloud.Error{Code: cloud.CodeInvalid, Message: "x", Field: "colour"}, nil, "colour"},
		"not on no path":           {&cloud.Error{Code: cloud.CodeInvalid, Message: "x", Field: "rules["}, nil, "rules"},
		"the driver's remedy":      {&cloud.Error{Code: cloud.CodeCapacity, Message: "x", Remedy: "Wait."}, []string{"Wait."}, "location"},
		"the error behind":         {&cloud.Error{Code: cloud.CodeUnknown, Err: errors.New("deep")}, []string{"deep"}, ""},
		"only a code":              {&cloud.Error{Code: cloud.CodeInUse}, []string{"in_use", "Remove that one first"}, ""},
		"wrapped":                  {fmt.Errorf("outer: %w", &cloud.Error{Code: cloud.CodeQuota, Message: "full"}), []string{"full", "raise it"}, ""},
		"not a cloud's":            {errors.New("odd"), []string{"odd"}, ""},
		"out of time":              {context.DeadlineExceeded, []string{"timeouts"}, ""},
		"interrupted":              {context.Canceled, []string{"interrupted"}, ""},
		"out of time, by a driver": {&cloud.Error{Code: cloud.CodeUnavailable, Err: context.DeadlineExceeded, Message: "gave up"}, []string{"gave up"}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := text(service.Explain(test.err, "do it", has))
			for _, part := range test.want {
				if !strings.Contains(got, part) {
					t.Errorf("%q does not hold %q", got, part)
				}
			}
			if test.not != "" && strings.Contains(got, test.not) {
				t.Errorf("%q holds %q", got, test.not)
			}
		})
	}
}

func TestReport(t *testing.T) {
	var diags diag.Diagnostics
	service.Report(&diags,
		policy.Finding{Promise: "NET-1", Field: `labels["a b"]`, Summary: "Bad", Detail: "It is.", Remedy: "Mend it."},
		policy.Finding{Summary: "Nowhere", Detail: "In particular."})
	if got, want := text(diags[0]), "labels[\"a b\"]: Bad (NET-1): It is.\n\nMend it."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := text(diags[1]), "Nowhere: In particular."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestOnSets(t *testing.T) {
	for field, want := range map[string]string{
		"subnets[3]":               "subnets",
		"subnets":                  "subnets",
		"routes[0].gateway":        "routes",
		"rules[12].networks[3]":    "rules[12].networks",
		"rules[12].networks":       "rules[12].networks",
		"rules[1].port":            "rules[1].port",
		"subnetsandmore[1]":        "subnetsandmore[1]",
		"rules[x].networks[1]":     "rules[x].networks[1]",
		"":                         "",
		"elsewhere.subnets[0].foo": "elsewhere.subnets[0].foo",
	} {
		got := service.OnSets([]policy.Finding{{Field: field}}, "subnets", "routes", "rules[%d].networks")
		if got[0].Field != want {
			t.Errorf("%q became %q, want %q", field, got[0].Field, want)
		}
	}
}

func TestKnownStrings(t *testing.T) {
	set := types.SetValueMust(types.StringType, []attr.Value{types.StringValue("a"), types.StringUnknown()})
	if texts, complete := service.KnownStrings(set); len(texts) != 1 || complete {
		t.Errorf("partly known: %q, %v", texts, complete)
	}
	if texts, complete := service.KnownStrings(types.SetUnknown(types.StringType)); texts != nil || complete {
		t.Errorf("unknown: %q, %v", texts, complete)
	}
	if texts, complete := service.KnownStrings(types.SetNull(types.StringType)); texts != nil || !complete {
		t.Errorf("null: %q, %v", texts, complete)
	}
}

func TestStringSet(t *testing.T) {
	null, empty := types.SetNull(types.StringType), types.SetValueMust(types.StringType, []attr.Value{})
	if got := service.StringSet(null, nil); !got.IsNull() {
		t.Errorf("null became %v", got)
	}
	if got := service.StringSet(empty, nil); got.IsNull() {
		t.Error("empty became null")
	}
	if got := service.StringSet(null, []string{"a"}); len(got.Elements()) != 1 {
		t.Errorf("one became %v", got)
	}
}

// Terraform shows no line for an element of a list, so the message names it.
func TestReportNamesTheElement(t *testing.T) {
	for field, want := range map[string]string{
		"rules[2].networks": "In rules[2].networks: It is wrong.\n\nMend it.",
		`labels["2"]`:       "It is wrong.\n\nMend it.",
		"cidr":              "It is wrong.\n\nMend it.",
	} {
		var diags diag.Diagnostics
		service.Report(&diags, policy.Finding{Field: field, Summary: "Wrong", Detail: "It is wrong.", Remedy: "Mend it."})
		if got := diags[0].Detail(); got != want {
			t.Errorf("%s: %q, want %q", field, got, want)
		}
	}
}
