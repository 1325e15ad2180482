// Package schemajson writes a provider's schemas in the form of
// `terraform providers schema -json`, straight from the provider.
//
// What a Terraform command line prints depends on its version: those before
// 1.12 leave out the resource identities, OpenTofu leaves out actions and list
// resources. The documentation is generated from this output instead, so that
// it is the same wherever it is generated, and needs no command line at all.
//
// It imports the plugin protocol and Terraform's own JSON types; only the
// command line and tests import it.
package schemajson
