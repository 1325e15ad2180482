provider "holdfast" {
  deployment = "faults"
  google {}
}

locals {
  location    = "google/europe-west3-a"
  server_type = "e2-medium"
}

# Both ways in which a firewall stands there: in its tenant's network, and in
# none, which lets its rules be copied into the networks of the VMs behind it.
resource "holdfast_firewall" "tenant" {
  for_each   = var.tenants
  name       = each.key
  location   = local.location
  tenant     = each.key
  tier       = each.value
  network_id = each.value == "paid" ? holdfast_network.tenant[each.key].id : null
  timeouts   = local.timeouts
  rules      = local.rules
}
