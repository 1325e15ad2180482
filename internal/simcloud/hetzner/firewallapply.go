package hetzner

import (
	"net/http"
	"slices"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// maxFirewallsPerServer is the vendor's, whether they are applied directly or by
// label (https://docs.hetzner.com/cloud/firewalls/overview).
const maxFirewallsPerServer = 5

// hasPublicNet tells whether a firewall can do anything for the server.
func hasPublicNet(tx *engine.Tx, s *Server) bool {
	return primaryIPOf(tx, s.Project, s.ID, "ipv4") != nil || primaryIPOf(tx, s.Project, s.ID, "ipv6") != nil
}

// applyTo applies a private copy of a firewall, all or nothing. Some refusals of
// the operation that creates a firewall differ from those of its action.
//
// A label selector that matches no server starts no action: there is nothing to
// wait for.
func (c *call) applyTo(f *Firewall, to []firewallTarget, creating bool) ([]actionView, error) {
	actions := []actionView{}
	for _, t := range to {
		if t.Type == "label_selector" {
			started, err := c.applyBySelector(f, t.LabelSelector.Selector)
			if err != nil {
				return nil, err
			}
			actions = append(actions, started...)
			continue
		}
		s := servers.Get(c.tx, c.project, t.Server.ID)
		switch {
		case s == nil && creating:
			e := fail("firewall_resource_not_found", "server with ID '%d' not found", t.Server.ID)
			e.Status = http.StatusUnprocessableEntity
			return nil, e
		case s == nil:
			return nil, fail("firewall_resource_not_found", "server with ID '%d' not found", t.Server.ID)
		case slices.Contains(f.Servers, s.ID) && creating:
			return nil, fail("server_already_added", "server with ID '%d' is added more than once", s.ID)
		case slices.Contains(f.Servers, s.ID):
			return nil, fail("firewall_already_applied", "firewall with ID '%d' is already applied to server with ID '%d'", f.ID, s.ID)
		case !hasPublicNet(c.tx, s) && creating:
			return nil, fail("incompatible_network_type", "server with ID '%d' has no public network", s.ID)
		case !hasPublicNet(c.tx, s):
			return nil, fail("private_net_only_server", "server with ID '%d' has no public network", s.ID)
		}
		if err := c.reach(s.Location); err != nil {
			return nil, err
		}
		if err := c.roomForFirewall(f, s); err != nil {
			return nil, err
		}
		actions = append(actions, c.viewAction(c.startApplyFirewall(f.ID, s.ID, 0)))
	}
	return actions, nil
}

func (c *call) applyBySelector(f *Firewall, text string) ([]actionView, error) {
	if slices.Contains(f.Selectors, text) {
		return nil, fail("firewall_already_applied", "firewall with ID '%d' is already applied to label selector '%s'", f.ID, text)
	}
	actions := []actionView{}
	for _, s := range selectedServers(c, text) {
		if f.holdsFor(s) {
			continue
		}
		if err := c.roomForFirewall(f, s); err != nil {
			return nil, err
		}
		actions = append(actions, c.viewAction(c.startFirewallChange("apply_firewall", f.ID, s.ID, 0, firewallChange{})))
	}
	f.Selectors = append(f.Selectors, text)
	return actions, nil
}

// roomForFirewall refuses one firewall more than a server may have.
func (c *call) roomForFirewall(f *Firewall, s *Server) error {
	if !f.holdsFor(s) && len(firewallsOf(c.tx, s)) >= maxFirewallsPerServer {
		return limitExceeded("server_firewalls")
	}
	return nil
}

func applyToResources(c *call) (any, error) {
	if _, err := mustGet(c, firewalls); err != nil {
		return nil, err
	}
	var in struct {
		ApplyTo []firewallTarget `json:"apply_to"`
	}
	if err := c.bindTargets(&in, "apply_to", &in.ApplyTo); err != nil {
		return nil, err
	}
	actions, err := c.applyTo(firewalls.Edit(c.tx, c.project, c.id()), in.ApplyTo, false)
	if err != nil {
		return nil, err
	}
	return map[string]any{"actions": actions}, nil
}

// bindTargets reads a body whose only field is a list of targets.
func (c *call) bindTargets(body any, field string, targets *[]firewallTarget) error {
	if err := c.bind(body); err != nil {
		return err
	}
	var v fields
	if len(*targets) == 0 {
		v.add(field, "missing data for required field")
	}
	v.targets(field, *targets)
	if err := v.err(); err != nil {
		return err
	}
	return nil
}

// removeFromResources is idempotent since 2025-08-04: what the firewall is not
// applied to starts no action and is no error
// (https://docs.hetzner.cloud/changelog#2025-08-04-multiple-api-behavior-changes-for-firewalls).
func removeFromResources(c *call) (any, error) {
	if _, err := mustGet(c, firewalls); err != nil {
		return nil, err
	}
	var in struct {
		RemoveFrom []firewallTarget `json:"remove_from"`
	}
	if err := c.bindTargets(&in, "remove_from", &in.RemoveFrom); err != nil {
		return nil, err
	}
	f := firewalls.Edit(c.tx, c.project, c.id())
	actions := []actionView{}
	for _, t := range in.RemoveFrom {
		if t.Type == "label_selector" {
			actions = append(actions, c.removeSelector(f, t.LabelSelector.Selector)...)
			continue
		}
		s := servers.Get(c.tx, c.project, t.Server.ID)
		if s == nil {
			return nil, fail("firewall_resource_not_found", "server with ID '%d' not found", t.Server.ID)
		}
		if err := c.reach(s.Location); err != nil {
			return nil, err
		}
		switch {
		case slices.Contains(f.Servers, s.ID):
			actions = append(actions, c.viewAction(c.startRemoveFirewall(f.ID, s.ID)))
		case f.selects(s.Labels):
			return nil, fail("firewall_managed_by_label_selector", "firewall with ID %d has been applied via label selector.", f.ID)
		}
	}
	return map[string]any{"actions": actions}, nil
}

// removeSelector ends the effect of a label selector: with the actions for the
// servers that it reaches, and at once when there are none.
func (c *call) removeSelector(f *Firewall, text string) []actionView {
	var actions []actionView
	if slices.Contains(f.Selectors, text) {
		for _, s := range selectedServers(c, text) {
			if !slices.Contains(f.Servers, s.ID) {
				actions = append(actions, c.viewAction(c.startFirewallChange("remove_firewall", f.ID, s.ID, 0, firewallChange{Selector: text})))
			}
		}
	}
	if len(actions) == 0 {
		f.dropSelector(text)
	}
	return actions
}

func (f *Firewall) dropSelector(text string) {
	f.Selectors = slices.DeleteFunc(f.Selectors, func(s string) bool { return s == text })
}

// setRules replaces the rules at once; the actions tell when they hold for each
// of the servers.
func setRules(c *call) (any, error) {
	if _, err := mustGet(c, firewalls); err != nil {
		return nil, err
	}
	var in struct {
		Rules *[]ruleRequest `json:"rules"`
	}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	if in.Rules == nil {
		return nil, invalid("rules", "missing data for required field")
	}
	var v fields
	rules := v.rules(*in.Rules)
	if err := v.err(); err != nil {
		return nil, err
	}
	f := firewalls.Edit(c.tx, c.project, c.id())
	f.Rules = rules
	actions := []actionView{c.viewAction(c.instant("set_firewall_rules", nil, firewallRef(f.ID)))}
	for _, s := range servers.All(c.tx, c.project) {
		if f.holdsFor(s) {
			actions = append(actions, c.viewAction(c.startFirewallChange("apply_firewall", f.ID, s.ID, 0, firewallChange{})))
		}
	}
	return map[string]any{"actions": actions}, nil
}
