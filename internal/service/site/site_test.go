package site

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/servicetest"
)

func TestSite(t *testing.T) {
	tests := map[string]struct {
		locations []any
		lost      []string
		want      string
		gone      []any
		warning   string
		problem   string
	}{
		"good day":     {locations: []any{"hetzner/fsn1", "hetzner/hel1"}, want: "hetzner/fsn1", gone: []any{}},
		"first lost":   {locations: []any{"hetzner/fsn1", "hetzner/hel1"}, lost: []string{"hetzner/fsn1"}, want: "hetzner/hel1", gone: []any{"hetzner/fsn1"}},
		"second lost":  {locations: []any{"hetzner/fsn1", "hetzner/hel1"}, lost: []string{"hetzner/hel1"}, want: "hetzner/fsn1", gone: []any{"hetzner/hel1"}},
		"all lost":     {locations: []any{"hetzner/fsn1", "hetzner/hel1"}, lost: []string{"hetzner/*"}, problem: "locations: Every location of the site is lost"},
		"no stand-by":  {locations: []any{"hetzner/fsn1"}, want: "hetzner/fsn1", gone: []any{}, warning: "(DR-2)"},
		"typo":         {locations: []any{"hetzner/fsn1", "hetzner/hell"}, problem: "did you mean hel1"},
		"no location":  {locations: []any{"fsn1"}, problem: "locations[0]: Not a location"},
		"named twice":  {locations: []any{"hetzner/fsn1", "hetzner/hel1", "hetzner/fsn1"}, problem: "locations[2]: Location named twice"},
		"no locations": {locations: []any{}, problem: "locations: Site without locations"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := servicetest.NewCloud()
			got, diags := servicetest.ReadDataSource(t, servicetest.NewEnv(t, c, test.lost...), NewSite, servicetest.Config{"locations": test.locations})
			if problems := strings.Join(diags.Errors(), "\n"); !strings.Contains(problems, test.problem) || (test.problem == "") != (problems == "") {
				t.Fatalf("problems %q, want %q", problems, test.problem)
			}
			if c.Calls() != 0 {
				t.Error("the cloud was asked")
			}
			if test.problem != "" {
				return
			}
			if where := got.Get(t, "location"); where != test.want {
				t.Errorf("location is %v, want %s", where, test.want)
			}
			if gone := got.Get(t, "lost"); !reflect.DeepEqual(gone, test.gone) {
				t.Errorf("lost are %v, want %v", gone, test.gone)
			}
			if warnings := strings.Join(diags.Warnings(), "\n"); !strings.Contains(warnings, test.warning) || (test.warning == "") != (warnings == "") {
				t.Errorf("warnings %q, want %q", warnings, test.warning)
			}
		})
	}
}

func TestLocations(t *testing.T) {
	read := func(t *testing.T, config servicetest.Config, lost ...string) (names []any, all []any) {
		t.Helper()
		got, diags := servicetest.ReadDataSource(t, servicetest.NewEnv(t, servicetest.NewCloud(), lost...), NewLocations, config)
		if problems := diags.Errors(); len(problems) > 0 {
			t.Fatal(problems)
		}
		return got.Get(t, "names").([]any), got.Get(t, "locations").([]any)
	}
	names, all := read(t, servicetest.Config{})
	if !slices.Contains(names, any("hetzner/fsn1")) || !slices.Contains(names, any("hetzner/ash")) || len(names) != len(all) {
		t.Errorf("without a filter: %v", names)
	}
	europe, _ := read(t, servicetest.Config{"cloud": "hetzner", "continent": "Europe", "eu": true})
	if !slices.Contains(europe, any("hetzner/hel1")) || slices.Contains(europe, any("hetzner/ash")) {
		t.Errorf("in the EU: %v", europe)
	}
	outside, _ := read(t, servicetest.Config{"eu": false})
	if slices.Contains(outside, any("hetzner/fsn1")) || len(outside) == 0 {
		t.Errorf("outside the EU: %v", outside)
	}
	german, details := read(t, servicetest.Config{"country": "DE"}, "hetzner/fsn1")
	if slices.Contains(german, any("hetzner/fsn1")) || !slices.Contains(german, any("hetzner/nbg1")) {
		t.Errorf("with a lost one: %v", german)
	}
	found := false
	for _, one := range details {
		fields := one.(map[string]any)
		if fields["location"] == "hetzner/fsn1" {
			found = true
			if fields["lost"] != true || fields["city"] != "Falkenstein" || fields["continent"] != "Europe" {
				t.Errorf("details: %v", fields)
			}
		}
	}
	if !found {
		t.Error("the details leave the lost one out")
	}
	if _, diags := servicetest.ReadDataSource(t, servicetest.NewEnv(t, servicetest.NewCloud()), NewLocations, servicetest.Config{"continent": "Europa"}); !strings.Contains(strings.Join(diags.Errors(), ""), "Europe") {
		t.Errorf("a typo: %v", diags.Errors())
	}
}
