# A rehearsal: a parallel copy of a region, in a deployment and an account of
# its own, in which the data centre is lost already. Production is neither read
# nor touched. `terraform apply` is the rehearsal, `terraform destroy` its end.
#
# Each workspace is a rehearsal of its own: `terraform workspace new march`.

terraform {
  required_version = ">= 1.8"
  required_providers {
    holdfast = {
      source = "holdfast-cloud/holdfast"
    }
  }
}

locals {
  # Never the name of the production: objects are found by it, and those of
  # another deployment are left alone.
  deployment = "${var.production}-${terraform.workspace == "default" ? "rehearsal" : terraform.workspace}"

  # The production's plan, by its name: the rehearsal declares neither it nor its
  # buckets, since what its machines hold needs no backups.
  backup_plan = "standard"

  # The first customers by name: enough to measure, few enough to pay for.
  names   = sort(keys(var.tenants))
  tenants = { for name in slice(local.names, 0, min(var.sample, length(local.names))) : name => var.tenants[name] }
}

provider "holdfast" {
  deployment     = local.deployment
  lost_locations = var.lost_locations

  # A project of the rehearsals' own (its token here or as HCLOUD_TOKEN): names
  # and public keys are unique in a project, and the requests that a rehearsal
  # spends are not those that production needs.
  hetzner {
    token = var.rehearsal_token
  }
}

data "holdfast_site" "eu" {
  locations = var.locations
}

resource "holdfast_ssh_key" "admin" {
  for_each = var.admins

  name       = each.key
  location   = data.holdfast_site.eu.location
  public_key = each.value
}

module "paid" {
  source   = "../modules/tenant"
  for_each = { for name, tenant in local.tenants : name => tenant if tenant.tier == "paid" }

  name           = each.key
  tier           = "paid"
  location       = data.holdfast_site.eu.location
  cpus           = each.value.cpus
  memory_gb      = each.value.memory_gb
  data_gb        = each.value.data_gb
  ssh_key_ids    = [for key in holdfast_ssh_key.admin : key.id]
  admin_networks = var.admin_networks
  backup_plan_id = local.backup_plan
}

module "free" {
  source   = "../modules/tenant"
  for_each = { for name, tenant in local.tenants : name => tenant if tenant.tier == "free" }

  name           = each.key
  tier           = "free"
  location       = data.holdfast_site.eu.location
  cpus           = each.value.cpus
  memory_gb      = each.value.memory_gb
  data_gb        = each.value.data_gb
  ssh_key_ids    = [for key in holdfast_ssh_key.admin : key.id]
  admin_networks = var.admin_networks
  backup_plan_id = local.backup_plan
}
