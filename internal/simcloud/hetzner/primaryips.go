package hetzner

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

func primaryIPRef(id int64) engine.Ref { return engine.Ref{Type: "primary_ip", ID: id} }

type primaryIPView struct {
	ID           int64             `json:"id"`
	Name         string            `json:"name"`
	Labels       map[string]string `json:"labels"`
	Created      timestamp         `json:"created"`
	Blocked      bool              `json:"blocked"`
	Datacenter   any               `json:"datacenter,omitempty"`
	Location     locationView      `json:"location"`
	IP           string            `json:"ip"`
	DNSPtr       []DNSPtr          `json:"dns_ptr"`
	Protection   protectionView    `json:"protection"`
	Type         string            `json:"type"`
	AutoDelete   bool              `json:"auto_delete"`
	AssigneeType string            `json:"assignee_type"`
	AssigneeID   *int64            `json:"assignee_id"`
}

// sinceMustBeUnassigned is the day since which assigned primary and floating IPs
// cannot be deleted (the description of both operations).
func sinceMustBeUnassigned() time.Time { return time.Date(2026, time.May, 1, 0, 0, 0, 0, time.UTC) }

func (c *call) viewPrimaryIP(p *PrimaryIP) primaryIPView {
	v := primaryIPView{ID: p.ID, Name: p.Name, Labels: labelsOf(p.Labels), Created: timestamp(p.Created),
		Datacenter: c.datacenterOf(p.Location), Location: c.locationNamed(p.Location), IP: p.IP, DNSPtr: list(p.DNSPtr),
		Protection: protectionView{Delete: p.Protected}, Type: p.Type, AutoDelete: p.AutoDelete,
		AssigneeType: "server", AssigneeID: orNull(p.AssigneeID)}
	if p.AssigneeID == 0 && c.api.opts.UnassignedPrimaryIPs {
		v.AssigneeType = "unassigned"
	}
	return v
}

func (a *API) primaryIPRoutes() []*route {
	post := func(action string, do func(*call) (any, error)) *route {
		return &route{method: http.MethodPost, path: "/primary_ips/{id}/actions/" + action, do: do}
	}
	return append([]*route{
		{method: http.MethodGet, path: "/primary_ips", do: listPrimaryIPs},
		{method: http.MethodPost, path: "/primary_ips", do: createPrimaryIP},
		{method: http.MethodGet, path: "/primary_ips/{id}", do: getPrimaryIP},
		{method: http.MethodPut, path: "/primary_ips/{id}", do: updatePrimaryIP},
		{method: http.MethodDelete, path: "/primary_ips/{id}", do: deletePrimaryIP},
		post("assign", assignPrimaryIP), post("unassign", unassignPrimaryIP),
		post("change_dns_ptr", changePrimaryIPDNSPtr), post("change_protection", protectPrimaryIP),
	}, resourceActionRoutes("primary_ips", primaryIPs)...)
}

func listPrimaryIPs(c *call) (any, error) {
	rows, err := filtered(c, primaryIPs.All(c.tx, c.project))
	if err != nil {
		return nil, err
	}
	if ip, ok := c.query()["ip"]; ok {
		rows = slices.DeleteFunc(slices.Clone(rows), func(p *PrimaryIP) bool {
			address, _, _ := strings.Cut(p.IP, "/") // of an IPv6 network clients send either form
			return p.IP != ip[0] && address != ip[0]
		})
	}
	return page(c, "primary_ips", rows, recordOrders[PrimaryIP]("id", "created"), c.viewPrimaryIP)
}

// primaryIP is the primary IP in the path, in a location that can be reached.
func (c *call) primaryIP() (*PrimaryIP, error) {
	p, err := mustGet(c, primaryIPs)
	if err != nil {
		return nil, err
	}
	return p, c.reach(p.Location)
}

// freePrimaryIP is a private copy of it when nothing locks it.
func (c *call) freePrimaryIP() (*PrimaryIP, error) {
	p, err := c.primaryIP()
	if err != nil {
		return nil, err
	}
	if err := c.unlocked("primary_ip", p.ID); err != nil {
		return nil, err
	}
	return primaryIPs.Edit(c.tx, c.project, p.ID), nil
}

func getPrimaryIP(c *call) (any, error) {
	p, err := c.primaryIP()
	if err != nil {
		return nil, err
	}
	return map[string]any{"primary_ip": c.viewPrimaryIP(p)}, nil
}

type createPrimaryIPRequest struct {
	Name         string            `json:"name"`
	Labels       map[string]string `json:"labels"`
	Type         string            `json:"type"`
	Location     *idOrName         `json:"location"`
	Datacenter   *idOrName         `json:"datacenter"`
	AssigneeType *string           `json:"assignee_type"`
	AssigneeID   *int64            `json:"assignee_id"`
	AutoDelete   bool              `json:"auto_delete"`
}

func createPrimaryIP(c *call) (any, error) {
	var in createPrimaryIPRequest
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	var v fields
	v.name(in.Name, 128)
	v.labels(in.Labels)
	v.ipType(in.Type)
	if in.AssigneeType != nil && *in.AssigneeType != "server" {
		v.add("assignee_type", "must be one of: server")
	}
	if in.Datacenter != nil && !c.api.opts.LegacyDatacenters {
		v.add("datacenter", "was removed, use location instead")
	}
	if in.Location == nil && in.Datacenter == nil && in.AssigneeID == nil {
		v.add("location", "location or assignee_id must be specified")
	}
	if in.AssigneeID != nil && (in.Location != nil || in.Datacenter != nil) {
		v.add("location", "only one of location and assignee_id can be specified")
	}
	if err := v.err(); err != nil {
		return nil, err
	}
	p := &PrimaryIP{Type: in.Type, AutoDelete: in.AutoDelete}
	p.Project, p.Name, p.Labels = c.project, in.Name, in.Labels
	if err := c.placePrimaryIP(p, &in); err != nil {
		return nil, err
	}
	if err := uniqueName(c, primaryIPs, in.Name, 0); err != nil {
		return nil, err
	}
	if err := room(c, primaryIPs); err != nil {
		return nil, err
	}
	p.IP = newIP(c.tx, p.Type)
	p.DNSPtr = defaultDNSPtr(p.Type, p.IP)
	primaryIPs.Insert(c.tx, p)
	answer := map[string]any{"action": nil}
	if in.AssigneeID != nil {
		answer["action"] = c.viewAction(c.startAssignPrimaryIP(p, *in.AssigneeID))
	}
	answer["primary_ip"] = c.viewPrimaryIP(p)
	return answer, nil
}

// ipType checks the type of a public IP.
func (v *fields) ipType(version string) {
	if version != "ipv4" && version != "ipv6" {
		v.add("type", "must be one of: ipv4, ipv6")
	}
}

// placePrimaryIP decides on a new primary IP's location: the one asked for, or
// that of the server it is for.
func (c *call) placePrimaryIP(p *PrimaryIP, in *createPrimaryIPRequest) error {
	switch {
	case in.AssigneeID != nil:
		s, err := lookup(c, servers, *in.AssigneeID)
		if err != nil {
			return err
		}
		p.Location = s.Location
		return c.canTakePrimaryIP(s, p)
	case in.Datacenter != nil:
		for _, l := range c.api.cat.locations {
			if in.Datacenter.is(l.DatacenterID, l.Datacenter) {
				p.Location = l.Name
				return c.reach(l.Name)
			}
		}
		return fail("invalid_input", "datacenter '%s' not found", *in.Datacenter)
	}
	l := c.api.cat.location(*in.Location)
	if l == nil {
		return fail("invalid_input", "location '%s' not found", *in.Location)
	}
	p.Location = l.Name
	return c.reach(l.Name)
}

func updatePrimaryIP(c *call) (any, error) {
	p, err := c.primaryIP()
	if err != nil {
		return nil, err
	}
	var in struct {
		Name       *string            `json:"name"`
		Labels     *map[string]string `json:"labels"`
		AutoDelete *bool              `json:"auto_delete"`
	}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	p = primaryIPs.Edit(c.tx, c.project, p.ID)
	if err := rename(c, primaryIPs, &p.Meta, in.Name, in.Labels); err != nil {
		return nil, err
	}
	if in.AutoDelete != nil {
		p.AutoDelete = *in.AutoDelete
	}
	return map[string]any{"primary_ip": c.viewPrimaryIP(p)}, nil
}

func deletePrimaryIP(c *call) (any, error) {
	p, err := c.freePrimaryIP()
	switch {
	case err != nil:
		return nil, err
	case p.Protected:
		return nil, fail("protected", "Primary IP deletion is protected")
	case p.AssigneeID == 0:
	case !c.tx.Now().Before(sinceMustBeUnassigned()):
		return nil, fail("must_be_unassigned", "Primary IP with ID %d must be unassigned before it can be deleted", p.ID)
	default:
		if err := c.assigneeIsOff(p); err != nil {
			return nil, err
		}
	}
	primaryIPs.Delete(c.tx, p.ID)
	return nil, nil
}
