// Command demo is Holdfast's main job in one go: a real Terraform command
// line brings up examples/regions/single on the embedded Hetzner Cloud
// through the real driver and SDK, finds nothing to change, grows a volume,
// imports a machine elsewhere, and takes everything down again. It prints
// what exists and how many API requests each step took, and exits non-zero
// if anything is off.
//
// With KEEP=1 the region stays: the workspace and the embedded cloud's data
// file are left in .demo/, with the commands that go on from there.
package main
