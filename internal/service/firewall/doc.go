// Package firewall offers holdfast_firewall: what may pass to and from the
// VMs that name it, and nothing else (NET-1).
//
// It imports the plugin framework, service, policy and cloud.
package firewall
