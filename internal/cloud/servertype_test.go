package cloud_test

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

func sizes() []cloud.ServerType {
	return []cloud.ServerType{
		{Name: "big", CPUs: 16, MemoryGB: 32, Architecture: cloud.ArchX86, PriceMonthly: 40, Available: true},
		{Name: "small", CPUs: 2, MemoryGB: 4, Architecture: cloud.ArchX86, PriceMonthly: 4, Available: true},
		{Name: "arm", CPUs: 2, MemoryGB: 4, Architecture: cloud.ArchARM, PriceMonthly: 3.5, Available: true},
		{Name: "roomy", CPUs: 2, MemoryGB: 8, Architecture: cloud.ArchX86, PriceMonthly: 4, Available: true},
		{Name: "twin", CPUs: 2, MemoryGB: 4, Architecture: cloud.ArchX86, PriceMonthly: 4, Available: true},
		{Name: "sold-out", CPUs: 64, MemoryGB: 128, Architecture: cloud.ArchX86, PriceMonthly: 1, Available: false},
		{Name: "old", CPUs: 64, MemoryGB: 128, Architecture: cloud.ArchX86, PriceMonthly: 1, Available: true, Deprecated: true},
	}
}

func TestFitting(t *testing.T) {
	for _, tc := range []struct {
		name string
		want cloud.Size
		fit  string
	}{
		{"anything", cloud.Size{}, "arm small twin roomy big"},
		{"of one architecture", cloud.Size{Architecture: cloud.ArchX86}, "small twin roomy big"},
		{"exactly", cloud.Size{CPUs: 2, MemoryGB: 4, Architecture: cloud.ArchX86}, "small twin roomy big"},
		{"more memory", cloud.Size{CPUs: 1, MemoryGB: 4.5}, "roomy big"},
		{"more CPUs", cloud.Size{CPUs: 3}, "big"},
		{"too many", cloud.Size{CPUs: 17}, ""},
		{"ARM with much memory", cloud.Size{MemoryGB: 8, Architecture: cloud.ArchARM}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			types := sizes()
			var names []string
			for _, s := range cloud.Fitting(types, tc.want) {
				names = append(names, s.Name)
			}
			if got := strings.Join(names, " "); got != tc.fit {
				t.Errorf("got %q, want %q", got, tc.fit)
			}
			if !slices.Equal(types, sizes()) {
				t.Error("the argument was changed")
			}
		})
	}
}

func TestNoFit(t *testing.T) {
	at := cloud.Location{Cloud: "hetzner", Name: "fsn1"}
	for _, tc := range []struct {
		name  string
		types []cloud.ServerType
		want  cloud.Size
		says  string
	}{
		{"the largest is named", sizes(), cloud.Size{CPUs: 64, MemoryGB: 2}, "hetzner/fsn1 sells no server type with at least 64 CPUs and 2 GB of memory; the largest available now is big with 16 CPUs and 32 GB"},
		{"of the architecture", sizes(), cloud.Size{CPUs: 64, MemoryGB: 0.5, Architecture: cloud.ArchARM}, "64 CPUs and 0.5 GB of memory of architecture arm; the largest available now is arm with 2 CPUs and 4 GB"},
		{"nothing is sold", nil, cloud.Size{CPUs: 1, MemoryGB: 1}, "with at least 1 CPUs and 1 GB of memory"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := cloud.NoFit(tc.types, tc.want, at)
			var e *cloud.Error
			if !errors.As(err, &e) || e.Code != cloud.CodeCapacity || e.Field != "cpus" || e.Remedy == "" || !strings.HasSuffix(e.Message, tc.says) {
				t.Errorf("%#v", err)
			}
		})
	}
}

func FuzzFitting(f *testing.F) {
	f.Add([]byte{2, 4, 10, 3, 4, 8, 9, 1}, int64(2), 4.0, false)
	f.Add([]byte{16, 32, 1, 7, 2, 2, 2, 0}, int64(0), 0.0, true)
	f.Fuzz(func(t *testing.T, data []byte, cpus int64, memory float64, arm bool) {
		var types []cloud.ServerType
		for ; len(data) >= 4 && len(types) < 50; data = data[4:] {
			s := cloud.ServerType{Name: string('a' + rune(len(types))), CPUs: int64(data[0]), MemoryGB: float64(data[1]), PriceMonthly: float64(data[2] % 8),
				Architecture: cloud.ArchX86, Available: data[3]&1 == 1, Deprecated: data[3]&2 == 2}
			if data[3]&4 == 4 {
				s.Architecture = cloud.ArchARM
			}
			types = append(types, s)
		}
		want := cloud.Size{CPUs: cpus, MemoryGB: memory}
		if arm {
			want.Architecture = cloud.ArchARM
		}
		got := cloud.Fitting(types, want)
		count := 0
		for _, s := range types {
			if s.Satisfies(want) && s.Available && !s.Deprecated {
				count++
			}
		}
		if len(got) != count {
			t.Fatalf("%d fit, got %d", count, len(got))
		}
		for i, s := range got {
			if !s.Satisfies(want) || !s.Available || s.Deprecated {
				t.Fatalf("%+v does not fit %+v", s, want)
			}
			if i > 0 && s.PriceMonthly < got[i-1].PriceMonthly {
				t.Fatalf("%+v comes after %+v", s, got[i-1])
			}
		}
		// The order of the list does not matter.
		slices.SortFunc(types, func(a, b cloud.ServerType) int { return cmp.Compare(b.Name, a.Name) })
		if !slices.Equal(got, cloud.Fitting(types, want)) {
			t.Fatal("another order gave another choice")
		}
	})
}
