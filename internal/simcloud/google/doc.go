// Package google is an embedded Google Cloud: the REST API of Compute Engine v1
// over the records of simcloud/engine. It is meant to be true, not sufficient:
// other people's clients (the vendor's libraries, its Terraform provider with
// compute_custom_endpoint) work against it unchanged, so its refusals, reasons
// and side effects are the vendor's. The reference for shapes is the vendor's
// discovery document (compute/v1/compute-api.json of google.golang.org/api);
// where the documentation is silent, the choice is noted in a comment.
//
// It may import the standard library and simcloud/engine, and nothing else of
// this module: a mistake that simulator and driver share would cancel out.
//
// # How a noun is added
//
//  1. Its stored record embeds Resource, and has Collection and Links. Links
//     must hold nameLink(v), and a link for each resource that it refers to
//     (networks.ref(n), by id): then users, unused and linkByID find the way
//     back, and deleting what is in use is refused without further work.
//  2. A noun describes it: `var networks = noun[Network]{…}`. Its kind's name
//     begins with google_.
//  3. A view (exactly the vendor's JSON: 64-bit numbers as strings by `,string`
//     or Int64) and one function a method: func(*call) (any, error). It binds
//     the body (c.bind; bodies have the vendor's field names, pointers where
//     absence matters; c.has tells null from absent), refuses with the
//     constructors of errors.go, resolves references with resolve, resolveImage,
//     resolveMachineType, resolveDiskType, takes the resource in the path with
//     get (or free, before changing it), and ends with insert or start, which
//     begin the operation and answer it. An error undoes all changes.
//     zone and region of the path were checked before; so were requestId and
//     lost locations. Checks that the vendor makes after the operation began
//     belong into its completion, which answers an engine.ActionError of the
//     vendor's code; statusOfCode gives it the HTTP status.
//  4. Completions, by command ("networks.insert"): inserted makes a resource
//     ready, changed applies the parameters that start was given, deleted removes
//     it. Parameters are JSON and survive a restart. Durations stand beside them.
//  5. modules.go: a line for the noun's module: its kinds, routes, completions,
//     durations, and what it uses of quotas. Routes whose last element is a
//     literal stand before those with a placeholder there.
//
// networks.go is the worked example.
//
// # What it does not have
//
// No IAM but the policies of keys in Cloud KMS (policies.go), no shared VPC, no peering, no firewall policies, no static addresses,
// no snapshots, no images made of an archive's bytes; routes lead to the internet
// gateway or to an address. Packets flow nowhere. Which machine family a zone has
// is a round version of the vendor's table (data/machine-types.json). An inserted
// resource can be read at once, and used by others once its operation has ended;
// changes show when their operation ends. Quotas are checked when a request
// arrives. returnPartialSuccess, which the description recommends and does not list, is
// understood as a query parameter.
//
// Records that get, find, All or To answer are shared: never change them, nor the
// slices and maps in them. edit answers a private copy that is stored on success.
package google
