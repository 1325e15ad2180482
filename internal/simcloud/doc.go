// Package simcloud is the embedded clouds as one thing to start: it ties the
// engine, the vendors' APIs and their object stores (s3, gcs, over one store in
// objects) together, serves them on loopback with a control API beside them, and
// gives Go code the same control. Tests, the command line and the benchmarks use it;
// the product's own packages must not, and it imports none of them.
//
// One listener serves everything by path; each location of Hetzner's object store has
// a port of its own besides (Served.S3), since clients of S3 take no path in an
// endpoint. For clients that take no endpoint at all, ServeNames is a proxy under
// which the vendors' own host names lead here.
package simcloud
