# Three buckets in three data centres on two continents, one of them immutable.
# A set that breaks a promise is refused by the first plan, before any exists.
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
  schedule = "02:30" # on the clocks of each location, in its quiet hours (UPT-2)
  protects = ["hetzner/fsn1"]
  buckets  = values(holdfast_backup_bucket.all)

  rpo_hours = 24
  retention = {
    daily   = 7
    weekly  = 4
    monthly = 3
  }
}
