// Package peer shows that the embedded Google Cloud is true: the vendor's own
// Terraform provider, unchanged, works against it through its setting
// compute_custom_endpoint. Its tests need that provider's binary in
// HOLDFAST_PEER_GOOGLE; `make peer-google` builds it from the public module and
// runs them. They are no part of `make test`: the build takes minutes.
//
//   - testdata/five has a network, subnetwork, firewall, disk and instance, and
//     data sources: created, changed in place, imported, destroyed.
//   - testdata/wide has what else of these the vendor's provider can say.
//   - testdata/tenants has the five for each of 20 tenants (N changes it), for
//     which the requests are counted: to compare with Holdfast's own.
//
// After each apply the plan is empty, and after each destroy the cloud is.
package peer
