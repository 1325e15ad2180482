package hetzner

import (
	"fmt"
	"net/http"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

func floatingIPRef(id int64) engine.Ref { return engine.Ref{Type: "floating_ip", ID: id} }

type floatingIPView struct {
	ID           int64             `json:"id"`
	Name         string            `json:"name"`
	Description  *string           `json:"description"`
	IP           string            `json:"ip"`
	Type         string            `json:"type"`
	Server       *int64            `json:"server"`
	DNSPtr       []DNSPtr          `json:"dns_ptr"`
	HomeLocation locationView      `json:"home_location"`
	Blocked      bool              `json:"blocked"`
	Protection   protectionView    `json:"protection"`
	Labels       map[string]string `json:"labels"`
	Created      timestamp         `json:"created"`
}

func (c *call) viewFloatingIP(f *FloatingIP) floatingIPView {
	return floatingIPView{ID: f.ID, Name: f.Name, Description: orNull(f.Description), IP: f.IP, Type: f.Type,
		Server: orNull(f.Server), DNSPtr: list(f.DNSPtr), HomeLocation: c.locationNamed(f.HomeLocation),
		Protection: protectionView{Delete: f.Protected}, Labels: labelsOf(f.Labels), Created: timestamp(f.Created)}
}

func (a *API) floatingIPRoutes() []*route {
	post := func(action string, do func(*call) (any, error)) *route {
		return &route{method: http.MethodPost, path: "/floating_ips/{id}/actions/" + action, do: do}
	}
	return append([]*route{
		{method: http.MethodGet, path: "/floating_ips", do: listFloatingIPs},
		{method: http.MethodPost, path: "/floating_ips", do: createFloatingIP},
		{method: http.MethodGet, path: "/floating_ips/{id}", do: getFloatingIP},
		{method: http.MethodPut, path: "/floating_ips/{id}", do: updateFloatingIP},
		{method: http.MethodDelete, path: "/floating_ips/{id}", do: deleteFloatingIP},
		post("assign", assignFloatingIP), post("unassign", unassignFloatingIP),
		post("change_dns_ptr", changeFloatingIPDNSPtr), post("change_protection", protectFloatingIP),
	}, resourceActionRoutes("floating_ips", floatingIPs)...)
}

func listFloatingIPs(c *call) (any, error) {
	rows, err := filtered(c, floatingIPs.All(c.tx, c.project))
	if err != nil {
		return nil, err
	}
	return page(c, "floating_ips", rows, recordOrders[FloatingIP]("id", "created"), c.viewFloatingIP)
}

// floatingIP is the floating IP in the path, whose home can be reached.
func (c *call) floatingIP() (*FloatingIP, error) {
	f, err := mustGet(c, floatingIPs)
	if err != nil {
		return nil, err
	}
	return f, c.reach(f.HomeLocation)
}

func getFloatingIP(c *call) (any, error) {
	f, err := c.floatingIP()
	if err != nil {
		return nil, err
	}
	return map[string]any{"floating_ip": c.viewFloatingIP(f)}, nil
}

func createFloatingIP(c *call) (any, error) {
	var in struct {
		Type         string            `json:"type"`
		Server       *int64            `json:"server"`
		HomeLocation *idOrName         `json:"home_location"`
		Description  *string           `json:"description"`
		Name         *string           `json:"name"`
		Labels       map[string]string `json:"labels"`
	}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	var v fields
	v.ipType(in.Type)
	v.labels(in.Labels)
	if in.Name != nil {
		v.name(*in.Name, 128)
	}
	if in.Server == nil && in.HomeLocation == nil {
		v.add("home_location", "home_location or server must be specified")
	}
	if err := v.err(); err != nil {
		return nil, err
	}
	f := &FloatingIP{Type: in.Type}
	f.Project, f.Labels = c.project, in.Labels
	if in.Description != nil {
		f.Description = *in.Description
	}
	if err := c.placeFloatingIP(f, in.HomeLocation, in.Server); err != nil {
		return nil, err
	}
	if in.Name != nil {
		if err := uniqueName(c, floatingIPs, *in.Name, 0); err != nil {
			return nil, err
		}
		f.Name = *in.Name
	}
	if err := room(c, floatingIPs); err != nil {
		return nil, err
	}
	f.IP = newIP(c.tx, f.Type)
	f.DNSPtr = defaultDNSPtr(f.Type, f.IP)
	floatingIPs.Insert(c.tx, f)
	if f.Name == "" {
		f.Name = fmt.Sprintf("floating-ip-%d", f.ID)
	}
	answer := map[string]any{"action": nil}
	if in.Server != nil {
		answer["action"] = c.viewAction(c.startAssignFloatingIP(f, *in.Server))
	}
	answer["floating_ip"] = c.viewFloatingIP(f)
	return answer, nil
}

// placeFloatingIP decides on a new floating IP's home: the location asked for,
// or else that of the server it is for.
func (c *call) placeFloatingIP(f *FloatingIP, home *idOrName, server *int64) error {
	if server != nil {
		s, err := lookup(c, servers, *server)
		if err != nil {
			return err
		}
		f.HomeLocation = s.Location
		if err := c.reach(s.Location); err != nil {
			return err
		}
	}
	if home != nil {
		l := c.api.cat.location(*home)
		if l == nil {
			return fail("invalid_input", "location '%s' not found", *home)
		}
		f.HomeLocation = l.Name
	}
	return c.reach(f.HomeLocation)
}

func updateFloatingIP(c *call) (any, error) {
	f, err := c.floatingIP()
	if err != nil {
		return nil, err
	}
	var in struct {
		Name        *string            `json:"name"`
		Description *string            `json:"description"`
		Labels      *map[string]string `json:"labels"`
	}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	f = floatingIPs.Edit(c.tx, c.project, f.ID)
	if err := rename(c, floatingIPs, &f.Meta, in.Name, in.Labels); err != nil {
		return nil, err
	}
	if in.Description != nil {
		f.Description = *in.Description
	}
	return map[string]any{"floating_ip": c.viewFloatingIP(f)}, nil
}

// deleteFloatingIP refuses an assigned IP since 2026-05-01, and unassigned it
// before by itself.
func deleteFloatingIP(c *call) (any, error) {
	f, err := c.floatingIP()
	switch {
	case err != nil:
		return nil, err
	case f.Protected:
		return nil, fail("protected", "Floating IP deletion is protected")
	case f.Server != 0 && !c.tx.Now().Before(sinceMustBeUnassigned()):
		return nil, fail("must_be_unassigned", "Floating IP with ID %d must be unassigned before it can be deleted", f.ID)
	}
	floatingIPs.Delete(c.tx, f.ID)
	return nil, nil
}

// startAssignFloatingIP assigns a private copy and begins the action, which
// locks nothing: the vendor's own Terraform provider assigns without waiting,
// and reads the assignment at once.
func (c *call) startAssignFloatingIP(f *FloatingIP, server int64) *engine.Action {
	was := f.Server
	f.Server = server
	return c.tx.StartAction(engine.ActionSpec{Cloud: Cloud, Project: c.project, Command: "assign_floating_ip",
		Params:    floatingParams{IP: f.ID, Server: server, Was: was},
		Resources: []engine.Ref{serverRef(server), floatingIPRef(f.ID)}})
}

// floatingParams tell a failed action what it had changed.
type floatingParams struct {
	IP     int64 `json:"ip"`
	Server int64 `json:"server,omitempty"`
	Was    int64 `json:"was,omitempty"`
}

// assignFloatingIP also moves an IP from one server to another.
func assignFloatingIP(c *call) (any, error) {
	f, err := c.floatingIP()
	if err != nil {
		return nil, err
	}
	var in struct {
		Server *int64 `json:"server"`
	}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	if in.Server == nil {
		return nil, invalid("server", "missing data for required field")
	}
	s, err := lookup(c, servers, *in.Server)
	if err != nil {
		return nil, err
	}
	if err := c.reach(s.Location); err != nil {
		return nil, err
	}
	if f.Server == s.ID {
		return nil, fail("floating_ip_assigned", "Floating IP with ID %d is already assigned to server with ID %d", f.ID, s.ID)
	}
	return c.actionAnswer(c.startAssignFloatingIP(floatingIPs.Edit(c.tx, c.project, f.ID), s.ID))
}

func unassignFloatingIP(c *call) (any, error) {
	f, err := c.floatingIP()
	if err != nil {
		return nil, err
	}
	if f.Server == 0 {
		return nil, fail("service_error", "Floating IP with ID %d is not assigned to any resource", f.ID)
	}
	was := f.Server
	floatingIPs.Edit(c.tx, c.project, f.ID).Server = 0
	return c.actionAnswer(c.tx.StartAction(engine.ActionSpec{Cloud: Cloud, Project: c.project, Command: "unassign_floating_ip",
		Params: floatingParams{IP: f.ID, Was: was}, Resources: []engine.Ref{serverRef(was), floatingIPRef(f.ID)}}))
}

func changeFloatingIPDNSPtr(c *call) (any, error) {
	f, err := c.floatingIP()
	if err != nil {
		return nil, err
	}
	entries, err := c.askedDNSPtr(f.Type, f.IP, f.DNSPtr)
	if err != nil {
		return nil, err
	}
	floatingIPs.Edit(c.tx, c.project, f.ID).DNSPtr = entries
	return c.actionAnswer(c.instant("change_dns_ptr", nil, floatingIPRef(f.ID)))
}

func protectFloatingIP(c *call) (any, error) {
	f, err := c.floatingIP()
	if err != nil {
		return nil, err
	}
	protect, err := c.askedProtection()
	if err != nil {
		return nil, err
	}
	floatingIPs.Edit(c.tx, c.project, f.ID).Protected = protect
	return c.actionAnswer(c.instant("change_protection", nil, floatingIPRef(f.ID)))
}

// floatingIPCompletions undo what failed, unless something newer has changed it.
func floatingIPCompletions() map[string]engine.Completion {
	back := func(tx *engine.Tx, a *engine.Action) {
		var p floatingParams
		if a.Decode(&p) != nil {
			return
		}
		if servers.Get(tx, a.Project, p.Was) == nil {
			p.Was = 0
		}
		if f := floatingIPs.Edit(tx, a.Project, p.IP); f != nil && f.Server == p.Server {
			f.Server = p.Was
		}
	}
	return map[string]engine.Completion{"assign_floating_ip": {Failed: back}, "unassign_floating_ip": {Failed: back}}
}
