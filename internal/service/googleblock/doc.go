// Package googleblock is what the `google` blocks of several nouns share: the
// customer-managed key that encrypts a disk (CMEK), and the type of the disk.
// It holds pure functions between the block and a spec's vendor options.
//
// It imports the plugin framework, cloud, policy and service; like every
// service, never a driver: the names of the options are those that the driver
// of Google Cloud documents.
package googleblock
