# Each tenant has a network of its own (ISO-2).
resource "holdfast_network" "acme" {
  name     = "acme"
  location = "hetzner/fsn1"
  tenant   = "acme"
  tier     = "paid"
  cidr     = "10.1.0.0/16"
}

# Subnets and routes. Without `subnets` there is one, the whole range.
resource "holdfast_network" "office" {
  name     = "office"
  location = "hetzner/fsn1"
  cidr     = "10.2.0.0/16"
  subnets  = ["10.2.0.0/24", "10.2.1.0/24"]

  routes = [
    {
      # Through the VM at 10.2.0.10, which forwards.
      destination = "192.168.0.0/24"
      gateway     = "10.2.0.10"
    },
  ]

  deletion_protection = false # true refuses every plan that deletes or replaces it

  timeouts = {
    create = "1h"
  }
}
