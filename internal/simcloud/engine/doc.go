// Package engine is the vendor-neutral half of the embedded clouds: a clock
// that can run faster than the world's, a transactional store of plain records
// that survives a restart, asynchronous actions that take time on that clock,
// a request limit, faults, and a record of the requests that were made.
//
// It knows no vendor and no HTTP. A vendor package (hetzner) declares its kinds
// of records and what happens when its actions end, and puts its own API on top.
//
// It may import the standard library and bbolt, and nothing of this module.
package engine
