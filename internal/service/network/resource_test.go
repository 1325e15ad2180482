package network

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/servicetest"
)

func config() servicetest.Config {
	return servicetest.Config{"name": "acme", "location": "hetzner/fsn1", "tenant": "acme", "cidr": "10.1.0.0/24"}
}

func start(t *testing.T) (*servicetest.Cloud, *servicetest.Terraform) {
	t.Helper()
	c := servicetest.NewCloud()
	return c, servicetest.NewTerraform(t, servicetest.NewEnv(t, c), NewResource)
}

func route(destination, gateway string) map[string]any {
	return map[string]any{"destination": destination, "gateway": gateway}
}

func TestLifecycle(t *testing.T) {
	c, tf := start(t)
	plan := tf.Plan(servicetest.Instance{}, config())
	network, diags := tf.Apply(plan)
	if problems := diags.Errors(); len(problems) > 0 {
		t.Fatal(problems)
	}
	if got := c.NetworkStore.All()["1"]; len(got.Subnets) != 1 || got.Subnets[0].String() != "10.1.0.0/24" || got.Tenant != "acme" {
		t.Errorf("created %+v", got)
	}
	network, _ = tf.Refresh(network)
	if plan := tf.Plan(network, config()); !plan.IsNoOp() {
		t.Errorf("the second plan is not empty: %v %v", plan.Planned, plan.Diags.Errors())
	}
	imported, diags := tf.Import("hetzner/fsn1/1")
	if problems := diags.Errors(); len(problems) > 0 || !imported.State.Equal(network.State) {
		t.Errorf("imported %v: %v", imported.State, problems)
	}
}

func TestInPlace(t *testing.T) {
	tests := map[string]struct {
		config servicetest.Config
		holds  func(cloud.Network) bool
	}{
		"grow, keeping the subnet": {config().With("cidr", "10.1.0.0/16"), func(n cloud.Network) bool {
			return n.CIDR.String() == "10.1.0.0/16" && len(n.Subnets) == 1 && n.Subnets[0].String() == "10.1.0.0/24"
		}},
		"rename":  {config().With("name", "acme-2"), func(n cloud.Network) bool { return n.Name == "acme-2" }},
		"subnets": {config().With("subnets", []any{"10.1.0.0/26", "10.1.0.64/26"}), func(n cloud.Network) bool { return len(n.Subnets) == 2 }},
		"routes":  {config().With("routes", []any{route("10.9.0.0/16", "10.1.0.9")}), func(n cloud.Network) bool { return len(n.Routes) == 1 }},
		"tier":    {config().With("tier", "free"), func(n cloud.Network) bool { return n.Tier == cloud.TierFree }},
		"protect": {config().With("deletion_protection", true), func(n cloud.Network) bool { return n.Protected }},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c, tf := start(t)
			network := tf.Create(config())
			network = tf.Change(network, test.config)
			if got := c.NetworkStore.All()["1"]; !test.holds(got) {
				t.Errorf("became %+v", got)
			}
			network, _ = tf.Refresh(network)
			if plan := tf.Plan(network, test.config); !plan.IsNoOp() {
				t.Errorf("the next plan is not empty: %v", plan.Planned)
			}
		})
	}
}

func TestReplaced(t *testing.T) {
	for attribute, value := range map[string]string{"cidr": "10.1.0.0/25", "tenant": "other", "location": "hetzner/hel1"} {
		t.Run(attribute, func(t *testing.T) {
			_, tf := start(t)
			changed := config().With(attribute, value)
			if attribute == "cidr" {
				changed["cidr"] = "10.2.0.0/24"
			}
			plan := tf.Plan(tf.Create(config()), changed)
			if len(plan.Replaces) != 1 || plan.Replaces[0] != attribute {
				t.Fatalf("replaces %v: %v", plan.Replaces, plan.Diags.Errors())
			}
			network, _ := tf.Apply(plan)
			if got := network.Get(t, attribute); got != changed[attribute] {
				t.Errorf("became %v", got)
			}
		})
	}
	for name, plan := range map[string]*Model{
		"unknown cidr": {CIDR: types.StringUnknown()},
		"shrunk":       {CIDR: types.StringValue("10.1.0.0/25")},
		"grown before": {CIDR: types.StringValue("10.0.0.0/8")},
	} {
		if got := replaces(&Model{CIDR: types.StringValue("10.1.0.0/24")}, plan); len(got) != 1 {
			t.Errorf("%s replaces %v", name, got)
		}
	}
	if got := replaces(&Model{CIDR: types.StringValue("10.1.0.0/24")}, &Model{CIDR: types.StringValue("10.1.0.0/24")}); got != nil {
		t.Errorf("no change replaces %v", got)
	}
	first := &Model{CIDR: types.StringValue("10.1.0.0/24")}
	owned := &Model{CIDR: first.CIDR}
	owned.Tenant = types.StringValue("acme")
	if got := replaces(first, owned); got != nil {
		t.Errorf("the first tenant replaces %v", got)
	}
	if got := replaces(owned, first); len(got) != 1 {
		t.Errorf("losing its tenant replaces %v", got)
	}
}

func TestBadInput(t *testing.T) {
	tests := map[string]struct {
		config servicetest.Config
		want   string
	}{
		"public range":       {config().With("cidr", "8.8.8.0/24"), "cidr: Network is not private (ISO-2)"},
		"host bits":          {config().With("cidr", "10.1.0.1/24"), "cidr: Host bits are set"},
		"no prefix":          {config().With("cidr", "ten"), "cidr: Not a network"},
		"subnet outside":     {config().With("subnets", []any{"10.2.0.0/28"}), "subnets: Subnet outside the network"},
		"subnet with bits":   {config().With("subnets", []any{"10.1.0.1/28"}), "subnets: Host bits are set"},
		"gateway outside":    {config().With("routes", []any{route("10.9.0.0/16", "10.2.0.9")}), "routes: Gateway outside the network (ISO-2)"},
		"gateway no address": {config().With("routes", []any{route("10.9.0.0/16", "x")}), "routes: Not an IPv4 address"},
		"no gateway":         {config().With("routes", []any{map[string]any{"destination": "10.9.0.0/16"}}), "routes: Route without a gateway"},
		"bad tier":           {config().With("tier", "gold"), "tier: Unknown tier"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, tf := start(t)
			if problems := strings.Join(tf.Validate(test.config).Errors(), "\n"); !strings.Contains(problems, test.want) {
				t.Errorf("got %q, want %q", problems, test.want)
			}
		})
	}
}

// The subnet that a plan fills in is judged by the plan, not only by the apply.
func TestDefaultSubnetIsJudged(t *testing.T) {
	_, tf := start(t)
	into := config().With("routes", []any{route("10.1.0.0/28", "10.1.0.9")})
	if problems := tf.Validate(into).Errors(); len(problems) > 0 {
		t.Fatal(problems)
	}
	if problems := tf.Plan(servicetest.Instance{}, into).Diags.Errors(); len(problems) != 1 || !strings.Contains(problems[0], "routes: Route to the network's own subnet") {
		t.Errorf("planned with %q", problems)
	}
	made := tf.Create(config())
	if problems := tf.Plan(made, into).Diags.Errors(); len(problems) != 1 || !strings.Contains(problems[0], "routes: Route to the network's own subnet") {
		t.Errorf("changed with %q", problems)
	}
}

// A network whose subnet was never made, or is gone, gets the default again.
func TestDefaultSubnetComesBack(t *testing.T) {
	c, tf := start(t)
	network := tf.Create(config())
	c.NetworkStore.Change("1", func(n *cloud.Network) { n.Subnets = nil })
	network, _ = tf.Refresh(network)
	plan := tf.Plan(network, config())
	if plan.IsNoOp() {
		t.Fatal("the plan does not show that the subnet is missing")
	}
	network, diags := tf.Apply(plan)
	if problems := diags.Errors(); len(problems) > 0 {
		t.Fatal(problems)
	}
	if got := c.NetworkStore.All()["1"].Subnets; len(got) != 1 || got[0].String() != "10.1.0.0/24" {
		t.Errorf("the subnets are %v", got)
	}
	if plan := tf.Plan(network, config()); !plan.IsNoOp() {
		t.Errorf("the next plan is not empty: %v", plan.Planned)
	}
}

// What is unknown passes the plan, and is judged as soon as it is known.
func TestUnknown(t *testing.T) {
	c, tf := start(t)
	unknown := config().With("cidr", servicetest.Unknown).With("subnets", []any{"10.1.0.0/28", servicetest.Unknown}).
		With("routes", []any{map[string]any{"destination": "10.9.0.0/16", "gateway": servicetest.Unknown}})
	plan := tf.Plan(servicetest.Instance{}, unknown)
	if problems := plan.Diags.Errors(); len(problems) > 0 {
		t.Fatal(problems)
	}
	if problems := tf.Validate(config().With("routes", []any{servicetest.Unknown})).Errors(); len(problems) > 0 {
		t.Errorf("a route that is unknown as a whole: %v", problems)
	}
	if problems := tf.Validate(unknown.With("subnets", []any{"8.8.8.0/28", servicetest.Unknown})).Errors(); len(problems) != 1 {
		t.Errorf("the known part of what is unknown: %v", problems)
	}
	if plan := tf.Plan(servicetest.Instance{}, config().With("cidr", servicetest.Unknown)); plan.Diags.Errors() != nil {
		t.Error(plan.Diags.Errors())
	}
	if c.Calls() != 0 {
		t.Errorf("planning made %d calls", c.Calls())
	}
	bad := tf.Plan(servicetest.Instance{}, config())
	bad.Planned = with(t, bad, "cidr", "8.8.8.0/24")
	if _, diags := tf.Apply(bad); !strings.Contains(strings.Join(diags.Errors(), ""), "(ISO-2)") || c.Calls() != 0 {
		t.Errorf("applied with %d calls: %v", c.Calls(), diags.Errors())
	}
}

func TestFromObjectKeepsNull(t *testing.T) {
	empty := types.SetValueMust(routeType(), []attr.Value{})
	for _, before := range []types.Set{types.SetNull(routeType()), empty} {
		m := &Model{Routes: before}
		if diags := fromObject(t.Context(), m, cloud.Network{}); diags.HasError() || !m.Routes.Equal(before) {
			t.Errorf("%v became %v: %v", before, m.Routes, diags)
		}
	}
}

// with changes a planned value, as one that was unknown becomes known.
func with(t *testing.T, plan servicetest.Plan, name, value string) tftypes.Value {
	t.Helper()
	fields := map[string]tftypes.Value{}
	if err := plan.Planned.As(&fields); err != nil {
		t.Fatal(err)
	}
	fields = maps.Clone(fields)
	fields[name] = tftypes.NewValue(tftypes.String, value)
	return tftypes.NewValue(plan.Planned.Type(), fields)
}

// The ranges of a network are known to what is planned in it in the same run:
// as they were read, and then as the plan has them.
func TestSubnetsInSight(t *testing.T) {
	c := servicetest.NewCloud()
	env := servicetest.NewEnv(t, c)
	tf := servicetest.NewTerraform(t, env, NewResource)
	config := servicetest.Config{"name": "acme", "location": "hetzner/fsn1", "cidr": "10.0.0.0/16", "subnets": []any{"10.0.1.0/24"}}
	made := tf.Create(config)
	id, err := cloud.ParseID("hetzner/fsn1/1")
	if err != nil {
		t.Fatal(err)
	}
	is := func(when string, want ...string) {
		t.Helper()
		var got []string
		subnets, known := env.Subnets(id)
		for _, subnet := range subnets {
			got = append(got, subnet.String())
		}
		slices.Sort(got)
		if !slices.Equal(got, want) || known != (want != nil) {
			t.Errorf("%s the subnets are %v (%t), want %v", when, got, known, want)
		}
	}
	is("after the create", "10.0.1.0/24")
	tf.Plan(made, config.With("subnets", []any{"10.0.1.0/24", "10.0.2.0/24"}))
	is("when one is planned", "10.0.1.0/24", "10.0.2.0/24")
	tf.Plan(made, config.With("subnets", []any{servicetest.Unknown}))
	is("while one is unknown")
	tf.Refresh(made)
	is("when they were read", "10.0.1.0/24")
	tf.Apply(tf.Plan(made, nil))
	is("after the delete")
}
