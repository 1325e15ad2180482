// Package service is what all nouns of the provider have in common: the one
// implementation of a Terraform resource over a cloud.Store (create, read,
// update, delete, import, identity, timeouts), and the rules that hold for
// every object: lost locations are never asked, deletion protection also
// holds against replacement, two blocks never claim one object, an object is
// recorded before anything is waited for.
//
// A noun (sshkey, network, firewall, volume, vm) describes itself with a
// Definition: its schema, pure functions between its model and the neutral
// spec, and the checks of its own. sshkey is the smallest example.
//
// It imports the plugin framework, cloud, policy and catalog; never a driver,
// the budget nor the embedded clouds: a noun must not know which cloud it
// stands on, nor who answers.
package service
