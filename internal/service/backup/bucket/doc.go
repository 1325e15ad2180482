// Package bucket is the resource holdfast_backup_bucket: a bucket for backups
// that is private, versioned, and protected as ENC-2 wants as far as its vendor
// can, and may be immutable (BAK-6).
//
// It imports the plugin framework and internal/{cloud,catalog,policy,service},
// never a driver.
package bucket
