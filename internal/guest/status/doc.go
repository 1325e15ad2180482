// Package status is the contract by which a guest tells how it is: a small
// JSON object (Status) that every tenant's machine writes under its own prefix
// of each bucket of its backup plan, at Key. Nobody needs to reach into the
// machine, and a bucket that is left tells how the machine was.
//
// Version 1 is what v1.schema.json says (JSON Schema, draft 2020-12). Whoever
// reads it (Parse) is strict about what it knows and tolerant about what is
// newer: members that the object's own version does not have are refused, and
// what a later 1.x brings is left out. Version 1.1 added listening sockets and
// failed units. An object of another major version is ErrVersion; its key has
// another name.
//
// The object holds no secrets: no keys, no passwords, no data of a customer.
// It is the guest's own word. What it says exists is trusted only as far as
// the bucket's listing shows it.
//
// It may import package cloud and the standard library.
package status
