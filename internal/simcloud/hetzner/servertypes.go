package hetzner

import (
	"cmp"
	"net/http"
	"strings"
)

type serverTypeView struct {
	ID           int64                    `json:"id"`
	Name         string                   `json:"name"`
	Description  string                   `json:"description"`
	Cores        int                      `json:"cores"`
	Memory       float64                  `json:"memory"`
	Disk         int                      `json:"disk"`
	Deprecated   bool                     `json:"deprecated"`
	Prices       []typePrice              `json:"prices"`
	StorageType  string                   `json:"storage_type"`
	CPUType      string                   `json:"cpu_type"`
	Category     string                   `json:"category"`
	Architecture string                   `json:"architecture"`
	Deprecation  *deprecationView         `json:"deprecation"`
	Locations    []serverTypeLocationView `json:"locations"`
}

type deprecationView struct {
	UnavailableAfter timestamp `json:"unavailable_after"`
	Announced        timestamp `json:"announced"`
}

type serverTypeLocationView struct {
	ID          int64            `json:"id"`
	Name        string           `json:"name"`
	Deprecation *deprecationView `json:"deprecation"`
	Recommended bool             `json:"recommended"`
	Available   bool             `json:"available"`
}

func viewDeprecation(d *deprecation) *deprecationView {
	if d == nil {
		return nil
	}
	return &deprecationView{UnavailableAfter: timestamp(d.UnavailableAfter), Announced: timestamp(d.Announced)}
}

func (c *call) viewServerType(t *serverType) serverTypeView {
	v := serverTypeView{ID: t.ID, Name: t.Name, Description: cmp.Or(t.Description, strings.ToUpper(t.Name)), Cores: t.Cores, Memory: t.Memory,
		Disk: t.Disk, StorageType: "local", CPUType: t.CPUType, Category: t.Category, Architecture: t.Architecture,
		Prices: c.api.cat.typePrices(t), Locations: []serverTypeLocationView{}}
	everywhere := true
	for _, l := range c.api.cat.locations {
		if _, sold := t.Monthly[l.Name]; !sold {
			continue
		}
		d := viewDeprecation(t.Deprecated[l.Name])
		open := !t.soldOut(l.Name, c.tx.Now()) && !c.api.exhausted(t.Name, l.Name)
		v.Locations = append(v.Locations, serverTypeLocationView{ID: l.ID, Name: l.Name, Deprecation: d,
			Recommended: d == nil && open, Available: open})
		if everywhere = everywhere && d != nil; everywhere {
			v.Deprecation = d
		}
	}
	if !everywhere {
		v.Deprecation = nil
	}
	v.Deprecated = v.Deprecation != nil
	return v
}

// exhausted tells whether a fault without chance or count has the type sold
// out in a location, which the vendor then also shows in the list.
func (a *API) exhausted(serverType, location string) bool {
	return a.faults.CapacityShown(serverType, location)
}

func (a *API) serverTypeRoutes() []*route {
	return []*route{
		{method: http.MethodGet, path: "/server_types", do: func(c *call) (any, error) {
			want, ok := c.query()["name"]
			var rows []*serverType
			for _, t := range c.api.cat.types {
				if !t.retired(c.tx.Now()) && (!ok || t.Name == want[0]) {
					rows = append(rows, t)
				}
			}
			return page(c, "server_types", rows, map[string]order[*serverType]{
				"id":   by(func(t *serverType) int64 { return t.ID }),
				"name": by(func(t *serverType) string { return t.Name }),
			}, c.viewServerType)
		}},
		{method: http.MethodGet, path: "/server_types/{id}", do: func(c *call) (any, error) {
			for _, t := range c.api.cat.types {
				if t.ID == c.id() {
					return map[string]any{"server_type": c.viewServerType(t)}, nil
				}
			}
			return nil, notFound("server_type", c.id())
		}},
	}
}
