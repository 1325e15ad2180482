terraform {
  required_providers {
    google = { source = "hashicorp/google" }
  }
}

variable "endpoint" { type = string }

variable "tenants" { type = number }

# Nothing else is set: what is counted is what the vendor's provider does by itself.
provider "google" {
  project                 = "acme-prod"
  region                  = "europe-west3"
  zone                    = "europe-west3-a"
  access_token            = "peer"
  compute_custom_endpoint = var.endpoint
}

locals { tenants = toset([for i in range(var.tenants) : format("t%04d", i)]) }

resource "google_compute_network" "tenant" {
  for_each                = local.tenants
  name                    = each.key
  auto_create_subnetworks = false
}

resource "google_compute_subnetwork" "tenant" {
  for_each      = local.tenants
  name          = each.key
  ip_cidr_range = "10.0.0.0/24"
  network       = google_compute_network.tenant[each.key].id
}

resource "google_compute_firewall" "tenant" {
  for_each      = local.tenants
  name          = each.key
  network       = google_compute_network.tenant[each.key].id
  source_ranges = ["0.0.0.0/0"]
  target_tags   = [each.key]

  allow {
    protocol = "tcp"
    ports    = ["443"]
  }
}

resource "google_compute_disk" "tenant" {
  for_each = local.tenants
  name     = "${each.key}-data" # the boot disk has the instance's name
  type     = "pd-balanced"
  size     = 10
}

resource "google_compute_instance" "tenant" {
  for_each     = local.tenants
  name         = each.key
  machine_type = "e2-medium"
  tags         = [each.key]

  boot_disk {
    initialize_params {
      image = "projects/debian-cloud/global/images/family/debian-12"
    }
  }

  attached_disk {
    source = google_compute_disk.tenant[each.key].id
  }

  network_interface {
    subnetwork = google_compute_subnetwork.tenant[each.key].id
    access_config {}
  }
}
