package network

import (
	"errors"
	"strings"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/servicetest"
)

// What somebody does to the labels of an object in the state, what the
// configuration asks for then, and what is planned.
func TestLabelsChangedByOthers(t *testing.T) {
	removed := func(n *cloud.Network) { n.Key, n.Deployment, n.Tenant, n.Tier, n.Name = "", "", "", "", "acme-fsn1" }
	tests := map[string]struct {
		tamper func(*cloud.Network)
		config servicetest.Config
		// replaces are the attributes that do; error is part of the refusal.
		replaces, error string
		nothing         bool
	}{
		"nothing":                          {tamper: func(*cloud.Network) {}, config: config(), nothing: true},
		"removed":                          {tamper: removed, config: config()},
		"removed, and another tenant":      {tamper: removed, config: config().With("tenant", "other"), replaces: "tenant"},
		"another tenant":                   {tamper: func(n *cloud.Network) { n.Tenant = "other" }, config: config()},
		"another tenant, and a third":      {tamper: func(n *cloud.Network) { n.Tenant = "other" }, config: config().With("tenant", "third"), replaces: "tenant"},
		"another tenant, as is asked for":  {tamper: func(n *cloud.Network) { n.Tenant = "other" }, config: config().With("tenant", "other"), error: "Changed at the vendor, too"},
		"another name":                     {tamper: func(n *cloud.Network) { n.Name = "other" }, config: config()},
		"another name, as is asked for":    {tamper: func(n *cloud.Network) { n.Name = "other" }, config: config().With("name", "other")},
		"another key":                      {tamper: func(n *cloud.Network) { n.Key = "nonsense" }, config: config()},
		"another location":                 {tamper: func(n *cloud.Network) { n.Location.Name = "hel1" }, config: config()},
		"another deployment":               {tamper: func(n *cloud.Network) { n.Deployment = "rival" }, config: config(), error: "another deployment"},
		"another deployment, and a change": {tamper: func(n *cloud.Network) { n.Deployment = "rival" }, config: config().With("tier", "free"), error: "another deployment"},
		"another deployment, and another location": {tamper: func(n *cloud.Network) { n.Deployment = "rival" }, config: config().With("location", "hetzner/hel1"),
			error: "another deployment"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c, tf := start(t)
			network := tf.Create(config())
			c.NetworkStore.Change("1", test.tamper)
			network, _ = tf.Refresh(network)
			network, _ = tf.Refresh(network) // what was seen once is no declaration
			written := c.Count("update", cloud.KindNetwork) + c.Count("delete", cloud.KindNetwork)
			plan := tf.Plan(network, test.config)
			problems := strings.Join(plan.Diags.Errors(), "\n")
			if test.error != "" {
				if !strings.Contains(problems, test.error) || c.Count("update", cloud.KindNetwork)+c.Count("delete", cloud.KindNetwork) != written {
					t.Errorf("refused with %q", problems)
				}
				return
			}
			if problems != "" || strings.Join(plan.Replaces, " ") != test.replaces || plan.IsNoOp() != test.nothing {
				t.Fatalf("replaces %v, plans nothing %t: %s", plan.Replaces, plan.IsNoOp(), problems)
			}
			if test.replaces != "" || test.nothing {
				return
			}
			network, diags := tf.Apply(plan)
			got := c.NetworkStore.All()["1"]
			if problems := diags.Errors(); len(problems) > 0 || got.Deployment == "" || got.Tenant != "acme" || got.Name != test.config["name"] ||
				got.Key != cloud.KeyOf(cloud.KindNetwork, got.Meta, false) {
				t.Errorf("became %+v: %v", got, problems)
			}
			network, _ = tf.Refresh(network)
			if plan := tf.Plan(network, test.config); !plan.IsNoOp() {
				t.Errorf("the next plan is not empty: %v", plan.Planned)
			}
		})
	}
}

// An update that wrote the tenant and failed afterwards has given it: another
// one replaces the network then, and the same needs nothing more.
func TestUpdateFailsHalfWay(t *testing.T) {
	shared := config()
	delete(shared, "tenant")
	for written, replaces := range map[string]string{"": "", "acme": "tenant"} {
		c, tf := start(t)
		network := tf.Create(shared)
		c.Fault = func(call string, _ cloud.Kind, _ string) error {
			if call == "update" {
				return errors.New("connection reset")
			}
			return nil
		}
		network, diags := tf.Apply(tf.Plan(network, config()))
		if len(diags.Errors()) == 0 {
			t.Fatal("the update did not fail")
		}
		c.Fault = nil
		c.NetworkStore.Change("1", func(n *cloud.Network) { n.Tenant = written })
		network, _ = tf.Refresh(network)
		if plan := tf.Plan(network, config().With("tenant", "other")); strings.Join(plan.Replaces, " ") != replaces {
			t.Errorf("with the tenant %q, another replaces %v: %v", written, plan.Replaces, plan.Diags.Errors())
		}
		if plan := tf.Plan(network, config()); len(plan.Replaces) > 0 || plan.IsNoOp() != (written != "") {
			t.Errorf("with the tenant %q, the same plans %v, replaces %v", written, plan.Planned, plan.Replaces)
		}
	}
}
