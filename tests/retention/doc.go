// Package retention compares internal/backup's retention arithmetic with the
// real thing: `restic forget --keep-daily 7 --keep-weekly 4 --keep-monthly 3
// --dry-run --json` judges generated histories of backups, and Policy.Apply
// has to keep the same ones for the same reasons.
//
// One restic repository holds all histories, each under a tag of its own, so
// that a single run of restic judges them all (--group-by tags). The snapshot
// objects are written by the test in restic's documented format, with the key
// that `restic cat masterkey` prints: `restic backup` takes half a second for
// each.
//
// The inventory is held against real restic, too: repositories that restic
// itself fills, copies and forgets from, in folders that stand for buckets.
//
// The tests install Debian's restic where it may (root, apt-get), or take
// what HOLDFAST_RESTIC names.
package retention
