# A region of tenants, as in examples/regions, but in one module and with short
# timeouts, so that an action that never ends holds nothing up for long. What
# differs between the clouds stands in the file beside this one.

terraform {
  required_providers {
    holdfast = {
      source = "holdfast-cloud/holdfast"
    }
  }
}

variable "tenants" {
  type = map(string)
  default = {
    t0 = "paid"
    t1 = "paid"
    t2 = "paid"
    t3 = "free"
    t4 = "free"
  }
}

locals {
  timeouts = { create = "15s", read = "15s", update = "15s", delete = "15s" }
  rules = [{
    description = "HTTPS for everybody"
    protocol    = "tcp"
    port        = "443"
    networks    = ["0.0.0.0/0", "::/0"]
  }]
}

resource "holdfast_ssh_key" "admin" {
  name       = "admin"
  location   = local.location
  public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA+8tMsKN4vulNVD7Cf0iuJURfLJapXFm/DxMX1ScBtx faults@example.com"
  timeouts   = local.timeouts
}

resource "holdfast_network" "tenant" {
  for_each = var.tenants
  name     = each.key
  location = local.location
  tenant   = each.key
  tier     = each.value
  cidr     = "10.0.0.0/24"
  timeouts = local.timeouts
}

resource "holdfast_volume" "data" {
  for_each = var.tenants
  name     = each.key
  location = local.location
  tenant   = each.key
  tier     = each.value
  size_gb  = 10
  timeouts = local.timeouts
}

resource "holdfast_vm" "tenant" {
  for_each       = var.tenants
  name           = each.key
  location       = local.location
  tenant         = each.key
  tier           = each.value
  server_type    = local.server_type
  image          = "debian-12"
  ssh_key_ids    = [holdfast_ssh_key.admin.id]
  network_id     = holdfast_network.tenant[each.key].id
  firewall_ids   = [holdfast_firewall.tenant[each.key].id]
  volume_ids     = [holdfast_volume.data[each.key].id]
  backup_plan_id = "standard"
  public_ipv4    = true
  public_ipv6    = true
  timeouts       = local.timeouts
}
