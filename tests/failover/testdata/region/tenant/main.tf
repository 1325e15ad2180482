terraform {
  required_providers {
    holdfast = {
      source = "holdfast-cloud/holdfast"
    }
  }
}

variable "name" {
  type = string
}

variable "tier" {
  type = string
}

variable "location" {
  type = string
}

variable "ssh_key_ids" {
  type = set(string)
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

  rules = [{
    protocol = "tcp"
    port     = "443"
    networks = ["0.0.0.0/0", "::/0"]
  }]
}

resource "holdfast_volume" "data" {
  name     = "${var.name}-data"
  location = var.location
  tenant   = var.name
  tier     = var.tier
  size_gb  = 10

  lifecycle {
    prevent_destroy = true
  }
}

resource "holdfast_vm" "this" {
  name     = var.name
  location = var.location
  tenant   = var.name
  tier     = var.tier

  cpus      = 2
  memory_gb = 4
  image     = "debian-12"

  ssh_key_ids  = var.ssh_key_ids
  network_id   = holdfast_network.this.id
  firewall_ids = [holdfast_firewall.this.id]
  volume_ids   = [holdfast_volume.data.id]

  # By name: what is tested here is a region without its buckets.
  backup_plan_id = "standard"

  public_ipv4 = true
}

output "ids" {
  value = [holdfast_network.this.id, holdfast_firewall.this.id, holdfast_volume.data.id, holdfast_vm.this.id]
}

output "status" {
  value = holdfast_vm.this.status
}
