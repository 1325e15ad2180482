// Package backup is the arithmetic of backups: which of a list of backups are
// kept, for which reason (Policy); whether a set of buckets keeps what is
// promised about places, and what would mend it (CheckSet); and what there is
// of each tenant in each bucket (Inventory, with its table, JSON and
// Prometheus forms).
//
// It is pure but for Inventory, which reads through cloud.ObjectReader; the
// clock is the caller's.
//
// It may import packages cloud, catalog, policy, guest/status and the standard
// library.
package backup
