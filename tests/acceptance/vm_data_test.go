package acceptance

import (
	"context"
	"strconv"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hetznercloud/hcloud-go/v2/hcloud"
)

// fleet is two VMs of the tenant acme, with labels and a volume.
const fleet = `
resource "holdfast_volume" "data" {
  name     = "data"
  location = "hetzner/fsn1"
  tenant   = "acme"
  size_gb  = 10
}

resource "holdfast_vm" "fleet" {
  count          = 2
  name           = ["web", "db"][count.index]
  location       = "hetzner/fsn1"
  tenant         = "acme"
  tier           = "free"
  server_type    = "cx23"
  image          = "debian-12"
  ssh_key_ids    = [holdfast_ssh_key.admin.id]
  network_id     = holdfast_network.acme.id
  firewall_ids   = [holdfast_firewall.web.id]
  volume_ids     = count.index == 1 ? [holdfast_volume.data.id] : []
  public_ipv4    = true
  public_ipv6    = true
  labels         = { role = ["web", "db"][count.index], fleet = "one" }
  backup_plan_id = "standard"
}
`

func TestVMDataSource(t *testing.T) {
	w := newWorld(t)
	const byID, byName, db = "data.holdfast_vm.by_id", "data.holdfast_vm.by_name", "holdfast_vm.fleet.1"
	look := `
data "holdfast_vm" "by_id" { id = holdfast_vm.fleet[1].id }

data "holdfast_vm" "by_name" {
  name     = "db"
  location = "hetzner/fsn1"
  # Wait until it is made.
  depends_on = [holdfast_vm.fleet]
}
`
	var checks []resource.TestCheckFunc
	for _, source := range []string{byID, byName} {
		for _, attribute := range []string{"id", "native_id", "name", "location", "deployment", "tenant", "tier", "server_type", "architecture", "disk_gb", "image",
			"network_id", "private_ip", "volume_ids.0", "power_state", "ipv4_address", "ipv6_address", "ipv6_network", "status", "labels.role", "deletion_protection"} {
			checks = append(checks, resource.TestCheckResourceAttrPair(source, attribute, db, attribute))
		}
		checks = append(checks, holds(source, map[string]string{"cpus": "2", "memory_gb": "4", "volume_ids.#": "1", "labels.%": "2"}))
	}
	w.test(t,
		resource.TestStep{Config: w.config(estate + fleet)},
		resource.TestStep{Config: w.config(estate + fleet + look), Check: all(checks...)},
		resource.TestStep{
			// Both are answered from the list that refreshes the VMs.
			PreConfig: w.ResetRequests, Config: w.config(estate + fleet + look), ConfigPlanChecks: nothingPlanned(),
			Check: w.asked(map[string]int{"GET /v1/servers": 1, "GET /v1/ssh_keys": 1, "GET /v1/networks": 1, "GET /v1/firewalls": 1, "GET /v1/volumes": 1}),
		},
		resource.TestStep{Config: w.config(estate + fleet + `data "holdfast_vm" "no" {}`), ExpectError: says("No way to find a VM", "Give either id, or both name and location")},
		resource.TestStep{Config: w.config(estate + fleet + `data "holdfast_vm" "half" { name = "db" }`), ExpectError: says("both name and location")},
		resource.TestStep{
			Config:      w.config(estate + fleet + "data \"holdfast_vm\" \"two\" {\n id = \"hetzner/fsn1/1\"\n name = \"db\"\n location = \"hetzner/fsn1\"\n}\n"),
			ExpectError: says("Two ways to find a VM", "Give either id, or name and location"),
		},
		resource.TestStep{Config: w.config(estate + fleet + `data "holdfast_vm" "bad" { id = "db" }`), ExpectError: says("Not an object id", "id =", "<cloud>/<location>/<native id>")},
		resource.TestStep{Config: w.config(estate + fleet + `data "holdfast_vm" "gone" { id = "hetzner/fsn1/4242" }`), ExpectError: says("Cannot read the VM", "not")},
		resource.TestStep{
			Config:      w.config(estate + fleet + "data \"holdfast_vm\" \"gone\" {\n name = \"app\"\n location = \"hetzner/fsn1\"\n}\n"),
			ExpectError: says(`the deployment "acc" has no VM "app" in hetzner/fsn1`, "Check the name and the location"),
		},
		resource.TestStep{
			Config:      w.config(estate + fleet + "data \"holdfast_vm\" \"typo\" {\n name = \"db\"\n location = \"hetzner/fsn2\"\n}\n"),
			ExpectError: says("Unknown location", "location =", "fsn1"),
		},
		resource.TestStep{
			// A lost location is not asked: what only the cloud knows is null.
			PreConfig: w.ResetRequests,
			Config:    w.config(`data "holdfast_vm" "lost" { id = "hetzner/fsn1/4242" }`+"\n"+`data "holdfast_vms" "lost" { location = "hetzner/fsn1" }`, "hetzner/fsn1"),
			Check: all(w.asked(map[string]int{}), holds("data.holdfast_vm.lost", map[string]string{"id": "hetzner/fsn1/4242"}),
				absent("data.holdfast_vm.lost", "name", "ipv4_address"), resource.TestCheckResourceAttr("data.holdfast_vms.lost", "vms.#", "0")),
		},
		// The location is back, and so is what stands there.
		resource.TestStep{Config: w.config(estate + fleet), Check: w.cloudHolds("server", 2)},
	)
}

func TestVMsDataSource(t *testing.T) {
	w := newWorld(t)
	look := func(name, filter string) string {
		return "data \"holdfast_vms\" \"" + name + "\" {\n" + filter + "\n}\n"
	}
	sources := look("all", `cloud = "hetzner"`) + look("here", `location = "hetzner/fsn1"`) + look("elsewhere", `location = "hetzner/hel1"`) +
		look("web", "cloud = \"hetzner\"\nlabels = { role = \"web\", fleet = \"one\" }") + look("none", "cloud = \"hetzner\"\nlabels = { role = \"mail\" }") +
		look("acme", "cloud = \"hetzner\"\ntenant = \"acme\"") + look("other", "cloud = \"hetzner\"\ntenant = \"other\"")
	finds := func(name string, vms ...string) resource.TestCheckFunc {
		checks := []resource.TestCheckFunc{resource.TestCheckResourceAttr("data.holdfast_vms."+name, "vms.#", strconv.Itoa(len(vms)))}
		for i, vm := range vms {
			checks = append(checks, resource.TestCheckResourceAttr("data.holdfast_vms."+name, "vms."+strconv.Itoa(i)+".name", vm))
		}
		return all(checks...)
	}
	w.test(t,
		resource.TestStep{Config: w.config(estate + fleet)},
		resource.TestStep{
			// Somebody else's VM in the same project is none of the deployment's.
			PreConfig: func() {
				made := must[hcloud.ServerCreateResult](t)(w.Client.Server.Create(context.Background(), hcloud.ServerCreateOpts{Name: "theirs",
					ServerType: &hcloud.ServerType{Name: "cx23"}, Image: &hcloud.Image{Name: "debian-12"}, Location: &hcloud.Location{Name: "fsn1"},
					Labels: map[string]string{"role": "web"}}))
				if err := w.Client.Action.WaitFor(context.Background(), append(made.NextActions, made.Action)...); err != nil {
					t.Fatal(err)
				}
				w.ResetRequests()
			},
			Config: w.config(estate + fleet + sources),
			Check: all(
				// One list answers all of them, and the refresh.
				w.asked(map[string]int{"GET /v1/servers": 1, "GET /v1/ssh_keys": 1, "GET /v1/networks": 1, "GET /v1/firewalls": 1, "GET /v1/volumes": 1}),
				finds("all", "db", "web"), finds("here", "db", "web"), finds("elsewhere"), finds("web", "web"), finds("none"), finds("acme", "db", "web"), finds("other"),
				resource.TestCheckResourceAttrPair("data.holdfast_vms.web", "vms.0.id", "holdfast_vm.fleet.0", "id"),
				resource.TestCheckResourceAttrPair("data.holdfast_vms.web", "vms.0.private_ip", "holdfast_vm.fleet.0", "private_ip"),
				resource.TestCheckResourceAttrPair("data.holdfast_vms.all", "vms.0.volume_ids.0", "holdfast_volume.data", "id"),
			),
		},
		resource.TestStep{Config: w.config(estate + fleet + look("no", "")), ExpectError: says("One cloud or one location", "Give either cloud or location")},
		resource.TestStep{Config: w.config(estate + fleet + look("two", "cloud = \"hetzner\"\nlocation = \"hetzner/fsn1\"")), ExpectError: says("One cloud or one location")},
		resource.TestStep{Config: w.config(estate + fleet + look("typo", `location = "hetzner/fsn2"`)), ExpectError: says("Unknown location", "location =", "fsn1")},
		resource.TestStep{Config: w.config(estate + fleet + look("none", `cloud = "nebula"`)), ExpectError: says("No access to nebula", "cloud =")},
		resource.TestStep{
			PreConfig: func() {
				theirs, _, err := w.Client.Server.GetByName(context.Background(), "theirs")
				if err != nil {
					t.Fatal(err)
				}
				must[*hcloud.ServerDeleteResult](t)(w.Client.Server.DeleteWithResult(context.Background(), theirs))
			},
			Config: w.config(estate + fleet), Check: w.cloudHolds("server", 2),
		},
	)
}
