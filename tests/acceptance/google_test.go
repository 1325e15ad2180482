package acceptance

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
)

const googleProject = "acme-prod"

// google is a world whose configurations stand in Google Cloud.
type google struct{ *world }

func newGoogle(t *testing.T) google {
	t.Helper()
	return google{newWorld(t)}
}

// compute is the base URL of the embedded Compute Engine.
func (g google) compute() string {
	return strings.TrimSuffix(g.HetznerEndpoint(), "/v1") + "/compute/v1/"
}

// config puts the provider's configuration before a test's resources.
func (g google) config(body string, lost ...string) string {
	return fmt.Sprintf(`
terraform {
  required_providers {
    holdfast = { source = "holdfast-cloud/holdfast" }
  }
}

provider "holdfast" {
  deployment     = "acc"
  lost_locations = [%s]
  google {
    project      = %q
    endpoint     = %q
    access_token = %q
  }
}

locals {
  here = "google/europe-west3-a"
  key  = %q
}
%s`, quoted(lost), googleProject, g.compute(), token, publicKey, body)
}

// test runs steps, and wants nothing to be left at the end.
func (g google) test(t *testing.T, steps ...resource.TestStep) {
	t.Helper()
	test := g.testCase(steps...)
	test.CheckDestroy = func(*terraform.State) error {
		for _, kind := range []string{"instance", "disk", "subnetwork", "route", "firewall"} {
			if left := len(g.Objects("google_" + kind)); left != 0 {
				return fmt.Errorf("%d objects of kind %s are left in the cloud", left, kind)
			}
		}
		return nil
	}
	resource.UnitTest(t, test)
}

// behind does something in the zone behind Terraform's back, and waits for it.
func (g google) behind(t *testing.T, method, path string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, g.compute()+"projects/"+googleProject+"/zones/europe-west3-a/"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if body, err := io.ReadAll(response.Body); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: status %d, %s %v", method, path, response.StatusCode, body, err)
	}
	time.Sleep(100 * time.Millisecond) // the embedded cloud's operations end at once
}

// changes are what differs between two configurations of the estate.
type changes struct {
	subnets, labels, more, power string
	sizeGB                       int
	guard                        bool
}

func estateNow() changes {
	return changes{subnets: `"10.1.0.0/24"`, labels: `{ step = "one" }`, power: "running", sizeGB: 20}
}

// estate is one of every resource, of the tenant acme, on Google Cloud.
func (c changes) estate() string {
	return fmt.Sprintf(`
resource "holdfast_ssh_key" "admin" {
  name       = "admin"
  location   = local.here
  public_key = local.key
  labels     = %[2]s
}
resource "holdfast_network" "acme" {
  name     = "acme"
  location = local.here
  tenant   = "acme"
  cidr     = "10.1.0.0/16"
  subnets  = [%[1]s]
  labels   = %[2]s
}
resource "holdfast_firewall" "web" {
  name       = "web"
  location   = local.here
  tenant     = "acme"
  network_id = holdfast_network.acme.id
  rules      = [{ protocol = "tcp", port = "443", networks = ["0.0.0.0/0"] }%[3]s]
  labels     = %[2]s
}
resource "holdfast_volume" "data" {
  name     = "data"
  location = local.here
  tenant   = "acme"
  size_gb  = %[4]d
  labels   = %[2]s
  google {
    kms_key = "projects/acme-keys/locations/europe-west3/keyRings/disks/cryptoKeys/acme"
  }
}
resource "holdfast_vm" "web" {
  name                = "web"
  location            = local.here
  tenant              = "acme"
  cpus                = 2
  memory_gb           = 4
  image               = "debian-12"
  ssh_key_ids         = [holdfast_ssh_key.admin.id]
  network_id          = holdfast_network.acme.id
  firewall_ids        = [holdfast_firewall.web.id]
  volume_ids          = [holdfast_volume.data.id]
  backup_plan_id      = "standard"
  power_state         = %[5]q
  labels              = %[2]s
  deletion_protection = %[6]t
}
`, c.subnets, c.labels, c.more, c.sizeGB, c.power, c.guard)
}

// every resource of the estate.
func everyGoogle() []string {
	return []string{"holdfast_ssh_key.admin", "holdfast_network.acme", "holdfast_firewall.web", "holdfast_volume.data", webVM}
}

func actions(action plancheck.ResourceActionType, addresses ...string) resource.ConfigPlanChecks {
	var checks []plancheck.PlanCheck
	for _, address := range addresses {
		checks = append(checks, plancheck.ExpectResourceAction(address, action))
	}
	return resource.ConfigPlanChecks{PreApply: checks}
}

// Every resource is made, shows no difference afterwards, changes in place,
// imports as what it is, is protected, comes again when it has disappeared, and
// goes.
func TestGoogle(t *testing.T) {
	g := newGoogle(t)
	first := estateNow()
	second := changes{subnets: `"10.1.0.0/24", "10.1.1.0/24"`, labels: `{ step = "two" }`, power: "stopped", sizeGB: 30,
		more: `, { protocol = "tcp", port = "22", networks = ["198.51.100.0/24"] }`}
	guarded := second
	guarded.guard = true
	ids := map[string]*string{}
	var kept, same []resource.TestCheckFunc
	steps := []resource.TestStep{}
	for _, address := range everyGoogle() {
		ids[address] = new(string)
		kept, same = append(kept, remember(address, ids[address])), append(same, stays(address, ids[address]))
	}
	steps = append(steps, resource.TestStep{
		Config: g.config(first.estate()), ConfigPlanChecks: actions(plancheck.ResourceActionCreate, everyGoogle()...),
		Check: all(append(kept,
			holds(webVM, map[string]string{"location": "google/europe-west3-a", "architecture": "x86", "public_ipv4": "false", "public_ipv6": "false",
				"status": "RUNNING", "private_ip": "10.1.0.2", "image": "debian-12"}),
			absent(webVM, "ipv4_address", "ipv6_address"),
			holds("holdfast_volume.data", map[string]string{"google.kms_key": "projects/acme-keys/locations/europe-west3/keyRings/disks/cryptoKeys/acme"}),
		)...),
	}, resource.TestStep{
		Config: g.config(second.estate()), ConfigPlanChecks: actions(plancheck.ResourceActionUpdate, everyGoogle()...),
		Check: all(append(same, holds("holdfast_volume.data", map[string]string{"size_gb": "30"}),
			holds("holdfast_network.acme", map[string]string{"subnets.#": "2"}), holds("holdfast_firewall.web", map[string]string{"rules.#": "2"}),
			holds(webVM, map[string]string{"power_state": "stopped", "labels.step": "two"}))...),
	})
	for _, address := range everyGoogle() {
		step := resource.TestStep{ResourceName: address, ImportState: true, ImportStateVerify: true}
		if address == webVM {
			// What was asked for, and what a machine does not tell.
			step.ImportStateVerifyIgnore = []string{"cpus", "memory_gb", "ssh_key_ids", "user_data", "backup_plan_id"}
		}
		steps = append(steps, step)
	}
	steps = append(steps,
		resource.TestStep{Config: g.config(guarded.estate()), Check: all(same...)},
		resource.TestStep{Config: g.config(guarded.estate()), Destroy: true, ExpectError: says("Deletion protection", "is protected")},
		resource.TestStep{Config: g.config(second.estate()), Check: all(same...)},
		resource.TestStep{
			PreConfig: func() { g.behind(t, http.MethodDelete, "instances/"+nativeOf(ids[webVM])) },
			Config:    g.config(second.estate()), ConfigPlanChecks: actions(plancheck.ResourceActionCreate, webVM),
			Check: all(append(same, resource.TestCheckResourceAttr(webVM, "volume_ids.#", "1"))...),
		},
		resource.TestStep{
			// Another network of another tenant would be a way between tenants.
			Config: g.config(strings.Replace(second.estate(), `tenant     = "acme"`, `tenant     = "other"`, 1)), PlanOnly: true,
			ExpectError: says("Network of another tenant (ISO-2)", "network_id ="),
		},
	)
	g.test(t, steps...)
}

// nativeOf gives the vendor's part of an id.
func nativeOf(id *string) string { return (*id)[strings.LastIndexByte(*id, '/')+1:] }

// What breaks a rule of this cloud does not pass the plan.
func TestGoogleRefusals(t *testing.T) {
	g := newGoogle(t)
	volume := func(block string) string {
		return g.config("resource \"holdfast_volume\" \"data\" {\n name = \"data\"\n location = local.here\n size_gb = 10\n google {\n " + block + "\n }\n}\n")
	}
	g.test(t,
		resource.TestStep{Config: volume(`kms_key = "SGVsbG8gZnJvbSBHb29nbGUgQ2xvdWQgUGxhdGZvcm0="`), PlanOnly: true,
			ExpectError: says("A raw key instead of a key's name (ENC-1)", "kms_key =", "deprecated")},
		resource.TestStep{Config: volume(`kms_key = "projects/acme-keys/locations/us-east1/keyRings/disks/cryptoKeys/acme"`), PlanOnly: true,
			ExpectError: says("Key of another region", "us-east1", "Name a key in europe-west3")},
		resource.TestStep{Config: volume(`type = "ssd"`), PlanOnly: true, ExpectError: says("Unknown type of disk", "pd-balanced")},
		resource.TestStep{Config: strings.Replace(volume(""), "europe-west3-a", "europe-west3-z", 1), PlanOnly: true, ExpectError: says("Unknown location")},
	)
}
