// Package google puts Google Cloud's Compute Engine behind the neutral
// interfaces of package cloud, with the vendor's own REST clients and as few
// API requests as the API allows.
//
// It may import package cloud, package catalog, and the vendor's SDK; never
// the plugin framework, the call budget or the embedded cloud.
//
// # Names
//
// The native id of an object is its vendor-side name, `<name>-<zone>`
// ("acme-db-europe-west3-a"), which is therefore unique in the project, also
// where the vendor would allow the same name in every zone: a stand-by never
// collides with what a lost location left behind, and an id says where its
// object stands. A name that would be longer than 54 characters loses its end
// to a digest; 9 are kept free for what belongs to the object (subnetworks,
// routes, further rules, the boot disk: `<native id>-<8 characters>`). SSH
// keys are one for the project and keep their name. Nothing can be renamed at
// this vendor: another neutral name changes the labels only.
//
// # Labels
//
// VMs and volumes carry the labels of package cloud natively. Networks,
// subnetworks, routes and firewall rules have none: they carry the same pairs
// as compact JSON in their description. The vendor lets nobody change a
// network's description, so later changes of a network's labels stand in the
// description of one disabled rule of the lowest priority in that network,
// `<network>-labels`, which is made when it is first needed.
//
// # Networks
//
// A network is a VPC in custom mode with a subnetwork for each subnet, in the
// region of its zone, and a static route for each route. A VPC has no range of
// its own: the declared one is kept with the labels.
//
// # Firewalls
//
// A firewall is a set of VPC rules whose target is one network tag, the
// firewall's native id; VMs carry the tag. Neutral rules with one direction
// and the same networks share a VPC rule; IPv4 and IPv6 cannot. A VPC drops
// what no rule lets in, and lets everything out: so the first outbound rule of
// a firewall brings with it rules that deny all other outbound traffic.
//
// VPC rules belong to a network. FirewallSpec.Network says which; without it,
// the firewall's rules are kept, switched off, in an anchor network of the
// deployment (`holdfast-<deployment>`, without subnetworks), and are copied
// into each network in which a VM carries the tag. A change reaches all
// copies, and a copy that somebody changed shows as a difference.
//
// # SSH keys
//
// The vendor has no object for them. A key is an item of the project's
// metadata, `holdfast-ssh-key-<name>`, with the public key and the labels as
// JSON. VMs get their keys in metadata of their own, for a login named after
// the key (Hetzner Cloud gives all keys to root), and ignore the project's.
//
// # Requests
//
// Every write has a request id, so that a repeated one takes effect once. An
// operation that ended with an error counts as failed, whatever the HTTP
// status. Waiting for many operations is one list per poll. Reads of children
// and of rules are shared by the callers of one run (see index).
//
// # Lost zones
//
// Aggregated lists pass over a zone that does not answer. What stands in it is
// left out without a word only if the operator has declared the zone lost;
// otherwise the list is an error, since nothing may be taken for gone that
// merely cannot be seen.
//
// # Keys
//
// Before the first disk under a key is made, the policies of the key, its ring,
// its project and what is above are read, once a run and key: one request where
// the key itself lets Compute Engine's service agent use it. Only if all could
// be read, and none lets it, is the disk refused in advance.
//
// # Idempotence
//
// When a create is refused because the name is taken, or its answer is lost,
// the object is read by its name: if it is this deployment's and carries the
// neutral name, it is adopted and brought to the spec; otherwise the error
// names what stands in the way. There is no lookup before a create.
//
// # Volumes and VMs
//
// A VM is one instances.insert with its boot disk, volumes, address, keys,
// tags and protection inline, and no read before it once the run knows the
// network's subnetworks, the firewalls' rules and the keys: all callers share
// those lists. instances.bulkInsert would save nothing: it makes like VMs from
// one description, and each tenant's has a network, volumes and user data of
// its own. A VM that shall be off is stopped after it was made. Every VM is a
// Shielded VM, has no service account unless one is named, refuses the
// project's SSH keys and the serial console, and has a public address only if
// asked. The first VM with a public IPv6 address makes its subnetwork
// dual-stack. When a zone has no room, the vendor says so at the end of the
// operation, and nothing is left of the VM.
//
// Machine types are those of data/machinetypes.json, as far as the zone sells
// them, at the list prices of its region in data/prices.json. The vendor
// encrypts every disk (ENC-1). c4a takes Hyperdisk only: its volumes need
// type = "hyperdisk-balanced", which is looked at before such a VM is made.
//
// VolumeSpec.Options knows
//
//   - kms_key: the Cloud KMS key that encrypts the disk, projects/<project>/
//     locations/<region>/keyRings/<ring>/cryptoKeys/<key>;
//   - type: the disk type; pd-balanced without it.
//
// VMSpec.Options knows
//
//   - kms_key: the key of the boot disk;
//   - boot_disk_gb, boot_disk_type: its size, otherwise the image's, and its
//     type, otherwise what suits the machine type;
//   - secure_boot: "false" switches Secure Boot off; it is on for the vendor's
//     stock images, and for others only if "true";
//   - service_account: the address of one, whose roles say what it may do;
//   - ip_forwarding: "true" lets the VM pass on traffic of others, as the
//     gateway of a route must.
//
// # Images
//
// An image is made of the boot disk of a temporary instance, which has hardened
// itself and is off: images.insert with sourceDisk. Its native name is
// `<name>-<8 characters of its source>`: images are global, and one of another
// source is another image. A create looks for it first, since making one takes
// minutes. The temporary instance needs a network with a way to the internet; it
// gets a public address, and no firewall rule lets anybody in. Where it fails,
// the error shows the end of its serial port.
//
// # Backup buckets
//
// Buckets are Cloud Storage's, in the region of the declared zone, so that all of
// a region's zones share the fate of its buckets. A bucket is
// <deployment>-<name>-<zone>, cut to 63 characters with a digest where it is
// longer: names are unique among all of the vendor's customers, and may not
// contain "google". Which zone was declared stands in a label.
//
// A create is one request that says everything (uniform bucket-level access,
// public access prevention, versioning, retention, lifecycle, labels, key) and
// one that reads what was made; a read is one; an update is one that reads and
// one that changes, only if nobody else has changed the bucket in between
// (ifMetagenerationMatch). A lock of the retention (lockRetentionPolicy, which
// cannot be undone) is only made when BucketSpec.LockRetention asks for it, and
// takes two more.
//
// The retention binds every version from its creation on. Versioning is on beside
// it: what is retained can still be hidden behind a newer version or a deletion,
// which restic needs for its locks, and stays. (Older pages of the vendor say that
// the two exclude each other; measurements of others say that they no longer do.)
// Without the lock, whoever may update the bucket can take the retention away; it
// is then seen, and repaired.
//
// Guests (BucketSpec.Guests) are service accounts, each with three conditional
// bindings of the bucket's IAM policy, whose titles begin with "holdfast guest"
// (guestBindings); a binding of somebody else's that names one of them is drift.
// The policy is read only where a label tells of guests: one request more; a change
// takes two, and is only made if nobody else has changed the policy since (etag).
//
// Soft deletion is shown and left as it is: the vendor keeps what was deleted for
// 7 days unless somebody chose otherwise. Lifecycle rules of others are kept,
// unless they delete. All objects are encrypted at rest by the vendor, with a key
// of its own or with BucketSpec.Options' kms_key. There is no switch by which a
// bucket refuses requests without TLS: what keeps TLS is that this driver and the
// guests use https only.
package google
