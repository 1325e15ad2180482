// Package cloudtest is the conformance suite that every driver passes: what
// package cloud's interfaces promise, tried against a real or embedded cloud.
//
// A driver's test calls Run with a Harness that opens empty accounts. What a
// cloud cannot be made to do (losing an answer, say) is left nil in the
// Account, and the tests that need it are skipped with a message.
//
// RunBuckets is the same for what a cloud.BucketDriver promises.
//
// It may import only the standard library, package cloud and go-cmp.
package cloudtest
