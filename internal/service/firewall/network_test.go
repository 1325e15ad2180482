package firewall

import (
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/servicetest"
)

const here = "google/europe-west3-a"

// vpc is a cloud that keeps firewall rules in networks, with a network of the
// tenant acme and one of the tenant other.
func vpc(t *testing.T) (c *servicetest.Cloud, tf *servicetest.Terraform, own, foreign string) {
	t.Helper()
	c = servicetest.NewCloud()
	c.Name = "google"
	c.Caps.Replaces = map[cloud.Kind][]string{cloud.KindFirewall: {"network_id"}}
	network := func(tenant string) string {
		return c.NetworkStore.Put(cloud.NetworkSpec{Meta: cloud.Meta{Name: tenant, Tenant: tenant, Deployment: "test",
			Location: cloud.Location{Cloud: "google", Name: "europe-west3-a"}}}).String()
	}
	return c, servicetest.NewTerraform(t, servicetest.NewEnv(t, c), NewResource), network("acme"), network("other")
}

func within(network any) servicetest.Config {
	return web().With("location", here).With("tenant", "acme").With("network_id", network)
}

func TestNetwork(t *testing.T) {
	c, tf, own, foreign := vpc(t)
	firewall := tf.Create(within(own))
	if got := c.FirewallStore.All()["3"]; got.Network != "1" {
		t.Errorf("created %+v", got)
	}
	if n := c.Count("get", cloud.KindNetwork); n != 1 {
		t.Errorf("%d reads of the network, want 1", n)
	}
	firewall, _ = tf.Refresh(firewall)
	if plan := tf.Plan(firewall, within(own)); !plan.IsNoOp() {
		t.Errorf("the second plan is not empty: %v %v", plan.Planned, plan.Diags.Errors())
	}
	imported, diags := tf.Import(here + "/3")
	if problems := diags.Errors(); len(problems) > 0 || !imported.State.Equal(firewall.State) {
		t.Errorf("imported %v: %v\nwant %v", imported.State, problems, firewall.State)
	}
	for name, network := range map[string]any{"shared": nil, "another": here + "/9", "not known yet": servicetest.Unknown} {
		if plan := tf.Plan(firewall, within(network)); name != "another" && !slices.Equal(plan.Replaces, []string{"network_id"}) {
			t.Errorf("%s: replaces %v, %v", name, plan.Replaces, plan.Diags.Errors())
		}
	}
	for network, want := range map[string]string{foreign: "network_id: Network of another tenant (ISO-2)", here + "/9": "does not exist", "acme": "Not an object's id",
		"google/europe-west4-a/1": "Object of another location", "hetzner/fsn1/1": "Object of another cloud"} {
		problems := tf.Plan(servicetest.Instance{}, within(network)).Diags.Errors()
		if len(problems) != 1 || !strings.Contains(problems[0], want) {
			t.Errorf("%s: got %q, want %q", network, problems, want)
		}
	}
}

// A firewall whose network the cloud shows as another one has to be made anew.
func TestNetworkDrift(t *testing.T) {
	c, tf, own, _ := vpc(t)
	firewall := tf.Create(within(own))
	c.FirewallStore.Change("3", func(f *cloud.Firewall) { f.Network = "2" })
	firewall, _ = tf.Refresh(firewall)
	if got := firewall.Get(t, "network_id"); got != here+"/2" {
		t.Errorf("network_id = %v", got)
	}
	if plan := tf.Plan(firewall, within(own)); !slices.Equal(plan.Replaces, []string{"network_id"}) {
		t.Errorf("replaces %v", plan.Replaces)
	}
}

// The apply judges again: here the network became another tenant's between
// plan and apply.
func TestNetworkIsJudgedAgain(t *testing.T) {
	c, tf, own, _ := vpc(t)
	plan := tf.Plan(servicetest.Instance{}, within(own))
	c.NetworkStore.Change("1", func(n *cloud.Network) { n.Tenant = "other" })
	apply := servicetest.NewTerraform(t, servicetest.NewEnv(t, c), NewResource)
	_, diags := apply.Apply(plan)
	if problems := diags.Errors(); len(problems) != 1 || !strings.Contains(problems[0], "(ISO-2)") || len(c.FirewallStore.All()) > 0 {
		t.Errorf("got %q", problems)
	}
	_ = tf
}

// Where firewalls stand in no network, the cloud forgets it and the state does
// not; it changes in place.
func TestNetworkWithoutEffect(t *testing.T) {
	c, tf := start(t)
	network := func(name string) string {
		return c.NetworkStore.Put(cloud.NetworkSpec{Meta: cloud.Meta{Name: name, Tenant: "acme", Location: cloud.Location{Cloud: "hetzner", Name: "fsn1"}}}).String()
	}
	first, second := network("first"), network("second")
	forget := func() { c.FirewallStore.Change("3", func(f *cloud.Firewall) { f.Network = "" }) }
	config := web().With("tenant", "acme")
	firewall := tf.Create(config.With("network_id", first))
	for _, network := range []any{first, second, nil} {
		plan := tf.Plan(firewall, config.With("network_id", network))
		if len(plan.Replaces) > 0 {
			t.Fatalf("replaces %v", plan.Replaces)
		}
		firewall = tf.Change(firewall, config.With("network_id", network))
		forget()
		firewall, _ = tf.Refresh(firewall)
		if plan := tf.Plan(firewall, config.With("network_id", network)); !plan.IsNoOp() {
			t.Errorf("%v: the next plan is not empty: %v", network, plan.Planned)
		}
	}
}
