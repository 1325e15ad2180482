// Command demo is Holdfast's main job in one go: a real Terraform command
// line brings up examples/regions/single on the embedded Hetzner Cloud, with
// buckets for its backups in the embedded object stores of two vendors,
// through the real drivers and SDKs, finds nothing to change, grows a volume and
// imports a machine elsewhere. Then it loses the data centre and brings the
// region up in the next one, loses the whole vendor and brings it up in the
// embedded Google Cloud (examples/regions/failover), finds and deletes what
// was left behind once the vendor is back, and takes everything down again.
// It prints what exists and how many API requests each step took, and exits
// non-zero if anything is off.
//
// With KEEP=1 the region stays: the workspace and the embedded clouds' data
// file are left in .demo/, with the commands that go on from there.
package main
