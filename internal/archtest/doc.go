// Package archtest checks who imports whom: it reads the import clauses of
// every Go file of the module and compares them with Layers, the table of what
// each package may use. A package without a line in the table is a finding too,
// so that a new one is placed deliberately.
//
// Test files are exempt: a driver's tests may start the embedded cloud, and
// tests/ sees everything.
//
// It imports only the standard library; nothing but its own test imports it.
package archtest
