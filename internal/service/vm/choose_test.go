package vm

import (
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

var hel1 = cloud.Location{Cloud: "hetzner", Name: "hel1"}

func priceList() []cloud.ServerType {
	return []cloud.ServerType{
		{Name: "arm-small", CPUs: 2, MemoryGB: 4, Architecture: cloud.ArchARM, PriceMonthly: 3, Available: true},
		{Name: "arm-large", CPUs: 8, MemoryGB: 16, Architecture: cloud.ArchARM, PriceMonthly: 12, Available: true},
		{Name: "small", CPUs: 2, MemoryGB: 4, Architecture: cloud.ArchX86, PriceMonthly: 4, Available: true},
		{Name: "small-dear", CPUs: 2, MemoryGB: 4, Architecture: cloud.ArchX86, PriceMonthly: 9, Available: true},
		{Name: "medium", CPUs: 4, MemoryGB: 8, Architecture: cloud.ArchX86, PriceMonthly: 8, Available: true},
		{Name: "large", CPUs: 8, MemoryGB: 16, Architecture: cloud.ArchX86, PriceMonthly: 16, Available: true},
		{Name: "sold-out", CPUs: 16, MemoryGB: 32, Architecture: cloud.ArchX86, PriceMonthly: 30},
		{Name: "old", CPUs: 2, MemoryGB: 4, Architecture: cloud.ArchX86, PriceMonthly: 1, Available: true, Deprecated: true},
	}
}

func TestChoose(t *testing.T) {
	size := func(cpus int64, memory float64) sizing {
		return sizing{size: cloud.Size{CPUs: cpus, MemoryGB: memory}}
	}
	had := func(name string, cpus int64, memory float64) *before {
		architecture := cloud.ArchX86
		if strings.HasPrefix(name, "arm") {
			architecture = cloud.ArchARM
		}
		return &before{serverType: name, size: cloud.Size{CPUs: cpus, MemoryGB: memory, Architecture: architecture}}
	}
	for _, test := range []struct {
		name string
		want sizing
		had  *before
		is   choice
	}{
		{"new: the cheapest x86 that is sold", size(2, 4), nil, choice{serverType: "small"}},
		{"new: memory decides", size(1, 8), nil, choice{serverType: "medium"}},
		{"new: arm when asked for", sizing{size: cloud.Size{CPUs: 2, Architecture: cloud.ArchARM}}, nil, choice{serverType: "arm-small"}},
		{"kept although a cheaper one is sold", size(2, 4), had("small-dear", 2, 2), choice{serverType: "small-dear"}},
		{"kept although deprecated", size(2, 3), had("old", 1, 2), choice{serverType: "old"}},
		{"grown to the cheapest", size(3, 4), had("small", 2, 4), choice{serverType: "medium"}},
		{"asking for less chooses anew", size(2, 4), had("large", 8, 16), choice{serverType: "small"}},
		{"from explicit to a size it satisfies", size(4, 8), had("large", 0, 0), choice{serverType: "large"}},
		{"arm stays arm", size(4, 8), had("arm-small", 2, 4), choice{serverType: "arm-large"}},
		{"to arm: replaced", sizing{size: cloud.Size{CPUs: 2, MemoryGB: 4, Architecture: cloud.ArchARM}}, had("small", 2, 4), choice{serverType: "arm-small"}},
		{"a type that is sold no more is left", size(2, 4), had("gone", 1, 1), choice{serverType: "small"}},
		{"explicit", sizing{explicit: "medium"}, nil, choice{serverType: "medium"}},
		{"explicit in place", sizing{explicit: "medium"}, had("small", 0, 0), choice{serverType: "medium"}},
		{"explicit, other architecture", sizing{explicit: "arm-small"}, had("small", 0, 0), choice{serverType: "arm-small"}},
		{"arm kept when bought with x86 in the list", size(2, 4), had("arm-small", 2, 4), choice{serverType: "arm-small"}},
		{"explicit, sold out", sizing{explicit: "sold-out"}, nil, choice{serverType: "sold-out",
			warning: "hetzner/hel1 does not sell the server type sold-out at the moment, so ordering it is likely to fail."}},
	} {
		t.Run(test.name, func(t *testing.T) {
			is, err := choose(priceList(), test.want, test.had, hel1)
			if err != nil {
				t.Fatal(err)
			}
			test.is.architecture = cloud.ArchX86
			if strings.HasPrefix(test.is.serverType, "arm") {
				test.is.architecture = cloud.ArchARM
			}
			if is != test.is {
				t.Errorf("choose = %+v, want %+v", is, test.is)
			}
		})
	}
}

func TestChooseRefuses(t *testing.T) {
	_, err := choose(priceList(), sizing{size: cloud.Size{CPUs: 64}}, nil, hel1)
	if err == nil || !strings.Contains(err.Error(), "at least 64 CPUs") || !strings.Contains(err.Error(), "large with 8 CPUs") {
		t.Errorf("too large: %v", err)
	}
	_, err = choose(priceList(), sizing{explicit: "smal"}, nil, hel1)
	if err == nil || !strings.Contains(err.Error(), `no server type "smal"`) {
		t.Errorf("unknown type: %v", err)
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
		{"same size", sizing{size: two}, before{"small", two}, true},
		{"same type", sizing{explicit: "small"}, before{"small", cloud.Size{}}, true},
		{"other size", sizing{size: cloud.Size{CPUs: 3}}, before{"small", two}, false},
		{"other type", sizing{explicit: "large"}, before{"small", cloud.Size{}}, false},
		{"no type known", sizing{size: two}, before{"", two}, false},
		{"from a type to a size", sizing{size: two}, before{"small", cloud.Size{}}, false},
		{"the architecture it has", sizing{size: cloud.Size{CPUs: 2, MemoryGB: 4, Architecture: cloud.ArchARM}}, before{"arm-small", cloud.Size{CPUs: 2, MemoryGB: 4, Architecture: cloud.ArchARM}}, true},
		{"another architecture", sizing{size: cloud.Size{CPUs: 2, MemoryGB: 4, Architecture: cloud.ArchARM}}, before{"small", two}, false},
	} {
		if is := settled(test.want, test.had); is != test.is {
			t.Errorf("%s: settled = %t, want %t", test.name, is, test.is)
		}
	}
}

func TestAlternatives(t *testing.T) {
	if is := alternatives(priceList(), "small"); !slices.Equal(is, []string{"medium", "small-dear", "large"}) {
		t.Errorf("small: %v", is)
	}
	if is := alternatives(priceList(), "large"); len(is) != 0 {
		t.Errorf("nothing is larger than large: %v", is)
	}
	if is := alternatives(priceList(), "gone"); len(is) != 0 {
		t.Errorf("a type that is not in the list: %v", is)
	}
}
