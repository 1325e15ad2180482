// Package simcloud is the embedded clouds as one thing to start: it ties the
// engine and the vendors' APIs together, serves them on loopback with a control
// API beside them, and gives Go code the same control. Tests, the command line
// and the benchmarks use it; the product's own packages must not, and it imports
// none of them.
package simcloud
