// Package cloudbuild renders the hardening profile as the one shell script by
// which a vendor's stock machine hardens itself at its first boot.
//
// The script needs nothing but what every Debian has (sh, tar, gzip, base64,
// apt): the same text serves cloud-init's user data and Google's startup
// scripts. It carries public text only, since user data can be read by
// whoever may read the machine's metadata.
package cloudbuild
