// Package hetzner is an embedded Hetzner Cloud: the vendor's HTTP API v1 over
// the records of simcloud/engine. It is meant to be true, not sufficient: other
// people's clients work against it unchanged, so its refusals, codes, nulls and
// side effects are the vendor's. Where the vendor's documentation is silent, the
// choice is noted in a comment.
//
// It may import the standard library and simcloud/engine, and nothing else of
// this module: a mistake that simulator and driver share would cancel out.
//
// # How a noun is added
//
//  1. types.go: its stored record, which embeds engine.Meta, and its kind, whose
//     name is the vendor's resource type. A link between two objects is stored
//     on one side only, and told to the store by the record's Links method; put
//     the functions that read, make and undo it in links.go.
//  2. noun.go: the view (exactly the vendor's JSON, nulls included), the routes,
//     and one function an operation. sshkeys.go is the model of a plain noun,
//     images.go of one with actions, volumes.go of one with asynchronous actions.
//     An operation is a func(*call) (any, error): read the body with c.bind,
//     collect what is wrong in a fields, answer refusals with fail, invalid,
//     notFound, notUnique, limitExceeded (errors.go), and everything else by
//     returning the body of the answer. An error undoes all changes.
//     The usual order of checks is the vendor's: exists (mustGet), reachable
//     (c.reach), body, protected, locked (c.unlocked), state, unique (uniqueName),
//     room (room).
//  3. Asynchronous work: c.start begins an action which locks its resources, and
//     a completion of that command makes the change when the action ends. The
//     completion gets everything by the action's parameters, which are JSON and
//     survive a restart. c.instant is for actions that are over at once.
//  4. routes.go: add the noun's routes and completions to the lists there, and
//     the durations of its commands.
//
// # What it does not have
//
// Certificates, load balancers and zones are not simulated (the lists of load
// balancers are empty). No machine stands behind a server: nothing answers at its
// addresses, metrics are made up, and an image's size is a guess. What the vendor
// does not document was settled by what its own clients expect, the acceptance
// tests of its Terraform provider (v1.68) before all: they pass, but for those
// that need a shell on the server or another cloud product.
//
// Records that Get, All or Find answer are shared: never change them, nor the
// slices and maps in them. Edit answers a private copy that is stored on success.
package hetzner
