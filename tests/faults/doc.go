// Package faults shows that a repeated apply converges whatever goes wrong:
// regions of five tenants are brought up and torn down through the real
// driver, SDK, retries and call budget against the embedded cloud, while
// requests fail, answers are lost, actions fail or get stuck, capacity runs
// out, locations disappear, quotas are stolen and runs are killed. In the end
// the cloud holds exactly what is declared: nothing lost, nothing doubled.
//
// The runs at driver level live in simulated time (testing/synctest) and have
// no network: requests are handed to the embedded cloud's handler. They are
// Hetzner's; those of Google stand beside its driver. TestTerraform does the same
// on both clouds in real time with the built provider under a real Terraform or
// OpenTofu, fewer times; there the killed runs are processes that get a SIGKILL.
// What differs between the clouds is a vendor: its configuration, misfortunes and
// the look at what it holds in the end. FAULT_TF_RUNS seeds are tried on each.
package faults
