// Package catalog knows the locations of the clouds: where they stand, which
// of them fall together, and the facts behind the promises about data centres
// (NET-3, PHY-1).
//
// What it knows is data, one file a cloud under data/, each statement with its
// source, and one under sites/; adding a cloud is adding these. The package
// asks nobody: what can be ordered in a location, and for how much, is a
// driver's answer.
//
// Google's zones are of one Site where they are of one region: its documents
// promise that failures of zones are independent as a rule, not that floods
// and fires are. Its AI zones (us-central1-ai1a) are left out: they are there
// for accelerators. Its statements about DDoS protection and physical security
// were read in stored copies of its pages: the first as of April 2026, the
// others without a date and probably some years old.
//
// It may import package cloud and the standard library.
package catalog
