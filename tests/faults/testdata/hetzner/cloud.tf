provider "holdfast" {
  deployment = "faults"
  hetzner {}
}

locals {
  location    = "hetzner/fsn1"
  server_type = "cx23"
}

resource "holdfast_firewall" "tenant" {
  for_each = var.tenants
  name     = each.key
  location = local.location
  tenant   = each.key
  tier     = each.value
  timeouts = local.timeouts
  rules    = local.rules
}
