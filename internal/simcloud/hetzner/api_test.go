package hetzner_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/hetzner"
)

func TestCatalogue(t *testing.T) {
	c := newCloud(t, simcloud.Options{})
	locations, err := c.client.Location.All(c.ctx)
	if err != nil || len(locations) != 6 {
		t.Errorf("%d locations, %v", len(locations), err)
	}
	types, err := c.client.ServerType.All(c.ctx)
	if err != nil || len(types) < 20 {
		t.Errorf("%d server types, %v", len(types), err)
	}
	cpx := must[*hcloud.ServerType](c)(c.client.ServerType.GetByName(c.ctx, "cpx11"))
	for _, l := range cpx.Locations {
		eu := l.Location.Name == "fsn1" || l.Location.Name == "nbg1" || l.Location.Name == "hel1"
		if l.Available == eu || l.IsDeprecated() != eu {
			t.Errorf("cpx11 in %s: %+v", l.Location.Name, l)
		}
	}
	if got := must[*hcloud.ServerType](c)(c.client.ServerType.GetByName(c.ctx, "cx11")); got != nil {
		t.Errorf("a type that is sold nowhere is listed: %+v", got)
	}
	if got := must[*hcloud.ServerType](c)(c.client.ServerType.GetByID(c.ctx, 1)); got == nil || got.Name != "cx11" || !got.IsDeprecated() {
		t.Errorf("a type that is sold nowhere is still known by its id: %+v", got)
	}
	both, err := c.client.Image.AllWithOpts(c.ctx, hcloud.ImageListOpts{Name: "debian-13"})
	if err != nil || len(both) != 2 {
		t.Errorf("%d images named debian-13, %v; one an architecture", len(both), err)
	}
	arm := must[*hcloud.Image](c)(c.client.Image.GetByNameAndArchitecture(c.ctx, "debian-13", hcloud.ArchitectureARM))
	if arm.Architecture != hcloud.ArchitectureARM {
		t.Errorf("architecture %s", arm.Architecture)
	}
	old, err := c.client.Image.AllWithOpts(c.ctx, hcloud.ImageListOpts{Name: "debian-11"})
	if err != nil || len(old) != 0 {
		t.Errorf("deprecated images are listed only when asked for: %d, %v", len(old), err)
	}
	if old, err = c.client.Image.AllWithOpts(c.ctx, hcloud.ImageListOpts{Name: "debian-11", IncludeDeprecated: true}); err != nil || len(old) != 2 {
		t.Errorf("%d deprecated images, %v", len(old), err)
	}
	isos, err := c.client.ISO.AllWithOpts(c.ctx, hcloud.ISOListOpts{Architecture: []hcloud.Architecture{hcloud.ArchitectureARM}, IncludeArchitectureWildcard: true})
	if err != nil || len(isos) < 3 {
		t.Errorf("%d ISOs, %v", len(isos), err)
	}
	for _, i := range isos {
		if i.Architecture != nil && *i.Architecture != hcloud.ArchitectureARM {
			t.Errorf("ISO %s is for %s", i.Name, *i.Architecture)
		}
	}
	p := must[hcloud.Pricing](c)(c.client.Pricing.Get(c.ctx))
	if len(p.ServerTypes) != len(types) || p.Volume.PerGBMonthly.Net == "" {
		t.Errorf("prices of %d types, volume %+v", len(p.ServerTypes), p.Volume)
	}
	for _, path := range []string{"/locations/1", "/server_types/114", "/images/114690387", "/isos/26334", "/load_balancers", "/load_balancer_types"} {
		if status, out := c.do("GET", path, nil); status != 200 {
			t.Errorf("%s: %d %v", path, status, out)
		}
	}
	for _, path := range []string{"/locations/99", "/server_types/9999", "/images/9", "/isos/9", "/nonsense", "/servers/x", "/certificates"} {
		c.refused("GET", path, nil, 404, "not_found")
	}
	e := c.refused("GET", "/datacenters", nil, 410, "deprecated_api_endpoint")
	if !strings.Contains(fmt.Sprint(e["details"]), "announcement") {
		t.Errorf("details %v", e["details"])
	}
}

func TestLegacyDatacenters(t *testing.T) {
	c := newCloud(t, simcloud.Options{Hetzner: hetzner.Options{LegacyDatacenters: true}})
	status, out := c.do("GET", "/datacenters?name=fsn1-dc14", nil)
	if status != 200 || len(out["datacenters"].([]any)) != 1 {
		t.Errorf("%d %v", status, out)
	}
	status, out = c.do("POST", "/servers", map[string]any{"name": "s", "server_type": "cx23", "image": "debian-13", "datacenter": "nbg1-dc3"})
	if status != 201 || !strings.Contains(fmt.Sprint(out["server"]), "nbg1-dc3") {
		t.Errorf("%d %v", status, out)
	}
}

func TestSSHKeys(t *testing.T) {
	c := newCloud(t, simcloud.Options{})
	k := must[*hcloud.SSHKey](c)(c.client.SSHKey.Create(c.ctx, hcloud.SSHKeyCreateOpts{Name: "a", PublicKey: testKey, Labels: map[string]string{"x": "y"}}))
	const fingerprint = "39:7a:68:38:c3:7b:8c:4f:87:a7:71:d6:9a:64:aa:a9"
	if k.Fingerprint != fingerprint {
		t.Errorf("fingerprint %s, ssh-keygen -E md5 says %s", k.Fingerprint, fingerprint)
	}
	if got := must[*hcloud.SSHKey](c)(c.client.SSHKey.GetByFingerprint(c.ctx, k.Fingerprint)); got == nil || got.ID != k.ID {
		t.Errorf("by fingerprint: %v", got)
	}
	if got := must[*hcloud.SSHKey](c)(c.client.SSHKey.GetByName(c.ctx, "none")); got != nil {
		t.Errorf("by a wrong name: %v", got)
	}
	e := c.refused("POST", "/ssh_keys", map[string]any{"name": "b", "public_key": testKey}, 409, "uniqueness_error")
	if e["message"] != "SSH key with the same fingerprint already exists" || !strings.Contains(fmt.Sprint(e["details"]), "public_key") {
		t.Errorf("error %v", e)
	}
	for _, bad := range []string{"", "ssh-ed25519", "ssh-ed25519 AAAA", "rsa AAAAB3NzaC1yc2E=", "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAA", testKey + "\n" + testKey} {
		c.refused("POST", "/ssh_keys", map[string]any{"name": "b", "public_key": bad}, 422, "invalid_input")
	}
	if up := must[*hcloud.SSHKey](c)(c.client.SSHKey.Update(c.ctx, k, hcloud.SSHKeyUpdateOpts{Name: "b", Labels: map[string]string{}})); up.Name != "b" || len(up.Labels) != 0 {
		t.Errorf("not updated: %+v", up)
	}
	// A server with a key gets no password.
	r := must[hcloud.ServerCreateResult](c)(c.client.Server.Create(c.ctx, hcloud.ServerCreateOpts{Name: "s", ServerType: &hcloud.ServerType{Name: "cx23"},
		Image: &hcloud.Image{Name: "debian-13"}, SSHKeys: []*hcloud.SSHKey{k}}))
	if r.RootPassword != "" {
		t.Error("a password although there is a key")
	}
	if _, err := c.client.SSHKey.Delete(c.ctx, k); err != nil {
		t.Error(err)
	}
	c.refused("DELETE", "/ssh_keys/"+idText(k.ID), nil, 404, "not_found")
}

func TestAuthentication(t *testing.T) {
	c := newCloud(t, simcloud.Options{Hetzner: hetzner.Options{Tokens: map[string]hetzner.Token{
		testToken: {Project: "p"}, "reader": {Project: "p", ReadOnly: true}, "stranger": {Project: "q"}}}})
	k := must[*hcloud.SSHKey](c)(c.client.SSHKey.Create(c.ctx, hcloud.SSHKeyCreateOpts{Name: "a", PublicKey: testKey}))
	as := func(token string) *hcloud.Client {
		return hcloud.NewClient(hcloud.WithEndpoint(c.url), hcloud.WithToken(token))
	}
	if got := must[*hcloud.SSHKey](c)(as("reader").SSHKey.GetByID(c.ctx, k.ID)); got == nil {
		t.Error("the reader cannot read")
	}
	_, err := as("reader").SSHKey.Delete(c.ctx, k)
	wantCode(t, err, "token_readonly")
	if got := must[*hcloud.SSHKey](c)(as("stranger").SSHKey.GetByID(c.ctx, k.ID)); got != nil {
		t.Error("another project sees the key")
	}
	must[*hcloud.SSHKey](c)(as("stranger").SSHKey.Create(c.ctx, hcloud.SSHKeyCreateOpts{Name: "a", PublicKey: testKey}))
	for _, token := range []string{"unknown"} {
		_, err := as(token).SSHKey.All(c.ctx)
		wantCode(t, err, hcloud.ErrorCodeUnauthorized)
	}
	resp, err := http.Get(c.url + "/ssh_keys") //nolint:noctx // a bare request
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("without a token: %d", resp.StatusCode)
	}
}

func TestRequestsThatAreNone(t *testing.T) {
	c := newCloud(t, simcloud.Options{})
	c.refused("POST", "/ssh_keys", "{", 400, "json_error")
	c.refused("POST", "/ssh_keys", "[]", 400, "json_error")
	c.refused("POST", "/ssh_keys", `{"name": 7}`, 422, "invalid_input")
	c.refused("PATCH", "/ssh_keys", nil, 405, "method_not_allowed")
	c.refused("POST", "/locations", nil, 405, "method_not_allowed")
	c.refused("GET", "/ssh_keys?sort=fingerprint", nil, 422, "invalid_input")
	c.refused("GET", "/ssh_keys?sort=name:up", nil, 422, "invalid_input")
	c.refused("GET", "/ssh_keys?page=0", nil, 422, "invalid_input")
	c.refused("GET", "/ssh_keys?per_page=x", nil, 422, "invalid_input")
	c.refused("GET", "/ssh_keys?label_selector=a%20b", nil, 422, "invalid_input")
	c.refused("GET", "/servers?status=happy", nil, 422, "invalid_input")
	c.refused("GET", "/actions", nil, 410, "deprecated_api_endpoint")
	c.refused("GET", "/actions?id=x", nil, 422, "invalid_input")
}

func TestPagination(t *testing.T) {
	c := newCloud(t, simcloud.Options{})
	for i := range 7 {
		must[hcloud.VolumeCreateResult](c)(c.client.Volume.Create(c.ctx, hcloud.VolumeCreateOpts{Name: fmt.Sprintf("v%d", i), Size: 10 + i%3, Location: &hcloud.Location{Name: "fsn1"}}))
	}
	for _, tc := range []struct {
		query            string
		items            int
		prev, next, last any
	}{
		{"per_page=3", 3, nil, 2.0, 3.0},
		{"per_page=3&page=2", 3, 1.0, 3.0, 3.0},
		{"per_page=3&page=3", 1, 2.0, nil, 3.0},
		{"per_page=3&page=9", 0, 3.0, nil, 3.0},
		{"", 7, nil, nil, 1.0},
		{"per_page=1000", 7, nil, nil, 1.0},
		{"page=9223372036854775807&per_page=50", 0, 1.0, nil, 1.0},
		{"name=none", 0, nil, nil, 1.0},
	} {
		status, out := c.do("GET", "/volumes?"+tc.query, nil)
		if status != 200 {
			t.Fatalf("%s: %d %v", tc.query, status, out)
		}
		p := out["meta"].(map[string]any)["pagination"].(map[string]any)
		if len(out["volumes"].([]any)) != tc.items || p["previous_page"] != tc.prev || p["next_page"] != tc.next || p["last_page"] != tc.last {
			t.Errorf("%s: %d items, %v", tc.query, len(out["volumes"].([]any)), p)
		}
	}
	req, _ := http.NewRequestWithContext(c.ctx, "GET", c.url+"/volumes?per_page=3&page=2&sort=name:desc", nil)
	req.Header.Set("Authorization", "Bearer "+testToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	link := resp.Header.Get("Link")
	for _, want := range []string{`page=1&per_page=3&sort=name%3Adesc>; rel="prev"`, `page=3&per_page=3&sort=name%3Adesc>; rel="next"`, `rel="last"`} {
		if !strings.Contains(link, want) {
			t.Errorf("Link %q lacks %q", link, want)
		}
	}
	// Several sort fields: the first decides, the next breaks ties.
	_, out := c.do("GET", "/volumes?sort=created:asc&sort=name:desc", nil)
	if first := out["volumes"].([]any)[0].(map[string]any)["name"]; first != "v6" {
		t.Errorf("the first is %v", first)
	}
}

func TestActions(t *testing.T) {
	c := newCloud(t, simcloud.Options{DurationScale: 1})
	r := must[hcloud.ServerCreateResult](c)(c.client.Server.Create(c.ctx, hcloud.ServerCreateOpts{Name: "s", ServerType: &hcloud.ServerType{Name: "cx23"}, Image: &hcloud.Image{Name: "debian-13"}}))
	c.Clock().Advance(3 * time.Second) // half of its six
	a := must[*hcloud.Action](c)(c.client.Action.GetByID(c.ctx, r.Action.ID))
	if a.Progress != 50 || a.Status != hcloud.ActionStatusRunning {
		t.Errorf("half way: %d %%, %s", a.Progress, a.Status)
	}
	c.Clock().Advance(3 * time.Second)
	a = must[*hcloud.Action](c)(c.client.Action.GetByID(c.ctx, r.Action.ID))
	if a.Progress != 100 || a.Status != hcloud.ActionStatusSuccess || !a.Finished.Equal(a.Started.Add(6*time.Second)) {
		t.Errorf("at the end: %+v", a)
	}
	next := must[*hcloud.Action](c)(c.client.Action.GetByID(c.ctx, r.NextActions[0].ID))
	if next.Status != hcloud.ActionStatusRunning {
		t.Errorf("the next action begins only now: %+v", next)
	}
	c.settle()
	path := "/servers/" + idText(r.Server.ID) + "/actions"
	for _, tc := range []struct {
		path string
		want int
	}{
		{fmt.Sprintf("/actions?id=%d&id=%d&id=99", r.Action.ID, r.NextActions[0].ID), 2},
		{"/servers/actions", 2},
		{"/servers/actions?status=running", 0},
		{"/volumes/actions", 0},
		{"/images/actions", 1}, // the creation concerns its image, too
		{path, 2},
		{path + "?status=success&sort=command", 2},
	} {
		if status, out := c.do("GET", tc.path, nil); status != 200 || len(out["actions"].([]any)) != tc.want {
			t.Errorf("%s: %d %v", tc.path, status, out)
		}
	}
	for _, good := range []string{path + "/" + idText(a.ID), "/servers/actions/" + idText(a.ID), "/actions/" + idText(a.ID)} {
		if status, _ := c.do("GET", good, nil); status != 200 {
			t.Errorf("%s: %d", good, status)
		}
	}
	for _, bad := range []string{"/volumes/actions/" + idText(a.ID), "/actions/7", "/servers/7/actions"} {
		c.refused("GET", bad, nil, 404, "not_found")
	}
}
