package hetzner

import (
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// canTakePrimaryIP refuses a server that cannot get the primary IP now.
func (c *call) canTakePrimaryIP(s *Server, p *PrimaryIP) error {
	if err := c.reach(s.Location); err != nil {
		return err
	}
	if err := c.unlocked("server", s.ID); err != nil {
		return err
	}
	switch {
	case s.Status != off:
		return fail("server_not_stopped", "server must be stopped")
	case primaryIPOf(c.tx, c.project, s.ID, p.Type) != nil:
		return fail("server_has_"+p.Type, "server already has an %s address", p.Type)
	case s.Location != p.Location:
		return fail("invalid_input", "primary IP and server must be in the same location")
	}
	return nil
}

// assigneeIsOff refuses to take the primary IP from a server that is on.
func (c *call) assigneeIsOff(p *PrimaryIP) error {
	s := servers.Get(c.tx, c.project, p.AssigneeID)
	if s == nil {
		return nil
	}
	if err := c.unlocked("server", s.ID); err != nil {
		return err
	}
	if s.Status != off {
		return fail("server_not_stopped", "server must be stopped")
	}
	return nil
}

type assignParams struct {
	IP     int64 `json:"ip"`
	Server int64 `json:"server"`
}

// startAssignPrimaryIP links a private copy at once, so that nobody else gets
// the IP nor the server another one, and begins the action.
func (c *call) startAssignPrimaryIP(p *PrimaryIP, server int64) *engine.Action {
	p.AssigneeID = server
	return c.start("assign_primary_ip", assignParams{IP: p.ID, Server: server}, serverRef(server), primaryIPRef(p.ID))
}

func assignPrimaryIP(c *call) (any, error) {
	p, err := c.freePrimaryIP()
	if err != nil {
		return nil, err
	}
	var in struct {
		AssigneeType string `json:"assignee_type"`
		AssigneeID   *int64 `json:"assignee_id"`
	}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	var v fields
	if in.AssigneeType != "server" {
		v.add("assignee_type", "must be one of: server")
	}
	if in.AssigneeID == nil {
		v.add("assignee_id", "missing data for required field")
	}
	if err := v.err(); err != nil {
		return nil, err
	}
	s, err := lookup(c, servers, *in.AssigneeID)
	if err != nil {
		return nil, err
	}
	if p.AssigneeID != 0 {
		return nil, fail("primary_ip_already_assigned", "Primary IP with ID %d is already assigned to a server", p.ID)
	}
	if err := c.canTakePrimaryIP(s, p); err != nil {
		return nil, err
	}
	return c.actionAnswer(c.startAssignPrimaryIP(p, s.ID))
}

func unassignPrimaryIP(c *call) (any, error) {
	p, err := c.freePrimaryIP()
	if err != nil {
		return nil, err
	}
	if p.AssigneeID == 0 {
		return nil, fail("service_error", "Primary IP with ID %d is not assigned to any resource", p.ID)
	}
	if err := c.assigneeIsOff(p); err != nil {
		return nil, err
	}
	return c.actionAnswer(c.start("unassign_primary_ip", assignParams{IP: p.ID, Server: p.AssigneeID}, serverRef(p.AssigneeID), primaryIPRef(p.ID)))
}

func changePrimaryIPDNSPtr(c *call) (any, error) {
	p, err := c.primaryIP()
	if err != nil {
		return nil, err
	}
	entries, err := c.askedDNSPtr(p.Type, p.IP, p.DNSPtr)
	if err != nil {
		return nil, err
	}
	primaryIPs.Edit(c.tx, c.project, p.ID).DNSPtr = entries
	return c.actionAnswer(c.instant("change_dns_ptr", nil, primaryIPRef(p.ID)))
}

// askedDNSPtr reads the body of a change_dns_ptr action of a public IP and
// answers its reverse DNS entries after it.
func (c *call) askedDNSPtr(version, ip string, entries []DNSPtr) ([]DNSPtr, error) {
	var in struct {
		IP     string  `json:"ip"`
		DNSPtr *string `json:"dns_ptr"`
	}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	return setDNSPtr(version, ip, entries, in.IP, in.DNSPtr)
}

func protectPrimaryIP(c *call) (any, error) {
	p, err := c.primaryIP()
	if err != nil {
		return nil, err
	}
	protect, err := c.askedProtection()
	if err != nil {
		return nil, err
	}
	if protect && p.AutoDelete {
		return nil, fail("invalid_input", "deletion protection can only be enabled when auto_delete is false")
	}
	primaryIPs.Edit(c.tx, c.project, p.ID).Protected = protect
	return c.actionAnswer(c.instant("change_protection", nil, primaryIPRef(p.ID)))
}

// askedProtection reads the body of a change_protection action whose only field
// is required.
func (c *call) askedProtection() (bool, error) {
	var in struct {
		Delete *bool `json:"delete"`
	}
	if err := c.bind(&in); err != nil {
		return false, err
	}
	if in.Delete == nil {
		return false, invalid("delete", "missing data for required field")
	}
	return *in.Delete, nil
}

func primaryIPCompletions() map[string]engine.Completion {
	release := func(tx *engine.Tx, a *engine.Action) {
		var p assignParams
		if a.Decode(&p) != nil {
			return
		}
		if ip := primaryIPs.Edit(tx, a.Project, p.IP); ip != nil && ip.AssigneeID == p.Server {
			ip.AssigneeID = 0
		}
	}
	return map[string]engine.Completion{
		"assign_primary_ip": {Failed: release},
		"unassign_primary_ip": {OK: func(tx *engine.Tx, a *engine.Action) *engine.ActionError {
			release(tx, a)
			return nil
		}},
	}
}
