// Package build makes a bootable, reproducible disk image from the hardening
// profile (package image), on an engineer's machine and with Debian's own tools:
//
//   - apt resolves the packages once into a [Lock] of versions and hashes;
//   - the locked packages are fetched into a cache, and served on loopback as the
//     only repository that mmdebstrap sees;
//   - mmdebstrap makes the tree, with the profile applied in it, as a tar file;
//   - the tar file's entries, sorted, are written into file systems by mke2fs and
//     debugfs (no mount, no loop device, no root), the boot loader by grub-mkimage
//     of the tree itself, the partition table by sfdisk;
//   - qemu-img compresses the disk.
//
// Same lock, same profile, same parameters: same bytes. Whatever depends on the
// time takes the lock's; whatever is random is derived from the inputs.
//
// It may import package image and what that may.
package build
