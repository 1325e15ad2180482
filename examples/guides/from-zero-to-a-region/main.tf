terraform {
  required_providers {
    holdfast = {
      source = "holdfast-cloud/holdfast"
    }
  }
}

variable "lost" {
  description = "Data centres that are gone."
  type        = set(string)
  default     = []
}

variable "tenants" {
  description = "The customers, and what each of them gets."
  type = map(object({
    tier    = string
    data_gb = number
  }))
  default = {
    acme = { tier = "paid", data_gb = 20 }
    bolt = { tier = "free", data_gb = 10 }
  }
}

provider "holdfast" {
  deployment     = "first-region"
  lost_locations = var.lost
  hetzner {}
  google {} # holds copies of the backups, one on another continent
}

# Where the region stands: the first of these that is not lost.
data "holdfast_site" "eu" {
  locations = ["hetzner/fsn1", "hetzner/hel1"]
}

# Backups in three data centres on two continents (BAK-2), none of them where
# the region may stand (DR-2); in the first nobody can delete them (BAK-6).
resource "holdfast_backup_bucket" "all" {
  for_each = {
    "hetzner/nbg1"          = 93
    "google/europe-west4-a" = 0
    "google/us-central1-a"  = 0
  }
  name           = "backups"
  location       = each.key
  immutable_days = each.value
}

resource "holdfast_backup_plan" "standard" {
  name     = "standard"
  schedule = "02:30"
  protects = ["hetzner/fsn1", "hetzner/hel1"]
  buckets  = values(holdfast_backup_bucket.all)
}

# Put your own key here: the contents of ~/.ssh/id_ed25519.pub.
resource "holdfast_ssh_key" "ada" {
  name       = "ada"
  location   = data.holdfast_site.eu.location
  public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA+8tMsKN4vulNVD7Cf0iuJURfLJapXFm/DxMX1ScBtx ada@example.com"
}

resource "holdfast_firewall" "web" {
  name     = "web"
  location = data.holdfast_site.eu.location
  rules = [
    {
      description = "HTTPS for everybody"
      protocol    = "tcp"
      port        = "443"
      networks    = ["0.0.0.0/0", "::/0"]
    },
    {
      description = "SSH from the office"
      protocol    = "tcp"
      port        = "22"
      networks    = ["198.51.100.0/24"]
    },
  ]
}

resource "holdfast_network" "tenant" {
  for_each = var.tenants
  name     = each.key
  location = data.holdfast_site.eu.location
  tenant   = each.key
  tier     = each.value.tier
  cidr     = "10.0.0.0/24"
}

resource "holdfast_volume" "data" {
  for_each = var.tenants
  name     = "${each.key}-data"
  location = data.holdfast_site.eu.location
  tenant   = each.key
  tier     = each.value.tier
  size_gb  = each.value.data_gb
}

resource "holdfast_vm" "tenant" {
  for_each       = var.tenants
  name           = each.key
  location       = data.holdfast_site.eu.location
  tenant         = each.key
  tier           = each.value.tier
  cpus           = 2
  memory_gb      = 4
  image          = "debian-13"
  ssh_key_ids    = [holdfast_ssh_key.ada.id]
  network_id     = holdfast_network.tenant[each.key].id
  firewall_ids   = [holdfast_firewall.web.id]
  volume_ids     = [holdfast_volume.data[each.key].id]
  backup_plan_id = holdfast_backup_plan.standard.id
  public_ipv4    = true # customers reach it through the firewall
  public_ipv6    = true
}

output "machines" {
  value = { for name, vm in holdfast_vm.tenant : name => {
    id          = vm.id
    address     = vm.ipv4_address
    server_type = vm.server_type
  } }
}
