// Package budget spends a cloud account's request limit: it meters every
// HTTP request of an account in order of priority, answers reads of single
// objects from shared lists, and waits for the running operations of all
// resources with shared polls.
//
// It decorates drivers and imports only package cloud of this module. The
// guide "How Holdfast spends API requests" explains the rules to users.
package budget
