package hetzner

import (
	"net/http"
	"slices"
)

type isoView struct {
	ID           int64            `json:"id"`
	Name         *string          `json:"name"`
	Description  string           `json:"description"`
	Type         *string          `json:"type"`
	Deprecation  *deprecationView `json:"deprecation"`
	Architecture *string          `json:"architecture"`
}

func viewISO(s *iso) isoView {
	return isoView{ID: s.ID, Name: &s.Name, Description: s.Description, Type: &s.Type,
		Deprecation: viewDeprecation(s.Deprecation), Architecture: s.Architecture}
}

func (a *API) isoRoutes() []*route {
	return []*route{
		{method: http.MethodGet, path: "/isos", do: listISOs},
		{method: http.MethodGet, path: "/isos/{id}", do: func(c *call) (any, error) {
			for _, s := range c.api.cat.isos {
				if s.ID == c.id() {
					return map[string]any{"iso": viewISO(s)}, nil
				}
			}
			return nil, notFound("iso", c.id())
		}},
	}
}

func listISOs(c *call) (any, error) {
	archs, err := c.allowed("architecture", "x86", "arm")
	if err != nil {
		return nil, err
	}
	name, hasName := c.query()["name"]
	wildcard := c.query().Get("include_architecture_wildcard") == "true"
	var rows []*iso
	for _, s := range c.api.cat.isos {
		if hasName && s.Name != name[0] {
			continue
		}
		if len(archs) > 0 && !(s.Architecture == nil && wildcard) &&
			(s.Architecture == nil || !slices.Contains(archs, *s.Architecture)) {
			continue
		}
		rows = append(rows, s)
	}
	return page(c, "isos", rows, map[string]order[*iso]{
		"id":   by(func(s *iso) int64 { return s.ID }),
		"name": by(func(s *iso) string { return s.Name }),
	}, viewISO)
}
