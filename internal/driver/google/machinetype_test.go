package google

import (
	"strings"
	"testing"

	"cloud.google.com/go/compute/apiv1/computepb"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

func TestKnownTypes(t *testing.T) {
	list, err := knownTypes()
	if err != nil {
		t.Fatal(err)
	}
	families := map[string]cloud.Architecture{}
	for name, have := range list {
		families[have.family.Family] = have.family.Architecture
		if !strings.HasPrefix(name, have.family.Family+"-") {
			t.Errorf("%s is in the family %s", name, have.family.Family)
		}
		if have.family.BootDisk != "pd-balanced" && have.family.BootDisk != "hyperdisk-balanced" {
			t.Errorf("%s boots from %q", name, have.family.BootDisk)
		}
	}
	for family, architecture := range map[string]cloud.Architecture{"e2": cloud.ArchX86, "n2": cloud.ArchX86, "n2d": cloud.ArchX86,
		"t2d": cloud.ArchX86, "c3": cloud.ArchX86, "t2a": cloud.ArchARM, "c4a": cloud.ArchARM} {
		if families[family] != architecture {
			t.Errorf("family %s is %q, want %s", family, families[family], architecture)
		}
	}
}

func TestTypeListRefuses(t *testing.T) {
	for what, types := range map[string]string{
		"twice":           `{"name": "a", "cpus": 1, "memory_gb": 1}, {"name": "a", "cpus": 1, "memory_gb": 1}`,
		"no memory":       `{"name": "a", "cpus": 1}`,
		"a share of what": `{"name": "a", "cpus": 2, "memory_gb": 1, "shared": true}`,
		"too many cores":  `{"name": "a", "cpus": 2, "memory_gb": 1, "cores": 3}`,
		"no JSON":         `{`,
	} {
		if _, err := parseTypes([]byte(`{"families": [{"family": "e2", "types": [` + types + `]}]}`)); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}

func TestServerTypeFrom(t *testing.T) {
	list, err := knownTypes()
	if err != nil {
		t.Fatal(err)
	}
	have := &computepb.MachineType{Name: new("e2-medium"), GuestCpus: new(int32(2)), MemoryMb: new(int32(4096)), IsSharedCpu: new(true),
		MaximumPersistentDisksSizeGb: new(int64(131072)), Architecture: new("X86_64")}
	want := cloud.ServerType{Name: "e2-medium", CPUs: 2, MemoryGB: 4, DiskGB: 131072, Architecture: cloud.ArchX86,
		PriceMonthly: 24.46, Available: true}
	if got := serverTypeFrom(have, list["e2-medium"], 24.46); got != want {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	have = &computepb.MachineType{Name: new("c4a-standard-1"), GuestCpus: new(int32(1)), MemoryMb: new(int32(4096)),
		Deprecated: &computepb.DeprecationStatus{State: new("DEPRECATED")}}
	if got := serverTypeFrom(have, list["c4a-standard-1"], 32.78); got.Architecture != cloud.ArchARM || got.DiskGB != largestDiskGB || !got.Dedicated || !got.Deprecated || !got.Available {
		t.Errorf("got %+v", got)
	}
	have.Deprecated.State = new("OBSOLETE")
	if got := serverTypeFrom(have, list["c4a-standard-1"], 32.78); got.Available {
		t.Error("an obsolete type is sold")
	}
}

func TestFamiliesChooseTheBootDisk(t *testing.T) {
	for machineType, want := range map[string]string{"e2-standard-2": "pd-balanced", "c4a-standard-2": "hyperdisk-balanced", "custom-2-4096": "pd-balanced"} {
		if _, got := architectureOf(machineType); got != want {
			t.Errorf("%s boots from %s, want %s", machineType, got, want)
		}
	}
}
