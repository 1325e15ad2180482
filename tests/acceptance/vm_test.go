package acceptance

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"
	"github.com/hetznercloud/hcloud-go/v2/hcloud"
)

const webVM = "holdfast_vm.web"

// estate is what a VM of the tenant acme stands on.
const estate = `
resource "holdfast_ssh_key" "admin" {
  name       = "admin"
  location   = "hetzner/fsn1"
  public_key = local.key
}

resource "holdfast_network" "acme" {
  name     = "acme"
  location = "hetzner/fsn1"
  tenant   = "acme"
  cidr     = "10.1.0.0/16"
  subnets  = ["10.1.0.0/24"]
}

resource "holdfast_firewall" "web" {
  name     = "web"
  location = "hetzner/fsn1"
  tenant   = "acme"
  rules    = [{ protocol = "tcp", port = "443", networks = ["0.0.0.0/0"] }]
}
`

// attrs are attributes by name, as expressions; an empty one is left out. The
// attribute "+" is text for the block's end.
type attrs map[string]string

// with gives these and others, which win.
func (a attrs) with(others attrs) attrs {
	all := maps.Clone(a)
	maps.Copy(all, others)
	return all
}

// vm is a VM on the estate with some attributes changed. Where it is given
// volumes it names a backup plan, unless that is what is changed.
func vm(changes attrs) string {
	if _, says := changes["backup_plan_id"]; !says && changes["volume_ids"] != "" {
		changes = changes.with(attrs{"backup_plan_id": `"standard"`})
	}
	all := attrs{
		"name": `"web"`, "location": `"hetzner/fsn1"`, "tenant": `"acme"`, "cpus": "2", "memory_gb": "4", "image": `"debian-12"`,
		"ssh_key_ids": "[holdfast_ssh_key.admin.id]", "network_id": "holdfast_network.acme.id", "firewall_ids": "[holdfast_firewall.web.id]",
		"public_ipv4": "true", "public_ipv6": "true",
	}.with(changes)
	var b strings.Builder
	b.WriteString("resource \"holdfast_vm\" \"web\" {\n")
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if value := all[name]; name != "+" && value != "" {
			fmt.Fprintf(&b, "  %s = %s\n", name, value)
		}
	}
	b.WriteString(all["+"] + "\n}\n")
	return b.String()
}

// onEstate is the configuration of the estate and a VM on it, with more
// blocks.
func (w *world) onEstate(changes attrs, blocks ...string) string {
	return w.config(estate + vm(changes) + strings.Join(blocks, "\n"))
}

// theServer is the only server in the account.
func (w *world) theServer(t *testing.T) *hcloud.Server {
	t.Helper()
	servers, err := w.Client.Server.All(context.Background())
	if err != nil || len(servers) != 1 {
		t.Fatalf("the account has %d servers: %v", len(servers), err)
	}
	return servers[0]
}

// serverIs wants the only server to satisfy a condition.
func (w *world) serverIs(t *testing.T, what string, is func(*hcloud.Server) bool) resource.TestCheckFunc {
	return func(*terraform.State) error {
		s := w.theServer(t)
		if is(s) {
			return nil
		}
		var firewalls, volumes []int64
		for _, f := range s.PublicNet.Firewalls {
			firewalls = append(firewalls, f.Firewall.ID)
		}
		for _, v := range s.Volumes {
			volumes = append(volumes, v.ID)
		}
		return fmt.Errorf("the server is not %s: %s, a %s %s with a disk of %d GB, %s, labels %v, networks %v, firewalls %v, volumes %v, protected %t",
			what, s.Name, s.Status, s.ServerType.Name, s.PrimaryDiskSize, s.Image.Name, s.Labels, s.PrivateNet, firewalls, volumes, s.Protection.Delete)
	}
}

func runs(s *hcloud.Server) bool { return s.Status == hcloud.ServerStatusRunning }

func isOff(s *hcloud.Server) bool { return s.Status == hcloud.ServerStatusOff }

// all checks everything, and reports all that is wrong.
func all(checks ...resource.TestCheckFunc) resource.TestCheckFunc {
	return resource.ComposeAggregateTestCheckFunc(checks...)
}

func TestVM(t *testing.T) {
	w := newWorld(t)
	var id string
	w.test(t,
		resource.TestStep{
			PreConfig:        w.ResetRequests,
			Config:           w.onEstate(nil),
			ConfigPlanChecks: planned(webVM, plancheck.ResourceActionCreate),
			Check: all(
				// The plan and the apply look at the price list once each, and one
				// look at the new VM tells that it is ready and its address.
				w.asked(map[string]int{"GET /v1/server_types": 2, "POST /v1/ssh_keys": 1, "POST /v1/networks": 1, "POST /v1/firewalls": 1,
					"POST /v1/servers": 1, "GET /v1/servers": 1}),
				holds(webVM, map[string]string{
					"name": "web", "location": "hetzner/fsn1", "deployment": "acc", "tenant": "acme", "tier": "paid", "cpus": "2", "memory_gb": "4",
					"server_type": "cx23", "architecture": "x86", "disk_gb": "40", "image": "debian-12", "power_state": "running", "status": "running",
					"public_ipv4": "true", "public_ipv6": "true", "private_ip": "10.1.0.2", "deletion_protection": "false",
				}),
				absent(webVM, "labels.%", "volume_ids.#", "user_data", "hetzner.%"),
				remember(webVM, &id),
				func(state *terraform.State) error {
					s := w.theServer(t)
					return holds(webVM, map[string]string{
						"id": fmt.Sprintf("hetzner/fsn1/%d", s.ID), "native_id": fmt.Sprint(s.ID), "ipv4_address": s.PublicNet.IPv4.IP.String(),
						"ipv6_network": s.PublicNet.IPv6.Network.String(), "ipv6_address": s.PublicNet.IPv6.IP.String() + "1",
					})(state)
				},
				w.serverIs(t, "as declared", func(s *hcloud.Server) bool {
					return runs(s) && s.Name == "web-fsn1" && s.ServerType.Name == "cx23" && s.Image.Name == "debian-12" && len(s.PublicNet.Firewalls) == 1 &&
						len(s.PrivateNet) == 1 && s.Labels["holdfast-deployment"] == "acc" && s.Labels["holdfast-tenant"] == "acme" && s.Labels["holdfast-tier"] == "paid"
				}),
			),
		},
		resource.TestStep{
			PreConfig:        w.ResetRequests,
			Config:           w.onEstate(nil),
			ConfigPlanChecks: nothingPlanned(),
			Check:            w.asked(map[string]int{"GET /v1/servers": 1, "GET /v1/ssh_keys": 1, "GET /v1/networks": 1, "GET /v1/firewalls": 1}),
		},
		resource.TestStep{
			// The name, the labels and the tier take one request together.
			PreConfig:        w.ResetRequests,
			Config:           w.onEstate(attrs{"name": `"app"`, "labels": `{ role = "app" }`, "tier": `"free"`}),
			ConfigPlanChecks: planned(webVM, plancheck.ResourceActionUpdate),
			Check: all(stays(webVM, &id),
				w.asked(map[string]int{"GET /v1/servers": 1, "GET /v1/ssh_keys": 1, "GET /v1/networks": 1, "GET /v1/firewalls": 1, "PUT /v1/servers/{id}": 1}),
				w.serverIs(t, "renamed", func(s *hcloud.Server) bool {
					return runs(s) && s.Name == "app-fsn1" && s.Labels["role"] == "app" && s.Labels["holdfast-tier"] == "free" && s.Labels["holdfast-name"] == "app"
				})),
		},
		resource.TestStep{
			PreConfig:        w.ResetRequests,
			Config:           w.config(""),
			ConfigPlanChecks: planned(webVM, plancheck.ResourceActionDestroy),
			Check: w.asked(map[string]int{"GET /v1/servers": 1, "GET /v1/ssh_keys": 1, "GET /v1/networks": 1, "GET /v1/firewalls": 1,
				"DELETE /v1/servers/{id}": 1, "DELETE /v1/ssh_keys/{id}": 1, "DELETE /v1/networks/{id}": 1, "DELETE /v1/firewalls/{id}": 1}),
		},
	)
}

// What no cloud tells of a VM (its keys, its user data, what size was asked
// for) is taken from the configuration when it is imported.
func TestVMImport(t *testing.T) {
	w := newWorld(t)
	var id string
	config := w.onEstate(attrs{"user_data": `"#cloud-config\npackages: [htop]\n"`, "private_ip": `"10.1.0.9"`, "labels": `{ role = "web" }`})
	w.test(t,
		resource.TestStep{Config: config, Check: remember(webVM, &id)},
		resource.TestStep{
			ResourceName: webVM, ImportState: true, ImportStateVerify: true,
			ImportStateVerifyIgnore: []string{"user_data", "ssh_key_ids", "cpus", "memory_gb", "firewall_ids"},
		},
		resource.TestStep{
			ResourceName: webVM, ImportState: true, ImportStateIdFunc: func(*terraform.State) (string, error) { return "hetzner/hel1/" + id[len("hetzner/fsn1/"):], nil },
			ExpectError: says("Cannot import VM", "does not stand in hetzner/hel1", "import hetzner/fsn1/"),
		},
		resource.TestStep{
			ResourceName: webVM, ImportState: true, ImportStateId: "hetzner/fsn1/4242", ExpectError: says("Cannot import non-existent remote object"),
		},
		resource.TestStep{ResourceName: webVM, ImportState: true, ImportStateId: "web", ExpectError: says("Cannot import VM", "<cloud>/<location>/<native id>")},
		resource.TestStep{
			// Taken out of the state and imported again: nothing is replaced, and
			// the next plan is empty.
			Config: w.config(estate + `
removed {
  from = holdfast_vm.web
  lifecycle { destroy = false }
}
`),
			Check: w.cloudHolds("server", 1),
		},
		resource.TestStep{
			Config: config, ResourceName: webVM, ImportState: true, ImportStatePersist: true,
			ImportStateIdFunc: func(*terraform.State) (string, error) { return id, nil },
		},
		resource.TestStep{
			PreConfig: w.ResetRequests,
			Config:    config, ConfigPlanChecks: planned(webVM, plancheck.ResourceActionUpdate),
			Check: all(stays(webVM, &id), holds(webVM, map[string]string{"cpus": "2", "server_type": "cx23", "private_ip": "10.1.0.9"}), func(*terraform.State) error {
				if _, writes, _ := w.Counts().Split(); writes > 0 {
					return fmt.Errorf("recording what the import could not know took writes: %v", w.Counts().Routes)
				}
				return nil
			}),
		},
		resource.TestStep{Config: config, ConfigPlanChecks: nothingPlanned()},
	)
}

// Import by identity, where the command line has it.
func TestVMIdentity(t *testing.T) {
	w := newWorld(t)
	config := w.onEstate(attrs{"cpus": "", "memory_gb": "", "server_type": `"cx23"`})
	c := w.testCase(
		resource.TestStep{Config: config},
		resource.TestStep{ResourceName: webVM, ImportState: true, ImportStateKind: resource.ImportBlockWithResourceIdentity, ExpectNonEmptyPlan: true},
	)
	c.TerraformVersionChecks = []tfversion.TerraformVersionCheck{tfversion.SkipBelow(tfversion.Version1_12_0)}
	resource.UnitTest(t, c)
}

// Two blocks of one name would end up with one machine.
func TestVMClaims(t *testing.T) {
	w := newWorld(t)
	w.test(t,
		resource.TestStep{Config: w.onEstate(attrs{"+": "count = 2"}), ExpectError: says("The name is claimed twice", "name =", "Give one of them another name")},
		resource.TestStep{Config: w.onEstate(attrs{"name": `"web-${count.index}"`, "+": "count = 2"}), Check: w.cloudHolds("server", 2)},
	)
}
