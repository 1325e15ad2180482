package google

import "net/http"

// diskType is a type of disks; every zone has all of them.
type diskType struct {
	Name      string `json:"name"`
	About     string `json:"description"`
	DefaultGB int64  `json:"default_gb"`
	MinGB     int64  `json:"min_gb"`
	MaxGB     int64  `json:"max_gb"`
	ValidSize string `json:"valid_size"`
	SSD       bool   `json:"ssd"` // counts as SSD_TOTAL_GB
	Hyperdisk bool   `json:"hyperdisk"`

	number uint64
}

func diskTypeModule() module {
	return module{routes: []*route{
		{method: http.MethodGet, path: "projects/{project}/zones/{zone}/diskTypes/{diskType}", group: groupRead, do: func(c *call) (any, error) {
			t := c.api.cat.diskType(c.vars["diskType"])
			if t == nil {
				return nil, notFound("projects/" + c.project + "/" + c.scope + "/diskTypes/" + c.vars["diskType"])
			}
			return c.viewDiskType(c.zone(), t), nil
		}},
		{method: http.MethodGet, path: "projects/{project}/zones/{zone}/diskTypes", group: groupList, do: func(c *call) (any, error) {
			return list(c, "diskType", c.diskTypeRows(c.zone()))
		}},
		{method: http.MethodGet, path: "projects/{project}/aggregated/diskTypes", group: groupList, do: func(c *call) (any, error) {
			var rows []row
			for _, z := range c.api.cat.zones {
				rows = append(rows, c.diskTypeRows(z.Name)...)
			}
			return aggregate(c, "diskType", "diskTypes", []string{"zones"}, rows)
		}},
	}}
}

func (c *call) diskTypeRows(zone string) []row {
	var rows []row
	for i, t := range c.api.cat.DiskTypes {
		rows = append(rows, row{scope: inZone(zone), name: t.Name, id: int64(i), view: func() any { return c.viewDiskType(zone, t) }})
	}
	return rows
}

func (c *call) viewDiskType(zone string, t *diskType) any {
	at := base + "projects/" + c.project + "/zones/" + zone
	return map[string]any{"kind": "compute#diskType", "id": uintString(t.number), "creationTimestamp": placeTime, "name": t.Name,
		"description": t.About, "validDiskSize": t.ValidSize, "defaultDiskSizeGb": Int64(t.DefaultGB),
		"zone": at, "selfLink": at + "/diskTypes/" + t.Name}
}

// resolveDiskType is the disk type that a field refers to; it has to be one of
// the request's zone.
func (c *call) resolveDiskType(field, value string) (*diskType, error) {
	r, err := c.parseAs(field, value, "diskTypes")
	if err != nil {
		return nil, err
	}
	t := c.api.cat.diskType(r.name)
	if t == nil || r.scope != c.scope {
		return nil, invalid(field, value, "The referenced diskType resource cannot be found.")
	}
	return t, nil
}
