package cloud

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Architecture of a CPU.
type Architecture string

// The architectures.
const (
	ArchX86 Architecture = "x86"
	ArchARM Architecture = "arm"
)

// ServerType is a size that can be ordered in one location.
type ServerType struct {
	Name     string
	CPUs     int64
	MemoryGB float64
	// DiskGB is the disk that comes with the type; 0 where a VM's own disk has
	// a size that does not depend on its type.
	DiskGB       int64
	Architecture Architecture
	// Dedicated tells whether the CPUs are not shared with other customers.
	Dedicated bool
	// PriceMonthly is net, in the account's currency.
	PriceMonthly float64
	// Available tells whether the location sells it now.
	Available bool
	// Deprecated tells whether the vendor has announced its end.
	Deprecated bool
}

// Size is what a configuration asks for.
type Size struct {
	CPUs         int64
	MemoryGB     float64
	Architecture Architecture
}

// Satisfies tells whether the type has at least what is asked for.
func (t ServerType) Satisfies(want Size) bool {
	return t.CPUs >= want.CPUs && t.MemoryGB >= want.MemoryGB &&
		(want.Architecture == "" || t.Architecture == want.Architecture)
}

// Fitting returns the types that satisfy the size and can be ordered,
// cheapest first; among equal prices the smaller, then by name, so that the
// choice is the same in every run. The first is the one to order, the others
// are what to fall back to when capacity is exhausted.
func Fitting(types []ServerType, want Size) []ServerType {
	fitting := slices.DeleteFunc(slices.Clone(types), func(t ServerType) bool {
		return !t.Available || t.Deprecated || !t.Satisfies(want)
	})
	slices.SortFunc(fitting, func(a, b ServerType) int {
		return cmp.Or(cmp.Compare(a.PriceMonthly, b.PriceMonthly), cmp.Compare(a.CPUs, b.CPUs),
			cmp.Compare(a.MemoryGB, b.MemoryGB), strings.Compare(a.Name, b.Name))
	})
	return fitting
}

// NoFit explains that nothing satisfies a size: it names the largest that the
// location sells.
func NoFit(types []ServerType, want Size, location Location) error {
	var largest *ServerType
	for i, t := range types {
		if !t.Available || t.Deprecated || (want.Architecture != "" && t.Architecture != want.Architecture) {
			continue
		}
		if largest == nil || cmp.Or(cmp.Compare(t.CPUs, largest.CPUs), cmp.Compare(t.MemoryGB, largest.MemoryGB)) > 0 {
			largest = &types[i]
		}
	}
	message := fmt.Sprintf("%s sells no server type with at least %d CPUs and %g GB of memory", location, want.CPUs, want.MemoryGB)
	if want.Architecture != "" {
		message += fmt.Sprintf(" of architecture %s", want.Architecture)
	}
	if largest != nil {
		message += fmt.Sprintf("; the largest available now is %s with %d CPUs and %g GB", largest.Name, largest.CPUs, largest.MemoryGB)
	}
	return &Error{Code: CodeCapacity, Cloud: location.Cloud, Kind: KindVM, Doing: "choose a server type", Message: message,
		Field: "cpus", Remedy: "Ask for less, or choose another location or architecture."}
}
