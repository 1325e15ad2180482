# The first that is not lost is used: add "hetzner/fsn1" to the provider's
# lost_locations, and everything that takes its location from here moves on.
data "holdfast_site" "eu" {
  locations = ["hetzner/fsn1", "hetzner/hel1"]
}

# A new region goes on to the next location, with a warning, when the first
# sells nothing of this size now. Once VMs run somewhere, the site stays there.
data "holdfast_site" "batch" {
  locations         = ["hetzner/nbg1", "hetzner/fsn1"]
  capacity_fallback = true
  size              = { cpus = 8, memory_gb = 16 }
}

resource "holdfast_network" "acme" {
  name     = "acme"
  location = data.holdfast_site.eu.location
  tenant   = "acme"
  cidr     = "10.1.0.0/16"
}

output "lost" {
  value = data.holdfast_site.eu.lost
}

output "batch" {
  value = data.holdfast_site.batch.location
}
