// Package harness runs a real Terraform or OpenTofu command line with the
// built provider, for the demo, the benchmarks and the tests that need whole
// processes. It reaches nothing but a file system mirror that it lays out
// itself and the addresses of the embedded clouds.
package harness
