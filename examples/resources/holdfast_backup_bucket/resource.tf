# A bucket for the backups of all tenants: private and versioned, whatever is
# written here.
resource "holdfast_backup_bucket" "near" {
  name     = "backups"
  location = "hetzner/hel1"

  old_version_days = 120   # deleted backups can be had back for so long; 93 or more
  force_destroy    = false # true deletes the backups with the bucket

  labels = {
    team = "operations"
  }
}

# The copy that nobody can delete, neither with a stolen key nor as the
# account's owner (BAK-6). The number can grow, and never shrink.
resource "holdfast_backup_bucket" "immutable" {
  name           = "backups-immutable"
  location       = "hetzner/nbg1"
  immutable_days = 93
}

# The copy on another continent (BAK-2).
resource "holdfast_backup_bucket" "far" {
  name           = "backups"
  location       = "google/us-central1-a"
  immutable_days = 93
  lock_retention = false # true locks the retention for ever: nobody can undo it
}

# The machines that write their backups with credentials of their own: each
# below its tenant's prefix only, and none can delete a backup. Each key belongs
# to a project of the tenant's own.
resource "holdfast_backup_bucket" "guarded" {
  name           = "backups-guarded"
  location       = "hetzner/fsn1"
  immutable_days = 93

  guests = {
    acme = { principal = "p2345678:ACMEACCESSKEY0000001", clears_locks = true }
    zoo  = { principal = "p3456789:ZOOACCESSKEY00000001", clears_locks = true }
  }
}
