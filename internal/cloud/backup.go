package cloud

import (
	"context"
	"math"
	"time"
)

// BackupClass is a reason to keep a backup: it is the last of its day, week or
// month.
type BackupClass string

// The classes of BAK-1, from the shortest kept.
const (
	BackupDaily   BackupClass = "daily"
	BackupWeekly  BackupClass = "weekly"
	BackupMonthly BackupClass = "monthly"
)

// BackupClasses lists the classes in the order in which restic names them.
func BackupClasses() []BackupClass { return []BackupClass{BackupDaily, BackupWeekly, BackupMonthly} }

// BackupCounts is a number of backups of each class. A backup can be of
// several classes at once and then counts in each.
type BackupCounts struct {
	Daily, Weekly, Monthly int
}

// Of gives the count of a class; 0 of an unknown one.
func (c BackupCounts) Of(class BackupClass) int {
	if p := c.field(class); p != nil {
		return *p
	}
	return 0
}

// Add counts one more of a class; an unknown one is not counted.
func (c *BackupCounts) Add(class BackupClass) {
	if p := c.field(class); p != nil {
		*p++
	}
}

func (c *BackupCounts) field(class BackupClass) *int {
	switch class {
	case BackupDaily:
		return &c.Daily
	case BackupWeekly:
		return &c.Weekly
	case BackupMonthly:
		return &c.Monthly
	}
	return nil
}

// Days is for how many days at most backups are kept that are made every day
// and of which so many are kept of each class: a week has 7 days, a month at
// most 31. The only backup of a month can have been made on its first day, and
// for 3 months is dropped when the third month after it begins.
func (c BackupCounts) Days() int {
	times := func(n, days int) int { // a slip of the pen must not become a small number
		if n > math.MaxInt/days {
			return math.MaxInt
		}
		return n * days
	}
	return max(0, c.Daily, times(c.Weekly, 7), times(c.Monthly, 31))
}

// DefaultRetention is what BAK-1 promises and so the least that is kept: the
// backups of 7 days, 4 weeks and 3 months.
func DefaultRetention() BackupCounts { return BackupCounts{Daily: 7, Weekly: 4, Monthly: 3} }

// MaxListedObjects is the most objects that one listing request answers with,
// on S3 (max-keys) as on Google Cloud Storage (maxResults).
const MaxListedObjects = 1000

// ObjectInfo is what a listing tells of an object.
type ObjectInfo struct {
	Key   string
	Bytes int64
	// Modified is when this version of the object was written.
	Modified time.Time
}

// ObjectReader reads one bucket. Its methods are safe for concurrent use, obey
// the context, and answer with *Error: CodeNotFound where the bucket or object
// does not exist, CodeUnavailable where the store cannot be reached.
type ObjectReader interface {
	// ListObjects asks once for the objects whose key begins with prefix and
	// sorts, byte by byte, after the key after (empty for all): at most
	// MaxListedObjects of them, in that order. more tells that there are
	// others behind the last one. A key that ends a page is a good after for
	// the next; so is any other text, which skips what sorts before it (S3:
	// start-after; Google: startOffset, which includes the key itself).
	ListObjects(ctx context.Context, prefix, after string) (page []ObjectInfo, more bool, err error)
	// ReadObject reads a small object whole. One of more than limit bytes is
	// CodeInvalid, and no more than limit bytes of it are read.
	ReadObject(ctx context.Context, key string, limit int64) ([]byte, error)
}
