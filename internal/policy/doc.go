// Package policy holds the promises of the security policy as pure rules: a
// spec goes in, findings come out. It talks to nobody, keeps nothing, and
// knows no vendor.
//
// A rule judges only what is known. At plan time a value can be unknown; the
// functions that take whole specs (CheckVM, CheckVolume) take such values as
// Opt and say besides their findings whether something is pending: not yet
// judged, which is not the same as passed. The other functions take known
// values, and the caller asks them only about known ones. Whoever plans asks
// again at apply, when everything is known, before the first API request.
//
// No message ever repeats what may be a secret: a key, a password, the text
// of user data.
//
// It may import packages cloud and catalog, golang.org/x/crypto/ssh, a YAML
// parser and the standard library.
package policy
