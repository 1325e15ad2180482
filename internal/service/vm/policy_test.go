package vm

import (
	"net/netip"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/servicetest"
)

func TestRefusals(t *testing.T) {
	w := start(t)
	c := w.basic().With("backup_plan_id", "standard")
	for _, test := range []struct {
		name   string
		config servicetest.Config
		parts  []string
	}{
		{"no key", c.With("ssh_key_ids", []any{}), []string{"ssh_key_ids: ", "(SYS-3)", "holdfast_ssh_key"}},
		{"keys left out", c.With("ssh_key_ids", nil), []string{"ssh_key_ids: ", "(SYS-3)"}},
		{"no firewall", c.With("firewall_ids", []any{}), []string{"firewall_ids: ", "(NET-1)", "holdfast_firewall"}},
		{"firewalls left out", c.With("firewall_ids", nil), []string{"firewall_ids: ", "(NET-1)"}},
		{"no network", c.With("network_id", nil), []string{"network_id: ", "(ISO-2)", "holdfast_network"}},
		{"network of another tenant", c.With("network_id", w.stranger), []string{"network_id: ", "(ISO-2)", `"other"`}},
		{"volume of another tenant", c.With("volume_ids", []any{w.foreign}), []string{"volume_ids: ", "(ISO-2)", `"other"`}},
		{"no such network", c.With("network_id", "hetzner/hel1/4242"), []string{"network_id: ", "does not exist"}},
		{"network elsewhere", c.With("network_id", "hetzner/fsn1/1"), []string{"network_id: ", "another location"}},
		{"volume elsewhere", c.With("volume_ids", []any{"hetzner/fsn1/3"}), []string{"volume_ids: ", "another location"}},
		{"firewall of another cloud", c.With("firewall_ids", []any{"google/europe-west3-a/5"}), []string{"firewall_ids: ", "another cloud"}},
		{"key by name", c.With("ssh_key_ids", []any{"alice"}), []string{"ssh_key_ids: ", "Not an object's id"}},
		{"password in the user data", c.With("user_data", "#cloud-config\nssh_pwauth: true\n"), []string{"user_data: ", "(SYS-3)"}},
		{"no CPUs", c.With("cpus", 0), []string{"cpus: ", "Ask for 1 or more"}},
		{"no memory", c.With("memory_gb", 0.0), []string{"memory_gb: ", "more than 0"}},
		{"no size", c.With("cpus", nil).With("memory_gb", nil), []string{"cpus: ", "No size", "server_type"}},
		{"two sizes", c.With("server_type", "small"), []string{"server_type: ", "Two sizes"}},
		{"larger than is sold", c.With("cpus", 64), []string{"cpus: ", "at least 64 CPUs", "large"}},
		{"unknown type", c.With("cpus", nil).With("memory_gb", nil).With("server_type", "huge"), []string{"server_type: ", `"huge"`, "medium"}},
		{"empty type", c.With("cpus", nil).With("memory_gb", nil).With("server_type", ""), []string{"server_type: ", "no name"}},
		{"power", c.With("power_state", "off"), []string{"power_state: ", `"running" or "stopped"`}},
		{"architecture", c.With("architecture", "x64"), []string{"architecture: ", `"x86" or "arm"`}},
		{"image", c.With("image", " "), []string{"image: ", "debian-12"}},
		{"address", c.With("private_ip", "10.0.0.300"), []string{"private_ip: ", "Not an IP address"}},
		{"address elsewhere", c.With("private_ip", "10.0.1.5"), []string{"private_ip: ", "Address outside the subnets", "10.0.0.0/24", "add a subnet"}},
		{"the gateway's address", c.With("private_ip", "10.0.0.1"), []string{"private_ip: ", "Reserved address", "from 10.0.0.2 to 10.0.0.253"}},
		{"placement group", c.With("hetzner", map[string]any{"placement_group_id": "spread"}), []string{"hetzner.placement_group_id: ", "a number"}},
		{"unknown location", c.With("location", "hetzner/fsn2"), []string{"location: "}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := start(t)
			expect(t, w.Plan(servicetest.Instance{}, test.config).Diags.Errors(), test.parts...)
		})
	}
}

// What is unknown at plan does not stop it; it is judged when it is known.
func TestUnknownValuesWait(t *testing.T) {
	w := start(t)
	for _, attribute := range []string{"name", "location", "tenant", "tier", "cpus", "memory_gb", "architecture", "image", "network_id",
		"private_ip", "ssh_key_ids", "firewall_ids", "volume_ids", "backup_plan_id", "user_data", "power_state", "public_ipv4", "labels", "deletion_protection"} {
		if plan := w.Plan(servicetest.Instance{}, w.basic().With(attribute, servicetest.Unknown)); len(plan.Diags.Errors()) > 0 {
			t.Errorf("%s unknown: %v", attribute, plan.Diags.Errors())
		}
	}
	inside := w.basic().With("ssh_key_ids", []any{servicetest.Unknown}).With("firewall_ids", []any{servicetest.Unknown, wall})
	if plan := w.Plan(servicetest.Instance{}, inside); len(plan.Diags.Errors()) > 0 {
		t.Errorf("unknown elements: %v", plan.Diags.Errors())
	}
}

// The apply judges again before its first request: here the network became
// another tenant's between plan and apply.
func TestApplyJudgesAgain(t *testing.T) {
	w := start(t)
	plan := w.Plan(servicetest.Instance{}, w.basic())
	w.NetworkStore.Change("1", func(n *cloud.Network) { n.Tenant = "other" })
	apply := servicetest.NewTerraform(t, servicetest.NewEnv(t, w.Cloud), NewResource)
	_, diags := apply.Apply(plan)
	expect(t, diags.Errors(), "network_id: ", "(ISO-2)")
	if n := w.Count("create", cloud.KindVM); n != 0 {
		t.Errorf("%d creates before the verdict", n)
	}
}

// Creating a VM onto objects that this run has created or read asks for
// nothing: the owner of the network is known.
func TestOwnersCostNothingInAFreshRun(t *testing.T) {
	c := servicetest.NewCloud()
	c.Types = priceList()
	env := servicetest.NewEnv(t, c)
	network := c.NetworkStore.Put(cloud.NetworkSpec{Meta: cloud.Meta{Name: "acme", Tenant: "acme", Location: hel1}})
	env.Learn(cloud.KindNetwork, network, cloud.Meta{Name: "acme", Tenant: "acme", Location: hel1})
	w := &world{Cloud: c, network: network.String(), Terraform: servicetest.NewTerraform(t, env, NewResource)}
	w.Create(w.basic())
	if n := c.Count("get", cloud.KindNetwork) + c.Count("list", cloud.KindNetwork); n != 0 {
		t.Errorf("%d reads of networks", n)
	}
}

// The addresses are those that the network will have when the plan is done.
func TestAddressOfAPlannedSubnet(t *testing.T) {
	w := start(t)
	id, err := cloud.ParseID(w.network)
	if err != nil {
		t.Fatal(err)
	}
	env := servicetest.NewEnv(t, w)
	tf := servicetest.NewTerraform(t, env, NewResource)
	env.Learn(cloud.KindNetwork, id, cloud.Meta{Tenant: "acme"})
	env.LearnSubnets(id, []netip.Prefix{netip.MustParsePrefix("10.0.1.0/24")}, true)
	fixed := w.basic().With("private_ip", "10.0.1.5")
	if plan := tf.Plan(servicetest.Instance{}, fixed); len(plan.Diags.Errors()) > 0 {
		t.Errorf("an address of a planned subnet: %v", plan.Diags.Errors())
	}
	env.LearnSubnets(id, nil, false)
	if plan := tf.Plan(servicetest.Instance{}, w.basic().With("private_ip", "10.0.7.5")); len(plan.Diags.Errors()) > 0 {
		t.Errorf("subnets that are not planned yet: %v", plan.Diags.Errors())
	}
	if n := w.Count("get", cloud.KindNetwork); n != 0 {
		t.Errorf("%d reads of what the run knows", n)
	}
}

// An address that the cloud chose is not the user's to mend, even if it is one
// that Holdfast would not have chosen.
func TestChosenAddressIsNotJudged(t *testing.T) {
	w := start(t)
	made := w.Create(w.basic())
	w.VMStore.Change("5", func(vm *cloud.VM) { vm.PrivateIP = netip.MustParseAddr("10.0.0.254") })
	refreshed, _ := w.Refresh(made)
	if plan := w.Plan(refreshed, w.basic().With("labels", map[string]any{"a": "b"})); len(plan.Diags.Errors()) > 0 {
		t.Errorf("refused: %v", plan.Diags.Errors())
	}
}
