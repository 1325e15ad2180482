# Where customers' data may stand inside the European Union.
data "holdfast_locations" "eu" {
  eu = true
}

# One location for each site: what one disaster takes counts once.
locals {
  apart = {
    for one in data.holdfast_locations.eu.locations : one.disaster_site => one.location...
    if !one.lost
  }
}

output "names" {
  value = data.holdfast_locations.eu.names
}

output "stand_bys" {
  value = [for site in values(local.apart) : site[0]]
}
