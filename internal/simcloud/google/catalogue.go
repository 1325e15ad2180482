package google

import (
	"embed"
	"encoding/json"
	"fmt"
	"math"
	"path"
	"slices"
	"strings"
)

//go:embed data/*.json
var dataFiles embed.FS

// catalogue is what the vendor offers: data that no request changes.
type catalogue struct {
	Regions   []*region   `json:"regions"`
	Families  []*family   `json:"families"`
	DiskTypes []*diskType `json:"disk_types"`
	Images    []*Image    `json:"images"`

	zones   []*zone // ascending by name
	byZone  map[string]*zone
	regions map[string]*region
	types   map[string][]*machineType // by zone, ascending by name
}

type region struct {
	Name  string `json:"name"`
	Zones string `json:"zones"` // their letters

	number uint64
}

func (r *region) zoneNames() []string {
	var out []string
	for _, letter := range r.Zones {
		out = append(out, r.Name+"-"+string(letter))
	}
	return out
}

type zone struct {
	Name   string
	number uint64
}

// family is a machine family: rules that give its machine types.
type family struct {
	Name         string   `json:"name"`
	Architecture string   `json:"architecture"`
	Platforms    []string `json:"platforms"`
	// Zones are patterns of path.Match for the zones that have it.
	Zones   []string `json:"zones"`
	Classes []struct {
		Class     string  `json:"class"`
		GBPerVCPU float64 `json:"gb_per_vcpu"`
		VCPUs     []int   `json:"vcpus"`
		// Zones are the class's own; without them it is where the family is.
		Zones []string `json:"zones"`
	} `json:"classes"`
	Shapes []struct {
		Name     string `json:"name"`
		VCPUs    int    `json:"vcpus"`
		MemoryMB int    `json:"memory_mb"`
		Shared   bool   `json:"shared"`
	} `json:"shapes"`
	// Hyperdisk tells whether the family boots from Hyperdisk only.
	Hyperdisk bool `json:"hyperdisk"`
}

// matches tells whether one of the patterns is of the zone.
func matches(patterns []string, zone string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, err := path.Match(pattern, zone)
		return ok && err == nil
	})
}

// machineType is one machine type of a zone.
type machineType struct {
	Name         string
	Family       string
	Architecture string // X86_64, ARM64
	VCPUs        int
	MemoryMB     int
	Shared       bool
	Hyperdisk    bool // of its family: no persistent disks, Hyperdisk only

	number uint64
	zones  []string // patterns for those that have it
}

func (f *family) types(next func() uint64) []*machineType {
	var out []*machineType
	add := func(name string, vcpus, memory int, shared bool, zones []string) {
		out = append(out, &machineType{Name: name, Family: f.Name, Architecture: f.Architecture, VCPUs: vcpus,
			MemoryMB: memory, Shared: shared, Hyperdisk: f.Hyperdisk, number: next(), zones: zones})
	}
	for _, s := range f.Shapes {
		add(s.Name, s.VCPUs, s.MemoryMB, s.Shared, f.Zones)
	}
	for _, c := range f.Classes {
		zones := c.Zones
		if zones == nil {
			zones = f.Zones
		}
		for _, n := range c.VCPUs {
			add(fmt.Sprintf("%s-%s-%d", f.Name, c.Class, n), n, int(math.Round(float64(n)*c.GBPerVCPU*1024)), false, zones)
		}
	}
	return out
}

// loadCatalogue reads the embedded data.
func loadCatalogue() (*catalogue, error) {
	c := &catalogue{byZone: map[string]*zone{}, regions: map[string]*region{}, types: map[string][]*machineType{}}
	files, err := dataFiles.ReadDir("data")
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		b, err := dataFiles.ReadFile("data/" + f.Name())
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(b, c); err != nil {
			return nil, fmt.Errorf("google: %s: %w", f.Name(), err)
		}
	}
	number := uint64(1000)
	next := func() uint64 { number++; return number }
	for _, r := range c.Regions {
		r.number = next()
		c.regions[r.Name] = r
		for _, name := range r.zoneNames() {
			z := &zone{Name: name, number: next()}
			c.zones, c.byZone[name] = append(c.zones, z), z
		}
	}
	number = 100_000
	for _, f := range c.Families {
		for _, t := range f.types(next) {
			for _, z := range c.zones {
				if matches(t.zones, z.Name) {
					c.types[z.Name] = append(c.types[z.Name], t)
				}
			}
		}
	}
	for _, types := range c.types {
		slices.SortFunc(types, func(a, b *machineType) int { return strings.Compare(a.Name, b.Name) })
	}
	for i, d := range c.DiskTypes {
		d.number = 200_000 + uint64(i)
	}
	for i, m := range c.Images {
		m.ID, m.Scope, m.Ready = int64(300_000+i), global, true
	}
	return c, nil
}

// zone is the zone of that name, or nil.
func (c *catalogue) zone(name string) *zone { return c.byZone[name] }

// region is the region of that name, or nil.
func (c *catalogue) region(name string) *region { return c.regions[name] }

// machineType is the machine type of a zone, or nil.
func (c *catalogue) machineType(zone, name string) *machineType {
	types := c.types[zone]
	i, ok := slices.BinarySearchFunc(types, name, func(t *machineType, n string) int { return strings.Compare(t.Name, n) })
	if !ok {
		return nil
	}
	return types[i]
}

// diskType is the disk type of that name, or nil.
func (c *catalogue) diskType(name string) *diskType {
	i := slices.IndexFunc(c.DiskTypes, func(d *diskType) bool { return d.Name == name })
	if i < 0 {
		return nil
	}
	return c.DiskTypes[i]
}

// platforms are the CPU platforms of a zone.
func (c *catalogue) platforms(zone string) []string {
	var out []string
	for _, f := range c.Families {
		if slices.ContainsFunc(c.types[zone], func(t *machineType) bool { return t.Family == f.Name }) {
			out = append(out, f.Platforms...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// scopes are all scopes of the levels.
func (c *catalogue) scopes(levels []string) []string {
	var out []string
	for _, level := range levels {
		switch level {
		case "zones":
			for _, z := range c.zones {
				out = append(out, inZone(z.Name))
			}
		case "regions":
			for _, r := range c.Regions {
				out = append(out, inRegion(r.Name))
			}
		default:
			out = append(out, level)
		}
	}
	return out
}
