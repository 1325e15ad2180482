package google

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"cloud.google.com/go/compute/apiv1/computepb"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/catalog"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// both are the lists that the program is made with.
func both(t *testing.T) (map[string]knownType, *prices) {
	t.Helper()
	types, err := knownTypes()
	if err != nil {
		t.Fatal(err)
	}
	list, err := priceList()
	if err != nil {
		t.Fatal(err)
	}
	return types, list
}

// soldIn are the types of the families that have prices of their own in a region.
func soldIn(types map[string]knownType, list *prices, region string) []cloud.ServerType {
	var sold []cloud.ServerType
	for _, known := range types {
		if _, ok := list.rates[known.family.Family][region]; ok {
			have := &computepb.MachineType{Name: &known.Name, GuestCpus: new(int32(known.CPUs)), MemoryMb: new(int32(known.MemoryGB * 1024)), IsSharedCpu: &known.Shared}
			sold = append(sold, serverTypeFrom(have, known, list.monthly(known, region)))
		}
	}
	return sold
}

// The vendor's monthly prices in us-central1, of 730 hours, to the cent.
func TestMonthlyPrices(t *testing.T) {
	types, list := both(t)
	for name, want := range map[string]float64{"e2-standard-2": 48.92, "e2-medium": 24.46, "n2-standard-2": 70.90, "n2d-standard-2": 61.68,
		"t2a-standard-1": 28.11, "c3-highcpu-4": 124.18, "c4a-standard-1": 32.78} {
		if got := list.monthly(types[name], "us-central1"); math.Abs(got-want) > 0.011 {
			t.Errorf("%s costs %.3f a month, want %.2f", name, got, want)
		}
	}
}

// Prices of an hour that the sources give, of sizes that the rates were not
// made from.
func TestHourlyPrices(t *testing.T) {
	types, list := both(t)
	for _, tc := range []struct {
		region, name string
		want         float64
	}{
		{"us-central1", "e2-micro", 0.008376}, {"us-central1", "e2-small", 0.016753}, {"us-central1", "n2-highmem-128", 7.706976},
		{"us-central1", "c3-standard-22", 1.10884}, {"us-east4", "n2-standard-8", 0.43751},
		{"europe-west3", "e2-standard-2", 0.08634}, {"europe-west3", "n2-standard-8", 0.5005}, {"europe-west3", "n2d-highmem-2", 0.14684},
		{"europe-west3", "t2d-standard-60", 3.26562}, {"europe-west3", "c3-standard-4", 0.2379}, {"europe-west3", "c4a-standard-1", 0.052983},
		{"europe-west4", "t2a-standard-1", 0.04044}, {"europe-north2", "e2-standard-2", 0.07036},
		{"asia-south1", "e2-highmem-4", 0.21714}, {"asia-south1", "n2-standard-128", 7.46522}, {"asia-south1", "n2d-highcpu-224", 4.61082},
		{"asia-south1", "t2d-standard-60", 1.67298}, {"asia-south1", "c3-standard-4", 0.20967},
		{"asia-east1", "c3-highcpu-4", 0.19696}, {"me-west1", "c3-standard-44", 2.43946}, {"australia-southeast2", "t2d-standard-60", 3.5967},
	} {
		if got := list.monthly(types[tc.name], tc.region) / hoursAMonth; math.Abs(got-tc.want) > 2e-5 {
			t.Errorf("%s in %s costs %.6f an hour, want %.6f", tc.name, tc.region, got, tc.want)
		}
	}
}

// The order by price is not the same everywhere: where n2d and t2d cost 0.66 of
// the reference region's price they undercut e2, and a c3 can be cheaper than a
// larger e2 or n2d. Where n2d and t2d cost the same, the first by name is taken.
func TestTheCheapestInARegion(t *testing.T) {
	types, list := both(t)
	for size, want := range map[cloud.Size][3]string{
		{CPUs: 1, MemoryGB: 1}:      {"e2-micro", "e2-micro", "e2-micro"},
		{CPUs: 2, MemoryGB: 4}:      {"e2-medium", "e2-medium", "e2-medium"},
		{CPUs: 2, MemoryGB: 8}:      {"e2-standard-2", "e2-standard-2", "n2d-standard-2"},
		{CPUs: 4, MemoryGB: 32}:     {"e2-highmem-4", "e2-highmem-4", "n2d-highmem-4"},
		{CPUs: 8, MemoryGB: 8}:      {"e2-highcpu-8", "e2-highcpu-8", "n2d-highcpu-8"},
		{CPUs: 22, MemoryGB: 88}:    {"e2-standard-32", "c3-standard-22", "n2d-standard-32"},
		{CPUs: 32, MemoryGB: 128}:   {"e2-standard-32", "e2-standard-32", "n2d-standard-32"},
		{CPUs: 60, MemoryGB: 240}:   {"t2d-standard-60", "t2d-standard-60", "t2d-standard-60"},
		{CPUs: 88, MemoryGB: 704}:   {"n2d-highmem-96", "c3-highmem-88", "n2d-highmem-96"},
		{CPUs: 176, MemoryGB: 1408}: {"c3-highmem-176", "c3-highmem-176", "c3-highmem-176"},
	} {
		size.Architecture = cloud.ArchX86
		for i, region := range []string{"us-central1", "europe-west3", "asia-south1"} {
			if got := cloud.Fitting(soldIn(types, list, region), size); len(got) == 0 || got[0].Name != want[i] {
				t.Errorf("%d CPUs with %g GB in %s: got %v, want %s", size.CPUs, size.MemoryGB, region, got[:min(2, len(got))], want[i])
			}
		}
	}
	for region, want := range map[string]string{"us-central1": "t2a-standard-2", "europe-west4": "t2a-standard-2", "europe-west3": "c4a-standard-2"} {
		got := cloud.Fitting(soldIn(types, list, region), cloud.Size{CPUs: 2, MemoryGB: 8, Architecture: cloud.ArchARM})
		if len(got) == 0 || got[0].Name != want {
			t.Errorf("ARM in %s: got %v, want %s", region, got, want)
		}
	}
}

// Whatever is asked for, wherever: nothing that is sold there and is enough
// costs less.
func TestNothingIsCheaperThanTheChoice(t *testing.T) {
	types, list := both(t)
	regions := slices.Sorted(maps.Keys(list.inRegion))
	random := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		region := regions[random.IntN(len(regions))]
		size := cloud.Size{CPUs: 1 + int64(math.Exp(random.Float64()*5.4)), MemoryGB: math.Exp(random.Float64() * 7), Architecture: cloud.ArchX86}
		if random.IntN(4) == 0 {
			size.Architecture = cloud.ArchARM
		}
		chosen := cloud.Fitting(soldIn(types, list, region), size)
		for name, other := range types {
			r, sold := list.rates[other.family.Family][region]
			if !sold || other.CPUs < size.CPUs || other.MemoryGB < size.MemoryGB || other.family.Architecture != size.Architecture {
				continue
			}
			if price := (r[0]*other.Cores + r[1]*other.MemoryGB) * 730; len(chosen) == 0 || price < chosen[0].PriceMonthly-1e-9 {
				t.Fatalf("%+v in %s: %s costs %.2f a month, chosen was %v", size, region, name, price, chosen[:min(1, len(chosen))])
			}
		}
	}
}

// Every machine type has a price in every region of the catalogue, and no
// decimal point has slipped.
func TestEveryRegionHasPrices(t *testing.T) {
	types, list := both(t)
	all, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	entries, err := all.Select(catalog.Filter{Cloud: Name})
	if err != nil {
		t.Fatal(err)
	}
	regions := map[string]bool{}
	for _, entry := range entries {
		regions[regionOf(entry.Location.Name)] = true
	}
	if len(regions) < 40 {
		t.Errorf("the catalogue has %d regions", len(regions))
	}
	families := map[string]bool{}
	for name, known := range types {
		families[known.family.Family] = true
		for region := range regions {
			if perCPU := list.monthly(known, region) / hoursAMonth / float64(known.CPUs); perCPU < 0.004 || perCPU > 0.13 {
				t.Errorf("%s costs %g USD a vCPU and hour in %s", name, perCPU, region)
			}
		}
	}
	for family, rates := range list.rates {
		if !families[family] {
			t.Errorf("no machine type is of the family %s", family)
		}
		for region, r := range rates {
			if !regions[region] {
				t.Errorf("%s has prices in %s, which the catalogue does not know", family, region)
			}
			if factor := r.usual() / rates[list.reference].usual(); factor < 0.6 || factor > 1.7 {
				t.Errorf("%s in %s costs %.2f times what it does in %s", family, region, factor, list.reference)
			}
		}
	}
}

// Where the sources have nothing, a price is estimated from what they have.
func TestEstimatedPrices(t *testing.T) {
	list, err := parsePrices([]byte(`{"reference": "home", "currency": "USD", "hours_a_month": 730, "rates": {
		"a": {"home": [1, 0.25], "far": [1.5, 0.375], "dear": [4, 1]},
		"b": {"home": [2, 0], "far": [3, 0]},
		"c": {"home": [4, 0], "far": [2, 0]},
		"d": {"home": [10, 1]}}}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		family, region string
		want           rate
	}{
		{"c", "far", rate{2, 0}},          // its own
		{"d", "far", rate{15, 1.5}},       // the region's median
		{"d", "dear", rate{40, 4}},        // of one
		{"a", "nowhere", rate{1.5, .375}}, // the family's median
		{"c", "nowhere", rate{2, 0}},      // of two, the lower
		{"d", "nowhere", rate{10, 1}},     // the reference region's
	} {
		if got := list.rate(tc.family, tc.region); got != tc.want {
			t.Errorf("%s in %s: got %v, want %v", tc.family, tc.region, got, tc.want)
		}
	}
}

func TestPriceListRefuses(t *testing.T) {
	const form = `{"reference": "home", "currency": %q, "hours_a_month": %d, "rates": {"e2": {%s}}}`
	for what, data := range map[string]string{
		"no JSON":        `{`,
		"other months":   fmt.Sprintf(form, "USD", 720, `"home": [1, 1]`),
		"other currency": fmt.Sprintf(form, "EUR", 730, `"home": [1, 1]`),
		"no reference":   fmt.Sprintf(form, "USD", 730, `"far": [1, 1]`),
		"free":           fmt.Sprintf(form, "USD", 730, `"home": [0, 1]`),
		"below zero":     fmt.Sprintf(form, "USD", 730, `"home": [1, 1], "far": [1, -1]`),
	} {
		if _, err := parsePrices([]byte(data)); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}
