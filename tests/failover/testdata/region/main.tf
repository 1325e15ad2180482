# A region of 20 tenants, as in examples/regions, but its volumes may not be
# destroyed. The test writes the provider's block.

terraform {
  required_providers {
    holdfast = {
      source = "holdfast-cloud/holdfast"
    }
  }
}

variable "locations" {
  type = list(string)
}

variable "lost" {
  type    = set(string)
  default = []
}

variable "look_for_orphans" {
  type    = bool
  default = false
}

locals {
  tenants = { for i in range(20) : format("t%02d", i) => i < 12 ? "paid" : "free" }
}

data "holdfast_site" "region" {
  locations = var.locations
}

resource "holdfast_ssh_key" "admin" {
  name       = "admin"
  location   = data.holdfast_site.region.location
  public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA+8tMsKN4vulNVD7Cf0iuJURfLJapXFm/DxMX1ScBtx failover@example.com"
}

module "paid" {
  source   = "./tenant"
  for_each = { for name, tier in local.tenants : name => tier if tier == "paid" }

  name        = each.key
  tier        = each.value
  location    = data.holdfast_site.region.location
  ssh_key_ids = [holdfast_ssh_key.admin.id]
}

module "free" {
  source   = "./tenant"
  for_each = { for name, tier in local.tenants : name => tier if tier == "free" }

  name        = each.key
  tier        = each.value
  location    = data.holdfast_site.region.location
  ssh_key_ids = [holdfast_ssh_key.admin.id]
}

data "holdfast_orphans" "left" {
  count = var.look_for_orphans ? 1 : 0

  known_ids = concat([holdfast_ssh_key.admin.id], flatten([for tenant in merge(module.paid, module.free) : tenant.ids]))
}

output "location" {
  value = data.holdfast_site.region.location
}

output "ids" {
  value = { for name, tenant in merge(module.paid, module.free) : name => tenant.ids }
}

output "status" {
  value = { for name, tenant in merge(module.paid, module.free) : name => tenant.status }
}

output "orphans" {
  value = [for one in flatten(data.holdfast_orphans.left[*].orphans) : one.id]
}
