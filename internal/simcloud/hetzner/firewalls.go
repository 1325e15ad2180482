package hetzner

import (
	"net/http"
	"slices"
)

type firewallView struct {
	ID        int64             `json:"id"`
	Name      string            `json:"name"`
	Labels    map[string]string `json:"labels"`
	Created   timestamp         `json:"created"`
	Rules     []FirewallRule    `json:"rules"`
	AppliedTo []firewallTarget  `json:"applied_to"`
}

// firewallTarget is what a firewall is applied to, in requests and answers.
type firewallTarget struct {
	Type               string            `json:"type"` // server, label_selector
	Server             *firewallServer   `json:"server,omitempty"`
	LabelSelector      *firewallSelector `json:"label_selector,omitempty"`
	AppliedToResources *[]firewallTarget `json:"applied_to_resources,omitempty"`
}

type firewallServer struct {
	ID int64 `json:"id"`
}

type firewallSelector struct {
	Selector string `json:"selector"`
}

func onServerTarget(id int64) firewallTarget {
	return firewallTarget{Type: "server", Server: &firewallServer{ID: id}}
}

func (c *call) viewFirewall(f *Firewall) firewallView {
	v := firewallView{ID: f.ID, Name: f.Name, Labels: labelsOf(f.Labels), Created: timestamp(f.Created),
		Rules: []FirewallRule{}, AppliedTo: []firewallTarget{}}
	for _, r := range f.Rules {
		r.SourceIPs, r.DestinationIPs = list(r.SourceIPs), list(r.DestinationIPs)
		v.Rules = append(v.Rules, r)
	}
	for _, id := range f.Servers {
		v.AppliedTo = append(v.AppliedTo, onServerTarget(id))
	}
	for _, text := range f.Selectors {
		on := []firewallTarget{}
		for _, s := range selectedServers(c, text) {
			on = append(on, onServerTarget(s.ID))
		}
		v.AppliedTo = append(v.AppliedTo, firewallTarget{Type: "label_selector",
			LabelSelector: &firewallSelector{Selector: text}, AppliedToResources: &on})
	}
	return v
}

// selectedServers are the servers that a stored label selector matches now.
func selectedServers(c *call, text string) []*Server {
	sel, err := parseSelector(text)
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(servers.All(c.tx, c.project), func(s *Server) bool {
		return !sel.matches(s.Labels) || !hasPublicNet(c.tx, s)
	})
}

func (a *API) firewallRoutes() []*route {
	post := func(action string, do func(*call) (any, error)) *route {
		return &route{method: http.MethodPost, path: "/firewalls/{id}/actions/" + action, do: do}
	}
	return append([]*route{
		{method: http.MethodGet, path: "/firewalls", do: listFirewalls},
		{method: http.MethodPost, path: "/firewalls", do: createFirewall},
		{method: http.MethodGet, path: "/firewalls/{id}", do: getFirewall},
		{method: http.MethodPut, path: "/firewalls/{id}", do: updateFirewall},
		{method: http.MethodDelete, path: "/firewalls/{id}", do: deleteFirewall},
		post("apply_to_resources", applyToResources), post("remove_from_resources", removeFromResources),
		post("set_rules", setRules),
	}, resourceActionRoutes("firewalls", firewalls)...)
}

func listFirewalls(c *call) (any, error) {
	rows, err := filtered(c, firewalls.All(c.tx, c.project))
	if err != nil {
		return nil, err
	}
	return page(c, "firewalls", rows, recordOrders[Firewall]("id", "name", "created"), c.viewFirewall)
}

func getFirewall(c *call) (any, error) {
	f, err := mustGet(c, firewalls)
	if err != nil {
		return nil, err
	}
	return map[string]any{"firewall": c.viewFirewall(f)}, nil
}

func createFirewall(c *call) (any, error) {
	var in struct {
		Name    string            `json:"name"`
		Labels  map[string]string `json:"labels"`
		Rules   []ruleRequest     `json:"rules"`
		ApplyTo []firewallTarget  `json:"apply_to"`
	}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	var v fields
	v.name(in.Name, 128)
	v.labels(in.Labels)
	rules := v.rules(in.Rules)
	v.targets("apply_to", in.ApplyTo)
	if err := v.err(); err != nil {
		return nil, err
	}
	f := &Firewall{Rules: rules}
	f.Project, f.Name, f.Labels = c.project, in.Name, in.Labels
	if err := uniqueName(c, firewalls, in.Name, 0); err != nil {
		return nil, err
	}
	if err := room(c, firewalls); err != nil {
		return nil, err
	}
	firewalls.Insert(c.tx, f)
	actions := []actionView{}
	if len(rules) > 0 {
		actions = append(actions, c.viewAction(c.instant("set_firewall_rules", nil, firewallRef(f.ID))))
	}
	applied, err := c.applyTo(f, in.ApplyTo, true)
	if err != nil {
		return nil, err
	}
	return map[string]any{"firewall": c.viewFirewall(f), "actions": append(actions, applied...)}, nil
}

func updateFirewall(c *call) (any, error) {
	if _, err := mustGet(c, firewalls); err != nil {
		return nil, err
	}
	var in struct {
		Name   *string            `json:"name"`
		Labels *map[string]string `json:"labels"`
	}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	f := firewalls.Edit(c.tx, c.project, c.id())
	if err := rename(c, firewalls, &f.Meta, in.Name, in.Labels); err != nil {
		return nil, err
	}
	return map[string]any{"firewall": c.viewFirewall(f)}, nil
}

// deleteFirewall refuses a firewall that is applied to anything: to a server,
// or to a label selector, even when that matches none.
func deleteFirewall(c *call) (any, error) {
	f, err := mustGet(c, firewalls)
	if err != nil {
		return nil, err
	}
	if len(f.Servers) > 0 || len(f.Selectors) > 0 {
		return nil, fail("resource_in_use", "firewall with ID %d is still in use", f.ID)
	}
	firewalls.Delete(c.tx, f.ID)
	return nil, nil
}
