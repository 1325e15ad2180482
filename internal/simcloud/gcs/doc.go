// Package gcs is the embedded Google Cloud Storage: the JSON API of version 1 over
// simcloud/objects, and of the XML API the reads that the vendor's Go client makes.
// That client works against it unchanged (STORAGE_EMULATOR_HOST, or
// option.WithEndpoint), and so does restic's gs backend.
//
// # Where its truth comes from
//
// Shapes: the vendor's discovery document (storage/v1/storage-api.json of
// google.golang.org/api). Behaviour: the vendor's pages on Bucket Lock, Object
// Retention Lock and buckets.lockRetentionPolicy, and where they are silent or
// wrong, the measurements against the real service that the README of a public
// client library (for Zig, September and October 2026) lists: a held object is
// refused with the reason forbidden and not the documented objectUnderActiveHold; a
// condition is checked before a retention (412 before 403); with versioning on, what
// is retained can still be made noncurrent; a lock that is there already is refused
// with 400; the tag of a policy is the bucket's metageneration; softDeletePolicy:
// null is the default of 7 days; object retention can only be had at a bucket's
// creation. Texts of refusals are those that users report.
//
// # What is enforced
//
// The bucket's retention policy, holds, and an object's own retention, against every
// caller and every lifecycle rule. Soft deletion: what was deleted can be listed and
// restored for as long as the policy says. IAM: an owner's token may do everything
// in its projects; a service account's what the bucket's policy grants it, with
// conditions on resource.name, resource.type, request.time and the listing's prefix;
// nobody (no token) what allUsers may. What a policy says and this package cannot
// evaluate is refused when it is set. The permissions of the roles are those that
// the vendor's page lists, as far as this API asks for them.
//
// # What it does not have
//
// Access control lists of their own (predefined ones other than private are
// refused), notifications, HMAC keys, folders, managed folders, anywhere caches,
// autoclass, hierarchical namespaces, custom placement, IP filters, requester pays,
// requests in batches, customer-supplied keys, softly deleted buckets, bulk
// restoration, moves, lists by matchGlob, uploads in the XML API, compression on the
// fly, signed addresses. Storage classes are kept and mean nothing; lifecycle rules
// that set one are refused, and so are conditions on custom times and sizes.
// defaultKmsKeyName is kept and shown, and no key is asked. Partial answers (the
// parameter fields) are whole ones.
//
// It may import the standard library, simcloud/engine and simcloud/objects.
package gcs
