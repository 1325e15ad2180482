package google

import (
	"net/http"
	"strconv"
)

func uintString(n uint64) string { return strconv.FormatUint(n, 10) }

// placeTime is when everything that the vendor provides was created, for us.
const placeTime = "2020-01-01T00:00:00.000-08:00"

func placeModule() module {
	return module{routes: []*route{
		{method: http.MethodGet, path: "projects/{project}/zones/{zone}", group: groupRead, do: func(c *call) (any, error) {
			return c.viewZone(c.api.cat.zone(c.zone())), nil
		}},
		{method: http.MethodGet, path: "projects/{project}/zones", group: groupList, do: func(c *call) (any, error) {
			var rows []row
			for i, z := range c.api.cat.zones {
				rows = append(rows, row{name: z.Name, id: int64(i), view: func() any { return c.viewZone(z) }})
			}
			return list(c, "zone", rows)
		}},
		{method: http.MethodGet, path: "projects/{project}/regions/{region}", group: groupRead, do: func(c *call) (any, error) {
			return c.viewRegion(c.api.cat.region(c.vars["region"])), nil
		}},
		{method: http.MethodGet, path: "projects/{project}/regions", group: groupList, do: func(c *call) (any, error) {
			var rows []row
			for i, r := range c.api.cat.Regions {
				rows = append(rows, row{name: r.Name, id: int64(i), view: func() any { return c.viewRegion(r) }})
			}
			return list(c, "region", rows)
		}},
	}}
}

func (c *call) viewZone(z *zone) any {
	status := "UP"
	if c.lost(inZone(z.Name)) != nil {
		status = "DOWN"
	}
	return map[string]any{"kind": "compute#zone", "id": uintString(z.number), "creationTimestamp": placeTime, "name": z.Name,
		"description": z.Name, "status": status, "region": base + "projects/" + c.project + "/regions/" + regionOfZone(z.Name),
		"selfLink": base + "projects/" + c.project + "/zones/" + z.Name, "supportsPzs": false,
		"availableCpuPlatforms": c.api.cat.platforms(z.Name)}
}

func (c *call) viewRegion(r *region) any {
	var zones []string
	for _, z := range r.zoneNames() {
		zones = append(zones, base+"projects/"+c.project+"/zones/"+z)
	}
	status := "UP"
	if c.lost(inRegion(r.Name)) != nil {
		status = "DOWN"
	}
	return map[string]any{"kind": "compute#region", "id": uintString(r.number), "creationTimestamp": placeTime, "name": r.Name,
		"description": r.Name, "status": status, "zones": zones, "quotas": c.quotaViews(r.Name), "supportsPzs": false,
		"selfLink": base + "projects/" + c.project + "/regions/" + r.Name}
}
