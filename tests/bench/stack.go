package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// contender is a provider whose requests are counted.
type contender struct {
	// who names it in the results.
	who string
	// provider is the root module's provider configuration.
	provider string
	// shared declares what all tenants have in common.
	shared string
	// pass hands what is shared to a shard.
	pass string
	// shard is the module that declares a set of tenants.
	shard string
}

// shardSize is how many tenants one module call holds. Terraform's apply
// graph has an edge from each machine to every network, firewall and volume
// of the blocks that it refers to, so a single call of 1,000 tenants has
// three million: terraform 1.11 needs more than ten minutes and 6 GB for them
// before it sends a request. Twenty calls of 50 have 150,000.
const shardSize = 50

const benchKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA+8tMsKN4vulNVD7Cf0iuJURfLJapXFm/DxMX1ScBtx bench@example.com"

// token is what the benchmark shows to the embedded cloud.
const token = "bench-token-of-64-characters-as-the-vendor-issues-them-000000000"

func holdfast() contender {
	return contender{
		who: "holdfast",
		provider: `
terraform {
  backend "http" { address = %q }
  required_providers {
    holdfast = { source = "holdfast-cloud/holdfast" }
  }
}

provider "holdfast" {
  deployment = "bench"
  hetzner {
    endpoint = %q
    token    = %q
  }
}
`,
		shared: `
resource "holdfast_ssh_key" "admin" {
  name       = "admin"
  location   = "hetzner/fsn1"
  public_key = %q
}
`,
		pass: "holdfast_ssh_key.admin.id",
		shard: `
terraform {
  required_providers {
    holdfast = { source = "holdfast-cloud/holdfast" }
  }
}

variable "tenants" { type = set(string) }
variable "ssh_key" { type = string }

locals { location = "hetzner/fsn1" }

resource "holdfast_network" "tenant" {
  for_each = var.tenants
  name     = each.key
  location = local.location
  tenant   = each.key
  cidr     = "10.0.0.0/24"
}

resource "holdfast_firewall" "tenant" {
  for_each = var.tenants
  name     = each.key
  location = local.location
  tenant   = each.key
  rules = [
    { protocol = "tcp", port = "443", networks = ["0.0.0.0/0", "::/0"] },
    { protocol = "tcp", port = "22", networks = ["198.51.100.0/24"] },
  ]
}

resource "holdfast_volume" "tenant" {
  for_each = var.tenants
  name     = each.key
  location = local.location
  tenant   = each.key
  size_gb  = 10
}

resource "holdfast_vm" "tenant" {
  for_each     = var.tenants
  name         = each.key
  location     = local.location
  tenant       = each.key
  cpus         = 2
  memory_gb    = 4
  image        = "debian-12"
  ssh_key_ids  = [var.ssh_key]
  network_id   = holdfast_network.tenant[each.key].id
  firewall_ids = [holdfast_firewall.tenant[each.key].id]
  volume_ids   = [holdfast_volume.tenant[each.key].id]
  public_ipv4  = true # as the others do by default
  public_ipv6  = true
}
`,
	}
}

// hcloud is the same with the vendor's own provider.
func hcloud() contender {
	return contender{
		who: "hcloud",
		provider: `
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
`,
		shared: `
resource "hcloud_ssh_key" "admin" {
  name       = "admin"
  public_key = %q
}
`,
		pass: "hcloud_ssh_key.admin.id",
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

// files are the root module and the module of a shard for n tenants; state is
// the address of the state.
func (c contender) files(n int, endpoint, state string) map[string]string {
	var root strings.Builder
	fmt.Fprintf(&root, c.provider, state, endpoint, token)
	fmt.Fprintf(&root, c.shared, benchKey)
	for first := 0; first < n; first += shardSize {
		fmt.Fprintf(&root, `
module "tenants_%04[1]d" {
  source  = "./shard"
  tenants = [for i in range(%[1]d, %[2]d) : format("t%%04d", i)]
  ssh_key = %[3]s
}
`, first, min(n, first+shardSize), c.pass)
	}
	return map[string]string{"main.tf": root.String(), "shard/main.tf": c.shard}
}

// writeStack lays the configuration out in a new folder below parent.
func writeStack(parent string, c contender, n int, endpoint, state string) (string, error) {
	dir, err := os.MkdirTemp(parent, fmt.Sprintf("%s-%d-", c.who, n))
	if err != nil {
		return "", err
	}
	for name, text := range c.files(n, endpoint, state) {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return "", err
		}
		if err := os.WriteFile(file, []byte(strings.TrimSpace(text)+"\n"), 0o644); err != nil {
			return "", err
		}
	}
	return dir, nil
}
