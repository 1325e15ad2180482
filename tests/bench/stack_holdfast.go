package main

import (
	"fmt"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/tests/harness"
)

// estate is what differs between the configurations of Holdfast: where they
// stand, and how rich a tenant is.
type estate struct {
	metric, cloud, machine string
	// settings are those of the provider block, from the embedded clouds.
	settings func(sim *harness.Sim) string
	// site declares what decides on the location, if that is not fixed, and
	// location is the expression for it.
	site, location string
	// rules are the firewall's, and networkID says that they stand in the
	// tenant's network alone.
	rules     []string
	networkID bool
	// ipv6 gives the machines a public IPv6 address beside the IPv4 one.
	ipv6 bool
}

// The rules of a firewall.
const (
	httpsRule     = `{ protocol = "tcp", port = "443", networks = ["0.0.0.0/0"] }`
	httpsBothRule = `{ protocol = "tcp", port = "443", networks = ["0.0.0.0/0", "::/0"] }`
	sshRule       = `{ protocol = "tcp", port = "22", networks = ["198.51.100.0/24"] }`
)

// holdfast is the estate in Hetzner Cloud.
func holdfast() contender {
	return estate{
		metric: "hetzner", cloud: simcloud.Hetzner, machine: "server",
		settings: hetznerSettings, location: `"hetzner/fsn1"`,
		rules: []string{httpsBothRule, sshRule}, ipv6: true,
	}.contender()
}

// google is the estate in Google Cloud: five of the vendor's objects a tenant,
// which are a network, a subnetwork, a firewall rule, a disk and an instance.
func google() contender {
	return estate{
		metric: "google", cloud: simcloud.Google, machine: "google_instance",
		settings: googleSettings, location: `"google/europe-west3-a"`,
		rules: []string{httpsRule}, networkID: true,
	}.contender()
}

// googleAlike is what the estate in Hetzner Cloud is, word for word, in Google
// Cloud. A firewall rule of this vendor has one set of networks of one IP
// version, so there are three, and a subnetwork gets IPv6 by a change of its
// own: eight objects and a change.
func googleAlike() contender {
	return estate{
		metric: "google.as_hetzner", cloud: simcloud.Google, machine: "google_instance",
		settings: googleSettings, location: `"google/europe-west3-a"`,
		rules: []string{httpsBothRule, sshRule}, networkID: true, ipv6: true,
	}.contender()
}

func hetznerSettings(sim *harness.Sim) string {
	return fmt.Sprintf("  hetzner {\n    endpoint = %q\n    token    = %q\n  }\n", sim.HetznerEndpoint(), token)
}

func googleSettings(sim *harness.Sim) string {
	return fmt.Sprintf("  google {\n    project      = %q\n    endpoint     = %q\n    access_token = %q\n  }\n", project, sim.GoogleEndpoint(), token)
}

// contender writes the estate down as a configuration.
func (e estate) contender() contender {
	var inNetwork string
	if e.networkID {
		inNetwork = "\n  network_id = holdfast_network.tenant[each.key].id"
	}
	return contender{
		who: "holdfast", metric: e.metric, cloud: e.cloud, machine: e.machine,
		provider: func(state string, sim *harness.Sim) string {
			return fmt.Sprintf(`
terraform {
  backend "http" { address = %q }
  required_providers {
    holdfast = { source = "holdfast-cloud/holdfast" }
  }
}

provider "holdfast" {
  deployment = "bench"
%s}
`, state, e.settings(sim))
		},
		shared: fmt.Sprintf(`
%s
resource "holdfast_ssh_key" "admin" {
  name       = "admin"
  location   = %s
  public_key = %%q
}
`, e.site, e.location),
		pass:  fmt.Sprintf("  location = %s\n  ssh_key  = holdfast_ssh_key.admin.id", e.location),
		shard: fmt.Sprintf(holdfastShard, inNetwork, strings.Join(e.rules, ",\n    "), e.ipv6),
	}
}

// holdfastShard is a set of tenants, with places for the firewall's network,
// its rules, and whether there is a public IPv6 address.
const holdfastShard = `
terraform {
  required_providers {
    holdfast = { source = "holdfast-cloud/holdfast" }
  }
}

variable "tenants" { type = set(string) }
variable "location" { type = string }
variable "ssh_key" { type = string }

resource "holdfast_network" "tenant" {
  for_each = var.tenants
  name     = each.key
  location = var.location
  tenant   = each.key
  cidr     = "10.0.0.0/24"
}

resource "holdfast_firewall" "tenant" {
  for_each = var.tenants
  name     = each.key
  location = var.location
  tenant   = each.key%s
  rules = [
    %s,
  ]
}

resource "holdfast_volume" "tenant" {
  for_each = var.tenants
  name     = each.key
  location = var.location
  tenant   = each.key
  size_gb  = 10
}

resource "holdfast_vm" "tenant" {
  for_each       = var.tenants
  name           = each.key
  location       = var.location
  tenant         = each.key
  cpus           = 2
  memory_gb      = 4
  image          = "debian-12"
  ssh_key_ids    = [var.ssh_key]
  network_id     = holdfast_network.tenant[each.key].id
  firewall_ids   = [holdfast_firewall.tenant[each.key].id]
  volume_ids     = [holdfast_volume.tenant[each.key].id]
  backup_plan_id = "standard" # by name: no cloud is asked for it
  public_ipv4    = true       # as the vendor's own provider does by default
  public_ipv6    = %t
}
`
