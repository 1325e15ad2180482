// Package volume is the resource holdfast_volume: a data disk, encrypted at
// rest (ENC-1), that a VM may hold.
//
// It imports the plugin framework and internal/{cloud,policy,service}, never
// a driver.
package volume
