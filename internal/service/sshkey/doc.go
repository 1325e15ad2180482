// Package sshkey offers holdfast_ssh_key: the public key of a named engineer
// (SYS-3). It is the smallest noun, and the example for writing another.
//
// It imports the plugin framework, service, policy and cloud.
package sshkey
