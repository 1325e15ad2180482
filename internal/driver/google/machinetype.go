package google

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"sync"

	"cloud.google.com/go/compute/apiv1/computepb"
	"golang.org/x/sync/singleflight"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

//go:embed data/machinetypes.json
var machineTypeData []byte

// knownType is a machine type of the list.
type knownType struct {
	Name     string  `json:"name"`
	CPUs     int64   `json:"cpus"`
	MemoryGB float64 `json:"memory_gb"`
	// Shared tells that the vCPUs are parts of cores.
	Shared bool `json:"shared"`
	// Cores are what is paid, where that is not every vCPU.
	Cores float64 `json:"cores"`

	family *family
}

// family is a series of machine types.
type family struct {
	Family       string             `json:"family"`
	Architecture cloud.Architecture `json:"architecture"`
	// BootDisk is the type of the boot disk: newer series take Hyperdisk only.
	BootDisk string      `json:"boot_disk"`
	Types    []knownType `json:"types"`
}

// knownTypes reads the list of machine types, once.
var knownTypes = sync.OnceValues(func() (map[string]knownType, error) { return parseTypes(machineTypeData) })

func parseTypes(data []byte) (map[string]knownType, error) {
	var file struct {
		Families []family `json:"families"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("google: the list of machine types: %w", err)
	}
	list := map[string]knownType{}
	for i := range file.Families {
		series := &file.Families[i]
		for _, t := range series.Types {
			if t.Cores == 0 && !t.Shared {
				t.Cores = float64(t.CPUs)
			}
			if _, twice := list[t.Name]; twice || t.CPUs < 1 || t.MemoryGB <= 0 || t.Cores <= 0 || t.Cores > float64(t.CPUs) {
				return nil, fmt.Errorf("google: the list of machine types is wrong about %q", t.Name)
			}
			t.family = series
			list[t.Name] = t
		}
	}
	return list, nil
}

// architectureOf tells a machine type's architecture, and the type of boot
// disk that it takes. What the list does not know counts as the usual:
// x86 with a balanced persistent disk.
func architectureOf(machineType string) (cloud.Architecture, string) {
	list, err := knownTypes()
	if t, ok := list[machineType]; err == nil && ok {
		return t.family.Architecture, t.family.BootDisk
	}
	return cloud.ArchX86, defaultDiskType
}

// typeCache keeps each zone's list of machine types for the driver's life:
// they change a few times a year. Errors are not kept. What changes by the
// hour is capacity: a type that a zone had none left of counts as sold out
// there from then on, so that the next VM is not refused too.
type typeCache struct {
	flight  singleflight.Group
	mu      sync.Mutex
	zones   map[string][]*computepb.MachineType
	refused usedUp
}

// usedUp remembers of what this run was told that there is no more.
type usedUp struct {
	mu     sync.Mutex
	things map[thing]bool
}

// thing is a machine type in a zone, or a subnetwork in a region.
type thing struct{ name, place string }

func (u *usedUp) add(name, place string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.things == nil {
		u.things = map[thing]bool{}
	}
	u.things[thing{name, place}] = true
}

func (u *usedUp) has(name, place string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.things[thing{name, place}]
}

func (c *typeCache) get(zone string) ([]*computepb.MachineType, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	types, ok := c.zones[zone]
	return types, ok
}

func (c *typeCache) put(zone string, types []*computepb.MachineType) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.zones == nil {
		c.zones = map[string][]*computepb.MachineType{}
	}
	c.zones[zone] = types
}

// ServerTypes implements cloud.Driver: one list of machineTypes for all
// callers that ask about the same zone, joined with the list of types and with
// their prices in the zone's region. A type that the list does not know is left
// out: it could not be compared.
func (d *Driver) ServerTypes(ctx context.Context, location cloud.Location) ([]cloud.ServerType, error) {
	known, err := knownTypes()
	if err != nil {
		return nil, d.fail(err, cloud.KindVM, "", "list server types")
	}
	prices, err := priceList()
	if err != nil {
		return nil, d.fail(err, cloud.KindVM, "", "list server types")
	}
	region := regionOf(location.Name)
	sold, err := d.machineTypes(ctx, location.Name)
	if err != nil {
		return nil, d.fail(err, cloud.KindVM, "", "list server types")
	}
	var types []cloud.ServerType
	for _, have := range sold {
		if t, ok := known[have.GetName()]; ok {
			offered := serverTypeFrom(have, t, prices.monthly(t, region))
			offered.Available = offered.Available && !d.types.refused.has(offered.Name, location.Name)
			types = append(types, offered)
		}
	}
	return types, nil
}

// machineTypes gives what a zone sells; nothing for a zone that the catalogue
// does not know, about which the API is not asked.
func (d *Driver) machineTypes(ctx context.Context, zone string) ([]*computepb.MachineType, error) {
	if _, err := d.catalog.Lookup(cloud.Location{Cloud: Name, Name: zone}); err != nil {
		return nil, nil
	}
	if types, ok := d.types.get(zone); ok {
		return types, nil
	}
	// The first caller's end must not fail the others who wait with it.
	result := d.types.flight.DoChan(zone, func() (any, error) {
		if types, ok := d.types.get(zone); ok {
			return types, nil
		}
		types, err := all(d.api.machineTypes.List(context.WithoutCancel(ctx),
			&computepb.ListMachineTypesRequest{Project: d.project, Zone: zone, MaxResults: new(uint32(maxResults))}).Next)
		if err == nil {
			d.types.put(zone, types)
		}
		return types, err
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case outcome := <-result:
		types, _ := outcome.Val.([]*computepb.MachineType)
		return types, outcome.Err
	}
}

// architectures are the API's words.
var architectures = map[string]cloud.Architecture{"X86_64": cloud.ArchX86, "ARM64": cloud.ArchARM}

// largestDiskGB is the size to which a persistent disk can grow, where a
// machine type does not tell (64 TiB, cloud.google.com/compute/docs/disks).
const largestDiskGB = 65536

// serverTypeFrom joins what a zone says of a machine type with what the list
// knows, and with its price.
// Machine types come without a disk: DiskGB is how large the machine's own
// disk can be, so that no change of the type is ever taken for a shrinking
// disk.
func serverTypeFrom(have *computepb.MachineType, known knownType, monthly float64) cloud.ServerType {
	t := cloud.ServerType{
		Name:         have.GetName(),
		CPUs:         int64(have.GetGuestCpus()),
		MemoryGB:     float64(have.GetMemoryMb()) / 1024,
		DiskGB:       have.GetMaximumPersistentDisksSizeGb(),
		Architecture: architectures[have.GetArchitecture()],
		Dedicated:    !have.GetIsSharedCpu(),
		PriceMonthly: monthly,
		Available:    true,
	}
	if t.DiskGB < 1 {
		t.DiskGB = largestDiskGB
	}
	if t.Architecture == "" {
		t.Architecture = known.family.Architecture
	}
	switch have.GetDeprecated().GetState() {
	case "":
	case "DEPRECATED":
		t.Deprecated = true
	default: // OBSOLETE, DELETED
		t.Deprecated, t.Available = true, false
	}
	return t
}
