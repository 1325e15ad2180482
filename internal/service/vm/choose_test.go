package vm

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

var hel1 = cloud.Location{Cloud: "hetzner", Name: "hel1"}

func priceList() []cloud.ServerType {
	return []cloud.ServerType{
		{Name: "arm-small", CPUs: 2, MemoryGB: 4, DiskGB: 40, Architecture: cloud.ArchARM, PriceMonthly: 3, Available: true},
		{Name: "arm-large", CPUs: 8, MemoryGB: 16, DiskGB: 160, Architecture: cloud.ArchARM, PriceMonthly: 12, Available: true},
		{Name: "small", CPUs: 2, MemoryGB: 4, DiskGB: 40, Architecture: cloud.ArchX86, PriceMonthly: 4, Available: true},
		{Name: "small-dear", CPUs: 2, MemoryGB: 4, DiskGB: 80, Architecture: cloud.ArchX86, PriceMonthly: 9, Available: true},
		{Name: "medium", CPUs: 4, MemoryGB: 8, DiskGB: 80, Architecture: cloud.ArchX86, PriceMonthly: 8, Available: true},
		{Name: "large", CPUs: 8, MemoryGB: 16, DiskGB: 160, Architecture: cloud.ArchX86, PriceMonthly: 16, Available: true},
		{Name: "sold-out", CPUs: 16, MemoryGB: 32, DiskGB: 320, Architecture: cloud.ArchX86, PriceMonthly: 30},
		{Name: "old", CPUs: 2, MemoryGB: 4, DiskGB: 40, Architecture: cloud.ArchX86, PriceMonthly: 1, Available: true, Deprecated: true},
	}
}

func TestChoose(t *testing.T) {
	size := func(cpus int64, memory float64) sizing {
		return sizing{size: cloud.Size{CPUs: cpus, MemoryGB: memory}}
	}
	architectureOf := func(name string) cloud.Architecture {
		if strings.HasPrefix(name, "arm") {
			return cloud.ArchARM
		}
		return cloud.ArchX86
	}
	had := func(name string, cpus int64, memory float64, disk int64) *before {
		return &before{serverType: name, size: cloud.Size{CPUs: cpus, MemoryGB: memory, Architecture: architectureOf(name)}, diskGB: disk}
	}
	kept := func(name string) choice { return choice{serverType: name, kept: true} }
	chosen := func(name string, alternatives ...string) choice {
		return choice{serverType: name, alternatives: alternatives}
	}
	for _, test := range []struct {
		name string
		want sizing
		had  *before
		is   choice
	}{
		{"new: the cheapest x86 that is sold", size(2, 4), nil, chosen("small", "medium", "small-dear", "large")},
		{"new: memory decides", size(1, 8), nil, chosen("medium", "large")},
		{"new: arm when asked for", sizing{size: cloud.Size{CPUs: 2, Architecture: cloud.ArchARM}}, nil, chosen("arm-small", "arm-large")},
		{"kept although a cheaper one is sold", size(2, 4), had("small-dear", 2, 2, 80), kept("small-dear")},
		{"kept although deprecated", size(2, 3), had("old", 1, 2, 40), kept("old")},
		{"grown to the cheapest", size(3, 4), had("small", 2, 4, 40), chosen("medium", "large")},
		{"grown to what holds the disk", size(3, 4), had("small", 2, 4, 100), chosen("large")},
		{"a disk that nobody knows", size(3, 4), had("small", 2, 4, 0), chosen("medium", "large")},
		{"less is something cheaper", size(2, 4), had("large", 8, 16, 40), chosen("small", "medium", "small-dear", "large")},
		{"less, but with the disk", size(2, 4), had("large", 8, 16, 80), chosen("medium", "small-dear", "large")},
		{"less, but nothing is cheaper", size(1, 1), had("small", 2, 4, 40), kept("small")},
		{"less, but the disk is in the way", size(2, 4), had("large", 8, 16, 160), choice{serverType: "large", kept: true,
			warning: "The VM keeps the server type large although less would do: its disk of 160 GB cannot shrink, and the cheaper types come with a smaller one."}},
		{"from explicit to a size it satisfies", size(4, 8), had("large", 0, 0, 160), kept("large")},
		{"arm stays arm", size(4, 8), had("arm-small", 2, 4, 40), chosen("arm-large")},
		{"to arm: replaced, with another disk", sizing{size: cloud.Size{CPUs: 2, MemoryGB: 4, Architecture: cloud.ArchARM}}, had("small", 2, 4, 160), chosen("arm-small", "arm-large")},
		{"a type that is sold no more is left", size(2, 4), had("gone", 1, 1, 40), chosen("small", "medium", "small-dear", "large")},
		{"explicit", sizing{explicit: "medium"}, nil, chosen("medium")},
		{"explicit in place", sizing{explicit: "medium"}, had("small", 0, 0, 40), chosen("medium")},
		{"explicit, other architecture and disk", sizing{explicit: "arm-small"}, had("small", 0, 0, 160), chosen("arm-small")},
		{"arm kept when bought with x86 in the list", size(2, 4), had("arm-small", 2, 4, 40), kept("arm-small")},
		{"explicit, sold out", sizing{explicit: "sold-out"}, nil, choice{serverType: "sold-out",
			warning: "hetzner/hel1 does not sell the server type sold-out at the moment, so ordering it is likely to fail."}},
	} {
		t.Run(test.name, func(t *testing.T) {
			is, err := choose(priceList(), test.want, test.had, hel1)
			if err != nil {
				t.Fatal(err)
			}
			test.is.architecture = architectureOf(test.is.serverType)
			if diff := cmp.Diff(test.is, is, cmp.AllowUnexported(choice{})); diff != "" {
				t.Errorf("choose (-want +got):\n%s", diff)
			}
		})
	}
}

func TestChooseRefuses(t *testing.T) {
	small := &before{serverType: "small-dear", size: cloud.Size{CPUs: 2, MemoryGB: 4, Architecture: cloud.ArchX86}, diskGB: 200}
	for _, test := range []struct {
		name  string
		want  sizing
		had   *before
		parts []string
	}{
		{"too large", sizing{size: cloud.Size{CPUs: 64}}, nil, []string{"at least 64 CPUs", "large with 8 CPUs"}},
		{"unknown type", sizing{explicit: "smal"}, nil, []string{`no server type "smal"`, "Name one of arm-large, arm-small, large"}},
		{"explicit, smaller disk", sizing{explicit: "small"}, &before{serverType: "medium", size: cloud.Size{Architecture: cloud.ArchX86}, diskGB: 80},
			[]string{"a disk of 80 GB, which cannot shrink", "small comes with 40 GB", "(large, medium, small-dear)", "terraform taint"}},
		{"more than the disk allows", sizing{size: cloud.Size{CPUs: 4}}, small, []string{"a disk of 200 GB", "smaller one (medium, large)", "terraform taint"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := choose(priceList(), test.want, test.had, hel1)
			var refused *cloud.Error
			if !errors.As(err, &refused) {
				t.Fatalf("answered %v", err)
			}
			for _, part := range test.parts {
				if text := refused.Message + " " + refused.Remedy; !strings.Contains(text, part) {
					t.Errorf("the message lacks %q: %s", part, text)
				}
			}
		})
	}
}

func TestSettledNeedsNoPriceList(t *testing.T) {
	two := cloud.Size{CPUs: 2, MemoryGB: 4}
	for _, test := range []struct {
		name string
		want sizing
		had  before
		is   bool
	}{
		{"same size", sizing{size: two}, before{"small", two, 40}, true},
		{"same type", sizing{explicit: "small"}, before{"small", cloud.Size{}, 40}, true},
		{"other size", sizing{size: cloud.Size{CPUs: 3}}, before{"small", two, 40}, false},
		{"other type", sizing{explicit: "large"}, before{"small", cloud.Size{}, 40}, false},
		{"no type known", sizing{size: two}, before{"", two, 0}, false},
		{"from a type to a size", sizing{size: two}, before{"small", cloud.Size{}, 40}, false},
		{"the architecture it has", sizing{size: cloud.Size{CPUs: 2, MemoryGB: 4, Architecture: cloud.ArchARM}}, before{"arm-small", cloud.Size{CPUs: 2, MemoryGB: 4, Architecture: cloud.ArchARM}, 40}, true},
		{"another architecture", sizing{size: cloud.Size{CPUs: 2, MemoryGB: 4, Architecture: cloud.ArchARM}}, before{"small", two, 40}, false},
	} {
		if is := settled(test.want, test.had); is != test.is {
			t.Errorf("%s: settled = %t, want %t", test.name, is, test.is)
		}
	}
}

func TestAlternatives(t *testing.T) {
	for _, test := range []struct {
		name string
		disk int64
		want []string
	}{
		{"small", 0, []string{"medium", "small-dear", "large"}},
		{"small", 100, []string{"large"}},
		{"large", 0, nil}, // nothing is larger
		{"gone", 0, nil},  // not in the list
	} {
		if is := alternatives(priceList(), test.name, test.disk); !slices.Equal(is, test.want) {
			t.Errorf("%s with a disk of %d GB: %v, want %v", test.name, test.disk, is, test.want)
		}
	}
}
