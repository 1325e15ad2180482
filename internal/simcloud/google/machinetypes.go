package google

import (
	"fmt"
	"net/http"
	"strconv"
)

func machineTypeModule() module {
	return module{routes: []*route{
		{method: http.MethodGet, path: "projects/{project}/zones/{zone}/machineTypes/{machineType}", group: groupRead,
			do: func(c *call) (any, error) {
				t := c.api.cat.machineType(c.zone(), c.vars["machineType"])
				if t == nil {
					return nil, notFound("projects/" + c.project + "/" + c.scope + "/machineTypes/" + c.vars["machineType"])
				}
				return c.viewMachineType(c.zone(), t), nil
			}},
		{method: http.MethodGet, path: "projects/{project}/zones/{zone}/machineTypes", group: groupList, do: func(c *call) (any, error) {
			return list(c, "machineType", c.machineTypeRows(c.zone()))
		}},
		{method: http.MethodGet, path: "projects/{project}/aggregated/machineTypes", group: groupList, do: func(c *call) (any, error) {
			var rows []row
			for _, z := range c.api.cat.zones {
				rows = append(rows, c.machineTypeRows(z.Name)...)
			}
			return aggregate(c, "machineType", "machineTypes", []string{"zones"}, rows)
		}},
	}}
}

func (c *call) machineTypeRows(zone string) []row {
	var rows []row
	for i, t := range c.api.cat.types[zone] {
		rows = append(rows, row{scope: inZone(zone), name: t.Name, id: int64(i), view: func() any { return c.viewMachineType(zone, t) }})
	}
	return rows
}

func (c *call) viewMachineType(zone string, t *machineType) any {
	gb := strconv.FormatFloat(float64(t.MemoryMB)/1024, 'f', -1, 64)
	unit := "vCPUs"
	if t.VCPUs == 1 {
		unit = "vCPU"
	}
	// https://cloud.google.com/compute/docs/disks#pdnumberlimits
	disks, diskGB := 128, int64(263168)
	if t.Shared {
		disks, diskGB = 16, 3072
	}
	return map[string]any{"kind": "compute#machineType", "id": uintString(t.number), "creationTimestamp": placeTime,
		"name": t.Name, "description": fmt.Sprintf("%d %s, %s GB RAM", t.VCPUs, unit, gb), "guestCpus": t.VCPUs,
		"memoryMb": t.MemoryMB, "imageSpaceGb": 0, "maximumPersistentDisks": disks, "maximumPersistentDisksSizeGb": Int64(diskGB),
		"zone": zone, "isSharedCpu": t.Shared, "architecture": t.Architecture,
		"selfLink": base + "projects/" + c.project + "/zones/" + zone + "/machineTypes/" + t.Name}
}

// resolveMachineType is the machine type that a field refers to; it has to be
// one of the request's zone.
func (c *call) resolveMachineType(field, value string) (*machineType, error) {
	r, err := c.parseAs(field, value, "machineTypes")
	if err != nil {
		return nil, err
	}
	if r.scope != c.scope {
		return nil, invalid(field, value, "The resource must be in zone '%s'.", c.zone())
	}
	t := c.api.cat.machineType(c.zone(), r.name)
	if t == nil {
		return nil, invalid(field, value, "Machine type with name '%s' does not exist in zone '%s'.", r.name, c.zone())
	}
	return t, nil
}
