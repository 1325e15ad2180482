// Package acceptance tests every resource and data source with a real
// Terraform or OpenTofu command line: the provider runs in the test's own
// process, through the real driver and SDK, against an embedded cloud of its
// own. $TF_ACC_TERRAFORM_PATH names the command line; `make test` sets it.
package acceptance
