// Package s3 is the embedded Hetzner Object Storage: the S3 API, one endpoint a
// location (fsn1, nbg1, hel1), over simcloud/objects. Real clients (minio-go,
// restic, Amazon's command line) work against it unchanged: signatures are
// checked, in the header, in presigned addresses, and of every chunk of a streamed
// body, and so are checksums.
//
// # Where its truth comes from
//
// The vendor's pages on buckets and on credentials (docs.hetzner.com, storage,
// object-storage, FAQ) say: any pair of keys opens every bucket of its project by
// default; a private bucket may hold public objects. That the store is a Ceph
// RADOS Gateway, that names are unique over all customers, and that policies name
// keys as arn:aws:iam:::user/p<project>:<access key>, was given to the author and
// not read there. The gateway's error codes, and the rules and messages of object
// lock, are from its source (rgw_common.cc, rgw_op.cc, rgw_rest_s3.cc, read in
// public copies); where they differ from Amazon's, the gateway's are taken: what
// has no retention is ObjectLockConfigurationNotFoundError. Signatures, documents
// and limits are Amazon's, as its clients speak them.
//
// Not read anywhere, and so choices: a bucket that is asked for at another
// location's endpoint is NoSuchBucket; ListBuckets names those of the endpoint's
// location; to create one's own bucket again is BucketAlreadyOwnedByYou; a policy
// that cannot be understood is MalformedPolicy; the principal
// arn:aws:iam:::user/p<project> is every key of the project; the public access
// block is there as in the gateway, although the vendor may not offer it.
//
// # What is enforced
//
// Object lock: no request destroys a version before its time, with whatever key:
// governance yields to x-amz-bypass-governance-retention, compliance to nothing.
// Policies are evaluated for every request, denials also for the bucket's owner;
// what a policy says and this package cannot evaluate is refused when it is set.
// Canned access control lists hold for strangers. Whoever writes an object owns it:
// with a bucket of somebody else's, its owner reads nothing of it that neither the
// writer (bucket-owner-full-control) nor a policy lets it read, and every key of the
// writer's project may (ObjectWriter, the gateway's default, as IBM's pages on
// Storage Ceph, "S3 object ownership", describe it). The bucket's owner may delete it. Lifecycle rules run at midnight
// UTC of the simulation's clock.
//
// Loopback stands for the connection behind the vendor's TLS: aws:SecureTransport
// is true unless a request has X-Forwarded-Proto: http. Then it is absent, never
// false (rgw_op.cc), and a condition on what is absent does not hold, a negated one
// neither (rgw_iam_policy.cc): Null and the forms with IfExists reach it.
//
// # What it does not have
//
// Encryption with the store's keys (SSE-S3, SSE-KMS) is refused with
// NotImplemented; with a customer's key (SSE-C) the key is checked on every read
// and the bytes lie in the clear. No websites, CORS, replication, notifications,
// logging, inventories, storage classes, torrents, forms (POST of an object), MFA
// delete, signature version 2, grants other than canned ones: NotImplemented,
// InvalidRequest, or the code of what is not configured. Folding of unfinished
// uploads by a delimiter is refused. A checksum is kept of objects that came in one
// piece; of those in parts each part is checked, and none is shown of the whole.
//
// It may import the standard library, simcloud/engine and simcloud/objects.
package s3
