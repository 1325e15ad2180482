# By name and location, as another configuration of the same deployment would.
data "holdfast_vm" "web" {
  name     = "acme-web"
  location = "hetzner/fsn1"

  # Only here, where the VM is made in the same run.
  depends_on = [holdfast_vm.web]
}

# Or by id.
data "holdfast_vm" "same" {
  id = holdfast_vm.web.id
}

output "address" {
  value = data.holdfast_vm.web.private_ip
}

output "server_type" {
  value = data.holdfast_vm.same.server_type
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
