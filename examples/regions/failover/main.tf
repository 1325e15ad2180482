# One region over two vendors: it stands in Falkenstein, and goes on in Helsinki
# or, when all of Hetzner is gone, in Google Cloud. The guide 'A data centre is
# gone' tells what to do on that day.

terraform {
  required_version = ">= 1.8"
  required_providers {
    holdfast = {
      source = "holdfast-cloud/holdfast"
    }
  }

  # Keep the state where none of the locations below is: without it, no
  # failover. For example in an object storage of a third place:
  #
  # backend "s3" {
  #   bucket       = "acme-terraform"
  #   key          = "eu/terraform.tfstate"
  #   region       = "eu-west-3"
  #   use_lockfile = true
  # }
}

provider "holdfast" {
  deployment     = "acme-eu"
  lost_locations = var.lost_locations

  # A vendor is asked for something only when something is to stand there, so
  # a dead one stops nothing. Tokens come from HCLOUD_TOKEN and
  # GOOGLE_CREDENTIALS, and Object Storage's keys from HCLOUD_S3_ACCESS_KEY and
  # HCLOUD_S3_SECRET_KEY: keep all at hand, tried, and not in the region.
  hetzner {}
  google {
    project = var.google_project
  }
}

# The active location is the first that is not lost. Two of them stand in
# another country than the first, one with another vendor (DR-2, DR-3).
data "holdfast_site" "eu" {
  locations = var.locations

  # What the largest tenant needs. With capacity_fallback a new region goes on
  # to the next location when the first sells nothing of this size; a region
  # that runs stays where it is.
  capacity_fallback = var.capacity_fallback
  size              = { cpus = 4, memory_gb = 8 }
}

# The machines' backups, in places where the region never stands. In a failover
# nothing of it changes: a bucket that is lost, too, stays in the state unasked,
# and no machine waits for it.
module "backups" {
  source   = "../modules/backups"
  protects = var.locations
}

resource "holdfast_ssh_key" "admin" {
  for_each = var.admins

  name       = each.key
  location   = data.holdfast_site.eu.location
  public_key = each.value
}

# Paid tenants never wait for free ones: see examples/regions/single.
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
