# A tenant's data disk. The guest encrypts it (ENC-1); a VM holds it by naming
# it in volume_ids.
resource "holdfast_volume" "data" {
  name     = "acme-data"
  location = "hetzner/fsn1"
  tenant   = "acme"
  tier     = "paid"
  size_gb  = 50 # it grows in place, and never shrinks

  deletion_protection = false # true refuses every plan that deletes or replaces it

  labels = {
    content = "postgresql"
  }

  # What only Google Cloud has; read only where the volume stands there.
  google {
    kms_key = "projects/acme-keys/locations/global/keyRings/disks/cryptoKeys/acme"
    type    = "pd-ssd"
  }
}

# One for each tenant.
resource "holdfast_volume" "files" {
  for_each = {
    initech  = 10
    umbrella = 20
  }

  name     = "${each.key}-files"
  location = "hetzner/fsn1"
  tenant   = each.key
  size_gb  = each.value
}
