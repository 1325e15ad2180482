package firewall

import (
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/servicetest"
)

func rule(protocol string, port any, networks ...any) map[string]any {
	return map[string]any{"protocol": protocol, "port": port, "networks": networks}
}

func outbound(r map[string]any) map[string]any {
	r["direction"] = "out"
	return r
}

func config(rules ...any) servicetest.Config {
	return servicetest.Config{"name": "web", "location": "hetzner/fsn1", "rules": rules}
}

func web() servicetest.Config {
	return config(rule("tcp", "443", "0.0.0.0/0", "::/0"), rule("tcp", "22", "203.0.113.0/24"), rule("icmp", nil, "203.0.113.0/24"))
}

func start(t *testing.T) (*servicetest.Cloud, *servicetest.Terraform) {
	t.Helper()
	c := servicetest.NewCloud()
	return c, servicetest.NewTerraform(t, servicetest.NewEnv(t, c), NewResource)
}

func TestLifecycle(t *testing.T) {
	c, tf := start(t)
	firewall := tf.Create(web())
	if got := c.FirewallStore.All()["1"].Rules; len(got) != 3 || got[0].FromPort != 443 || got[0].Direction != cloud.Inbound || len(got[0].Networks) != 2 {
		t.Errorf("created %+v", got)
	}
	firewall, _ = tf.Refresh(firewall)
	if plan := tf.Plan(firewall, web()); !plan.IsNoOp() {
		t.Errorf("the second plan is not empty: %v %v", plan.Planned, plan.Diags.Errors())
	}
	imported, diags := tf.Import("hetzner/fsn1/1")
	if problems := diags.Errors(); len(problems) > 0 || !imported.State.Equal(firewall.State) {
		t.Errorf("imported %v: %v\nwant %v", imported.State, problems, firewall.State)
	}
	changed := config(rule("tcp", "8000-8010", "203.0.113.0/24"), outbound(rule("udp", "53", "0.0.0.0/0"))).With("tenant", "acme")
	firewall = tf.Change(firewall, changed)
	got := c.FirewallStore.All()["1"]
	if len(got.Rules) != 2 || got.Rules[0].ToPort != 8010 || got.Rules[1].Direction != cloud.Outbound || got.Tenant != "acme" {
		t.Errorf("changed to %+v", got)
	}
	if plan := tf.Plan(firewall, changed.With("location", "hetzner/hel1")); !slices.Equal(plan.Replaces, []string{"location"}) {
		t.Errorf("replaces %v", plan.Replaces)
	}
}

// The order of rules and networks is no drift; another rule is.
func TestDrift(t *testing.T) {
	c, tf := start(t)
	firewall := tf.Create(web())
	c.FirewallStore.Change("1", func(f *cloud.Firewall) {
		f.Rules = slices.Clone(f.Rules)
		slices.Reverse(f.Rules)
		f.Rules[2].Networks = slices.Clone(f.Rules[2].Networks)
		slices.Reverse(f.Rules[2].Networks)
	})
	firewall, _ = tf.Refresh(firewall)
	if plan := tf.Plan(firewall, web()); !plan.IsNoOp() {
		t.Errorf("another order is drift: %v", plan.Planned)
	}
	c.FirewallStore.Change("1", func(f *cloud.Firewall) { f.Rules = f.Rules[:1] })
	firewall, _ = tf.Refresh(firewall)
	if plan := tf.Plan(firewall, web()); plan.IsNoOp() {
		t.Error("a missing rule is no drift")
	}
	tf.Change(firewall, web())
	if got := c.FirewallStore.All()["1"].Rules; len(got) != 3 {
		t.Errorf("repaired to %+v", got)
	}
}

func TestWithoutRules(t *testing.T) {
	for name, config := range map[string]servicetest.Config{
		"absent": {"name": "shut", "location": "hetzner/fsn1"},
		"empty":  {"name": "shut", "location": "hetzner/fsn1", "rules": []any{}},
	} {
		t.Run(name, func(t *testing.T) {
			_, tf := start(t)
			firewall, _ := tf.Refresh(tf.Create(config))
			if plan := tf.Plan(firewall, config); !plan.IsNoOp() {
				t.Errorf("the second plan is not empty: %v", plan.Planned)
			}
		})
	}
}

func TestBadInput(t *testing.T) {
	tests := map[string]struct {
		rules []any
		want  string
	}{
		"database to all":     {[]any{rule("tcp", "5432", "0.0.0.0/0")}, "rules[0].networks: Open to the whole internet (NET-1)"},
		"ssh to all":          {[]any{rule("tcp", "443", "0.0.0.0/0"), rule("tcp", "22", "::/0")}, "rules[1].networks: Open to the whole internet (NET-1)"},
		"halves":              {[]any{rule("tcp", "22", "0.0.0.0/1"), rule("tcp", "22", "128.0.0.0/1")}, "(NET-1)"},
		"port range backward": {[]any{rule("tcp", "90-80", "203.0.113.0/24")}, "rules[0].port: Port range backwards"},
		"no port":             {[]any{rule("tcp", nil, "203.0.113.0/24")}, "rules[0].port: Port missing"},
		"icmp with a port":    {[]any{rule("icmp", "1", "203.0.113.0/24")}, "rules[0].port: Port without meaning"},
		"protocol":            {[]any{rule("sctp", "1", "203.0.113.0/24")}, "rules[0].protocol: Unknown protocol"},
		"no protocol":         {[]any{map[string]any{"port": "22", "networks": []any{"203.0.113.0/24"}}}, "rules[0].protocol: Protocol missing"},
		"host bits":           {[]any{rule("tcp", "22", "203.0.113.7/24")}, "rules[0].networks: Host bits are set"},
		"no network":          {[]any{rule("tcp", "22", "office")}, "rules[0].networks: Not a network"},
		"no networks":         {[]any{rule("tcp", "22")}, "rules[0].networks: Networks missing"},
		"beside an unknown":   {[]any{rule("tcp", servicetest.Unknown, "0.0.0.0/0"), rule("tcp", "22", "0.0.0.0/0")}, "rules[1].networks: Open to the whole internet (NET-1)"},
		"partly unknown":      {[]any{rule("tcp", "22", "0.0.0.0/0", servicetest.Unknown)}, "rules[0].networks: Open to the whole internet (NET-1)"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, tf := start(t)
			problems := tf.Validate(config(test.rules...)).Errors()
			if !strings.Contains(strings.Join(problems, "\n"), test.want) {
				t.Errorf("got %q, want %q", problems, test.want)
			}
			if name != "halves" && len(problems) != 1 {
				t.Errorf("%d problems: %q", len(problems), problems)
			}
		})
	}
}

func TestUnknown(t *testing.T) {
	_, tf := start(t)
	for name, rules := range map[string]any{
		"rules":    servicetest.Unknown,
		"a rule":   []any{servicetest.Unknown, rule("tcp", "22", "203.0.113.0/24")},
		"a port":   []any{rule("tcp", servicetest.Unknown, "203.0.113.0/24")},
		"networks": []any{map[string]any{"protocol": "tcp", "port": "22", "networks": servicetest.Unknown}},
		"protocol": []any{rule("", "22", servicetest.Unknown)},
	} {
		if r, ok := rules.([]any); ok && name == "protocol" {
			r[0].(map[string]any)["protocol"] = servicetest.Unknown
		}
		if plan := tf.Plan(servicetest.Instance{}, config().With("rules", rules)); len(plan.Diags.Errors()) > 0 {
			t.Errorf("%s: %v", name, plan.Diags.Errors())
		}
	}
}
