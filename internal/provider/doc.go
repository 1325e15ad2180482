// Package provider is the Terraform provider: its configuration and the list
// of what it offers. It is wiring only; what the resources do is in package
// service and the nouns below it.
//
// It may import everything.
package provider
