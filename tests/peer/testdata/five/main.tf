terraform {
  required_providers {
    google = { source = "hashicorp/google" }
  }
}

variable "endpoint" { type = string }

variable "step" {
  type    = number
  default = 1
}

provider "google" {
  project                 = "acme-prod"
  region                  = "europe-west3"
  zone                    = "europe-west3-a"
  access_token            = "peer"
  compute_custom_endpoint = var.endpoint
  user_project_override   = false
  poll_interval           = "500ms"
}

data "google_compute_zones" "all" {}
data "google_compute_image" "debian" {
  family  = "debian-13"
  project = "debian-cloud"
}
data "google_compute_machine_types" "e2" {
  filter = "name = \"e2-medium\""
  zone   = "europe-west3-a"
}

resource "google_compute_network" "n" {
  name                    = "peer"
  auto_create_subnetworks = false
}

resource "google_compute_subnetwork" "s" {
  name          = "peer"
  ip_cidr_range = "10.7.0.0/24"
  network       = google_compute_network.n.id
}

resource "google_compute_firewall" "f" {
  name          = "peer"
  network       = google_compute_network.n.name
  source_ranges = var.step == 1 ? ["198.51.100.0/24"] : ["198.51.100.0/24", "203.0.113.0/24"]
  target_tags   = ["web"]
  allow {
    protocol = "tcp"
    ports    = ["22", "443"]
  }
}

resource "google_compute_disk" "d" {
  name   = "peer-data"
  type   = "pd-balanced"
  size   = var.step == 1 ? 10 : 20
  labels = { step = "s${var.step}" }
}

resource "google_compute_instance" "i" {
  name         = "peer"
  machine_type = "e2-medium"
  tags         = var.step == 1 ? ["web"] : ["web", "db"]
  labels       = { step = "s${var.step}" }
  metadata     = { block-project-ssh-keys = "TRUE", step = "s${var.step}" }

  boot_disk {
    initialize_params {
      image = data.google_compute_image.debian.self_link
      size  = 20
    }
  }
  attached_disk {
    source = google_compute_disk.d.id
  }
  network_interface {
    subnetwork = google_compute_subnetwork.s.id
    access_config {}
  }
  shielded_instance_config {
    enable_secure_boot = true
  }
}
