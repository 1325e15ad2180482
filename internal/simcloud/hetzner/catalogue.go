package hetzner

import (
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

//go:embed data/*.json
var dataFiles embed.FS

// catalogue is what the vendor offers: data that no request changes.
type catalogue struct {
	locations []*location
	types     []*serverType
	images    []*Image
	isos      []*iso
	prices    priceData
}

type location struct {
	ID           int64   `json:"id"`
	Name         string  `json:"name"`
	Description  string  `json:"description"`
	Country      string  `json:"country"`
	City         string  `json:"city"`
	Latitude     float64 `json:"latitude"`
	Longitude    float64 `json:"longitude"`
	NetworkZone  string  `json:"network_zone"`
	DatacenterID int64   `json:"datacenter_id"`
	Datacenter   string  `json:"datacenter"`
}

type deprecation struct {
	UnavailableAfter time.Time `json:"unavailable_after"`
	Announced        time.Time `json:"announced"`
}

type serverType struct {
	ID           int64                   `json:"id"`
	Name         string                  `json:"name"`
	Description  string                  `json:"description"` // empty: the name in capitals
	Cores        int                     `json:"cores"`
	Memory       float64                 `json:"memory"` // GB
	Disk         int                     `json:"disk"`   // GB
	CPUType      string                  `json:"cpu_type"`
	Category     string                  `json:"category"`
	Architecture string                  `json:"architecture"`
	Monthly      map[string]string       `json:"monthly"`    // EUR without VAT, by location
	TrafficTB    map[string]float64      `json:"traffic_tb"` // included, by location
	Deprecated   map[string]*deprecation `json:"deprecated"` // by location
}

// soldOut tells whether the deprecation of the type in a location is over.
func (t *serverType) soldOut(location string, now time.Time) bool {
	d := t.Deprecated[location]
	return d != nil && !now.Before(d.UnavailableAfter)
}

// retired tells whether the type is sold out in every location for good: the
// vendor then does not list it anymore.
func (t *serverType) retired(now time.Time) bool {
	for location := range t.Monthly {
		if !t.soldOut(location, now) {
			return false
		}
	}
	return true
}

type iso struct {
	ID           int64        `json:"id"`
	Name         string       `json:"name"`
	Description  string       `json:"description"`
	Type         string       `json:"type"`
	Deprecation  *deprecation `json:"deprecation"`
	Architecture *string      `json:"architecture"` // null: any
}

type priceData struct {
	Currency            string            `json:"currency"`
	VATRate             string            `json:"vat_rate"`
	TrafficPerTB        map[string]string `json:"price_per_tb_traffic"`
	PrimaryIPv4         string            `json:"primary_ipv4_monthly"`
	FloatingIPv4        string            `json:"floating_ipv4_monthly"`
	FloatingIPv6        string            `json:"floating_ipv6_monthly"`
	ImagePerGB          string            `json:"image_per_gb_month"`
	VolumePerGB         string            `json:"volume_per_gb_month"`
	ServerBackupPercent string            `json:"server_backup_percentage"`
}

func loadCatalogue() (*catalogue, error) {
	var (
		c     catalogue
		types struct {
			priceData
			Types []*serverType `json:"server_types"`
		}
		locs struct {
			Locations []*location `json:"locations"`
		}
		imgs struct {
			Images []*Image `json:"images"`
		}
		isos struct {
			ISOs []*iso `json:"isos"`
		}
	)
	for name, v := range map[string]any{"locations": &locs, "server_types": &types, "images": &imgs, "isos": &isos} {
		b, err := dataFiles.ReadFile("data/" + name + ".json")
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(b, v); err != nil {
			return nil, fmt.Errorf("data/%s.json: %w", name, err)
		}
	}
	for _, i := range imgs.Images {
		i.Type, i.Status = "system", "available"
	}
	c.locations, c.types, c.images, c.isos, c.prices = locs.Locations, types.Types, imgs.Images, isos.ISOs, types.priceData
	return &c, nil
}

// location finds by id or name; nil when there is none.
func (c *catalogue) location(x idOrName) *location {
	if i := slices.IndexFunc(c.locations, func(l *location) bool { return x.is(l.ID, l.Name) }); i >= 0 {
		return c.locations[i]
	}
	return nil
}

func (c *catalogue) serverType(x idOrName) *serverType {
	if i := slices.IndexFunc(c.types, func(t *serverType) bool { return x.is(t.ID, t.Name) }); i >= 0 {
		return c.types[i]
	}
	return nil
}

func (c *catalogue) iso(x idOrName) *iso {
	if i := slices.IndexFunc(c.isos, func(s *iso) bool { return x.is(s.ID, s.Name) }); i >= 0 {
		return c.isos[i]
	}
	return nil
}

// hasZone tells whether there is a network zone of that name.
func (c *catalogue) hasZone(zone string) bool {
	return slices.ContainsFunc(c.locations, func(l *location) bool { return l.NetworkZone == zone })
}
