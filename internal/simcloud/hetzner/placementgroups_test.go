package hetzner_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

func TestPlacementGroup(t *testing.T) {
	c := newCloud(t, simcloud.Options{})
	r := must[hcloud.PlacementGroupCreateResult](c)(c.client.PlacementGroup.Create(c.ctx, hcloud.PlacementGroupCreateOpts{Name: "g",
		Type: hcloud.PlacementGroupTypeSpread, Labels: map[string]string{"a": "b"}}))
	if r.Action != nil || r.PlacementGroup.Type != hcloud.PlacementGroupTypeSpread || len(r.PlacementGroup.Servers) != 0 {
		t.Errorf("unexpected answer %+v", r)
	}
	g := must[*hcloud.PlacementGroup](c)(c.client.PlacementGroup.Update(c.ctx, r.PlacementGroup, hcloud.PlacementGroupUpdateOpts{Name: "h", Labels: map[string]string{}}))
	if g.Name != "h" || len(g.Labels) != 0 {
		t.Errorf("after the update: %+v", g)
	}
	in := func(o *hcloud.ServerCreateOpts) { o.PlacementGroup = g }
	var s *hcloud.Server
	for i := range 10 {
		s = c.testServer(fmt.Sprintf("s%d", i), in)
	}
	_, _, err := c.client.Server.Create(c.ctx, hcloud.ServerCreateOpts{Name: "s10", ServerType: &hcloud.ServerType{Name: "cx23"},
		Image: &hcloud.Image{Name: "debian-13"}, Location: &hcloud.Location{Name: "fsn1"}, PlacementGroup: g})
	wantCode(t, err, hcloud.ErrorCodePlacementError)
	groups := must[[]*hcloud.PlacementGroup](c)(c.client.PlacementGroup.List(c.ctx,
		hcloud.PlacementGroupListOpts{Type: hcloud.PlacementGroupTypeSpread, Name: "h"}))
	if len(groups) != 1 || len(groups[0].Servers) != 10 {
		t.Errorf("unexpected groups %+v", groups)
	}
	if s.PlacementGroup == nil || s.PlacementGroup.ID != g.ID {
		t.Errorf("the server's group: %+v", s.PlacementGroup)
	}
	if _, err := c.client.PlacementGroup.Delete(c.ctx, g); err != nil {
		t.Fatal(err)
	}
	if s = must[*hcloud.Server](c)(c.client.Server.GetByID(c.ctx, s.ID)); s.PlacementGroup != nil {
		t.Errorf("the server is in a group that is gone: %+v", s.PlacementGroup)
	}
}

func TestPlacementGroupRefusals(t *testing.T) {
	c := newCloud(t, simcloud.Options{})
	type m = map[string]any
	if status, out := c.do(http.MethodPost, "/placement_groups", m{"name": "g", "type": "spread"}); status != 201 {
		t.Fatal(status, out)
	}
	wantField(t, c.refused(http.MethodPost, "/placement_groups", m{"name": "g", "type": "spread"}, 409, "uniqueness_error"), "name")
	wantField(t, c.refused(http.MethodPost, "/placement_groups", m{"type": "spread"}, 422, "invalid_input"), "name")
	wantField(t, c.refused(http.MethodPost, "/placement_groups", m{"name": "x", "type": "y"}, 422, "invalid_input"), "type")
	wantField(t, c.refused(http.MethodGet, "/placement_groups?type=y", nil, 422, "invalid_input"), "type")
	wantField(t, c.refused(http.MethodGet, "/placement_groups?sort=type", nil, 422, "invalid_input"), "sort")
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
		c.refused(method, "/placement_groups/7", nil, 404, "not_found")
	}
}
