// Command bench measures what Holdfast costs: API requests per tenant, wall
// time, and the memory of the provider process, with a real Terraform command
// line against the embedded cloud under the vendor's real request limit.
//
// Every tenant is one network with its subnet, one firewall, one volume and
// one VM that holds them. Each step (create, plan without a change, destroy)
// begins with a full request limit. With another vendor's provider binary
// given, the same stack is measured with it in the same run.
//
// The results are printed as a table and written as one flat JSON file.
package main
