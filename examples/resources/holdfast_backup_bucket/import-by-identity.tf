import {
  to = holdfast_backup_bucket.near
  identity = {
    id = "hetzner/hel1/acme-eu-backups-hel1"
  }
}
