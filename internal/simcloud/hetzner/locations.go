package hetzner

import (
	"net/http"
)

type locationView struct {
	ID          int64   `json:"id"`
	Name        string  `json:"name"`
	Description string  `json:"description"`
	Country     string  `json:"country"`
	City        string  `json:"city"`
	Latitude    float64 `json:"latitude"`
	Longitude   float64 `json:"longitude"`
	NetworkZone string  `json:"network_zone"`
}

func viewLocation(l *location) locationView {
	return locationView{ID: l.ID, Name: l.Name, Description: l.Description, Country: l.Country, City: l.City,
		Latitude: l.Latitude, Longitude: l.Longitude, NetworkZone: l.NetworkZone}
}

// locationNamed is the view of a location that a record names.
func (c *call) locationNamed(name string) locationView {
	return viewLocation(c.api.cat.location(idOrName(name)))
}

type datacenterView struct {
	ID          int64          `json:"id"`
	Name        string         `json:"name"`
	Description string         `json:"description"`
	Location    locationView   `json:"location"`
	ServerTypes map[string]any `json:"server_types"`
}

func (c *call) viewDatacenter(l *location) datacenterView {
	supported, available := []int64{}, []int64{}
	for _, t := range c.api.cat.types {
		if _, ok := t.Monthly[l.Name]; ok {
			supported = append(supported, t.ID)
			if !t.soldOut(l.Name, c.tx.Now()) {
				available = append(available, t.ID)
			}
		}
	}
	return datacenterView{ID: l.DatacenterID, Name: l.Datacenter, Description: l.City + " virtual DC", Location: viewLocation(l),
		ServerTypes: map[string]any{"supported": supported, "available": available, "available_for_migration": available}}
}

// datacenterOf is the data centre of an object in a location for servers and
// primary IPs, or nil when data centres are gone.
func (c *call) datacenterOf(name string) any {
	if !c.api.opts.LegacyDatacenters {
		return nil
	}
	return c.viewDatacenter(c.api.cat.location(idOrName(name)))
}

func (a *API) locationRoutes() []*route {
	rs := []*route{
		{method: http.MethodGet, path: "/locations", do: func(c *call) (any, error) {
			return page(c, "locations", c.locationsAsked(func(l *location) string { return l.Name }), locationOrders, viewLocation)
		}},
		{method: http.MethodGet, path: "/locations/{id}", do: func(c *call) (any, error) {
			for _, l := range c.api.cat.locations {
				if l.ID == c.id() {
					return map[string]any{"location": viewLocation(l)}, nil
				}
			}
			return nil, notFound("location", c.id())
		}},
		{method: http.MethodGet, path: "/datacenters", do: listDatacenters},
		{method: http.MethodGet, path: "/datacenters/{id}", do: getDatacenter},
	}
	// Not simulated; what merely asks for them sees that there are none.
	for _, noun := range []string{"load_balancers", "load_balancer_types"} {
		rs = append(rs, &route{method: http.MethodGet, path: "/" + noun, do: func(c *call) (any, error) {
			return page(c, noun, nil, map[string]order[*location]{}, viewLocation)
		}})
	}
	return rs
}

var locationOrders = map[string]order[*location]{
	"id":   by(func(l *location) int64 { return l.ID }),
	"name": by(func(l *location) string { return l.Name }),
}

func (c *call) locationsAsked(name func(*location) string) []*location {
	want, ok := c.query()["name"]
	var rows []*location
	for _, l := range c.api.cat.locations {
		if !ok || name(l) == want[0] {
			rows = append(rows, l)
		}
	}
	return rows
}

// removedDatacenters is the vendor's answer since 2026-10-01.
func (c *call) removedDatacenters() error {
	if c.api.opts.LegacyDatacenters {
		return nil
	}
	e := fail("deprecated_api_endpoint", "API functionality was removed")
	e.Details = map[string]any{"announcement": "https://docs.hetzner.cloud/changelog#2025-12-16-phasing-out-datacenters"}
	return e
}

func listDatacenters(c *call) (any, error) {
	if err := c.removedDatacenters(); err != nil {
		return nil, err
	}
	orders := map[string]order[*location]{
		"id":   by(func(l *location) int64 { return l.DatacenterID }),
		"name": by(func(l *location) string { return l.Datacenter }),
	}
	out, err := page(c, "datacenters", c.locationsAsked(func(l *location) string { return l.Datacenter }), orders, c.viewDatacenter)
	if err != nil {
		return nil, err
	}
	out.(map[string]any)["recommendation"] = c.api.cat.locations[0].DatacenterID
	return out, nil
}

func getDatacenter(c *call) (any, error) {
	if err := c.removedDatacenters(); err != nil {
		return nil, err
	}
	for _, l := range c.api.cat.locations {
		if l.DatacenterID == c.id() {
			return map[string]any{"datacenter": c.viewDatacenter(l)}, nil
		}
	}
	return nil, notFound("datacenter", c.id())
}
