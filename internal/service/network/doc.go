// Package network offers holdfast_network: the private network of a tenant
// (ISO-2), with its subnets and routes.
//
// It imports the plugin framework, service, policy and cloud.
package network
