output "location" {
  description = "Where the region stands."
  value       = data.holdfast_site.eu.location
}

output "tenants" {
  description = "Each tenant's machine."
  value = {
    for name, tenant in merge(module.paid, module.free) : name => tenant.vm
  }
}
