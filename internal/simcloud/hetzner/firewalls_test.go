package hetzner_test

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

func web(t *testing.T, port string) hcloud.FirewallRule {
	t.Helper()
	return hcloud.FirewallRule{Direction: hcloud.FirewallRuleDirectionIn, Protocol: hcloud.FirewallRuleProtocolTCP,
		Port: &port, SourceIPs: []net.IPNet{*cidr(t, "0.0.0.0/0"), *cidr(t, "::/0")}, Description: hcloud.Ptr("web")}
}

func onServer(s *hcloud.Server) hcloud.FirewallResource {
	return hcloud.FirewallResource{Type: hcloud.FirewallResourceTypeServer, Server: &hcloud.FirewallResourceServer{ID: s.ID}}
}

func onLabel(selector string) hcloud.FirewallResource {
	return hcloud.FirewallResource{Type: hcloud.FirewallResourceTypeLabelSelector, LabelSelector: &hcloud.FirewallResourceLabelSelector{Selector: selector}}
}

func (c *cloud) testFirewall(name string, to ...hcloud.FirewallResource) *hcloud.Firewall {
	c.t.Helper()
	r := must[hcloud.FirewallCreateResult](c)(c.client.Firewall.Create(c.ctx, hcloud.FirewallCreateOpts{Name: name, ApplyTo: to}))
	c.settle()
	return c.firewall(r.Firewall.ID)
}

func (c *cloud) firewall(id int64) *hcloud.Firewall {
	c.t.Helper()
	return must[*hcloud.Firewall](c)(c.client.Firewall.GetByID(c.ctx, id))
}

// firewallsOn tells the firewalls of a server with their status.
func (c *cloud) firewallsOn(s *hcloud.Server) string {
	c.t.Helper()
	var out []string
	for _, f := range must[*hcloud.Server](c)(c.client.Server.GetByID(c.ctx, s.ID)).PublicNet.Firewalls {
		out = append(out, fmt.Sprintf("%d %s", f.Firewall.ID, f.Status))
	}
	return strings.Join(out, ", ")
}

func labelled(labels map[string]string) func(*hcloud.ServerCreateOpts) {
	return func(o *hcloud.ServerCreateOpts) { o.Labels = labels }
}

func TestFirewallLifecycle(t *testing.T) {
	c := newCloud(t, simcloud.Options{DurationScale: 1})
	s := c.testServer("s")
	r := must[hcloud.FirewallCreateResult](c)(c.client.Firewall.Create(c.ctx, hcloud.FirewallCreateOpts{Name: "f",
		Labels: map[string]string{"a": "b"}, Rules: []hcloud.FirewallRule{web(t, "80"), {Direction: hcloud.FirewallRuleDirectionOut,
			Protocol: hcloud.FirewallRuleProtocolGRE, DestinationIPs: []net.IPNet{*cidr(t, "10.0.0.1/32")}}},
		ApplyTo: []hcloud.FirewallResource{onServer(s)}}))
	if len(r.Actions) != 2 || r.Actions[0].Command != "set_firewall_rules" || r.Actions[0].Status != hcloud.ActionStatusSuccess ||
		r.Actions[1].Command != "apply_firewall" || r.Actions[1].Status != hcloud.ActionStatusRunning || len(r.Actions[1].Resources) != 2 {
		t.Errorf("unexpected actions %+v", r.Actions)
	}
	f := r.Firewall
	if len(f.Rules) != 2 || *f.Rules[0].Port != "80" || *f.Rules[0].Description != "web" || f.Rules[1].Port != nil ||
		f.Rules[1].DestinationIPs[0].String() != "10.0.0.1/32" || len(f.AppliedTo) != 1 || f.AppliedTo[0].Server.ID != s.ID {
		t.Errorf("unexpected firewall %+v", f)
	}
	if got, want := c.firewallsOn(s), fmt.Sprintf("%d pending", f.ID); got != want {
		t.Errorf("at once: %s, want %s", got, want)
	}
	c.settle()
	if got, want := c.firewallsOn(s), fmt.Sprintf("%d applied", f.ID); got != want {
		t.Errorf("after the action: %s, want %s", got, want)
	}
	f = must[*hcloud.Firewall](c)(c.client.Firewall.Update(c.ctx, f, hcloud.FirewallUpdateOpts{Name: "g", Labels: map[string]string{}}))
	if f.Name != "g" || len(f.Labels) != 0 || len(f.Rules) != 2 {
		t.Errorf("after the update: %+v", f)
	}
	actions := must[[]*hcloud.Action](c)(c.client.Firewall.SetRules(c.ctx, f, hcloud.FirewallSetRulesOpts{Rules: []hcloud.FirewallRule{web(t, "any")}}))
	if len(actions) != 2 || actions[0].Command != "set_firewall_rules" || actions[1].Command != "apply_firewall" {
		t.Errorf("unexpected actions %+v", actions)
	}
	if got := c.firewall(f.ID).Rules; len(got) != 1 || *got[0].Port != "any" {
		t.Errorf("rules: %+v", got)
	}
	c.settle()
	must[[]*hcloud.Action](c)(c.client.Firewall.SetRules(c.ctx, f, hcloud.FirewallSetRulesOpts{Rules: []hcloud.FirewallRule{}}))
	if got := c.firewall(f.ID).Rules; len(got) != 0 {
		t.Errorf("rules: %+v", got)
	}
	c.settle()

	_, err := c.client.Firewall.Delete(c.ctx, f)
	wantCode(t, err, hcloud.ErrorCodeResourceInUse)
	actions = must[[]*hcloud.Action](c)(c.client.Firewall.RemoveResources(c.ctx, f, []hcloud.FirewallResource{onServer(s)}))
	if len(actions) != 1 || actions[0].Command != "remove_firewall" {
		t.Errorf("unexpected actions %+v", actions)
	}
	_, err = c.client.Firewall.Delete(c.ctx, f) // until the action is over
	wantCode(t, err, hcloud.ErrorCodeResourceInUse)
	c.settle()
	// Removing again is no error, and nothing to wait for.
	if actions = must[[]*hcloud.Action](c)(c.client.Firewall.RemoveResources(c.ctx, f, []hcloud.FirewallResource{onServer(s), onLabel("x")})); len(actions) != 0 {
		t.Errorf("unexpected actions %+v", actions)
	}
	if _, err := c.client.Firewall.Delete(c.ctx, f); err != nil {
		t.Fatal(err)
	}
	if got := c.firewall(f.ID); got != nil {
		t.Errorf("still there: %+v", got)
	}
}

func TestFirewallLabelSelectors(t *testing.T) {
	c := newCloud(t, simcloud.Options{DurationScale: 1})
	prod := c.testServer("prod", labelled(map[string]string{"env": "prod"}))
	test := c.testServer("test", labelled(map[string]string{"env": "test"}))
	f := c.testFirewall("f", onLabel("env in (prod, staging),!old"))
	applied := fmt.Sprintf("%d applied", f.ID)
	on := func(want ...*hcloud.Server) {
		t.Helper()
		var got, ids []int64
		for _, r := range c.firewall(f.ID).AppliedTo {
			for _, s := range r.AppliedToResources {
				got = append(got, s.Server.ID)
			}
		}
		for _, s := range want {
			ids = append(ids, s.ID)
		}
		if !slices.Equal(got, ids) {
			t.Errorf("applied to %v, want %v", got, ids)
		}
	}
	on(prod)
	if got := c.firewallsOn(prod); got != applied {
		t.Errorf("on the server: %q, want %q", got, applied)
	}
	// Labels that change have their effect.
	must[*hcloud.Server](c)(c.client.Server.Update(c.ctx, test, hcloud.ServerUpdateOpts{Labels: map[string]string{"env": "staging"}}))
	on(prod, test)
	must[*hcloud.Server](c)(c.client.Server.Update(c.ctx, prod, hcloud.ServerUpdateOpts{Labels: map[string]string{"env": "prod", "old": ""}}))
	on(test)
	if got := c.firewallsOn(prod); got != "" {
		t.Errorf("on a server that does not match anymore: %q", got)
	}
	// A new server that matches has the firewall from the beginning.
	late := c.testServer("late", labelled(map[string]string{"env": "prod"}))
	on(test, late)

	_, _, err := c.client.Firewall.RemoveResources(c.ctx, f, []hcloud.FirewallResource{onServer(late)})
	wantCode(t, err, hcloud.ErrorCodeFirewallManagedByLabelSelector)
	_, _, err = c.client.Firewall.ApplyResources(c.ctx, f, []hcloud.FirewallResource{onLabel("env in (prod, staging),!old")})
	wantCode(t, err, hcloud.ErrorCodeFirewallAlreadyApplied)
	// Directly and by label is possible; the direct link can be taken back.
	must[[]*hcloud.Action](c)(c.client.Firewall.ApplyResources(c.ctx, f, []hcloud.FirewallResource{onServer(late)}))
	c.settle()
	must[[]*hcloud.Action](c)(c.client.Firewall.RemoveResources(c.ctx, f, []hcloud.FirewallResource{onServer(late)}))
	c.settle()
	if got := c.firewallsOn(late); got != applied {
		t.Errorf("on the server: %q, want %q", got, applied)
	}

	actions := must[[]*hcloud.Action](c)(c.client.Firewall.RemoveResources(c.ctx, f, []hcloud.FirewallResource{onLabel("env in (prod, staging),!old")}))
	if len(actions) != 2 || actions[0].Command != "remove_firewall" {
		t.Errorf("unexpected actions %+v", actions)
	}
	_, err = c.client.Firewall.Delete(c.ctx, f)
	wantCode(t, err, hcloud.ErrorCodeResourceInUse)
	c.settle()
	if _, err := c.client.Firewall.Delete(c.ctx, f); err != nil {
		t.Fatal(err)
	}

	// In use is also what matches nothing.
	g := c.testFirewall("g", onLabel("nobody"))
	_, err = c.client.Firewall.Delete(c.ctx, g)
	wantCode(t, err, hcloud.ErrorCodeResourceInUse)
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("firewall with ID %d is still in use", g.ID)) {
		t.Errorf("unexpected message: %v", err)
	}
	must[[]*hcloud.Action](c)(c.client.Firewall.RemoveResources(c.ctx, g, []hcloud.FirewallResource{onLabel("nobody")}))
	if _, err := c.client.Firewall.Delete(c.ctx, g); err != nil {
		t.Error(err)
	}
}

func TestFirewallGoesWithServer(t *testing.T) {
	c := newCloud(t, simcloud.Options{DurationScale: 1})
	s := c.testServer("s")
	f := c.testFirewall("f", onServer(s))
	must[*hcloud.ServerDeleteResult](c)(c.client.Server.DeleteWithResult(c.ctx, s))
	_, err := c.client.Firewall.Delete(c.ctx, f)
	wantCode(t, err, hcloud.ErrorCodeResourceInUse)
	c.settle()
	if _, err := c.client.Firewall.Delete(c.ctx, f); err != nil {
		t.Error(err)
	}
}

func TestFirewallApplyRefusals(t *testing.T) {
	c := newCloud(t, simcloud.Options{})
	n := c.testNetwork("n", "10.0.0.0/16", "10.0.0.0/24")
	s := c.testServer("s")
	private := c.testServer("private", func(o *hcloud.ServerCreateOpts) {
		o.Networks = []*hcloud.Network{n}
		o.PublicNet = &hcloud.ServerCreatePublicNet{}
	})
	f := c.testFirewall("f", onServer(s))
	self := fmt.Sprintf("/firewalls/%d/actions/", f.ID)
	type m = map[string]any
	server := func(id int64) m { return m{"type": "server", "server": m{"id": id}} }
	label := func(l string) m { return m{"type": "label_selector", "label_selector": m{"selector": l}} }
	for _, tc := range []struct {
		name, path string
		body       m
		status     int
		code       string
		field      string
	}{
		{"already applied", self + "apply_to_resources", m{"apply_to": []m{server(s.ID)}}, 422, "firewall_already_applied", ""},
		{"nobody", self + "apply_to_resources", m{"apply_to": []m{server(7)}}, 404, "firewall_resource_not_found", ""},
		{"only private", self + "apply_to_resources", m{"apply_to": []m{server(private.ID)}}, 422, "private_net_only_server", ""},
		{"nothing", self + "apply_to_resources", m{"apply_to": []m{}}, 422, "invalid_input", "apply_to"},
		{"no type", self + "apply_to_resources", m{"apply_to": []m{{"server": m{"id": s.ID}}}}, 422, "invalid_input", "apply_to[].type"},
		{"no server", self + "apply_to_resources", m{"apply_to": []m{{"type": "server"}}}, 422, "invalid_input", "apply_to[].server"},
		{"no selector", self + "apply_to_resources", m{"apply_to": []m{label("")}}, 422, "invalid_input", "apply_to[].label_selector"},
		{"bad selector", self + "apply_to_resources", m{"apply_to": []m{label("a in (b")}}, 422, "invalid_input", "apply_to[].label_selector.selector"},
		{"removed from nobody", self + "remove_from_resources", m{"remove_from": []m{server(7)}}, 404, "firewall_resource_not_found", ""},
		{"created for nobody", "/firewalls", m{"name": "x", "apply_to": []m{server(7)}}, 422, "firewall_resource_not_found", ""},
		{"created for one twice", "/firewalls", m{"name": "x", "apply_to": []m{server(s.ID), server(s.ID)}}, 422, "server_already_added", ""},
		{"created for a private one", "/firewalls", m{"name": "x", "apply_to": []m{server(private.ID)}}, 422, "incompatible_network_type", ""},
		{"name taken", "/firewalls", m{"name": "f"}, 409, "uniqueness_error", "name"},
		{"no name", "/firewalls", m{}, 422, "invalid_input", "name"},
		{"unknown", "/firewalls/7/actions/set_rules", m{"rules": []m{}}, 404, "not_found", ""},
		{"no rules", self + "set_rules", m{}, 422, "invalid_input", "rules"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			wantField(t, c.refused(http.MethodPost, tc.path, tc.body, tc.status, tc.code), tc.field)
		})
	}
	if got := c.Objects("firewall"); len(got) != 1 {
		t.Errorf("%d firewalls after refusals", len(got))
	}
	for i := range 4 {
		c.testFirewall(fmt.Sprintf("f%d", i), onServer(s))
	}
	// The sixth is one too many.
	c.refused(http.MethodPost, "/firewalls", m{"name": "f5", "apply_to": []m{server(s.ID)}}, 403, "resource_limit_exceeded")
}

func TestFirewallRuleRefusals(t *testing.T) {
	c := newCloud(t, simcloud.Options{})
	type m = map[string]any
	good := m{"direction": "in", "protocol": "tcp", "port": "80", "source_ips": []string{"0.0.0.0/0"}}
	rule := func(change m) m {
		out := m{}
		for k, v := range good {
			out[k] = v
		}
		for k, v := range change {
			if v == nil {
				delete(out, k)
			} else {
				out[k] = v
			}
		}
		return out
	}
	ips := func(n int) []string {
		var out []string
		for i := range n {
			out = append(out, fmt.Sprintf("10.0.%d.%d/32", i/250, i%250))
		}
		return out
	}
	for _, tc := range []struct {
		name  string
		rules []m
		field string // empty: it is accepted
	}{
		{"good", []m{rule(nil)}, ""},
		{"range", []m{rule(m{"port": "1024-5000"})}, ""},
		{"any port", []m{rule(m{"port": "any"})}, ""},
		{"ICMP", []m{rule(m{"protocol": "icmp", "port": nil})}, ""},
		{"host", []m{rule(m{"source_ips": []string{"10.1.2.3/32", "2001:db8::1/128"}})}, ""},
		{"50 rules", slices.Repeat([]m{good}, 50), ""},

		{"51 rules", slices.Repeat([]m{good}, 51), "rules"},
		{"501 effective rules", []m{rule(m{"source_ips": ips(100)}), rule(m{"source_ips": ips(100)}), rule(m{"source_ips": ips(100)}),
			rule(m{"source_ips": ips(100)}), rule(m{"source_ips": ips(100)}), good}, "rules"},
		{"101 addresses", []m{rule(m{"source_ips": ips(101)})}, "rules[].source_ips"},
		{"no direction", []m{rule(m{"direction": nil})}, "rules[].direction"},
		{"no protocol", []m{rule(m{"protocol": nil})}, "rules[].protocol"},
		{"unknown protocol", []m{rule(m{"protocol": "TCP"})}, "rules[].protocol"},
		{"no port", []m{rule(m{"port": nil})}, "rules[].port"},
		{"empty port", []m{rule(m{"port": ""})}, "rules[].port"},
		{"port 0", []m{rule(m{"port": "0"})}, "rules[].port"},
		{"port 65536", []m{rule(m{"port": "65536"})}, "rules[].port"},
		{"backward range", []m{rule(m{"port": "90-80"})}, "rules[].port"},
		{"open range", []m{rule(m{"port": "80-"})}, "rules[].port"},
		{"port for ICMP", []m{rule(m{"protocol": "icmp"})}, "rules[].port"},
		{"nobody", []m{rule(m{"source_ips": []string{}})}, "rules[].source_ips"},
		{"no CIDR", []m{rule(m{"source_ips": []string{"10.0.0.1"}})}, "rules[].source_ips"},
		{"host bits", []m{rule(m{"source_ips": []string{"10.0.0.1/24"}})}, "rules[].source_ips"},
		{"destination of incoming", []m{rule(m{"destination_ips": []string{"10.0.0.0/8"}})}, "rules[].destination_ips"},
		{"source of outgoing", []m{rule(m{"direction": "out"})}, "rules[].source_ips"},
		{"no destination of outgoing", []m{rule(m{"direction": "out", "source_ips": nil})}, "rules[].destination_ips"},
		{"long description", []m{rule(m{"description": strings.Repeat("d", 256)})}, "rules[].description"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			body := m{"name": tc.name, "rules": tc.rules}
			if tc.field != "" {
				wantField(t, c.refused(http.MethodPost, "/firewalls", body, 422, "invalid_input"), tc.field)
			} else if status, out := c.do(http.MethodPost, "/firewalls", body); status != 201 {
				t.Errorf("got %d %v", status, out)
			}
		})
	}
	// IPv6 networks get their canonical form.
	_, out := c.do(http.MethodPost, "/firewalls", m{"name": "v6", "rules": []m{rule(m{"source_ips": []string{"Aaaa:AAAA:aaaa:0::/64"}})}})
	got := fmt.Sprint(out["firewall"].(m)["rules"].([]any)[0].(m)["source_ips"])
	if got != "[aaaa:aaaa:aaaa::/64]" {
		t.Errorf("canonical form: %s", got)
	}
	// Rules inward come first, and otherwise as they were sent.
	outward := m{"direction": "out", "source_ips": nil, "destination_ips": []string{"0.0.0.0/0"}}
	_, out = c.do(http.MethodPost, "/firewalls", m{"name": "order", "rules": []m{rule(outward), rule(m{"port": "90"}), good}})
	got = ""
	for _, r := range out["firewall"].(m)["rules"].([]any) {
		got += fmt.Sprint(r.(m)["direction"], r.(m)["port"], " ")
	}
	if got != "in90 in80 out80 " {
		t.Errorf("order: %s", got)
	}
}

// A firewall whose application fails is applied no longer; rules that could not
// be distributed leave it where it is.
func TestFirewallActionFails(t *testing.T) {
	c := newCloud(t, simcloud.Options{DurationScale: 1})
	s := c.testServer("s")
	f := c.testFirewall("f", onServer(s))
	g := c.testFirewall("g")
	if _, err := c.AddFault(simcloud.Fault{Kind: simcloud.FaultActionFailed, Command: "apply_firewall"}); err != nil {
		t.Fatal(err)
	}
	must[[]*hcloud.Action](c)(c.client.Firewall.SetRules(c.ctx, f, hcloud.FirewallSetRulesOpts{Rules: []hcloud.FirewallRule{web(t, "80")}}))
	actions := must[[]*hcloud.Action](c)(c.client.Firewall.ApplyResources(c.ctx, g, []hcloud.FirewallResource{onServer(s)}))
	if err := c.client.Action.WaitFor(c.ctx, c.passed(actions)...); err == nil {
		t.Error("the action should fail")
	}
	if got, want := c.firewallsOn(s), fmt.Sprintf("%d applied", f.ID); got != want {
		t.Errorf("on the server: %q, want %q", got, want)
	}
}

// passed lets the actions end.
func (c *cloud) passed(actions []*hcloud.Action) []*hcloud.Action {
	c.settle()
	return actions
}
