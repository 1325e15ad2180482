// Package guide runs the guide "From zero to a region" as a reader would: every
// shell block of it, in order, with a real Terraform command line against the
// embedded cloud.
package guide
