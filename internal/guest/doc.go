// Package guest is what a machine is told at its first boot, and what it does
// with it.
//
// The provider renders a [Spec] into cloud-init user data. It holds public facts
// and ciphertext only: clouds keep user data in clear, and every process of a
// machine can ask for them. In the machine, the agent (directory agent: Python's
// standard library and Debian's tools, no home-made cryptography) reads the spec
// from [SpecPath], encrypts and mounts the volumes, restores, backs up, and
// reports what it measured (package guest/status).
//
// [Check] judges a spec by the promises, [UserData] renders it, beside what the
// tenant has for cloud-init (the file combine.go tells how both are merged). Secrets are
// sealed by package guest/seal before they come here.
//
// The agent stands in the image. Where a vendor's plain Debian image is
// hardened by user data instead, the same files travel with those.
package guest
