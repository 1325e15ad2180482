# The first that is not lost is used: add "hetzner/fsn1" to the provider's
# lost_locations, and everything that takes its location from here moves on.
data "holdfast_site" "eu" {
  locations = ["hetzner/fsn1", "hetzner/hel1"]
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
