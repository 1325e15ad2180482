// Package vm is the resource holdfast_vm, a virtual machine of one tenant
// (ISO-1), and the data sources holdfast_vm and holdfast_vms.
//
// A machine is sized by what it needs (cpus, memory_gb, architecture) or by
// the vendor's name of a server type; see choose.go for how the one becomes
// the other. What it refers to (keys, network, firewalls, volumes) is given
// by neutral ids and created with it in one request.
//
// It imports the plugin framework and internal/{cloud,policy,service}, never
// a driver.
package vm
