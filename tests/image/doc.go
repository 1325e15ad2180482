// Package image boots the hardened image in QEMU and looks at it from outside
// (SSH) and from inside. It takes minutes without KVM, so it runs only where
// HOLDFAST_E2E=1 is set; HOLDFAST_IMAGE names the qcow2 file that `make image`
// built.
package image
