# The web servers of a tenant, wherever they stand on this cloud.
data "holdfast_vms" "web" {
  cloud  = "hetzner"
  tenant = "acme"

  labels = {
    role = "web"
  }

  # Only here, where the VMs are made in the same run.
  depends_on = [holdfast_vm.web]
}

# Everything in one location.
data "holdfast_vms" "fsn1" {
  location   = "hetzner/fsn1"
  depends_on = [holdfast_vm.web]
}

output "addresses" {
  value = { for vm in data.holdfast_vms.web.vms : vm.name => vm.private_ip }
}

output "running" {
  value = [for vm in data.holdfast_vms.fsn1.vms : vm.name if vm.power_state == "running"]
}

resource "holdfast_ssh_key" "ada" {
  name       = "ada"
  location   = "hetzner/fsn1"
  public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA+8tMsKN4vulNVD7Cf0iuJURfLJapXFm/DxMX1ScBtx ada@example.com"
}

resource "holdfast_network" "acme" {
  name     = "acme"
  location = "hetzner/fsn1"
  tenant   = "acme"
  cidr     = "10.1.0.0/24"
}

resource "holdfast_firewall" "closed" {
  name     = "closed"
  location = "hetzner/fsn1"
}

resource "holdfast_vm" "web" {
  name         = "acme-web"
  location     = "hetzner/fsn1"
  tenant       = "acme"
  cpus         = 2
  memory_gb    = 4
  image        = "debian-12"
  ssh_key_ids  = [holdfast_ssh_key.ada.id]
  network_id   = holdfast_network.acme.id
  firewall_ids = [holdfast_firewall.closed.id]
  labels       = { role = "web" }
}
