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
	// stack writes the root module for n tenants.
	stack func(n int, endpoint string) string
}

const benchKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA+8tMsKN4vulNVD7Cf0iuJURfLJapXFm/DxMX1ScBtx bench@example.com"

// token is what the benchmark shows to the embedded cloud.
const token = "bench-token-of-64-characters-as-the-vendor-issues-them-000000000"

func holdfastStack(n int, endpoint string) string {
	return fmt.Sprintf(`
terraform {
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

locals {
  location = "hetzner/fsn1"
  tenants  = toset([for i in range(%d) : format("t%%04d", i)])
}

resource "holdfast_ssh_key" "admin" {
  name       = "admin"
  location   = local.location
  public_key = %q
}

resource "holdfast_network" "tenant" {
  for_each = local.tenants
  name     = each.key
  location = local.location
  tenant   = each.key
  cidr     = "10.0.0.0/24"
}

resource "holdfast_firewall" "tenant" {
  for_each = local.tenants
  name     = each.key
  location = local.location
  tenant   = each.key
  rules = [
    { protocol = "tcp", port = "443", networks = ["0.0.0.0/0", "::/0"] },
    { protocol = "tcp", port = "22", networks = ["198.51.100.0/24"] },
  ]
}

resource "holdfast_volume" "tenant" {
  for_each = local.tenants
  name     = each.key
  location = local.location
  tenant   = each.key
  size_gb  = 10
}

resource "holdfast_vm" "tenant" {
  for_each     = local.tenants
  name         = each.key
  location     = local.location
  tenant       = each.key
  cpus         = 2
  memory_gb    = 4
  image        = "debian-12"
  ssh_key_ids  = [holdfast_ssh_key.admin.id]
  network_id   = holdfast_network.tenant[each.key].id
  firewall_ids = [holdfast_firewall.tenant[each.key].id]
  volume_ids   = [holdfast_volume.tenant[each.key].id]
}
`, endpoint, token, n, benchKey)
}

// hcloudStack is the same with the vendor's own provider.
func hcloudStack(n int, endpoint string) string {
	return fmt.Sprintf(`
terraform {
  required_providers {
    hcloud = { source = "hetznercloud/hcloud" }
  }
}

provider "hcloud" {
  endpoint = %q
  token    = %q
}

locals {
  tenants = toset([for i in range(%d) : format("t%%04d", i)])
}

resource "hcloud_ssh_key" "admin" {
  name       = "admin"
  public_key = %q
}

resource "hcloud_network" "tenant" {
  for_each = local.tenants
  name     = each.key
  ip_range = "10.0.0.0/24"
}

resource "hcloud_network_subnet" "tenant" {
  for_each     = local.tenants
  network_id   = hcloud_network.tenant[each.key].id
  type         = "cloud"
  network_zone = "eu-central"
  ip_range     = "10.0.0.0/24"
}

resource "hcloud_firewall" "tenant" {
  for_each = local.tenants
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
  for_each = local.tenants
  name     = each.key
  location = "fsn1"
  size     = 10
}

resource "hcloud_server" "tenant" {
  for_each     = local.tenants
  name         = each.key
  location     = "fsn1"
  server_type  = "cx23"
  image        = "debian-12"
  ssh_keys     = [hcloud_ssh_key.admin.id]
  firewall_ids = [hcloud_firewall.tenant[each.key].id]
  network {
    network_id = hcloud_network.tenant[each.key].id
  }
  depends_on = [hcloud_network_subnet.tenant]
}

resource "hcloud_volume_attachment" "tenant" {
  for_each  = local.tenants
  volume_id = hcloud_volume.tenant[each.key].id
  server_id = hcloud_server.tenant[each.key].id
}
`, endpoint, token, n, benchKey)
}

// writeStack lays the root module out in a new folder below parent.
func writeStack(parent string, c contender, n int, endpoint string) (string, error) {
	dir, err := os.MkdirTemp(parent, fmt.Sprintf("%s-%d-", c.who, n))
	if err != nil {
		return "", err
	}
	return dir, os.WriteFile(filepath.Join(dir, "main.tf"), []byte(strings.TrimSpace(c.stack(n, endpoint))+"\n"), 0o644)
}
