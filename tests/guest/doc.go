// Package guest holds what the provider tells a machine (internal/guest)
// against the programs that act on it: secrets sealed for Tang are opened by
// Debian's `clevis decrypt` with a real tangd, and user data are judged by
// `cloud-init schema`.
//
// The tests install Debian's packages where they may (root, apt-get), and are
// skipped with a message where they may not.
package guest
