output "location" {
  description = "Where the region stands."
  value       = data.holdfast_site.eu.location
}

output "lost" {
  description = "Those of its locations that are gone."
  value       = data.holdfast_site.eu.lost
}

output "tenants" {
  description = "Each tenant's machine: what the names in the DNS have to point to."
  value = {
    for name, tenant in merge(module.paid, module.free) : name => tenant.vm
  }
}
