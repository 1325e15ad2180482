package hetzner

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// The links between firewalls and servers: see links.go.

type appliedFirewall struct {
	ID     int64  `json:"id"`
	Status string `json:"status"` // applied, pending
}

// applyingRef is locked while a firewall is being applied to, or removed from,
// a server; it locks neither of them.
func applyingRef(firewall, server int64) engine.Ref {
	return engine.Ref{Type: fmt.Sprintf("firewall/%d", firewall), ID: server}
}

// firewallsOf are the firewalls that hold for a server, directly or by label.
func firewallsOf(tx *engine.Tx, s *Server) []appliedFirewall {
	var out []appliedFirewall
	may := append(firewalls.To(tx, s.Project, serverRef(s.ID)), firewalls.To(tx, s.Project, anyServer)...)
	slices.SortFunc(may, func(a, b *Firewall) int { return cmp.Compare(a.ID, b.ID) })
	for _, f := range slices.Compact(may) {
		if !f.holdsFor(s) {
			continue
		}
		status := "applied"
		if tx.Holder(applyingRef(f.ID, s.ID), 0) != nil || s.Status == "initializing" {
			status = "pending"
		}
		out = append(out, appliedFirewall{ID: f.ID, Status: status})
	}
	return out
}

// holdsFor tells whether the firewall holds for the server.
func (f *Firewall) holdsFor(s *Server) bool {
	return slices.Contains(f.Servers, s.ID) || f.selects(s.Labels)
}

// selects tells whether one of the firewall's label selectors matches.
func (f *Firewall) selects(labels map[string]string) bool {
	return slices.ContainsFunc(f.Selectors, func(text string) bool {
		sel, err := parseSelector(text)
		return err == nil && sel.matches(labels)
	})
}

// applyFirewall links a firewall directly to a server.
func applyFirewall(tx *engine.Tx, project string, firewall, server int64) {
	if f := firewalls.Edit(tx, project, firewall); f != nil && !slices.Contains(f.Servers, server) {
		f.Servers = append(f.Servers, server)
	}
}

// removeFirewall undoes applyFirewall.
func removeFirewall(tx *engine.Tx, project string, firewall, server int64) {
	if f := firewalls.Get(tx, project, firewall); f == nil || !slices.Contains(f.Servers, server) {
		return
	}
	f := firewalls.Edit(tx, project, firewall)
	f.Servers = slices.DeleteFunc(f.Servers, func(id int64) bool { return id == server })
}

// removeFirewalls unlinks all firewalls from a server that goes away.
func removeFirewalls(tx *engine.Tx, project string, server int64) {
	for _, f := range firewalls.To(tx, project, serverRef(server)) {
		removeFirewall(tx, project, f.ID, server)
	}
}

// startApplyFirewall links a firewall to a server and begins the action that
// makes it hold, after another action if there is one.
func (c *call) startApplyFirewall(firewall, server, after int64) *engine.Action {
	applyFirewall(c.tx, c.project, firewall, server)
	return c.startFirewallLink("apply_firewall", firewall, server, after)
}

// startRemoveFirewall begins the action at whose end the link is gone.
func (c *call) startRemoveFirewall(firewall, server int64) *engine.Action {
	return c.startFirewallLink("remove_firewall", firewall, server, 0)
}

func (c *call) startFirewallLink(command string, firewall, server, after int64) *engine.Action {
	return c.startFirewallChange(command, firewall, server, after, firewallChange{Link: true})
}

// firewallChange is what an action changes beside making rules hold.
type firewallChange struct {
	Link     bool   `json:"link,omitempty"`     // the direct link to the server
	Selector string `json:"selector,omitempty"` // the link by this label selector
}

// startFirewallChange begins an action that makes what is stored of a firewall
// hold for a server, or no longer.
func (c *call) startFirewallChange(command string, firewall, server, after int64, p firewallChange) *engine.Action {
	return c.tx.StartAction(engine.ActionSpec{Cloud: Cloud, Project: c.project, Command: command, After: after, Params: p,
		Resources: []engine.Ref{serverRef(server), firewallRef(firewall)}, Locks: []engine.Ref{applyingRef(firewall, server)}})
}

// firewallLinkCompletions end those actions; they go by the resources.
func firewallLinkCompletions() map[string]engine.Completion {
	unlink := func(tx *engine.Tx, a *engine.Action) {
		var p firewallChange
		if a.Decode(&p) != nil {
			return
		}
		var firewall, server int64
		for _, r := range a.Resources {
			switch r.Type {
			case "firewall":
				firewall = r.ID
			case "server":
				server = r.ID
			}
		}
		if p.Link {
			removeFirewall(tx, a.Project, firewall, server)
		}
		if f := firewalls.Edit(tx, a.Project, firewall); f != nil && p.Selector != "" {
			f.dropSelector(p.Selector)
		}
	}
	return map[string]engine.Completion{
		"apply_firewall": {Failed: unlink},
		"remove_firewall": {OK: func(tx *engine.Tx, a *engine.Action) *engine.ActionError {
			unlink(tx, a)
			return nil
		}},
	}
}
