resource "holdfast_backup_bucket" "all" {
  for_each = {
    "hetzner/nbg1"         = 93
    "hetzner/hel1"         = 0
    "google/us-central1-a" = 0
  }

  name           = "backups"
  location       = each.key
  immutable_days = each.value
}

resource "holdfast_backup_plan" "standard" {
  name     = "standard"
  schedule = "02:30"
  protects = ["hetzner/fsn1"]
  buckets  = values(holdfast_backup_bucket.all)
}

data "holdfast_backups" "all" {
  bucket_ids = holdfast_backup_plan.standard.bucket_ids
  rpo_hours  = holdfast_backup_plan.standard.rpo_hours
  tenants    = ["acme", "initech"]
}

# A warning of every plan and apply while a tenant's backups are too old.
check "backups" {
  assert {
    condition     = data.holdfast_backups.all.ok
    error_message = "The recovery point objective is broken for ${join(", ", data.holdfast_backups.all.broken)}."
  }
}
