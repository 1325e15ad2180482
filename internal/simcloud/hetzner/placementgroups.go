package hetzner

import (
	"net/http"
	"slices"
)

type placementGroupView struct {
	ID      int64             `json:"id"`
	Name    string            `json:"name"`
	Labels  map[string]string `json:"labels"`
	Type    string            `json:"type"`
	Created timestamp         `json:"created"`
	Servers []int64           `json:"servers"`
}

func (c *call) viewPlacementGroup(g *PlacementGroup) placementGroupView {
	return placementGroupView{ID: g.ID, Name: g.Name, Labels: labelsOf(g.Labels), Type: g.Type, Created: timestamp(g.Created),
		Servers: list(serversOfGroup(c.tx, g.Project, g.ID))}
}

func (a *API) placementGroupRoutes() []*route {
	return []*route{
		{method: http.MethodGet, path: "/placement_groups", do: listPlacementGroups},
		{method: http.MethodPost, path: "/placement_groups", do: createPlacementGroup},
		{method: http.MethodGet, path: "/placement_groups/{id}", do: getPlacementGroup},
		{method: http.MethodPut, path: "/placement_groups/{id}", do: updatePlacementGroup},
		{method: http.MethodDelete, path: "/placement_groups/{id}", do: deletePlacementGroup},
	}
}

func listPlacementGroups(c *call) (any, error) {
	types, err := c.allowed("type", "spread")
	if err != nil {
		return nil, err
	}
	rows, err := filtered(c, placementGroups.All(c.tx, c.project))
	if err != nil {
		return nil, err
	}
	if len(types) > 0 {
		rows = slices.DeleteFunc(slices.Clone(rows), func(g *PlacementGroup) bool { return !slices.Contains(types, g.Type) })
	}
	return page(c, "placement_groups", rows, recordOrders[PlacementGroup]("id", "name", "created"), c.viewPlacementGroup)
}

func getPlacementGroup(c *call) (any, error) {
	g, err := mustGet(c, placementGroups)
	if err != nil {
		return nil, err
	}
	return map[string]any{"placement_group": c.viewPlacementGroup(g)}, nil
}

func createPlacementGroup(c *call) (any, error) {
	var in struct {
		Name   string            `json:"name"`
		Labels map[string]string `json:"labels"`
		Type   string            `json:"type"`
	}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	var v fields
	v.name(in.Name, 128)
	v.labels(in.Labels)
	if in.Type != "spread" {
		v.add("type", "must be one of: spread")
	}
	if err := v.err(); err != nil {
		return nil, err
	}
	if err := uniqueName(c, placementGroups, in.Name, 0); err != nil {
		return nil, err
	}
	if err := room(c, placementGroups); err != nil {
		return nil, err
	}
	g := &PlacementGroup{Type: in.Type}
	g.Project, g.Name, g.Labels = c.project, in.Name, in.Labels
	placementGroups.Insert(c.tx, g)
	// The vendor's form has an action here, but its one type starts none.
	return map[string]any{"placement_group": c.viewPlacementGroup(g), "action": nil}, nil
}

func updatePlacementGroup(c *call) (any, error) {
	if _, err := mustGet(c, placementGroups); err != nil {
		return nil, err
	}
	var in struct {
		Name   *string            `json:"name"`
		Labels *map[string]string `json:"labels"`
	}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	g := placementGroups.Edit(c.tx, c.project, c.id())
	if err := rename(c, placementGroups, &g.Meta, in.Name, in.Labels); err != nil {
		return nil, err
	}
	return map[string]any{"placement_group": c.viewPlacementGroup(g)}, nil
}

// deletePlacementGroup: the vendor documents no refusal for a group that still
// has servers. They stay where they are, and are in no group anymore.
func deletePlacementGroup(c *call) (any, error) {
	g, err := mustGet(c, placementGroups)
	if err != nil {
		return nil, err
	}
	for _, id := range serversOfGroup(c.tx, c.project, g.ID) {
		servers.Edit(c.tx, c.project, id).PlacementGroup = 0
	}
	placementGroups.Delete(c.tx, g.ID)
	return nil, nil
}
