// Package objects is the object store beneath both embedded object storage APIs
// (simcloud/s3 and simcloud/gcs): buckets, versions of objects, uploads in parts,
// and what keeps a version from being destroyed: retention, holds, soft deletion.
//
// There is one place at which a version can be destroyed (Tx.Remove), and it asks
// Protection first, whoever asks and for whatever reason: a request, an overwrite,
// a lifecycle rule. So what an API forgets to check is refused all the same.
//
// Records (names, sizes, protection) live in the engine and survive a restart
// with it. Bytes live beside the engine's data file, one file a content (named by
// its SHA-256, so that a copy costs nothing), or in memory where there is no data
// file. Bytes that no record names any more are removed; at the start also those
// that a killed process left.
//
// Lifecycle rules are applied at midnight UTC of the simulation's clock: a request
// that comes after one or more midnights first sees them happen, in order.
//
// It knows no HTTP and no vendor. It may import the standard library and
// simcloud/engine.
package objects
