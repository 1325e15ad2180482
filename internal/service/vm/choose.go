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
}

// choice is what a plan decides.
type choice struct {
	serverType   string
	architecture cloud.Architecture
	// warning is empty or says what may fail at apply.
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
// makes it choose anew. It keeps its architecture unless another is asked
// for, since another means another machine.
func choose(types []cloud.ServerType, want sizing, had *before, location cloud.Location) (choice, error) {
	if want.explicit != "" {
		return chooseExplicit(types, want.explicit, location)
	}
	size := want.size
	if had != nil {
		if size.Architecture == "" {
			size.Architecture = had.size.Architecture
		}
		current := find(types, had.serverType)
		if current != nil && current.Satisfies(size) && !less(size, had.size) {
			return choice{serverType: current.Name, architecture: current.Architecture}, nil
		}
	}
	if size.Architecture == "" {
		size.Architecture = defaultArchitecture
	}
	fitting := cloud.Fitting(types, size)
	if len(fitting) == 0 {
		return choice{}, cloud.NoFit(types, size, location)
	}
	return choice{serverType: fitting[0].Name, architecture: fitting[0].Architecture}, nil
}

func chooseExplicit(types []cloud.ServerType, name string, location cloud.Location) (choice, error) {
	chosen := find(types, name)
	if chosen == nil {
		var names []string
		for _, t := range types {
			if t.Available && !t.Deprecated {
				names = append(names, t.Name)
			}
		}
		slices.Sort(names)
		return choice{}, &cloud.Error{Code: cloud.CodeInvalid, Kind: cloud.KindVM, Field: "server_type",
			Message: fmt.Sprintf("%s sells no server type %q.", location, name),
			Remedy:  fmt.Sprintf("Name one of %s; or give cpus and memory_gb, and the cheapest is chosen.", strings.Join(names, ", "))}
	}
	answer := choice{serverType: name, architecture: chosen.Architecture}
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

// alternatives names up to three other types that have at least what the
// given one has and can be ordered, for the message about exhausted capacity.
func alternatives(types []cloud.ServerType, name string) []string {
	taken := find(types, name)
	if taken == nil {
		return nil
	}
	var names []string
	for _, t := range cloud.Fitting(types, cloud.Size{CPUs: taken.CPUs, MemoryGB: taken.MemoryGB, Architecture: taken.Architecture}) {
		if t.Name != name && len(names) < 3 {
			names = append(names, t.Name)
		}
	}
	return names
}
