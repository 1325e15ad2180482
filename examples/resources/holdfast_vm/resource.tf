# What a VM stands on: a key of an engineer (SYS-3), its tenant's own network
# (ISO-2), a firewall (NET-1) and, if it keeps data, a volume (ENC-1).
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

resource "holdfast_firewall" "web" {
  name     = "web"
  location = "hetzner/fsn1"

  rules = [
    {
      protocol = "tcp"
      port     = "443"
      networks = ["0.0.0.0/0", "::/0"]
    },
  ]
}

resource "holdfast_volume" "data" {
  name     = "acme-data"
  location = "hetzner/fsn1"
  tenant   = "acme"
  size_gb  = 20
}

# The cheapest server type with at least this that the location sells.
resource "holdfast_vm" "web" {
  name      = "acme-web"
  location  = "hetzner/fsn1"
  tenant    = "acme"
  tier      = "paid"
  cpus      = 2
  memory_gb = 4
  image     = "debian-12"

  ssh_key_ids  = [holdfast_ssh_key.ada.id]
  network_id   = holdfast_network.acme.id
  firewall_ids = [holdfast_firewall.web.id]
  volume_ids   = [holdfast_volume.data.id]

  # Where there is data there are backups (BAK-1): the name of a
  # holdfast_backup_plan, or holdfast_backup_plan.standard.id.
  backup_plan_id = "standard"

  # A public address only where one is needed.
  public_ipv4 = true
  public_ipv6 = true

  user_data = <<-EOT
    #cloud-config
    packages: [nginx]
  EOT

  labels = {
    role = "web"
  }

  deletion_protection = false # true refuses every plan that deletes or replaces it
}

# A named type, a fixed private address and no public one, which is the default.
resource "holdfast_vm" "batch" {
  name        = "acme-batch"
  location    = "hetzner/fsn1"
  tenant      = "acme"
  tier        = "free"
  server_type = "cax11"
  image       = "debian-12"
  power_state = "stopped"

  ssh_key_ids  = [holdfast_ssh_key.ada.id]
  network_id   = holdfast_network.acme.id
  private_ip   = "10.1.0.10"
  firewall_ids = [holdfast_firewall.web.id]

  # What only Hetzner Cloud has, and what only Google Cloud has: each block is
  # read only where the machine stands in that cloud.
  hetzner {
    keep_disk = true # the disk stays as it is when the type grows
  }
  google {
    boot_disk_gb = 40
    kms_key      = "projects/acme-keys/locations/global/keyRings/disks/cryptoKeys/acme"
  }
}
