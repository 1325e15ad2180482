// Package pluginserver serves the provider to Terraform without keeping in
// memory what a finished call needed.
//
// It may import the plugin framework and nothing of this module.
package pluginserver
