// Package guestagent tests what runs in the machine (internal/guest/agent): its
// own unit tests in Python, and the agent with real tools (cryptsetup, clevis, a
// real Tang server, restic, PostgreSQL) against the embedded object stores.
// What needs the kernel's device mapper is simulated here, and tried for real
// where machines are booted.
package guestagent
