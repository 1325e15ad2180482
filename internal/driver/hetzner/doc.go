// Package hetzner puts Hetzner Cloud behind the neutral interfaces of package
// cloud, with the vendor's own SDK (hcloud-go) and as few API requests as the
// API allows.
//
// It may import package cloud, package catalog, and hcloud-go; never the
// plugin framework, the call budget or the embedded cloud.
//
// # Requests
//
// A create is one write that carries everything the API takes inline, and no
// read before it. A VM with a fixed private address is the exception: POST
// /servers takes networks but no address, so the address needs one more write
// (attach_to_network), and a VM without any public address also starts only
// after that (a third write, poweron). Deletion protection is one more write.
// Waiting is the Waiter's business, which polls for many callers at once.
//
// # Names and labels
//
// A name is unique in a Hetzner project, whatever the location. So the
// vendor-side name is `<name>-<location>` ("acme-db-fsn1"): a stand-by never
// collides with what a lost location left behind. SSH keys are one for the
// project and keep their name. Every object carries the labels of package
// cloud; VMs also the digest of what cannot be read back or changed later
// (see labelOrigin).
//
// Hetzner's firewalls filter public interfaces only. A VM without a public
// address keeps its firewalls in a label (see labelFirewalls): they are
// declared, and take effect only in the guest.
//
// # Idempotence
//
// When a create is refused because the name is taken, or its answer is lost,
// the object is looked for by its key label: found, it is adopted and brought
// to the spec; otherwise the error names what stands in the way. There is no
// lookup before a create.
//
// # VM options
//
// VMSpec.Options knows
//
//   - placement_group_id: native id of a placement group;
//   - keep_disk: "true" (the default) keeps the disk's size when the server
//     type grows, so that it can shrink again; "false" grows the disk.
package hetzner
