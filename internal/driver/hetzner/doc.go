// Package hetzner puts Hetzner Cloud behind the neutral interfaces of package
// cloud, with the vendor's own SDK (hcloud-go) and as few API requests as the
// API allows.
//
// It may import package cloud, package catalog, hcloud-go, and minio-go for the
// object stores; never the plugin framework, the call budget or the embedded
// cloud.
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
//
// # Images
//
// An image is a snapshot of a temporary server which has hardened itself and is
// off. Snapshots are the project's, whatever the location; they have no name
// that could be taken, so that a create looks for its key label first: one
// request, beside the minutes that it takes. The vendor's API gives nothing of
// what a server writes on its console.
//
// # Backup buckets
//
// Buckets are in Object Storage, which speaks S3 at one endpoint a location and
// takes keys of its own. A bucket is <deployment>-<name>-<location>, cut to 63
// characters with a digest where it is longer: names are unique among all of the
// vendor's customers. Labels are its tags.
//
// What every bucket gets: versioning; a private access control list; a policy
// that denies requests without TLS, public objects, and changes of objects'
// access control lists; a lifecycle that ends unfinished uploads, removes old
// versions after a while (or never) and nothing else. An immutable one is made
// with object lock, and has a default retention in the mode of compliance, which
// no key lifts. Object lock cannot be switched on later. An update of the policy
// keeps the statements of others, except those that let everybody in.
//
// Guests (BucketSpec.Guests) are keys of other projects, one project a tenant:
// p<project>:<access key>. They have statements of their own, with Sids that begin
// with HoldfastGuest, and what somebody else allows one of them beside it is taken
// away (guestStatements). A key of the bucket's own project is refused, since no
// policy confines it in the project's other buckets; two keys of one project are,
// since the gateway gives an object to the project that wrote it ("S3 object
// ownership" of IBM's Storage Ceph, whose default is ObjectWriter; the vendor is not
// known to offer another), and every key of it may read that. For the same reason
// the bucket's own project is let in to read. The policy has 20 KB at most (see
// maxPolicyBytes), and is replaced without a condition: S3 knows none.
//
// S3 tells of a bucket in pieces: a read takes six requests at once (tags,
// versioning, object lock, policy, access control list, lifecycle), an update one
// for each piece that differs, a create some fifteen. For where a bucket is, the
// end of its name is believed first; then the other locations are asked.
//
// A create whose answer was lost leaves a bucket without tags. So a bucket of
// this account that has the very name, no tags, policy, lifecycle or retention,
// and holds nothing, is taken for one; any other without this deployment's key is
// left alone. That is looked at after every creation, since the Ceph gateway
// answers the second creation of one's own bucket as if it were the first.
//
// What is known of the vendor, and how: its pages (docs.hetzner.com, storage,
// object-storage, FAQ) say that every pair of keys opens all buckets of its
// project, and that a private bucket can hold public objects. Users report, in
// public repositories, that policies name keys as
// arn:aws:iam:::user/p<project>:<access key>, that statements with Deny and with
// NotResource hold, that NotAction is ignored, and that policies with some
// unknown actions are refused. Object lock, tags and the condition
// aws:SecureTransport are the Ceph gateway's. In its source (rgw_op.cc), requests
// without TLS have no such key, rather than "false": there the denial that every
// bucket has does not take effect, and what keeps TLS is that this driver and
// the guests use https only. A denial of requests without the key was not
// chosen: behind a proxy that ends TLS it would lock everybody out.
//
// Encryption at rest (ENC-2): no page of the vendor's that could be read promises
// it for Object Storage, and server-side encryption with the store's own keys is
// not known to be offered. So the guard "encrypted" is never reported broken nor
// repaired here: what holds ENC-2 is that restic encrypts in the guest, before
// anything is sent.
package hetzner
