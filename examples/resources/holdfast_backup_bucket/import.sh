# <cloud>/<location>/<name of the bucket>
terraform import holdfast_backup_bucket.near hetzner/hel1/acme-eu-backups-hel1
