package site

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/servicetest"
)

// market is several clouds, each of whose locations sells something else.
type market struct {
	clouds map[string]*servicetest.Cloud
	// sold maps a location to the types that it sells.
	sold map[string][]cloud.ServerType
	// asked are the locations whose price list was read.
	asked []string
}

// newMarket makes two clouds; sold holds "2x4" for a type of 2 CPUs and 4 GB.
func newMarket(sold map[string]string) *market {
	m := &market{clouds: map[string]*servicetest.Cloud{}, sold: map[string][]cloud.ServerType{}}
	for _, name := range []string{"hetzner", "google"} {
		m.clouds[name] = servicetest.NewCloud()
		m.clouds[name].Name = name
	}
	for location, sizes := range sold {
		for size := range strings.FieldsSeq(sizes) {
			t := cloud.ServerType{Name: "t" + size, Architecture: cloud.ArchX86, Available: true}
			if name, ok := strings.CutPrefix(size, "arm:"); ok {
				t.Architecture, size = cloud.ArchARM, name
			}
			if _, err := fmt.Sscanf(size, "%dx%g", &t.CPUs, &t.MemoryGB); err != nil {
				panic(err)
			}
			m.sold[location] = append(m.sold[location], t)
		}
	}
	return m
}

func (m *market) Driver(name string) (cloud.Driver, error) {
	c, ok := m.clouds[name]
	if !ok {
		return nil, &cloud.Error{Code: cloud.CodeUnauthorized, Cloud: name, Message: "no block for " + name}
	}
	driver, err := c.Driver(name)
	return seller{driver, m}, err
}

type seller struct {
	cloud.Driver
	market *market
}

func (s seller) ServerTypes(_ context.Context, location cloud.Location) ([]cloud.ServerType, error) {
	s.market.asked = append(s.market.asked, location.String())
	return s.market.sold[location.String()], nil
}

// run places a VM of a deployment.
func (m *market) run(deployment, at string) {
	location, err := cloud.ParseLocation(at)
	if err != nil {
		panic(err)
	}
	m.clouds[location.Cloud].VMStore.Put(cloud.VMSpec{Meta: cloud.Meta{Name: "acme", Location: location, Deployment: deployment}})
}

// calls counts what the clouds were asked.
func (m *market) calls() string {
	var asked []string
	for _, name := range []string{"hetzner", "google"} {
		if c := m.clouds[name]; c != nil && c.Calls() > 0 {
			asked = append(asked, fmt.Sprintf("%s list=%d of %d", name, c.Count("list", cloud.KindVM), c.Calls()))
		}
	}
	if asked = append(asked, m.asked...); len(asked) == 0 {
		return "none"
	}
	return strings.Join(asked, ", ")
}

func TestCapacityFallback(t *testing.T) {
	size := map[string]any{"cpus": 4, "memory_gb": 8.0}
	three := []any{"hetzner/fsn1", "hetzner/hel1", "google/europe-west3-a"}
	tests := map[string]struct {
		sold    map[string]string
		runs    []string
		others  []string
		lost    []string
		config  servicetest.Config
		list    []any
		nocloud string
		want    string
		// calls are what the clouds were asked; empty to not look.
		calls   string
		warning string
		problem string
	}{
		"sold in the first": {sold: map[string]string{"hetzner/fsn1": "2x4 4x8", "hetzner/hel1": "8x16"}, want: "hetzner/fsn1",
			calls: "hetzner list=1 of 1, google list=1 of 1, hetzner/fsn1"},
		"sold out in the first": {sold: map[string]string{"hetzner/fsn1": "2x4", "hetzner/hel1": "8x16"}, want: "hetzner/hel1",
			calls:   "hetzner list=1 of 1, google list=1 of 1, hetzner/fsn1, hetzner/hel1",
			warning: "location: The site falls back to hetzner/hel1 for want of capacity: hetzner/fsn1 sells no server type with at least 4 CPUs and 8 GB of memory of architecture x86; the largest available now is t2x4"},
		"another architecture is no choice": {sold: map[string]string{"hetzner/fsn1": "arm:4x8", "hetzner/hel1": "4x8"}, want: "hetzner/hel1", warning: "falls back"},
		"nor is it the other way":           {sold: map[string]string{"hetzner/fsn1": "4x8", "hetzner/hel1": "arm:4x8"}, want: "hetzner/hel1", warning: "falls back", config: servicetest.Config{"size": map[string]any{"cpus": 4, "architecture": "arm"}}},
		"the vendor is sold out":            {sold: map[string]string{"google/europe-west3-a": "4x8"}, want: "google/europe-west3-a", warning: "falls back to google/europe-west3-a"},
		"nobody sells it": {sold: map[string]string{"hetzner/hel1": "2x4"}, want: "hetzner/fsn1",
			warning: "No location of the site sells the size now"},
		"it runs in the first, which sold out": {runs: []string{"hetzner/fsn1"}, sold: map[string]string{"hetzner/hel1": "8x16"}, want: "hetzner/fsn1", calls: "hetzner list=1 of 1"},
		"it runs in the second, and the first sells again": {runs: []string{"hetzner/hel1"}, sold: map[string]string{"hetzner/fsn1": "8x16"}, want: "hetzner/hel1", calls: "hetzner list=1 of 1",
			warning: "location: The site stays in hetzner/hel1"},
		"it runs in the third":               {runs: []string{"google/europe-west3-a"}, sold: map[string]string{"hetzner/fsn1": "8x16"}, want: "google/europe-west3-a", warning: "stays in google"},
		"it runs in the first and the third": {runs: []string{"google/europe-west3-a", "hetzner/fsn1"}, want: "hetzner/fsn1", calls: "hetzner list=1 of 1"},
		"somebody else runs in the second":   {others: []string{"hetzner/hel1"}, sold: map[string]string{"hetzner/fsn1": "4x8"}, want: "hetzner/fsn1"},
		"it ran in what is lost": {runs: []string{"hetzner/fsn1"}, lost: []string{"hetzner/fsn1"}, sold: map[string]string{"hetzner/hel1": "4x8"}, want: "hetzner/hel1",
			calls: "hetzner list=1 of 1, google list=1 of 1, hetzner/hel1"},
		"a lost vendor is not asked": {lost: []string{"hetzner/*"}, sold: map[string]string{}, want: "google/europe-west3-a", calls: "none"},
		"one location only":          {list: []any{"hetzner/fsn1"}, want: "hetzner/fsn1", calls: "none", warning: "(DR-2)"},
		"off":                        {config: servicetest.Config{"capacity_fallback": false}, want: "hetzner/fsn1", calls: "none"},
		"no access to the last":      {nocloud: "google", sold: map[string]string{"hetzner/hel1": "4x8"}, want: "hetzner/hel1", warning: "falls back to hetzner/hel1"},
		"no access to the last, and no choice": {nocloud: "google", want: "hetzner/fsn1",
			warning: "google/europe-west3-a cannot be asked: google"},
		"no access to the first": {nocloud: "hetzner", problem: "capacity_fallback: Cannot find out what hetzner/fsn1 sells: no block for hetzner"},
		"without a size":         {config: servicetest.Config{"size": nil}, problem: "capacity_fallback: Size missing"},
		"no such architecture":   {config: servicetest.Config{"size": map[string]any{"cpus": 1, "architecture": "mips"}}, problem: `size.architecture: Unknown architecture: There is no architecture "mips"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			m := newMarket(test.sold)
			for _, at := range test.runs {
				m.run("test", at)
			}
			for _, at := range test.others {
				m.run("somebody-else", at)
			}
			delete(m.clouds, test.nocloud)
			config := servicetest.Config{"locations": three, "size": size, "capacity_fallback": true}
			if test.list != nil {
				config["locations"] = test.list
			}
			for key, value := range test.config {
				config[key] = value
			}
			got, diags := servicetest.ReadDataSource(t, servicetest.NewEnv(t, m, test.lost...), NewSite, config)
			if problems := strings.Join(diags.Errors(), "\n"); !strings.Contains(problems, test.problem) || (test.problem == "") != (problems == "") {
				t.Fatalf("problems %q, want %q", problems, test.problem)
			}
			if test.problem != "" {
				return
			}
			if where := got.Get(t, "location"); where != test.want {
				t.Errorf("location is %v, want %s", where, test.want)
			}
			if warnings := strings.Join(diags.Warnings(), "\n"); !strings.Contains(warnings, test.warning) || (test.warning == "") != (warnings == "") {
				t.Errorf("warnings %q, want %q", warnings, test.warning)
			}
			if calls := m.calls(); test.calls != "" && calls != test.calls {
				t.Errorf("calls: %q, want %q", calls, test.calls)
			}
		})
	}
}

// A vendor that does not answer, and is not declared lost, is no reason to
// move.
func TestCapacityUnknown(t *testing.T) {
	m := newMarket(map[string]string{"hetzner/hel1": "4x8"})
	m.clouds["hetzner"].Fault = func(call string, _ cloud.Kind, _ string) error {
		return &cloud.Error{Code: cloud.CodeUnavailable, Cloud: "hetzner", Doing: call, Message: "no answer"}
	}
	_, diags := servicetest.ReadDataSource(t, servicetest.NewEnv(t, m), NewSite, servicetest.Config{
		"locations": []any{"hetzner/fsn1", "hetzner/hel1"}, "size": map[string]any{"cpus": 1}, "capacity_fallback": true})
	if problems := strings.Join(diags.Errors(), "\n"); !strings.Contains(problems, "no answer") || !strings.Contains(problems, "add it to lost_locations") {
		t.Errorf("problems: %q", problems)
	}
}

// A stand-by vendor whose credentials are wrong stops nothing that does not need
// it; the preferred one's do.
func TestCapacityUnauthorized(t *testing.T) {
	read := func(list ...any) (servicetest.Instance, servicetest.Diags) {
		m := newMarket(map[string]string{"hetzner/fsn1": "4x8", "google/europe-west3-a": "4x8"})
		m.clouds["google"].Fault = func(call string, _ cloud.Kind, _ string) error {
			return &cloud.Error{Code: cloud.CodeUnauthorized, Cloud: "google", Doing: call, Message: "no credentials"}
		}
		return servicetest.ReadDataSource(t, servicetest.NewEnv(t, m), NewSite, servicetest.Config{
			"locations": list, "size": map[string]any{"cpus": 1}, "capacity_fallback": true})
	}
	got, diags := read("hetzner/fsn1", "google/europe-west3-a")
	if problems := append(diags.Errors(), diags.Warnings()...); len(problems) > 0 || got.Get(t, "location") != "hetzner/fsn1" {
		t.Errorf("as a stand-by: %v", problems)
	}
	if _, diags = read("google/europe-west3-a", "hetzner/fsn1"); !strings.Contains(strings.Join(diags.Errors(), ""), "no credentials") {
		t.Errorf("as the preferred one: %v", diags.Errors())
	}
}

// Two zones of one region of Google Cloud fall together (DR-2).
func TestStandByInAnotherRegion(t *testing.T) {
	for list, warned := range map[string]bool{
		"google/europe-west3-a google/europe-west3-b":                        true,
		"google/europe-west3-a google/europe-west4-a":                        false,
		"google/europe-west3-a google/europe-west3-b google/europe-north1-a": false,
		"google/europe-west3-a hetzner/fsn1":                                 false,
		"hetzner/fsn1 hetzner/nbg1":                                          false,
	} {
		var locations []any
		for location := range strings.FieldsSeq(list) {
			locations = append(locations, location)
		}
		_, diags := servicetest.ReadDataSource(t, servicetest.NewEnv(t, noClouds{}), NewSite, servicetest.Config{"locations": locations})
		if problems := diags.Errors(); len(problems) > 0 {
			t.Fatal(problems)
		}
		if warnings := strings.Join(diags.Warnings(), ""); strings.Contains(warnings, "No stand-by data centre (DR-2)") != warned {
			t.Errorf("%s: warnings %q", list, warnings)
		}
	}
}

// noClouds gives no driver: no cloud can be asked.
type noClouds struct{}

func (noClouds) Driver(name string) (cloud.Driver, error) {
	return nil, errors.New("asked for " + name)
}

var (
	_ service.Clouds = (*market)(nil)
	_ service.Clouds = noClouds{}
)
