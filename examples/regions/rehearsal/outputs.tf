output "deployment" {
  description = "The label of everything that the rehearsal made."
  value       = local.deployment
}

output "location" {
  description = "Where the region came up."
  value       = data.holdfast_site.eu.location
}

output "tenants" {
  description = "The tenants that were rehearsed."
  value = {
    for name, tenant in merge(module.paid, module.free) : name => tenant.vm
  }
}
