package backup

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest/status"
)

// clockSlack is by how much a guest's clock and the store's may differ before
// anybody is told: restic notes a backup's beginning, so that the object is
// written later, if only by seconds.
const clockSlack = 5 * time.Minute

// evidence is what was seen of a tenant in one bucket.
type evidence struct {
	listing listing
	// told is what the guest says of this bucket; nil if it does not.
	told *status.Bucket
	// written is when the guest said so.
	written time.Time
	// problem is why it does not say anything; empty if it does.
	problem string
}

// gone are the ids that the guest tells of and the listing does not show:
// vanished are those that should be kept, forgotten those that `restic forget`
// may have taken since, because they had no class, or a newer backup has
// displaced them.
func (e evidence) gone(promised Policy) (vanished, forgotten []string) {
	if e.told == nil {
		return nil, nil
	}
	there, classless := map[string]bool{}, map[string]bool{}
	var all []Snapshot
	for _, object := range e.listing.snapshots {
		there[object.Key] = true
	}
	known := map[string]bool{}
	for _, s := range e.told.Snapshots {
		known[s.ID], classless[s.ID] = true, len(s.Classes) == 0
		all = append(all, Snapshot{ID: s.ID, Time: s.Time})
	}
	newer := false
	for _, object := range e.listing.snapshots {
		if !known[object.Key] {
			newer = newer || object.Modified.After(e.written)
			all = append(all, Snapshot{ID: object.Key, Time: object.Modified})
		}
	}
	for _, d := range promised.Apply(all) {
		switch {
		case there[d.ID]:
		case classless[d.ID], newer && !d.Keep:
			forgotten = append(forgotten, d.ID)
		default:
			vanished = append(vanished, d.ID)
		}
	}
	return vanished, forgotten
}

// judge decides about one copy. What exists is what the listing shows; when it
// was made, how large it is and why it is kept is what the guest tells of it.
func judge(source Source, e evidence, o Options) Copy {
	c := Copy{Bucket: source.Name, Location: source.Location, Immutable: source.Immutable,
		Snapshots: e.listing.count, Told: e.told != nil}
	if e.problem != "" {
		c.problem(ProblemStatus, "%s", e.problem)
	}
	snapshots, complete := c.believe(e)
	if complete {
		for _, s := range e.told.Snapshots {
			if !slices.ContainsFunc(snapshots, func(p Snapshot) bool { return p.ID == s.ID }) {
				continue
			}
			for _, class := range s.Classes {
				c.Counts.Add(class)
			}
		}
	} else {
		c.Counts = Count(o.Policy.Apply(snapshots))
	}
	for _, s := range snapshots {
		if s.Time.After(c.Newest) || s.Time.Equal(c.Newest) && s.ID < c.NewestID {
			c.Newest, c.NewestID = s.Time, s.ID
		}
	}
	c.hear(e, o.Policy)
	switch {
	case len(snapshots) == 0:
		c.State = CopyMissing
	default:
		c.Age = max(0, o.Now.Sub(c.Newest))
		c.State = CopyOK
		if c.Age > o.RPO+o.Grace {
			c.State = CopyStale
		}
	}
	return c
}

// believe gives the backups that exist with the best knowledge of their times,
// and whether the guest tells of all of them, if only by their number.
func (c *Copy) believe(e evidence) (snapshots []Snapshot, complete bool) {
	told := map[string]status.Snapshot{}
	if e.told != nil {
		for _, s := range e.told.Snapshots {
			told[s.ID] = s
		}
	}
	complete = e.told != nil
	unreported, ahead := 0, time.Duration(0)
	if e.told != nil {
		unreported = -e.told.Others
	}
	for _, object := range e.listing.snapshots {
		s, ok := told[object.Key]
		switch {
		case !ok:
			if e.told != nil && object.Modified.Before(e.written.Add(-clockSlack)) {
				unreported++
			} else {
				complete = false
			}
			snapshots = append(snapshots, Snapshot{ID: object.Key, Time: object.Modified})
		case s.Time.After(object.Modified.Add(clockSlack)):
			// It would look fresher than it can be.
			ahead = max(ahead, s.Time.Sub(object.Modified))
			snapshots = append(snapshots, Snapshot{ID: object.Key, Time: object.Modified})
		default:
			snapshots = append(snapshots, Snapshot{ID: object.Key, Time: s.Time})
		}
	}
	if unreported > 0 {
		complete = false
		c.problem(ProblemUnreported, "The bucket holds %s that the guest's status of %s does not tell of.", count(unreported, "older backup"), e.written.UTC().Format(time.RFC3339))
	}
	if ahead > 0 {
		c.problem(ProblemClock, "A backup claims to have been begun %s after its object was written; the time of the object counts.", ahead.Round(time.Second))
	}
	return snapshots, complete
}

// hear adds what only the guest knows.
func (c *Copy) hear(e evidence, promised Policy) {
	if e.told == nil {
		return
	}
	for _, s := range e.told.Snapshots {
		if s.ID == c.NewestID {
			c.Bytes = s.Bytes
		}
	}
	vanished, forgotten := e.gone(promised)
	if len(vanished) > 0 {
		c.problem(ProblemVanished, "The guest tells of %s that the bucket does not hold: %s.", count(len(vanished), "backup"), strings.Join(shorten(vanished), ", "))
	}
	if len(forgotten) > 0 {
		c.problem(ProblemForgotten, "The guest tells of %s that no retention keeps, and that the bucket does not hold any more: %s.", count(len(forgotten), "backup"), strings.Join(shorten(forgotten), ", "))
	}
	if check := e.told.Check; check != nil && check.Result == status.Failed {
		c.problem(ProblemCheck, "restic's check of %s failed: %s", check.At.UTC().Format(time.RFC3339), orUnknown(check.Message))
	}
	if run := e.told.LastRun; run != nil && run.Result == status.Failed {
		c.problem(ProblemRun, "The attempt of %s failed: %s", run.StartedAt.UTC().Format(time.RFC3339), orUnknown(run.Message))
	}
}

func (c *Copy) problem(code ProblemCode, format string, args ...any) {
	c.Problems = append(c.Problems, Problem{Code: code, Text: fmt.Sprintf(format, args...)})
}

// shorten gives at most three ids as restic shortens them.
func shorten(ids []string) []string {
	var out []string
	for i, id := range ids {
		if i == 3 {
			return append(out, "…")
		}
		out = append(out, id[:8])
	}
	return out
}

func orUnknown(message string) string {
	if message == "" {
		return "it does not say why."
	}
	return message
}

// report puts the copies of a tenant together.
func report(tenant string, copies []Copy, o Options) Report {
	r := Report{Tenant: tenant, Copies: copies, State: StateOK}
	reachable := false
	for _, c := range copies {
		if c.State == CopyOK {
			r.Fresh++
		} else {
			r.Missing++
		}
		if c.Newest.After(r.Newest) {
			r.Newest = c.Newest
		}
		switch c.State {
		case CopyLost, CopyUnreachable:
			r.worsen(StateDegraded)
			continue
		case CopyStale, CopyMissing:
			r.worsen(StateBroken)
		}
		reachable = true
		for _, p := range c.Problems {
			if p.Code.breaks() {
				r.worsen(StateBroken)
			} else {
				r.worsen(StateDegraded)
			}
		}
	}
	if !reachable {
		r.State = StateBroken
	}
	if !r.Newest.IsZero() {
		r.Age = max(0, o.Now.Sub(r.Newest))
	}
	return r
}

func (r *Report) worsen(to State) {
	if r.State != StateBroken {
		r.State = to
	}
}

// absent is a copy in a bucket that was not read.
func absent(source Source, state CopyState) Copy {
	return Copy{Bucket: source.Name, Location: source.Location, Immutable: source.Immutable, State: state}
}

// bucketOf finds what a status tells of a bucket.
func bucketOf(s status.Status, source Source) *status.Bucket {
	for i, b := range s.Backups {
		if b.Name == source.Name && b.Location == source.Location.String() {
			return &s.Backups[i]
		}
	}
	return nil
}

// sortKey orders tenants as their keys are listed: "a-b/" before "a/".
func sortKey(tenant string) string { return tenant + "/" }
