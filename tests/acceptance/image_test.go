package acceptance

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

const baseImage = "holdfast_image.base"

// image is a block that is replaced as the documentation advises.
func image(location, more string) string {
	return fmt.Sprintf(`
resource "holdfast_image" "base" {
  name     = "base"
  location = %q
  base     = "debian-12"
%s
  lifecycle { create_before_destroy = true }
}
`, location, more)
}

// imaged is a VM that was made from the image, and what it stands on.
func imaged(vm string) string {
	return fmt.Sprintf(`
resource "holdfast_ssh_key" "ada" {
  name       = "ada"
  location   = "hetzner/fsn1"
  public_key = local.key
}

resource "holdfast_network" "acme" {
  name     = "acme"
  location = "hetzner/fsn1"
  tenant   = "acme"
  cidr     = "10.1.0.0/24"
}

resource "holdfast_firewall" "web" {
  name     = "web"
  location = "hetzner/fsn1"
  rules    = [{ protocol = "tcp", port = "443", networks = ["0.0.0.0/0"] }]
}

resource "holdfast_vm" "web" {
  name         = "web"
  location     = "hetzner/fsn1"
  tenant       = "acme"
  cpus         = 2
  memory_gb    = 4
  ssh_key_ids  = [holdfast_ssh_key.ada.id]
  network_id   = holdfast_network.acme.id
  firewall_ids = [holdfast_firewall.web.id]
%s
}
`, vm)
}

// snapshots are the images that the account has made.
func (w *world) snapshots(t *testing.T) []*hcloud.Image {
	t.Helper()
	found, err := w.Client.Image.AllWithOpts(context.Background(), hcloud.ImageListOpts{Type: []hcloud.ImageType{hcloud.ImageTypeSnapshot}})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// account wants so many servers and snapshots.
func (w *world) account(t *testing.T, servers, snapshots int) resource.TestCheckFunc {
	return func(*terraform.State) error {
		if have, images := w.Inventory()["server"], len(w.snapshots(t)); have != servers || images != snapshots {
			return fmt.Errorf("the account has %d servers and %d snapshots, not %d and %d", have, images, servers, snapshots)
		}
		return nil
	}
}

// An image is made by a machine that goes, is used by a VM, and is replaced with
// the VM in one apply in which the old image goes last.
func TestImage(t *testing.T) {
	w := newWorld(t)
	var first string
	vm := imaged("  image_id = holdfast_image.base.id")
	w.test(t,
		resource.TestStep{
			PreConfig:        w.ResetRequests,
			Config:           w.config(image("hetzner/fsn1", "")),
			ConfigPlanChecks: planned(baseImage, plancheck.ResourceActionCreate),
			Check: resource.ComposeAggregateTestCheckFunc(w.account(t, 0, 1), remember(baseImage, &first),
				func(*terraform.State) error {
					spent := w.Counts().Routes
					for _, route := range []string{"POST /v1/servers", "POST /v1/servers/{id}/actions/create_image", "DELETE /v1/servers/{id}"} {
						if spent[route] != 1 {
							return fmt.Errorf("%s was asked %d times", route, spent[route])
						}
					}
					return nil
				},
				holds(baseImage, map[string]string{"profile": "hardened", "architecture": "x86", "status": "available", "build_minutes": "30"})),
		},
		resource.TestStep{Config: w.config(image("hetzner/fsn1", "")), ConfigPlanChecks: nothingPlanned()},
		resource.TestStep{
			ResourceName: baseImage, ImportState: true, ImportStateVerify: true, Config: w.config(image("hetzner/fsn1", "")),
			ImportStateVerifyIgnore: []string{"timeouts"},
		},
		resource.TestStep{
			Config:           w.config(image("hetzner/fsn1", "  labels = { team = \"base\" }")),
			ConfigPlanChecks: planned(baseImage, plancheck.ResourceActionUpdate),
			Check:            resource.ComposeAggregateTestCheckFunc(stays(baseImage, &first), w.account(t, 0, 1)),
		},
		resource.TestStep{
			Config: w.config(image("hetzner/fsn1", "") + vm),
			Check: resource.ComposeAggregateTestCheckFunc(w.account(t, 1, 1), func(*terraform.State) error {
				servers, err := w.Client.Server.All(context.Background())
				if err != nil || len(servers) != 1 || servers[0].Image == nil || "hetzner/fsn1/"+strconv.FormatInt(servers[0].Image.ID, 10) != first {
					return fmt.Errorf("the server was not made from %s: %v %v", first, servers, err)
				}
				return nil
			}),
		},
		resource.TestStep{Config: w.config(image("hetzner/fsn1", "") + vm), ConfigPlanChecks: nothingPlanned()},
		resource.TestStep{
			// The image moves to another location of the cloud: neither it nor the
			// VM is made anew.
			Config:           w.config(image("hetzner/hel1", "") + vm),
			ConfigPlanChecks: planned(baseImage, plancheck.ResourceActionUpdate),
			Check:            w.account(t, 1, 1),
		},
		resource.TestStep{
			Config:           w.config(image("hetzner/hel1", "  roles = [\"postgresql\"]") + vm),
			ConfigPlanChecks: planned(baseImage, plancheck.ResourceActionCreateBeforeDestroy),
			Check:            w.account(t, 1, 1),
		},
		resource.TestStep{
			// A VM that stays on its image keeps the image, and the apply says so.
			Config:      w.config(image("hetzner/hel1", "") + imaged("  image_id = holdfast_image.base.id\n  lifecycle { ignore_changes = [image_id] }")),
			ExpectError: regexp.MustCompile(`a VM was made from it`),
		},
		resource.TestStep{
			Config: w.config(image("hetzner/hel1", "") + vm),
			Check:  w.account(t, 1, 1),
		},
	)
}

// A machine that does not switch itself off has failed. It goes, nothing is in
// the state, and the next apply begins anew.
func TestImageFails(t *testing.T) {
	w := newWorld(t)
	var stuck int64
	w.test(t,
		resource.TestStep{
			PreConfig: func() {
				id, err := w.AddFault(simcloud.Fault{Kind: simcloud.FaultActionStuck, Cloud: simcloud.Hetzner, Command: "guest_power_off"})
				if err != nil {
					t.Fatal(err)
				}
				stuck = id
			},
			Config:      w.config(image("hetzner/fsn1", "  build_minutes = 1\n  timeouts = { create = \"5s\" }")),
			ExpectError: regexp.MustCompile(`(?s)harden an image|ran out`),
		},
		resource.TestStep{
			PreConfig: func() {
				if servers, images := w.Inventory()["server"], len(w.snapshots(t)); servers != 0 || images != 0 {
					t.Errorf("%d servers and %d images are left", servers, images)
				}
				w.RemoveFault(stuck)
			},
			Config: w.config(image("hetzner/fsn1", "")),
			Check:  w.account(t, 0, 1),
		},
	)
}

// What a configuration asks for in vain is refused by the plan.
func TestImageRefused(t *testing.T) {
	w := newWorld(t)
	w.test(t,
		resource.TestStep{Config: w.config(image("hetzner/fsn1", "  profile = \"soft\"")), PlanOnly: true, ExpectError: regexp.MustCompile("No such profile")},
		resource.TestStep{Config: w.config(imaged("")), PlanOnly: true, ExpectError: regexp.MustCompile("No image")},
		resource.TestStep{Config: w.config(imaged("  image = \"debian-12\"\n  image_id = \"hetzner/fsn1/1\"")), PlanOnly: true, ExpectError: regexp.MustCompile("Two images")},
		resource.TestStep{Config: w.config(imaged("  image_id = \"google/europe-west3-a/1\"")), PlanOnly: true, ExpectError: regexp.MustCompile("Object of another cloud")},
		resource.TestStep{Config: w.config(imaged("  image_id = \"hetzner/fsn1/999999\"")), PlanOnly: true, ExpectError: regexp.MustCompile("No such object")},
	)
}

// The same on Google Cloud, where the machine needs a network.
func TestGoogleImage(t *testing.T) {
	g := newGoogle(t)
	config := func(more string) string {
		return g.config(`
resource "holdfast_network" "images" {
  name     = "images"
  location = local.here
  cidr     = "10.255.0.0/24"
}
` + image("google/europe-west3-a", "  network_id = holdfast_network.images.id\n"+more))
	}
	only := func(*terraform.State) error {
		if instances, images := len(g.Objects("google_instance")), len(g.Objects("google_image")); instances != 0 || images != 1 {
			return fmt.Errorf("there are %d instances and %d images", instances, images)
		}
		return nil
	}
	var first string
	g.test(t,
		resource.TestStep{
			Config: config(""),
			Check: resource.ComposeAggregateTestCheckFunc(only, remember(baseImage, &first),
				holds(baseImage, map[string]string{"architecture": "x86", "status": "READY", "min_disk_gb": "10"})),
		},
		resource.TestStep{Config: config(""), ConfigPlanChecks: nothingPlanned()},
		resource.TestStep{
			Config: config("  labels = { team = \"base\" }"), ConfigPlanChecks: planned(baseImage, plancheck.ResourceActionUpdate),
			Check: resource.ComposeAggregateTestCheckFunc(only, stays(baseImage, &first)),
		},
		resource.TestStep{
			Config: config("  roles = [\"postgresql\"]"), ConfigPlanChecks: planned(baseImage, plancheck.ResourceActionCreateBeforeDestroy),
			Check: only,
		},
	)
}
