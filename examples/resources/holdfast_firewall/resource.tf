# What no rule names does not come in (NET-1). The whole internet may reach
# tcp 80, tcp 443 and udp 443 only.
resource "holdfast_firewall" "web" {
  name     = "web"
  location = "hetzner/fsn1"

  rules = [
    {
      description = "HTTPS for everybody"
      protocol    = "tcp"
      port        = "443"
      networks    = ["0.0.0.0/0", "::/0"]
    },
    {
      description = "SSH for the engineers"
      protocol    = "tcp"
      port        = "22"
      networks    = ["198.51.100.0/24"]
    },
    {
      description = "The monitoring asks whether it is there"
      protocol    = "icmp"
      networks    = ["198.51.100.0/24"]
    },
  ]
}

# A firewall that one tenant's network has for itself may name it: then it
# stands there alone, where the cloud keeps rules in networks (Google Cloud).
resource "holdfast_network" "acme" {
  name     = "acme"
  location = "hetzner/fsn1"
  tenant   = "acme"
  cidr     = "10.1.0.0/24"
}

# Outbound traffic is free until there is an outbound rule.
resource "holdfast_firewall" "locked_down" {
  name       = "locked-down"
  location   = "hetzner/fsn1"
  tenant     = "acme"
  network_id = holdfast_network.acme.id

  rules = [
    {
      description = "Names"
      direction   = "out"
      protocol    = "udp"
      port        = "53"
      networks    = ["0.0.0.0/0", "::/0"]
    },
    {
      description = "Updates"
      direction   = "out"
      protocol    = "tcp"
      port        = "443"
      networks    = ["0.0.0.0/0", "::/0"]
    },
  ]
}
