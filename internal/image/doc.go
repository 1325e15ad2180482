// Package image is the hardening profile of the machines, and what an image made
// from it looks like.
//
// The profile is the directory profile: one YAML file a concern, each with its
// reason and the promises that it serves. [Load] reads and checks it, [Render]
// fills in the parameters and puts the concerns together: packages, files,
// systemd units, commands. Everything that makes a hardened machine starts from
// that one [Plan]: the build on an engineer's machine (package build), and the
// hardening of a vendor's stock image by user data ([Plan.Script]).
//
// Values of one machine (its tenant's networks, its limits, its quiet hours) are
// no parameters: the agent in the machine applies them at first boot.
package image
