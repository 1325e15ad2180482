package main

import (
	"fmt"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/tests/harness"
)

// hcloud is the same with the vendor's own provider.
func hcloud() contender {
	return contender{
		who: "hcloud", metric: "hetzner", cloud: simcloud.Hetzner, machine: "server",
		provider: func(state string, sim *harness.Sim) string {
			return fmt.Sprintf(`
terraform {
  backend "http" { address = %q }
  required_providers {
    hcloud = { source = "hetznercloud/hcloud" }
  }
}

provider "hcloud" {
  endpoint = %q
  token    = %q
}
`, state, sim.HetznerEndpoint(), token)
		},
		shared: `
resource "hcloud_ssh_key" "admin" {
  name       = "admin"
  public_key = %q
}
`,
		pass: "  ssh_key = hcloud_ssh_key.admin.id",
		shard: `
terraform {
  required_providers {
    hcloud = { source = "hetznercloud/hcloud" }
  }
}

variable "tenants" { type = set(string) }
variable "ssh_key" { type = string }

resource "hcloud_network" "tenant" {
  for_each = var.tenants
  name     = each.key
  ip_range = "10.0.0.0/24"
}

resource "hcloud_network_subnet" "tenant" {
  for_each     = var.tenants
  network_id   = hcloud_network.tenant[each.key].id
  type         = "cloud"
  network_zone = "eu-central"
  ip_range     = "10.0.0.0/24"
}

resource "hcloud_firewall" "tenant" {
  for_each = var.tenants
  name     = each.key
  rule {
    direction  = "in"
    protocol   = "tcp"
    port       = "443"
    source_ips = ["0.0.0.0/0", "::/0"]
  }
  rule {
    direction  = "in"
    protocol   = "tcp"
    port       = "22"
    source_ips = ["198.51.100.0/24"]
  }
}

resource "hcloud_volume" "tenant" {
  for_each = var.tenants
  name     = each.key
  location = "fsn1"
  size     = 10
}

resource "hcloud_server" "tenant" {
  for_each     = var.tenants
  name         = each.key
  location     = "fsn1"
  server_type  = "cx23"
  image        = "debian-12"
  ssh_keys     = [var.ssh_key]
  firewall_ids = [hcloud_firewall.tenant[each.key].id]
  network {
    network_id = hcloud_network.tenant[each.key].id
    # Without it every plan wants to attach the network anew: see the
    # documentation of hcloud_server.
    alias_ips = []
  }
  depends_on = [hcloud_network_subnet.tenant]
}

resource "hcloud_volume_attachment" "tenant" {
  for_each  = var.tenants
  volume_id = hcloud_volume.tenant[each.key].id
  server_id = hcloud_server.tenant[each.key].id
}
`,
	}
}
