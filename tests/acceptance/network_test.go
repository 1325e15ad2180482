package acceptance

import (
	"context"
	"fmt"
	"net"
	"slices"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hetznercloud/hcloud-go/v2/hcloud"
)

const net1 = "holdfast_network.acme"

// network is a block with a range and more attributes.
func network(location, cidr, more string) string {
	return fmt.Sprintf("resource \"holdfast_network\" \"acme\" {\n  name = \"acme\"\n  location = %q\n  cidr = %s\n%s\n}\n", location, cidr, more)
}

func theNetwork(t *testing.T, w *world) *hcloud.Network {
	t.Helper()
	networks, err := w.Client.Network.All(context.Background())
	if err != nil || len(networks) != 1 {
		t.Fatalf("the account has %d networks: %v", len(networks), err)
	}
	return networks[0]
}

// shape is what of a network its declaration decides.
func shape(n *hcloud.Network) string {
	var subnets, routes []string
	for _, subnet := range n.Subnets {
		subnets = append(subnets, subnet.IPRange.String())
	}
	for _, route := range n.Routes {
		routes = append(routes, route.Destination.String()+">"+route.Gateway.String())
	}
	slices.Sort(subnets)
	slices.Sort(routes)
	return fmt.Sprintf("%s %s %v %v protected=%v tenant=%s tier=%s team=%s", n.Name, n.IPRange, subnets, routes, n.Protection.Delete,
		n.Labels["holdfast-tenant"], n.Labels["holdfast-tier"], n.Labels["team"])
}

// shaped wants the only network of the account to have a shape.
func shaped(t *testing.T, w *world, want string) resource.TestCheckFunc {
	return func(*terraform.State) error {
		if got := shape(theNetwork(t, w)); got != want {
			return fmt.Errorf("the network is\n%s\nwant\n%s", got, want)
		}
		return nil
	}
}

func prefix(t *testing.T, text string) *net.IPNet {
	t.Helper()
	_, network, err := net.ParseCIDR(text)
	if err != nil {
		t.Fatal(err)
	}
	return network
}

func TestNetwork(t *testing.T) {
	w := newWorld(t)
	var id string
	change := func(more string, cidr string, want string, requests map[string]int) resource.TestStep {
		// Every change is one list of the refresh, and no other read.
		requests["GET /v1/networks"] = 1
		return resource.TestStep{
			PreConfig:        w.ResetRequests,
			Config:           w.config(network("hetzner/fsn1", cidr, more)),
			ConfigPlanChecks: planned(net1, plancheck.ResourceActionUpdate),
			Check:            resource.ComposeAggregateTestCheckFunc(w.asked(requests), stays(net1, &id), shaped(t, w, want)),
		}
	}
	replace := func(location, cidr, more, want string) resource.TestStep {
		return resource.TestStep{
			Config:           w.config(network(location, cidr, more)),
			ConfigPlanChecks: planned(net1, plancheck.ResourceActionDestroyBeforeCreate),
			Check:            resource.ComposeAggregateTestCheckFunc(moved(net1, &id), remember(net1, &id), shaped(t, w, want)),
		}
	}
	w.test(t,
		resource.TestStep{
			PreConfig:        w.ResetRequests,
			Config:           w.config(network("hetzner/fsn1", `"10.1.0.0/24"`, "")),
			ConfigPlanChecks: planned(net1, plancheck.ResourceActionCreate),
			Check: resource.ComposeAggregateTestCheckFunc(
				w.asked(map[string]int{"POST /v1/networks": 1}),
				holds(net1, map[string]string{"name": "acme", "cidr": "10.1.0.0/24", "subnets.#": "1", "subnets.0": "10.1.0.0/24", "deployment": "acc", "deletion_protection": "false"}),
				absent(net1, "tenant", "tier", "labels.%", "routes.#"),
				remember(net1, &id),
				shaped(t, w, "acme-fsn1 10.1.0.0/24 [10.1.0.0/24] [] protected=false tenant= tier= team="),
			),
		},
		change(`
  tier = "free"
  labels = { team = "ops" }`, `"10.1.0.0/24"`, "acme-fsn1 10.1.0.0/24 [10.1.0.0/24] [] protected=false tenant= tier=free team=ops", map[string]int{"PUT /v1/networks/{id}": 1}),
		// It grows, and keeps the subnet that VMs may be using.
		change("", `"10.1.0.0/16"`, "acme-fsn1 10.1.0.0/16 [10.1.0.0/24] [] protected=false tenant= tier= team=",
			map[string]int{"PUT /v1/networks/{id}": 1, "POST /v1/networks/{id}/actions/change_ip_range": 1}),
		change(`subnets = ["10.1.1.0/24", "10.1.0.0/24"]`, `"10.1.0.0/16"`, "acme-fsn1 10.1.0.0/16 [10.1.0.0/24 10.1.1.0/24] [] protected=false tenant= tier= team=",
			map[string]int{"POST /v1/networks/{id}/actions/add_subnet": 1}),
		change(`subnets = ["10.1.1.0/24"]
  routes = [{ destination = "10.9.0.0/16", gateway = "10.1.1.9" }]`, `"10.1.0.0/16"`, "acme-fsn1 10.1.0.0/16 [10.1.1.0/24] [10.9.0.0/16>10.1.1.9] protected=false tenant= tier= team=",
			map[string]int{"POST /v1/networks/{id}/actions/delete_subnet": 1, "POST /v1/networks/{id}/actions/add_route": 1}),
		resource.TestStep{ResourceName: net1, ImportState: true, ImportStateVerify: true},
		change(`subnets = ["10.1.1.0/24"]
  tenant = "acme"
  deletion_protection = true`, `"10.1.0.0/16"`, "acme-fsn1 10.1.0.0/16 [10.1.1.0/24] [] protected=true tenant=acme tier= team=",
			map[string]int{"PUT /v1/networks/{id}": 1, "POST /v1/networks/{id}/actions/delete_route": 1, "POST /v1/networks/{id}/actions/change_protection": 1}),
		resource.TestStep{ResourceName: net1, ImportState: true, ImportStateVerify: true},
		resource.TestStep{ResourceName: net1, ImportState: true, ImportStateKind: resource.ImportBlockWithID},
		resource.TestStep{
			Config:           w.config(network("hetzner/fsn1", `"10.1.0.0/16"`, `tenant = "acme"`)),
			ConfigPlanChecks: planned(net1, plancheck.ResourceActionUpdate),
			Check:            resource.ComposeAggregateTestCheckFunc(stays(net1, &id), holds(net1, map[string]string{"subnets.#": "1", "subnets.0": "10.1.1.0/24"})),
		},
		replace("hetzner/fsn1", `"10.1.0.0/16"`, `tenant = "other"`, "acme-fsn1 10.1.0.0/16 [10.1.0.0/16] [] protected=false tenant=other tier= team="),
		replace("hetzner/fsn1", `"10.1.0.0/24"`, `tenant = "other"`, "acme-fsn1 10.1.0.0/24 [10.1.0.0/24] [] protected=false tenant=other tier= team="),
		replace("hetzner/fsn1", `"10.2.0.0/24"`, `tenant = "other"`, "acme-fsn1 10.2.0.0/24 [10.2.0.0/24] [] protected=false tenant=other tier= team="),
		replace("hetzner/hel1", `"10.2.0.0/24"`, `tenant = "other"`, "acme-hel1 10.2.0.0/24 [10.2.0.0/24] [] protected=false tenant=other tier= team="),
		replace("hetzner/hel1", `"10.2.0.0/24"`, "", "acme-hel1 10.2.0.0/24 [10.2.0.0/24] [] protected=false tenant= tier= team="),
		resource.TestStep{Config: w.config(network("hetzner/hel1", `"10.2.0.0/24"`, "")), Destroy: true, Check: w.cloudHolds("network", 0)},
	)
}

func TestNetworkDrift(t *testing.T) {
	w := newWorld(t)
	config := w.config(network("hetzner/fsn1", `"10.2.0.0/16"`, `
  tenant  = "acme"
  tier    = "paid"
  subnets = ["10.2.0.0/24"]
  routes  = [{ destination = "10.9.0.0/16", gateway = "10.2.0.9" }]
  labels  = { team = "ops" }`))
	const good = "acme-fsn1 10.2.0.0/16 [10.2.0.0/24] [10.9.0.0/16>10.2.0.9] protected=false tenant=acme tier=paid team=ops"
	ctx := context.Background()
	drift := func(change func(n *hcloud.Network)) resource.TestStep {
		return resource.TestStep{
			PreConfig:        func() { change(theNetwork(t, w)) },
			Config:           config,
			ConfigPlanChecks: planned(net1, plancheck.ResourceActionUpdate),
			Check:            shaped(t, w, good),
		}
	}
	relabel := func(change map[string]string) resource.TestStep {
		return drift(func(n *hcloud.Network) {
			must[*hcloud.Network](t)(w.Client.Network.Update(ctx, n, hcloud.NetworkUpdateOpts{Labels: labelled(n.Labels, change)}))
		})
	}
	yes := true
	w.test(t,
		resource.TestStep{Config: config, Check: shaped(t, w, good)},
		drift(func(n *hcloud.Network) {
			must[*hcloud.Network](t)(w.Client.Network.Update(ctx, n, hcloud.NetworkUpdateOpts{Name: "somebody"}))
		}),
		relabel(map[string]string{"team": "sales"}),
		relabel(map[string]string{"holdfast-tenant": ""}),
		relabel(map[string]string{"holdfast-tier": "free", "holdfast-deployment": ""}),
		drift(func(n *hcloud.Network) {
			must[*hcloud.Action](t)(w.Client.Network.AddSubnet(ctx, n, hcloud.NetworkAddSubnetOpts{Subnet: hcloud.NetworkSubnet{
				Type: hcloud.NetworkSubnetTypeCloud, IPRange: prefix(t, "10.2.7.0/24"), NetworkZone: hcloud.NetworkZoneEUCentral}}))
		}),
		drift(func(n *hcloud.Network) {
			must[*hcloud.Action](t)(w.Client.Network.DeleteSubnet(ctx, n, hcloud.NetworkDeleteSubnetOpts{Subnet: n.Subnets[0]}))
		}),
		drift(func(n *hcloud.Network) {
			must[*hcloud.Action](t)(w.Client.Network.DeleteRoute(ctx, n, hcloud.NetworkDeleteRouteOpts{Route: n.Routes[0]}))
		}),
		drift(func(n *hcloud.Network) {
			must[*hcloud.Action](t)(w.Client.Network.ChangeProtection(ctx, n, hcloud.NetworkChangeProtectionOpts{Delete: &yes}))
		}),
		// No cloud takes addresses away from a network: only a new one has the
		// declared range.
		resource.TestStep{
			PreConfig: func() {
				must[*hcloud.Action](t)(w.Client.Network.ChangeIPRange(ctx, theNetwork(t, w), hcloud.NetworkChangeIPRangeOpts{IPRange: prefix(t, "10.2.0.0/15")}))
			},
			Config:           config,
			ConfigPlanChecks: planned(net1, plancheck.ResourceActionDestroyBeforeCreate),
			Check:            shaped(t, w, good),
		},
		resource.TestStep{
			PreConfig: func() {
				if _, err := w.Client.Network.Delete(ctx, theNetwork(t, w)); err != nil {
					t.Fatal(err)
				}
			},
			Config:           config,
			ConfigPlanChecks: planned(net1, plancheck.ResourceActionCreate),
			Check:            shaped(t, w, good),
		},
	)
}

func TestNetworkProtection(t *testing.T) {
	w := newWorld(t)
	trigger := func(value string) string {
		return w.config(fmt.Sprintf("resource \"terraform_data\" \"when\" { input = %q }\n", value) + network("hetzner/fsn1", `"10.1.0.0/24"`,
			"deletion_protection = true\nlifecycle { replace_triggered_by = [terraform_data.when] }"))
	}
	protected := func(location, cidr, more string) string {
		return w.config(network(location, cidr, "deletion_protection = true\n"+more))
	}
	w.test(t,
		resource.TestStep{Config: trigger("one"), Check: shaped(t, w, "acme-fsn1 10.1.0.0/24 [10.1.0.0/24] [] protected=true tenant= tier= team=")},
		resource.TestStep{Config: trigger("one"), Destroy: true, ExpectError: says("Deletion protection", `network "acme"`, "set deletion_protection = false, apply")},
		resource.TestStep{Config: w.config(""), ExpectError: says("Deletion protection", "no plan may delete it")},
		resource.TestStep{Config: protected("hetzner/fsn1", `"10.2.0.0/24"`, ""), ExpectError: says("Deletion protection", "cidr =", "changing cidr replaces it")},
		resource.TestStep{Config: protected("hetzner/hel1", `"10.1.0.0/24"`, ""), ExpectError: says("Deletion protection", "location =", "changing location replaces it")},
		// To take the protection off and to replace in one step is refused too.
		resource.TestStep{Config: w.config(network("hetzner/fsn1", `"10.2.0.0/24"`, "")), ExpectError: says("Deletion protection", "cidr =", "set deletion_protection = false and apply first")},
		resource.TestStep{Config: trigger("two"), ExpectError: says("Deletion protection", "replace_triggered_by")},
		// In place goes on: the network grows.
		resource.TestStep{Config: protected("hetzner/fsn1", `"10.1.0.0/16"`, ""), ConfigPlanChecks: planned(net1, plancheck.ResourceActionUpdate)},
		// The way out.
		resource.TestStep{Config: w.config(network("hetzner/fsn1", `"10.1.0.0/16"`, "")), ConfigPlanChecks: planned(net1, plancheck.ResourceActionUpdate)},
		resource.TestStep{Config: w.config(""), ConfigPlanChecks: planned(net1, plancheck.ResourceActionDestroy), Check: w.cloudHolds("network", 0)},
	)
}

func TestNetworkBadInput(t *testing.T) {
	of := func(cidr, more string) string { return network("hetzner/fsn1", cidr, more) }
	newWorld(t).refused(t, map[string]refusal{
		"public":             {of(`"8.8.8.0/24"`, ""), []string{"Network is not private (ISO-2)", "cidr =", "10.0.0.0/8"}},
		"IPv6":               {of(`"fd00::/48"`, ""), []string{"cidr =", "IPv4"}},
		"host bits":          {of(`"10.1.0.1/24"`, ""), []string{"Host bits are set", "cidr =", "10.1.0.0/24"}},
		"no network":         {of(`"ten"`, ""), []string{"Not a network", "cidr ="}},
		"too small":          {of(`"10.1.0.0/25"`, ""), []string{"Network of unusable size", "cidr =", "from 8 to 24"}},
		"subnet outside":     {of(`"10.1.0.0/24"`, `subnets = ["10.2.0.0/28"]`), []string{"Subnet outside the network", "subnets =", "widen cidr"}},
		"subnets overlap":    {of(`"10.1.0.0/16"`, `subnets = ["10.1.0.0/24", "10.1.0.128/25"]`), []string{"Subnets overlap", "subnets ="}},
		"subnet too small":   {of(`"10.1.0.0/16"`, `subnets = ["10.1.0.0/30"]`), []string{"Subnet too small", "subnets =", "at most 29"}},
		"public subnet":      {of(`"10.1.0.0/16"`, `subnets = ["8.8.8.0/24"]`), []string{"Subnet is not private (ISO-2)", "subnets ="}},
		"route to public":    {of(`"10.1.0.0/16"`, `routes = [{ destination = "8.8.8.0/24", gateway = "10.1.0.9" }]`), []string{"Route to a public network", "routes ="}},
		"gateway outside":    {of(`"10.1.0.0/16"`, `routes = [{ destination = "10.9.0.0/16", gateway = "10.2.0.9" }]`), []string{"Gateway outside the network (ISO-2)", "routes ="}},
		"gateway reserved":   {of(`"10.1.0.0/16"`, `routes = [{ destination = "10.9.0.0/16", gateway = "10.1.0.1" }]`), []string{"Reserved address", "routes ="}},
		"gateway no address": {of(`"10.1.0.0/16"`, `routes = [{ destination = "10.9.0.0/16", gateway = "x" }]`), []string{"Not an IPv4 address", "routes ="}},
		"route into itself":  {of(`"10.1.0.0/16"`, `routes = [{ destination = "10.1.3.0/24", gateway = "10.1.0.9" }]`), []string{"Route to the network's own subnet", "routes ="}},
		"no gateway":         {of(`"10.1.0.0/16"`, `routes = [{ destination = "10.9.0.0/16" }]`), []string{"Route without a gateway", "routes =", "Set gateway"}},
		"no destination":     {of(`"10.1.0.0/16"`, `routes = [{ gateway = "10.1.0.9" }]`), []string{"Route without a destination", "routes ="}},
		"bad tier":           {of(`"10.1.0.0/16"`, `tier = "gold"`), []string{"Unknown tier", "tier =", `Write "paid" or "free"`}},
		"empty tier":         {of(`"10.1.0.0/16"`, `tier = ""`), []string{"Unknown tier", "tier =", "leave it out"}},
		"bad tenant":         {of(`"10.1.0.0/16"`, `tenant = "ACME"`), []string{"Invalid tenant (ISO-1)", "tenant =", `such as "acme"`}},
		"lost label":         {of(`"10.1.0.0/16"`, `labels = { holdfast-tenant = "x" }`), []string{"Invalid label", "reserved"}},
	})
}

// What is unknown at plan is judged before the first request, and the known
// part of it already at plan.
func TestNetworkKnownAtApply(t *testing.T) {
	w := newWorld(t)
	later := func(cidr, subnet, gateway, fixed string) string {
		return w.config(fmt.Sprintf("resource \"terraform_data\" \"late\" { input = { cidr = %q, subnet = %q, gateway = %q } }\n", cidr, subnet, gateway) +
			network("hetzner/fsn1", "terraform_data.late.output.cidr", fmt.Sprintf(`
  subnets = [terraform_data.late.output.subnet, %q]
  routes  = [{ destination = "10.9.0.0/16", gateway = terraform_data.late.output.gateway }]`, fixed)))
	}
	w.test(t,
		resource.TestStep{Config: later("10.1.0.0/16", "10.1.0.0/24", "10.1.0.9", "8.8.8.0/24"), PlanOnly: true, ExpectError: says("Subnet is not private (ISO-2)", "subnets =")},
		resource.TestStep{Config: later("8.8.0.0/16", "10.1.0.0/24", "10.1.0.9", "10.1.1.0/24"), ExpectError: says("Network is not private (ISO-2)", "cidr =")},
		resource.TestStep{Config: later("10.1.0.0/16", "10.2.0.0/24", "10.1.0.9", "10.1.1.0/24"), ExpectError: says("Subnet outside the network", "subnets =")},
		resource.TestStep{Config: later("10.1.0.0/16", "10.1.0.0/24", "10.2.0.9", "10.1.1.0/24"), ExpectError: says("Gateway outside the network (ISO-2)", "routes =")},
		resource.TestStep{
			PreConfig: func() {
				if counts := w.Counts(); counts.Total != 0 {
					t.Errorf("the cloud was asked: %v", counts.Routes)
				}
			},
			Config: later("10.1.0.0/16", "10.1.0.0/24", "10.1.0.9", "10.1.1.0/24"),
			Check:  shaped(t, w, "acme-fsn1 10.1.0.0/16 [10.1.0.0/24 10.1.1.0/24] [10.9.0.0/16>10.1.0.9] protected=false tenant= tier= team="),
		},
	)
}

// A network that has no tenant yet gets one in place, and a VM of that tenant
// may be planned on it in the same run (ISO-2).
func TestNetworkTenantInSight(t *testing.T) {
	w := newWorld(t)
	rest := `
resource "holdfast_ssh_key" "ada" {
  name       = "ada"
  location   = "hetzner/fsn1"
  public_key = local.key
}
resource "holdfast_firewall" "acme" {
  name     = "acme"
  location = "hetzner/fsn1"
}
resource "holdfast_vm" "acme" {
  name         = "acme"
  location     = "hetzner/fsn1"
  tenant       = "acme"
  cpus         = 2
  memory_gb    = 4
  image        = "debian-12"
  ssh_key_ids  = [holdfast_ssh_key.ada.id]
  network_id   = holdfast_network.acme.id
  firewall_ids = [holdfast_firewall.acme.id]
}
`
	w.test(t,
		resource.TestStep{Config: w.config(network("hetzner/fsn1", `"10.1.0.0/16"`, ""))},
		resource.TestStep{
			Config: w.config(network("hetzner/fsn1", `"10.1.0.0/16"`, "") + rest), PlanOnly: true,
			ExpectError: says("(ISO-2)", "network_id ="),
		},
		resource.TestStep{
			Config: w.config(network("hetzner/fsn1", `"10.1.0.0/16"`, `tenant = "acme"`) + rest),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(net1, plancheck.ResourceActionUpdate),
				plancheck.ExpectResourceAction("holdfast_vm.acme", plancheck.ResourceActionCreate)}},
		},
	)
}
