import {
  to = holdfast_backup_bucket.near
  id = "hetzner/hel1/acme-eu-backups-hel1"
}
