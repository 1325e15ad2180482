// Package encryption is the attribute `encryption`: what opens a volume that the
// guest encrypts (ENC-1). holdfast_volume has it, and holdfast_vm takes it over
// from the volumes that it mounts.
//
// It imports the plugin framework and internal/{cloud,guest,policy,service},
// never a driver.
package encryption
