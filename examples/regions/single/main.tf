# A region of tenants in one Hetzner location: what `make demo` applies.

terraform {
  required_version = ">= 1.8"
  required_providers {
    holdfast = {
      source = "holdfast-cloud/holdfast"
    }
  }
}

provider "holdfast" {
  deployment     = "acme-eu"
  lost_locations = var.lost_locations

  # The token comes from HCLOUD_TOKEN, and HCLOUD_ENDPOINT may name another
  # address, such as the embedded cloud's (`holdfast sim`). Object Storage has
  # keys of its own: HCLOUD_S3_ACCESS_KEY and HCLOUD_S3_SECRET_KEY.
  hetzner {}

  # Holds copies of the backups, one of them on another continent (BAK-2). The
  # login comes from GOOGLE_CREDENTIALS.
  google {
    project = var.google_project
  }
}

# The active location is the first that is not lost.
data "holdfast_site" "eu" {
  locations = var.locations
}

# The machines' backups, in places where the region never stands.
module "backups" {
  source   = "../modules/backups"
  protects = var.locations
}

# Personal keys of the named engineers who may log in (SYS-3).
resource "holdfast_ssh_key" "admin" {
  for_each = var.admins

  name       = each.key
  location   = data.holdfast_site.eu.location
  public_key = each.value
}

# Two calls of one module rather than one: Terraform's for_each edges are
# resource-wide, so within one call no VM starts before every volume is done.
# Paid tenants never wait for free ones.
module "paid" {
  source   = "../modules/tenant"
  for_each = { for name, tenant in var.tenants : name => tenant if tenant.tier == "paid" }

  name           = each.key
  tier           = "paid"
  location       = data.holdfast_site.eu.location
  cpus           = each.value.cpus
  memory_gb      = each.value.memory_gb
  data_gb        = each.value.data_gb
  ssh_key_ids    = [for key in holdfast_ssh_key.admin : key.id]
  admin_networks = var.admin_networks
  backup_plan_id = module.backups.plan_id
}

module "free" {
  source   = "../modules/tenant"
  for_each = { for name, tenant in var.tenants : name => tenant if tenant.tier == "free" }

  name           = each.key
  tier           = "free"
  location       = data.holdfast_site.eu.location
  cpus           = each.value.cpus
  memory_gb      = each.value.memory_gb
  data_gb        = each.value.data_gb
  ssh_key_ids    = [for key in holdfast_ssh_key.admin : key.id]
  admin_networks = var.admin_networks
  backup_plan_id = module.backups.plan_id
}
