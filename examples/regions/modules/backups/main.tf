# The buckets of all tenants' backups and the plan that the machines name:
# three data centres on two continents (BAK-2), one copy that nobody can delete
# (BAK-6), none of them where the region may stand (DR-2).

terraform {
  required_providers {
    holdfast = {
      source = "holdfast-cloud/holdfast"
    }
  }
}

resource "holdfast_backup_bucket" "all" {
  for_each = var.buckets

  name           = "backups"
  location       = each.key
  immutable_days = each.value
}

resource "holdfast_backup_plan" "standard" {
  name     = "standard"
  schedule = "02:30" # on the clocks of each location, in its quiet hours (UPT-2)
  protects = var.protects
  buckets  = values(holdfast_backup_bucket.all)
}
