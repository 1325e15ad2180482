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

locals { two = var.step > 1 }

resource "google_compute_network" "n" {
  name                    = "wide"
  description             = "made by the vendor's provider"
  auto_create_subnetworks = false
  routing_mode            = local.two ? "GLOBAL" : "REGIONAL"
  mtu                     = 1500
}
resource "google_compute_subnetwork" "dual" {
  name                     = "dual"
  ip_cidr_range            = local.two ? "10.8.0.0/23" : "10.8.0.0/24"
  network                  = google_compute_network.n.id
  stack_type               = "IPV4_IPV6"
  ipv6_access_type         = "EXTERNAL"
  private_ip_google_access = local.two
  dynamic "log_config" {
    for_each = var.step < 3 ? [var.step / 4] : []
    content {
      flow_sampling = log_config.value
      metadata      = "INCLUDE_ALL_METADATA"
    }
  }
  secondary_ip_range {
    range_name    = "pods"
    ip_cidr_range = "10.9.0.0/20"
  }
}
resource "google_compute_route" "r" {
  name        = "wide-route"
  network     = google_compute_network.n.name
  dest_range  = "192.168.0.0/16"
  next_hop_ip = "10.8.0.9"
  priority    = 900
  depends_on  = [google_compute_subnetwork.dual]
}
resource "google_compute_firewall" "egress" {
  name               = "no-egress"
  network            = google_compute_network.n.name
  direction          = "EGRESS"
  destination_ranges = ["::/0"]
  priority           = local.two ? 2000 : 1500
  disabled           = local.two
  deny { protocol = "all" }
}
resource "google_compute_firewall" "tagged" {
  name        = "from-tag"
  description = local.two ? "now with a description" : null
  network     = google_compute_network.n.name
  source_tags = ["lb"]
  allow { protocol = "icmp" }
  allow {
    protocol = "tcp"
    ports    = ["8000-8080", "443"]
  }
  log_config { metadata = "EXCLUDE_ALL_METADATA" }
}
resource "google_compute_disk" "image" {
  name                      = "from-image"
  image                     = "debian-cloud/debian-12"
  type                      = "pd-ssd"
  size                      = 20
  physical_block_size_bytes = 4096
}
resource "google_compute_disk" "hyper" {
  name                   = "hyper"
  type                   = "hyperdisk-balanced"
  size                   = 10
  provisioned_iops       = local.two ? 3500 : 3000
  provisioned_throughput = 140
}
resource "google_compute_disk" "kms" {
  name = "kms"
  size = 10
  disk_encryption_key {
    kms_key_self_link = "projects/acme-prod/locations/europe-west3/keyRings/r/cryptoKeys/k"
  }
}
resource "google_compute_disk" "late" {
  name = "late"
  size = 10
}
resource "google_compute_instance" "i" {
  name                       = "wide"
  machine_type               = local.two ? "e2-standard-4" : "e2-medium"
  allow_stopping_for_update  = true
  deletion_protection        = var.step == 2
  key_revocation_action_type = "NONE"
  advanced_machine_features { threads_per_core = 1 }
  can_ip_forward          = true
  description             = "wide"
  hostname                = "wide.example.com"
  enable_display          = true
  labels                  = { a = "b" }
  metadata                = { foo = "bar" }
  metadata_startup_script = "echo hi"
  min_cpu_platform        = "Intel Skylake"
  boot_disk {
    auto_delete = true
    device_name = "root"
    initialize_params {
      image  = "projects/debian-cloud/global/images/family/debian-12"
      type   = "pd-ssd"
      size   = 15
      labels = { boot = "yes" }
    }
  }
  network_interface {
    network    = google_compute_network.n.id
    subnetwork = google_compute_subnetwork.dual.self_link
    network_ip = "10.8.0.50"
    stack_type = "IPV4_IPV6"
    access_config { network_tier = "PREMIUM" }
    ipv6_access_config { network_tier = "PREMIUM" }
    alias_ip_range {
      ip_cidr_range         = local.two ? "10.9.1.0/24" : "10.9.0.0/24"
      subnetwork_range_name = "pods"
    }
  }
  scheduling {
    automatic_restart   = local.two
    on_host_maintenance = "MIGRATE"
  }
  service_account {
    email  = local.two ? "other@acme-prod.iam.gserviceaccount.com" : "app@acme-prod.iam.gserviceaccount.com"
    scopes = ["cloud-platform"]
  }
  shielded_instance_config {
    enable_secure_boot          = local.two
    enable_vtpm                 = true
    enable_integrity_monitoring = true
  }
  lifecycle { ignore_changes = [attached_disk] }
}
resource "google_compute_instance" "spot" {
  name           = "spot"
  machine_type   = "n2-standard-2"
  desired_status = local.two ? "TERMINATED" : "RUNNING"
  boot_disk {
    initialize_params {
      image = "debian-13"
    }
  }
  scratch_disk { interface = "NVME" }
  network_interface {
    subnetwork = google_compute_subnetwork.dual.id
  }
  scheduling {
    preemptible                 = true
    automatic_restart           = false
    provisioning_model          = "SPOT"
    instance_termination_action = "STOP"
  }
}
resource "google_compute_attached_disk" "late" {
  disk        = google_compute_disk.late.id
  instance    = google_compute_instance.i.id
  device_name = "late"
}
resource "google_compute_project_metadata_item" "m" {
  key   = "peer"
  value = "step ${var.step}"
}
data "google_compute_instance" "i" {
  name       = google_compute_instance.i.name
  depends_on = [google_compute_attached_disk.late]
}
data "google_compute_network" "n" {
  name = google_compute_network.n.name
}
data "google_compute_subnetwork" "s" {
  name = google_compute_subnetwork.dual.name
}
data "google_compute_disk" "d" {
  name = google_compute_disk.late.name
}
data "google_compute_regions" "r" {}
data "google_compute_images" "all" {
  project = "debian-cloud"
  filter  = "family = debian-12"
}
output "regions" { value = length(data.google_compute_regions.r.names) }
output "disks" { value = [for d in data.google_compute_instance.i.attached_disk : d.device_name] }
