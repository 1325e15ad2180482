package backup

import (
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// The layout of a bucket: everything of a tenant stands below
// "<deployment>/<tenant>/" (status.Prefix). Of that the inventory looks at two
// things: resticSnapshots, one object for each backup, named by its id and
// encrypted; and the guest's status object (status.Name).
const resticSnapshots = "restic/snapshots/"

// Source is one bucket to look into.
type Source struct {
	// Name is the bucket's name at its vendor, as the guests' status has it.
	Name      string
	Location  cloud.Location
	Immutable bool
	// Lost: its location was declared lost. Nothing is asked of it.
	Lost bool
	// Reader may be nil if it is lost.
	Reader cloud.ObjectReader
}

// Options of an inventory.
type Options struct {
	Deployment string
	// Tenants to report, and only those; one that no bucket knows is reported
	// with every copy missing. Empty reports whoever is found.
	Tenants []string
	// RPO is the age from which a backup is too old.
	RPO time.Duration
	// Grace is added to it: a daily backup is a day old when the next begins,
	// takes its time, and on the day that clocks go back is an hour later.
	Grace time.Duration
	// Policy counts the classes where the guest does not tell them, and says
	// which backups should be there.
	Policy Policy
	// Now is the time that ages are counted to.
	Now time.Time
	// Parallel is for how many tenants status objects are read at once; 0 is
	// DefaultParallel.
	Parallel int
}

// DefaultParallel reads 1,000 tenants' status objects of three buckets in ten
// seconds where a request takes 50 ms, and is far below what any store limits.
const DefaultParallel = 16

// Report is what there is of one tenant.
type Report struct {
	Tenant string
	State  State
	// Newest is the newest backup in any bucket that could be read; zero if
	// there is none.
	Newest time.Time
	// Age of Newest.
	Age time.Duration
	// Fresh is the number of buckets that hold a backup within the objective,
	// Missing of those that should and do not, for whatever reason.
	Fresh, Missing int
	// Copies has one for each source, in their order.
	Copies []Copy
}

// State is the verdict about a tenant.
type State string

// The states.
const (
	// StateOK: every bucket holds a backup within the objective.
	StateOK State = "ok"
	// StateDegraded: the objective is kept, in fewer buckets than declared
	// because a location is lost or cannot be reached, or with something to look
	// at.
	StateDegraded State = "degraded"
	// StateBroken: a bucket that can be read holds no backup within the
	// objective, or one that cannot be trusted, or none can be read.
	StateBroken State = "broken"
)

// Copy is what there is of a tenant in one bucket.
type Copy struct {
	Bucket    string
	Location  cloud.Location
	Immutable bool
	State     CopyState
	// Newest backup in this bucket, its id and age; zero if there is none or
	// the bucket was not read.
	Newest   time.Time
	NewestID string
	Age      time.Duration
	// Snapshots is how many the bucket's listing shows.
	Snapshots int
	// Counts of the classes.
	Counts cloud.BackupCounts
	// Bytes is what a restore of the newest would write; 0 if the guest does
	// not tell.
	Bytes int64
	// Told: times, sizes and classes are the guest's word. Otherwise times are
	// those at which the objects were written, which for a backup that was
	// copied there is later than the backup.
	Told     bool
	Problems []Problem
}

// CopyState is the verdict about one bucket of a tenant.
type CopyState string

// The states of a copy.
const (
	CopyOK CopyState = "ok"
	// CopyStale: the newest backup is older than the objective.
	CopyStale CopyState = "stale"
	// CopyMissing: there is no backup.
	CopyMissing CopyState = "missing"
	// CopyLost: the location was declared lost.
	CopyLost CopyState = "lost"
	// CopyUnreachable: the bucket could not be read.
	CopyUnreachable CopyState = "unreachable"
)

// Problem is something to look at.
type Problem struct {
	Code ProblemCode
	// Text says what was seen, in a sentence.
	Text string
}

// ProblemCode classifies a Problem.
type ProblemCode string

// The problems.
const (
	// ProblemVanished: the guest tells of backups that the bucket does not
	// hold, and that should be kept.
	ProblemVanished ProblemCode = "vanished"
	// ProblemForgotten: the guest tells of backups that the bucket does not
	// hold, and that no retention keeps: forgotten since, or a person's own.
	ProblemForgotten ProblemCode = "forgotten"
	// ProblemCheck: restic's own check of the repository failed.
	ProblemCheck ProblemCode = "check_failed"
	// ProblemRun: the last attempt to back up failed.
	ProblemRun ProblemCode = "run_failed"
	// ProblemUnreported: the bucket holds backups that are older than the
	// guest's status, which does not tell of them.
	ProblemUnreported ProblemCode = "unreported"
	// ProblemClock: a backup claims to have been begun after its object was
	// written: the guest's clock is wrong.
	ProblemClock ProblemCode = "clock"
	// ProblemStatus: the guest's status is absent, unreadable or another's.
	ProblemStatus ProblemCode = "status"
)

// breaks tells whether a problem means that the copy cannot be trusted.
func (c ProblemCode) breaks() bool { return c == ProblemVanished || c == ProblemCheck }

// SourceState is how reading a bucket went.
type SourceState struct {
	Name     string
	Location cloud.Location
	Lost     bool
	// Err is why it could not be read to the end.
	Err error
	// Lists and Reads count the requests: listings, and status objects.
	Lists, Reads int
}

// Summary is what Read has to say when all tenants are reported.
type Summary struct {
	Sources                []SourceState
	OK, Degraded, Broken   int
	Oldest                 time.Duration // age of the oldest Newest
	TenantsWithoutAnything int
}

// Tenants is the number of reports.
func (s Summary) Tenants() int { return s.OK + s.Degraded + s.Broken }

func (s *Summary) add(r Report) {
	switch r.State {
	case StateOK:
		s.OK++
	case StateDegraded:
		s.Degraded++
	default:
		s.Broken++
	}
	if r.Newest.IsZero() {
		s.TenantsWithoutAnything++
	}
	s.Oldest = max(s.Oldest, r.Age)
}
