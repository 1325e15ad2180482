package acceptance

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

// tenant is everything that a customer has, at the site's location.
var tenant = siteOf(`["hetzner/fsn1", "hetzner/hel1"]`) + `
locals { where = data.holdfast_site.eu.location }
resource "holdfast_ssh_key" "ada" {
  name       = "ada"
  location   = local.where
  public_key = local.key
}
resource "holdfast_network" "acme" {
  name                = "acme"
  location            = local.where
  tenant              = "acme"
  cidr                = "10.1.0.0/24"
  deletion_protection = true
}
resource "holdfast_firewall" "web" {
  name     = "web"
  location = local.where
}
resource "holdfast_volume" "data" {
  name                = "data"
  location            = local.where
  tenant              = "acme"
  size_gb             = 10
  deletion_protection = var.guard
}
resource "holdfast_vm" "acme" {
  name           = "acme"
  location       = local.where
  tenant         = "acme"
  cpus           = 2
  memory_gb      = 4
  image          = "debian-12"
  ssh_key_ids    = [holdfast_ssh_key.ada.id]
  network_id     = holdfast_network.acme.id
  firewall_ids   = [holdfast_firewall.web.id]
  volume_ids     = [holdfast_volume.data.id]
  backup_plan_id = "standard"
  lifecycle { prevent_destroy = true }
}
variable "guard" { default = true }
`

// unguarded is a configuration with nothing in the way of its removal.
func unguarded(config string) string {
	return strings.NewReplacer("deletion_protection = true", "deletion_protection = false", "default = true", "default = false",
		"lifecycle { prevent_destroy = true }", "").Replace(config)
}

// A data centre is gone: one word moves the region to the next one, past every
// protection, and nothing there is asked for anything. When it comes back, what
// was left there is adopted.
func TestLostLocation(t *testing.T) {
	w := newWorld(t)
	every := []string{"holdfast_ssh_key.ada", "holdfast_network.acme", "holdfast_firewall.web", "holdfast_volume.data", "holdfast_vm.acme"}
	var creations []plancheck.PlanCheck
	for _, address := range every {
		creations = append(creations, plancheck.ExpectResourceAction(address, plancheck.ResourceActionCreate))
	}
	at := func(location string) resource.TestCheckFunc {
		var checks []resource.TestCheckFunc
		for _, address := range every {
			checks = append(checks, resource.TestMatchResourceAttr(address, "id", says("hetzner/"+location+"/")))
		}
		return resource.ComposeAggregateTestCheckFunc(checks...)
	}
	var vmID, volumeID string
	w.test(t,
		resource.TestStep{Config: w.config(tenant), Check: resource.ComposeAggregateTestCheckFunc(at("fsn1"), remember("holdfast_vm.acme", &vmID), remember("holdfast_volume.data", &volumeID))},
		resource.TestStep{
			PreConfig: func() {
				w.ResetRequests()
				if _, err := w.AddFault(simcloud.Fault{Kind: simcloud.FaultLocationLost, Location: "fsn1"}); err != nil {
					t.Fatal(err)
				}
			},
			Config:           w.config(tenant, "hetzner/fsn1"),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: creations},
			Check: resource.ComposeAggregateTestCheckFunc(at("hel1"), func(*terraform.State) error {
				for route, n := range w.Counts().Routes {
					method, path, _ := strings.Cut(route, " ")
					// The key, which all locations share, is found by its label.
					if method == "DELETE" || method == "GET" && strings.Contains(path, "{id}") && !strings.Contains(path, "/actions") {
						return fmt.Errorf("%d requests %s", n, route)
					}
				}
				for kind, want := range map[string]int{"server": 2, "volume": 2, "network": 2, "firewall": 2, "ssh_key": 1} {
					if got := w.Inventory()[kind]; got != want {
						return fmt.Errorf("%d objects of kind %s, want %d", got, kind, want)
					}
				}
				return nil
			}),
		},
		// A second plan is empty, and still asks nothing of fsn1.
		resource.TestStep{Config: w.config(tenant, "hetzner/fsn1"), ConfigPlanChecks: nothingPlanned()},
		resource.TestStep{
			PreConfig:   w.ClearFaults,
			Config:      w.config(tenant),
			ExpectError: says("Deletion protection"), // what stands in hel1 is protected there
		},
		resource.TestStep{Config: w.config(unguarded(tenant), "hetzner/fsn1")},
		resource.TestStep{
			Config: w.config(unguarded(tenant)),
			Check: resource.ComposeAggregateTestCheckFunc(at("fsn1"), stays("holdfast_vm.acme", &vmID), stays("holdfast_volume.data", &volumeID),
				w.cloudHolds("server", 1), w.cloudHolds("volume", 1), w.cloudHolds("network", 1), w.cloudHolds("firewall", 1), w.cloudHolds("ssh_key", 1)),
		},
	)
}

// Nothing is made in a lost location, changed there or imported from there.
func TestLostRefused(t *testing.T) {
	w := newWorld(t)
	here := network("hetzner/fsn1", `"10.1.0.0/24"`, "")
	refused := says("Lost location", "location =", "lost_locations", "data.holdfast_site answers the first that is not lost")
	w.test(t,
		resource.TestStep{Config: w.config(here, "hetzner/fsn1"), ExpectError: refused},
		resource.TestStep{Config: w.config(here, "hetzner/*"), ExpectError: refused},
		resource.TestStep{Config: w.config(here, "hetzner/hel1"), Check: w.cloudHolds("network", 1)},
		resource.TestStep{Config: w.config(network("hetzner/fsn1", `"10.1.0.0/16"`, ""), "hetzner/fsn1"), ExpectError: refused},
		resource.TestStep{
			PreConfig: w.ResetRequests, Config: w.config(here, "hetzner/fsn1"), ResourceName: net1, ImportState: true,
			ImportStateId: "hetzner/fsn1/60000001", ExpectError: says("Cannot import network", "lost_locations"),
		},
		// A location that is known only after apply is judged then.
		resource.TestStep{
			Config: w.config(`
resource "terraform_data" "late" { input = "hetzner/fsn1" }
resource "holdfast_firewall" "late" {
  name     = "late"
  location = terraform_data.late.output
}
`, "hetzner/fsn1"), ExpectError: says("Lost location", "location =")},
		resource.TestStep{PreConfig: func() {
			if counts := w.Counts(); counts.Total != 0 {
				t.Errorf("requests: %v", counts.Routes)
			}
		}, Config: w.config(here), Check: w.cloudHolds("network", 1)},
	)
}

// What is taken out of the configuration while its location is lost is left
// behind, even where the state was not refreshed.
func TestLostLeftBehind(t *testing.T) {
	w := newWorld(t)
	config := network("hetzner/fsn1", `"10.1.0.0/24"`, "deletion_protection = true")
	w.test(t,
		resource.TestStep{Config: w.config(config)},
		resource.TestStep{
			PreConfig: w.ResetRequests,
			Config:    w.config("", "hetzner/*"),
			Check:     resource.ComposeAggregateTestCheckFunc(w.silent(), w.cloudHolds("network", 1)),
		},
		// It still carries its labels: the block that comes back has it again.
		resource.TestStep{
			Config: w.config(network("hetzner/fsn1", `"10.1.0.0/24"`, "")), ConfigPlanChecks: planned(net1, plancheck.ResourceActionCreate),
			Check: shaped(t, w, "acme-fsn1 10.1.0.0/24 [10.1.0.0/24] [] protected=false tenant= tier= team="),
		},
	)
	w = startWorld(t)
	noRefresh := w.testCase(
		resource.TestStep{Config: w.config(config)},
		resource.TestStep{PreConfig: w.ResetRequests, Config: w.config("", "hetzner/fsn1"), ConfigPlanChecks: planned(net1, plancheck.ResourceActionDestroy),
			Check: resource.ComposeAggregateTestCheckFunc(w.silent(), w.cloudHolds("network", 1))},
	)
	noRefresh.AdditionalCLIOptions = &resource.AdditionalCLIOptions{Plan: resource.PlanOptions{NoRefresh: true}}
	noRefresh.CheckDestroy = nil
	resource.UnitTest(t, noRefresh)
	if left := theNetwork(t, w); !left.Protection.Delete || left.Labels["holdfast-deployment"] != "acc" {
		t.Errorf("left behind as %s with %v", shape(left), left.Labels)
	}
}

// A whole cloud is lost, its account and its API with it: what does not need
// it can be planned and applied, with no credentials and nobody to answer.
func TestLostCloud(t *testing.T) {
	w := newWorld(t)
	dead := func(body string) string {
		return "provider \"holdfast\" {\n  deployment = \"acc\"\n  lost_locations = [\"hetzner/*\"]\n}\n" + body
	}
	w.test(t,
		resource.TestStep{Config: w.config(network("hetzner/fsn1", `"10.1.0.0/24"`, ""))},
		resource.TestStep{PreConfig: w.ResetRequests, Config: dead("data \"holdfast_locations\" \"all\" {\n  cloud = \"hetzner\"\n}\n"),
			Check: resource.ComposeAggregateTestCheckFunc(holds(locations, map[string]string{"names.#": "0"}), w.silent(), w.cloudHolds("network", 1))},
		resource.TestStep{PreConfig: func() {
			if _, err := w.Client.Network.Delete(context.Background(), &hcloud.Network{ID: theNetwork(t, w).ID}); err != nil {
				t.Fatal(err)
			}
		}, Config: dead("")},
	)
}
