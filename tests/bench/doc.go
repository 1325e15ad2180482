// Command bench measures what Holdfast costs: API requests per tenant, wall
// time, and the memory of the provider process, with a real Terraform command
// line against the embedded clouds under the vendors' real request limits and
// with the usual durations of their operations.
//
// Every tenant is one network with its subnet, one firewall, one volume and
// one VM that holds them, in Hetzner Cloud and in Google Cloud. Each step
// (create, plan without a change, destroy) begins with a full request limit,
// and only the requests to the one cloud are allowed and counted. In Google
// Cloud the firewall has one rule, so that a tenant is five objects there; the
// figures google.as_hetzner are those of Hetzner's configuration word for
// word. With another vendor's provider binary given, the same stack is
// measured with it in the same run.
//
// An estate in Hetzner Cloud is lost and brought up again: in the next
// data centre, and, with all of Hetzner Cloud gone, in Google Cloud.
//
// The backups of 1,000 tenants are looked through: three declared buckets with
// repositories of 14 backups, 50 packs and the rest of what restic has, by
// `holdfast backups` (backups.inventory_1000) and by the data source
// (backups.data_source_1000): wall time, requests, and the peak memory of the
// process. More than one list for every 1,000 objects of a bucket, or more than
// one read for each tenant and bucket, is an error, at any size.
//
// The results are printed as a table and written as one flat JSON file. It
// fails when a figure is over its limit (see limits).
package main
