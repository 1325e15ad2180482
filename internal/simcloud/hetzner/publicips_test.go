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

func (c *cloud) testPrimaryIP(name string, version hcloud.PrimaryIPType) *hcloud.PrimaryIP {
	c.t.Helper()
	return must[*hcloud.PrimaryIPCreateResult](c)(c.client.PrimaryIP.Create(c.ctx,
		hcloud.PrimaryIPCreateOpts{Name: name, Type: version, Location: "fsn1"})).PrimaryIP
}

// offServer makes a server that never starts, without an IPv4 address.
func (c *cloud) offServer(name string) *hcloud.Server {
	c.t.Helper()
	return c.testServer(name, func(o *hcloud.ServerCreateOpts) {
		o.StartAfterCreate = hcloud.Ptr(false)
		o.PublicNet = &hcloud.ServerCreatePublicNet{EnableIPv6: true}
	})
}

func TestUnassignedPrimaryIPs(t *testing.T) {
	c := newCloud(t, simcloud.Options{Hetzner: hetzner.Options{UnassignedPrimaryIPs: true}})
	r := must[*hcloud.PrimaryIPCreateResult](c)(c.client.PrimaryIP.Create(c.ctx, hcloud.PrimaryIPCreateOpts{Name: "p",
		Type: hcloud.PrimaryIPTypeIPv4, Location: "fsn1"}))
	if got := r.PrimaryIP.AssigneeType; got != "unassigned" {
		t.Errorf("assignee type %q", got)
	}
	s := c.testServer("s")
	if p := must[*hcloud.PrimaryIP](c)(c.client.PrimaryIP.GetByID(c.ctx, s.PublicNet.IPv4.ID)); p.AssigneeType != "server" || p.AssigneeID != s.ID {
		t.Errorf("an assigned one: %+v", p)
	}
}

func TestPrimaryIPLifecycle(t *testing.T) {
	c := newCloud(t, simcloud.Options{DurationScale: 1})
	r := must[*hcloud.PrimaryIPCreateResult](c)(c.client.PrimaryIP.Create(c.ctx, hcloud.PrimaryIPCreateOpts{Name: "p",
		Type: hcloud.PrimaryIPTypeIPv6, Location: "hel1", Labels: map[string]string{"a": "b"}, AutoDelete: hcloud.Ptr(true)}))
	p := r.PrimaryIP
	if r.Action != nil || p.Location.Name != "hel1" || p.AssigneeType != "server" || p.AssigneeID != 0 || !p.AutoDelete ||
		p.Network == nil || p.Network.IP.To4() != nil || len(p.DNSPtr) != 0 || p.Labels["a"] != "b" {
		t.Errorf("unexpected primary IP %+v", p)
	}
	if got := must[*hcloud.PrimaryIP](c)(c.client.PrimaryIP.GetByIP(c.ctx, p.IP.String())); got == nil || got.ID != p.ID {
		t.Errorf("by address: %+v", got)
	}
	if got := must[*hcloud.PrimaryIP](c)(c.client.PrimaryIP.GetByIP(c.ctx, p.Network.String())); got == nil || got.ID != p.ID {
		t.Errorf("by network: %+v", got)
	}
	p = must[*hcloud.PrimaryIP](c)(c.client.PrimaryIP.Update(c.ctx, p, hcloud.PrimaryIPUpdateOpts{Name: "q",
		Labels: &map[string]string{}, AutoDelete: hcloud.Ptr(false)}))
	if p.Name != "q" || len(p.Labels) != 0 || p.AutoDelete {
		t.Errorf("after the update: %+v", p)
	}
	must[*hcloud.Action](c)(c.client.PrimaryIP.ChangeProtection(c.ctx, hcloud.PrimaryIPChangeProtectionOpts{ID: p.ID, Delete: true}))
	_, err := c.client.PrimaryIP.Delete(c.ctx, p)
	wantCode(t, err, hcloud.ErrorCodeProtected)
	if err == nil || !strings.HasPrefix(err.Error(), "Primary IP deletion is protected (protected, ") {
		t.Errorf("the vendor's words are others: %v", err)
	}
	must[*hcloud.Action](c)(c.client.PrimaryIP.ChangeProtection(c.ctx, hcloud.PrimaryIPChangeProtectionOpts{ID: p.ID}))
	if _, err := c.client.PrimaryIP.Delete(c.ctx, p); err != nil {
		t.Fatal(err)
	}
	if got := must[*hcloud.PrimaryIP](c)(c.client.PrimaryIP.GetByID(c.ctx, p.ID)); got != nil {
		t.Errorf("still there: %+v", got)
	}
}

func TestPrimaryIPAssignment(t *testing.T) {
	c := newCloud(t, simcloud.Options{DurationScale: 1})
	s, other := c.offServer("s"), c.offServer("other")
	r := must[*hcloud.PrimaryIPCreateResult](c)(c.client.PrimaryIP.Create(c.ctx, hcloud.PrimaryIPCreateOpts{Name: "p",
		Type: hcloud.PrimaryIPTypeIPv4, AssigneeType: "server", AssigneeID: &s.ID}))
	p := r.PrimaryIP
	if r.Action == nil || r.Action.Command != "assign_primary_ip" || p.AssigneeID != s.ID || p.AssigneeType != "server" || p.Location.Name != "fsn1" {
		t.Fatalf("unexpected answer %+v %+v", r.Action, p)
	}
	_, _, err := c.client.Server.Poweron(c.ctx, s)
	wantCode(t, err, hcloud.ErrorCodeLocked)
	_, _, err = c.client.PrimaryIP.Unassign(c.ctx, p.ID)
	wantCode(t, err, hcloud.ErrorCodeLocked)
	c.settle()
	if got := must[*hcloud.Server](c)(c.client.Server.GetByID(c.ctx, s.ID)).PublicNet.IPv4; got.ID != p.ID || !got.IP.Equal(p.IP) {
		t.Errorf("on the server: %+v", got)
	}
	assign := func(id, server int64) error {
		_, _, err := c.client.PrimaryIP.Assign(c.ctx, hcloud.PrimaryIPAssignOpts{ID: id, AssigneeID: server, AssigneeType: "server"})
		return err
	}
	wantCode(t, assign(p.ID, other.ID), hcloud.ErrorCodePrimaryIPAlreadyAssigned)
	wantCode(t, assign(c.testPrimaryIP("v4", hcloud.PrimaryIPTypeIPv4).ID, s.ID), hcloud.ErrorCodeServerHasIPv4)
	wantCode(t, assign(c.testPrimaryIP("v6", hcloud.PrimaryIPTypeIPv6).ID, s.ID), hcloud.ErrorCodeServerHasIPv6)
	_, err = c.client.PrimaryIP.Delete(c.ctx, p)
	wantCode(t, err, "must_be_unassigned")

	must[*hcloud.Action](c)(c.client.Server.Poweron(c.ctx, s))
	c.settle()
	_, _, err = c.client.PrimaryIP.Unassign(c.ctx, p.ID)
	wantCode(t, err, hcloud.ErrorCodeServerNotStopped)
	must[*hcloud.Action](c)(c.client.Server.Poweroff(c.ctx, s))
	c.settle()
	if a := must[*hcloud.Action](c)(c.client.PrimaryIP.Unassign(c.ctx, p.ID)); a.Command != "unassign_primary_ip" || len(a.Resources) != 2 {
		t.Errorf("unexpected action %+v", a)
	}
	c.settle()
	_, _, err = c.client.PrimaryIP.Unassign(c.ctx, p.ID)
	wantCode(t, err, hcloud.ErrorCodeServiceError)
	if err := assign(p.ID, other.ID); err != nil {
		t.Fatal(err)
	}
	c.settle()
	// What does not go with the server stays when it is deleted.
	must[*hcloud.ServerDeleteResult](c)(c.client.Server.DeleteWithResult(c.ctx, other))
	c.settle()
	if got := must[*hcloud.PrimaryIP](c)(c.client.PrimaryIP.GetByID(c.ctx, p.ID)); got == nil || got.AssigneeID != 0 {
		t.Errorf("after the server's deletion: %+v", got)
	}
}

func TestPrimaryIPAssignmentFails(t *testing.T) {
	c := newCloud(t, simcloud.Options{DurationScale: 1})
	s, p := c.offServer("s"), c.testPrimaryIP("p", hcloud.PrimaryIPTypeIPv4)
	if _, err := c.AddFault(simcloud.Fault{Kind: simcloud.FaultActionFailed, Command: "assign_primary_ip"}); err != nil {
		t.Fatal(err)
	}
	must[*hcloud.Action](c)(c.client.PrimaryIP.Assign(c.ctx, hcloud.PrimaryIPAssignOpts{ID: p.ID, AssigneeID: s.ID, AssigneeType: "server"}))
	c.settle()
	if got := must[*hcloud.PrimaryIP](c)(c.client.PrimaryIP.GetByID(c.ctx, p.ID)); got.AssigneeID != 0 {
		t.Errorf("it is assigned although that failed: %+v", got)
	}
}

// Before the announced days the API behaved differently.
func TestPublicIPsBeforeTheChanges(t *testing.T) {
	c := newCloud(t, simcloud.Options{Clock: simcloud.NewClock(time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC), 0)})
	p := c.testPrimaryIP("p", hcloud.PrimaryIPTypeIPv4)
	if p.AssigneeType != "server" {
		t.Errorf("assignee type %q", p.AssigneeType)
	}
	s := c.offServer("s")
	must[*hcloud.Action](c)(c.client.PrimaryIP.Assign(c.ctx, hcloud.PrimaryIPAssignOpts{ID: p.ID, AssigneeID: s.ID, AssigneeType: "server"}))
	c.settle()
	must[*hcloud.Action](c)(c.client.Server.Poweron(c.ctx, s))
	c.settle()
	_, err := c.client.PrimaryIP.Delete(c.ctx, p)
	wantCode(t, err, hcloud.ErrorCodeServerNotStopped)
	must[*hcloud.Action](c)(c.client.Server.Poweroff(c.ctx, s))
	c.settle()
	if _, err := c.client.PrimaryIP.Delete(c.ctx, p); err != nil {
		t.Error(err)
	}
	f := must[hcloud.FloatingIPCreateResult](c)(c.client.FloatingIP.Create(c.ctx, hcloud.FloatingIPCreateOpts{Type: hcloud.FloatingIPTypeIPv4, Server: s}))
	if _, err := c.client.FloatingIP.Delete(c.ctx, f.FloatingIP); err != nil {
		t.Error(err)
	}
}

func TestFloatingIPLifecycle(t *testing.T) {
	c := newCloud(t, simcloud.Options{DurationScale: 1})
	a, b := c.testServer("a"), c.testServer("b", func(o *hcloud.ServerCreateOpts) { o.Location = &hcloud.Location{Name: "hel1"} })
	r := must[hcloud.FloatingIPCreateResult](c)(c.client.FloatingIP.Create(c.ctx, hcloud.FloatingIPCreateOpts{Name: hcloud.Ptr("f"),
		Type: hcloud.FloatingIPTypeIPv4, HomeLocation: &hcloud.Location{Name: "nbg1"}, Description: hcloud.Ptr("d"), Labels: map[string]string{"a": "b"}}))
	f := r.FloatingIP
	if r.Action != nil || f.HomeLocation.Name != "nbg1" || f.Description != "d" || f.Server != nil || f.IP.To4() == nil || len(f.DNSPtr) != 1 {
		t.Errorf("unexpected floating IP %+v", f)
	}
	f = must[*hcloud.FloatingIP](c)(c.client.FloatingIP.Update(c.ctx, f, hcloud.FloatingIPUpdateOpts{Name: "g", Description: "e", Labels: map[string]string{}}))
	if f.Name != "g" || f.Description != "e" || len(f.Labels) != 0 {
		t.Errorf("after the update: %+v", f)
	}
	server := func() int64 {
		t.Helper()
		if s := must[*hcloud.FloatingIP](c)(c.client.FloatingIP.GetByID(c.ctx, f.ID)).Server; s != nil {
			return s.ID
		}
		return 0
	}
	// Clients read an assignment before its action has ended.
	if got := must[*hcloud.Action](c)(c.client.FloatingIP.Assign(c.ctx, f, a)); got.Command != "assign_floating_ip" || len(got.Resources) != 2 {
		t.Errorf("unexpected action %+v", got)
	}
	if got := server(); got != a.ID {
		t.Errorf("assigned to %d, want %d", got, a.ID)
	}
	_, _, err := c.client.FloatingIP.Assign(c.ctx, f, a)
	wantCode(t, err, "floating_ip_assigned")
	_, err = c.client.FloatingIP.Delete(c.ctx, f)
	wantCode(t, err, "must_be_unassigned")
	c.settle()
	// It moves from one server to another, in another location too.
	must[*hcloud.Action](c)(c.client.FloatingIP.Assign(c.ctx, f, b))
	c.settle()
	if got := must[*hcloud.Server](c)(c.client.Server.GetByID(c.ctx, b.ID)).PublicNet.FloatingIPs; len(got) != 1 || got[0].ID != f.ID {
		t.Errorf("on the server: %v", got)
	}
	must[*hcloud.Action](c)(c.client.FloatingIP.Unassign(c.ctx, f))
	c.settle()
	_, _, err = c.client.FloatingIP.Unassign(c.ctx, f)
	wantCode(t, err, hcloud.ErrorCodeServiceError)
	must[*hcloud.Action](c)(c.client.FloatingIP.ChangeProtection(c.ctx, f, hcloud.FloatingIPChangeProtectionOpts{Delete: hcloud.Ptr(true)}))
	_, err = c.client.FloatingIP.Delete(c.ctx, f)
	wantCode(t, err, hcloud.ErrorCodeProtected)
	must[*hcloud.Action](c)(c.client.FloatingIP.ChangeProtection(c.ctx, f, hcloud.FloatingIPChangeProtectionOpts{Delete: hcloud.Ptr(false)}))
	if _, err := c.client.FloatingIP.Delete(c.ctx, f); err != nil {
		t.Fatal(err)
	}

	// For a server it is made in the server's location, and has a name anyway.
	r = must[hcloud.FloatingIPCreateResult](c)(c.client.FloatingIP.Create(c.ctx, hcloud.FloatingIPCreateOpts{Type: hcloud.FloatingIPTypeIPv6, Server: b}))
	if r.Action == nil || r.FloatingIP.HomeLocation.Name != "hel1" || r.FloatingIP.Server == nil || r.FloatingIP.Name == "" || r.FloatingIP.Network == nil {
		t.Errorf("unexpected answer %+v %+v", r.Action, r.FloatingIP)
	}
	f = r.FloatingIP
	must[*hcloud.ServerDeleteResult](c)(c.client.Server.DeleteWithResult(c.ctx, b))
	c.settle()
	if got := server(); got != 0 {
		t.Errorf("assigned to a server that is gone: %d", got)
	}
}

func TestFloatingIPActionFails(t *testing.T) {
	c := newCloud(t, simcloud.Options{DurationScale: 1})
	s := c.testServer("s")
	f := must[hcloud.FloatingIPCreateResult](c)(c.client.FloatingIP.Create(c.ctx, hcloud.FloatingIPCreateOpts{Type: hcloud.FloatingIPTypeIPv4, Server: s})).FloatingIP
	c.settle()
	if _, err := c.AddFault(simcloud.Fault{Kind: simcloud.FaultActionFailed, Command: "unassign_floating_ip"}); err != nil {
		t.Fatal(err)
	}
	must[*hcloud.Action](c)(c.client.FloatingIP.Unassign(c.ctx, f))
	c.settle()
	if got := must[*hcloud.FloatingIP](c)(c.client.FloatingIP.GetByID(c.ctx, f.ID)); got.Server == nil || got.Server.ID != s.ID {
		t.Errorf("it is not assigned although unassigning failed: %+v", got)
	}
}

func TestPublicIPDNSPtr(t *testing.T) {
	c := newCloud(t, simcloud.Options{})
	p := c.testPrimaryIP("p", hcloud.PrimaryIPTypeIPv4)
	set := func(id int64, ip, name string) error {
		_, _, err := c.client.PrimaryIP.ChangeDNSPtr(c.ctx, hcloud.PrimaryIPChangeDNSPtrOpts{ID: id, IP: ip, DNSPtr: name})
		return err
	}
	if err := set(p.ID, p.IP.String(), "www.example.com"); err != nil {
		t.Fatal(err)
	}
	get := func() map[string]string {
		return must[*hcloud.PrimaryIP](c)(c.client.PrimaryIP.GetByID(c.ctx, p.ID)).DNSPtr
	}
	if got := get()[p.IP.String()]; got != "www.example.com" {
		t.Errorf("got %q", got)
	}
	wantCode(t, set(p.ID, "192.0.2.1", "www.example.com"), hcloud.ErrorCodeInvalidInput)
	wantCode(t, set(p.ID, p.IP.String(), "not a name"), hcloud.ErrorCodeInvalidInput)
	must[*hcloud.Action](c)(c.client.RDNS.ChangeDNSPtr(c.ctx, p, p.IP, nil))
	if got := get()[p.IP.String()]; !strings.HasSuffix(got, ".clients.your-server.de") {
		t.Errorf("after the reset: %q", got)
	}

	f := must[hcloud.FloatingIPCreateResult](c)(c.client.FloatingIP.Create(c.ctx, hcloud.FloatingIPCreateOpts{
		Type: hcloud.FloatingIPTypeIPv6, HomeLocation: &hcloud.Location{Name: "fsn1"}})).FloatingIP
	ip := f.IP
	ip[15] = 7
	must[*hcloud.Action](c)(c.client.FloatingIP.ChangeDNSPtr(c.ctx, f, ip.String(), hcloud.Ptr("v6.example.com")))
	f = must[*hcloud.FloatingIP](c)(c.client.FloatingIP.GetByID(c.ctx, f.ID))
	if len(f.DNSPtr) != 1 || f.DNSPtr[ip.String()] != "v6.example.com" {
		t.Errorf("got %v", f.DNSPtr)
	}
	must[*hcloud.Action](c)(c.client.FloatingIP.ChangeDNSPtr(c.ctx, f, ip.String(), nil))
	if f = must[*hcloud.FloatingIP](c)(c.client.FloatingIP.GetByID(c.ctx, f.ID)); len(f.DNSPtr) != 0 {
		t.Errorf("after the removal: %v", f.DNSPtr)
	}
}

func TestPublicIPRefusals(t *testing.T) {
	c := newCloud(t, simcloud.Options{})
	s := c.testServer("s")
	p := c.testPrimaryIP("p", hcloud.PrimaryIPTypeIPv4)
	auto := must[*hcloud.PrimaryIPCreateResult](c)(c.client.PrimaryIP.Create(c.ctx, hcloud.PrimaryIPCreateOpts{Name: "auto",
		Type: hcloud.PrimaryIPTypeIPv4, Location: "ash", AutoDelete: hcloud.Ptr(true)})).PrimaryIP
	f := must[hcloud.FloatingIPCreateResult](c)(c.client.FloatingIP.Create(c.ctx, hcloud.FloatingIPCreateOpts{Name: hcloud.Ptr("f"),
		Type: hcloud.FloatingIPTypeIPv4, HomeLocation: &hcloud.Location{Name: "fsn1"}})).FloatingIP
	off := c.offServer("off")
	type m = map[string]any
	primary, floating := fmt.Sprintf("/primary_ips/%d/actions/", p.ID), fmt.Sprintf("/floating_ips/%d/actions/", f.ID)
	for _, tc := range []struct {
		name, path string
		body       m
		status     int
		code       string
		field      string
	}{
		{"primary without name", "/primary_ips", m{"type": "ipv4", "location": "fsn1"}, 422, "invalid_input", "name"},
		{"primary without type", "/primary_ips", m{"name": "x", "location": "fsn1"}, 422, "invalid_input", "type"},
		{"primary nowhere", "/primary_ips", m{"name": "x", "type": "ipv4"}, 422, "invalid_input", "location"},
		{"primary here and there", "/primary_ips", m{"name": "x", "type": "ipv4", "location": "fsn1", "assignee_id": s.ID}, 422, "invalid_input", "location"},
		{"primary on the moon", "/primary_ips", m{"name": "x", "type": "ipv4", "location": "moon"}, 422, "invalid_input", ""},
		{"primary in a data centre", "/primary_ips", m{"name": "x", "type": "ipv4", "datacenter": "fsn1-dc14"}, 422, "invalid_input", "datacenter"},
		{"primary for something else", "/primary_ips", m{"name": "x", "type": "ipv4", "location": "fsn1", "assignee_type": "x"}, 422, "invalid_input", "assignee_type"},
		{"primary name taken", "/primary_ips", m{"name": "p", "type": "ipv4", "location": "fsn1"}, 409, "uniqueness_error", "name"},
		{"primary for nobody", "/primary_ips", m{"name": "x", "type": "ipv4", "assignee_id": 7}, 404, "not_found", ""},
		{"primary for a running server", "/primary_ips", m{"name": "x", "type": "ipv4", "assignee_id": s.ID}, 422, "server_not_stopped", ""},
		{"assigned to a running server", primary + "assign", m{"assignee_id": s.ID, "assignee_type": "server"}, 422, "server_not_stopped", ""},
		{"assigned to no type", primary + "assign", m{"assignee_id": s.ID}, 422, "invalid_input", "assignee_type"},
		{"assigned to no id", primary + "assign", m{"assignee_type": "server"}, 422, "invalid_input", "assignee_id"},
		{"assigned elsewhere", fmt.Sprintf("/primary_ips/%d/actions/assign", auto.ID), m{"assignee_id": off.ID, "assignee_type": "server"}, 422, "invalid_input", ""},
		{"protection with auto_delete", fmt.Sprintf("/primary_ips/%d/actions/change_protection", auto.ID), m{"delete": true}, 422, "invalid_input", ""},
		{"no protection", primary + "change_protection", m{}, 422, "invalid_input", "delete"},

		{"floating without type", "/floating_ips", m{"home_location": "fsn1"}, 422, "invalid_input", "type"},
		{"floating nowhere", "/floating_ips", m{"type": "ipv4"}, 422, "invalid_input", "home_location"},
		{"floating on the moon", "/floating_ips", m{"type": "ipv4", "home_location": "moon"}, 422, "invalid_input", ""},
		{"floating name taken", "/floating_ips", m{"type": "ipv4", "home_location": "fsn1", "name": "f"}, 409, "uniqueness_error", "name"},
		{"floating for nobody", "/floating_ips", m{"type": "ipv4", "server": 7}, 404, "not_found", ""},
		{"floating assigned to nobody", floating + "assign", m{"server": 7}, 404, "not_found", ""},
		{"floating assigned to nothing", floating + "assign", m{}, 422, "invalid_input", "server"},
		{"unknown floating", "/floating_ips/7/actions/assign", m{"server": s.ID}, 404, "not_found", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			wantField(t, c.refused(http.MethodPost, tc.path, tc.body, tc.status, tc.code), tc.field)
		})
	}
	if got := c.Objects("floating_ip"); len(got) != 1 {
		t.Errorf("%d floating IPs after refusals", len(got))
	}
}

func TestPublicIPsInALostLocation(t *testing.T) {
	c := newCloud(t, simcloud.Options{})
	p := c.testPrimaryIP("p", hcloud.PrimaryIPTypeIPv4)
	if _, err := c.AddFault(simcloud.Fault{Kind: simcloud.FaultLocationLost, Location: "fsn1"}); err != nil {
		t.Fatal(err)
	}
	self := fmt.Sprintf("/primary_ips/%d", p.ID)
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
		c.refused(method, self, map[string]any{}, 503, "unavailable")
	}
	c.refused(http.MethodPost, "/floating_ips", map[string]any{"type": "ipv4", "home_location": "fsn1"}, 503, "unavailable")
	if status, _ := c.do(http.MethodPost, "/floating_ips", map[string]any{"type": "ipv4", "home_location": "hel1"}); status != 201 {
		t.Errorf("elsewhere: %d", status)
	}
	if ips := must[[]*hcloud.PrimaryIP](c)(c.client.PrimaryIP.List(c.ctx, hcloud.PrimaryIPListOpts{})); len(ips) != 1 {
		t.Errorf("lists still answer: %v", ips)
	}
}
