# One customer: a network, a firewall, an encrypted volume and a VM of its own
# (ISO-1, ISO-2, NET-1, ENC-1).

terraform {
  required_providers {
    holdfast = {
      source = "holdfast-cloud/holdfast"
    }
  }
}

resource "holdfast_network" "this" {
  name     = var.name
  location = var.location
  tenant   = var.name
  tier     = var.tier
  cidr     = "10.0.0.0/24"
}

resource "holdfast_firewall" "this" {
  name     = var.name
  location = var.location
  tenant   = var.name
  tier     = var.tier
  # Where a cloud keeps rules in networks, they stand in this one alone.
  network_id = holdfast_network.this.id

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
      networks    = var.admin_networks
    },
  ]
}

resource "holdfast_volume" "data" {
  name     = "${var.name}-data"
  location = var.location
  tenant   = var.name
  tier     = var.tier
  size_gb  = var.data_gb
}

resource "holdfast_vm" "this" {
  name     = var.name
  location = var.location
  tenant   = var.name
  tier     = var.tier

  cpus      = var.cpus
  memory_gb = var.memory_gb
  image     = "debian-12"

  ssh_key_ids  = var.ssh_key_ids
  network_id   = holdfast_network.this.id
  firewall_ids = [holdfast_firewall.this.id]
  volume_ids   = [holdfast_volume.data.id]

  # A machine with data has one (BAK-1). It is the plan's name.
  backup_plan_id = var.backup_plan_id

  # Customers reach it from the internet, through the firewall above.
  public_ipv4 = true
  public_ipv6 = true

  labels = { service = "erp" }
}
