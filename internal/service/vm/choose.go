package vm

import (
	"fmt"
	"slices"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// defaultArchitecture is what a new machine gets that names no architecture:
// most images and user data are made for it, and a machine must not change
// its instruction set because a price list changed.
const defaultArchitecture = cloud.ArchX86

// maxAlternatives is how many other types are tried, or named, when one is
// sold out: each costs a request, and the further down the list, the further
// from what was asked for.
const maxAlternatives = 3

// sizing is how a configuration names the size of a machine: by an explicit
// server type, or by what it needs.
type sizing struct {
	explicit string
	size     cloud.Size
}

// before is the machine as the last run left it.
type before struct {
	// serverType is the vendor's name of what it has.
	serverType string
	// size is what was asked for when it was chosen, zero if the type was
	// named; its architecture is what the machine has.
	size cloud.Size
	// diskGB is its own disk, 0 if unknown.
	diskGB int64
}

// choice is what is decided about a machine's size.
type choice struct {
	serverType   string
	architecture cloud.Architecture
	// alternatives are what else satisfies the configuration, in the order in
	// which to try them; none where the configuration names the type.
	alternatives []string
	// kept tells that an existing machine keeps its type.
	kept bool
	// warning is empty or tells what the user would not expect.
	warning string
}

// settled tells whether the existing machine keeps its type without anybody
// looking at the price list: nothing about the size was changed.
func settled(want sizing, had before) bool {
	if had.serverType == "" {
		return false
	}
	if want.explicit != "" {
		return want.explicit == had.serverType
	}
	return want.size.CPUs == had.size.CPUs && want.size.MemoryGB == had.size.MemoryGB &&
		(want.size.Architecture == "" || want.size.Architecture == had.size.Architecture)
}

// choose answers what a configuration's sizing means in a location. An
// existing machine keeps its type as long as that satisfies what is asked
// for, whatever happened to the prices; only asking for less than before
// makes it choose anew, for something cheaper. It keeps its architecture
// unless another is asked for, since another means another machine.
func choose(types []cloud.ServerType, want sizing, had *before, location cloud.Location) (choice, error) {
	if want.explicit != "" {
		return chooseExplicit(types, want.explicit, had, location)
	}
	size, disk := want.size, int64(0)
	var current *cloud.ServerType
	if had != nil && (size.Architecture == "" || size.Architecture == had.size.Architecture) {
		size.Architecture, disk = had.size.Architecture, had.diskGB
		if current = find(types, had.serverType); current != nil && !current.Satisfies(size) {
			current = nil
		}
	}
	if size.Architecture == "" {
		size.Architecture = defaultArchitecture
	}
	if current != nil && !less(size, had.size) {
		return choice{serverType: current.Name, architecture: current.Architecture, kept: true}, nil
	}
	offered := cloud.Fitting(types, size)
	fitting := slices.DeleteFunc(slices.Clone(offered), func(t cloud.ServerType) bool { return tooSmall(t, disk) })
	if current != nil {
		return chooseSmaller(offered, fitting, *current, disk), nil
	}
	switch {
	case len(offered) == 0:
		return choice{}, cloud.NoFit(types, size, location)
	case len(fitting) == 0:
		return choice{}, noDisk(offered, disk, location)
	}
	return choice{serverType: fitting[0].Name, architecture: fitting[0].Architecture, alternatives: namesOf(fitting[1:])}, nil
}

// chooseSmaller decides for a machine that satisfies what is asked for, when
// that is less than before: only a lower price is worth the stop.
func chooseSmaller(offered, fitting []cloud.ServerType, current cloud.ServerType, disk int64) choice {
	cheaper := func(t cloud.ServerType) bool { return t.PriceMonthly < current.PriceMonthly }
	better := slices.DeleteFunc(fitting, func(t cloud.ServerType) bool { return !cheaper(t) })
	if len(better) > 0 {
		return choice{serverType: better[0].Name, architecture: better[0].Architecture,
			alternatives: append(namesOf(better[1:]), current.Name)}
	}
	kept := choice{serverType: current.Name, architecture: current.Architecture, kept: true}
	if slices.ContainsFunc(offered, cheaper) {
		kept.warning = fmt.Sprintf("The VM keeps the server type %s although less would do: its disk of %d GB cannot shrink, and the cheaper types come with a smaller one.", current.Name, disk)
	}
	return kept
}

// tooSmall tells whether a type comes with a smaller disk than the machine has,
// which cannot shrink. A type that comes with none leaves the disk as it is.
func tooSmall(t cloud.ServerType, disk int64) bool { return t.DiskGB > 0 && t.DiskGB < disk }

// noDisk says that only the machine's disk stands in the way.
func noDisk(offered []cloud.ServerType, disk int64, location cloud.Location) error {
	return &cloud.Error{Code: cloud.CodeCapacity, Cloud: location.Cloud, Kind: cloud.KindVM, Doing: "choose a server type", Field: "cpus",
		Message: fmt.Sprintf("the VM has a disk of %d GB, which cannot shrink, and every server type of this size that %s sells now comes with a smaller one (%s)",
			disk, location, strings.Join(namesOf(offered), ", ")),
		Remedy: "Ask for more CPUs or memory, or have the VM made anew (terraform taint): that loses its own disk, but not its volumes."}
}

func chooseExplicit(types []cloud.ServerType, name string, had *before, location cloud.Location) (choice, error) {
	chosen := find(types, name)
	if chosen == nil {
		return choice{}, &cloud.Error{Code: cloud.CodeInvalid, Kind: cloud.KindVM, Field: "server_type",
			Message: fmt.Sprintf("%s sells no server type %q.", location, name),
			Remedy:  fmt.Sprintf("Name one of %s; or give cpus and memory_gb, and the cheapest is chosen.", strings.Join(sold(types, nil), ", "))}
	}
	answer := choice{serverType: name, architecture: chosen.Architecture}
	// Another architecture is another machine, with a disk of its own.
	if had != nil && chosen.Architecture == had.size.Architecture && tooSmall(*chosen, had.diskGB) {
		others := sold(types, func(t cloud.ServerType) bool {
			return t.Architecture == chosen.Architecture && !tooSmall(t, had.diskGB)
		})
		return choice{}, &cloud.Error{Code: cloud.CodeInvalid, Kind: cloud.KindVM, Field: "server_type",
			Message: fmt.Sprintf("The VM has a disk of %d GB, which cannot shrink, and the server type %s comes with %d GB.", had.diskGB, name, chosen.DiskGB),
			Remedy: fmt.Sprintf("Name one with a disk of this size or more (%s), or have the VM made anew (terraform taint): that loses its own disk, but not its volumes.",
				strings.Join(others, ", "))}
	}
	if !chosen.Available {
		answer.warning = fmt.Sprintf("%s does not sell the server type %s at the moment, so ordering it is likely to fail.", location, name)
	}
	return answer, nil
}

// less tells whether something smaller is asked for than before.
func less(now, then cloud.Size) bool {
	return now.CPUs < then.CPUs || now.MemoryGB < then.MemoryGB
}

func find(types []cloud.ServerType, name string) *cloud.ServerType {
	for i := range types {
		if types[i].Name == name {
			return &types[i]
		}
	}
	return nil
}

// sold names, in alphabetical order, the types that can be ordered now and
// pass the filter, if there is one.
func sold(types []cloud.ServerType, filter func(cloud.ServerType) bool) []string {
	var names []string
	for _, t := range types {
		if t.Available && !t.Deprecated && (filter == nil || filter(t)) {
			names = append(names, t.Name)
		}
	}
	slices.Sort(names)
	return names
}

// namesOf names the first maxAlternatives types.
func namesOf(types []cloud.ServerType) []string {
	var names []string
	for _, t := range types[:min(len(types), maxAlternatives)] {
		names = append(names, t.Name)
	}
	return names
}

// alternatives names other types that have at least what the given one has
// and can be ordered, for the message about exhausted capacity.
func alternatives(types []cloud.ServerType, name string, disk int64) []string {
	taken := find(types, name)
	if taken == nil {
		return nil
	}
	fitting := cloud.Fitting(types, cloud.Size{CPUs: taken.CPUs, MemoryGB: taken.MemoryGB, Architecture: taken.Architecture})
	return namesOf(slices.DeleteFunc(fitting, func(t cloud.ServerType) bool { return t.Name == name || tooSmall(t, disk) }))
}
