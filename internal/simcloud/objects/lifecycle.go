package objects

import (
	"errors"
	"strings"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// Rule is a lifecycle rule: what happens to which versions, once a day. Periods
// are whole days; a pointer that is nil says nothing.
type Rule struct {
	// Prefixes and Suffixes choose names, Tags and MinSize, MaxSize versions:
	// none chooses all. MaxSize 0 is no bound.
	Prefixes []string          `json:"prefixes,omitempty"`
	Suffixes []string          `json:"suffixes,omitempty"`
	Tags     map[string]string `json:"tags,omitempty"`
	MinSize  int64             `json:"min_size,omitempty"`
	MaxSize  int64             `json:"max_size,omitempty"`

	// Current versions end after Days from their creation, or on Date: they are
	// hidden by a marker (Markers), superseded, or destroyed where there is no
	// versioning.
	Days *int       `json:"days,omitempty"`
	Date *time.Time `json:"date,omitempty"`
	// Superseded versions are destroyed so many days after they were superseded,
	// when at least Newer newer superseded ones remain.
	SupersededDays *int `json:"superseded_days,omitempty"`
	Newer          int  `json:"newer,omitempty"`
	// OldAge is a condition on all versions, current or not, that destroys: the
	// age in days since their creation.
	OldAge *int `json:"old_age,omitempty"`
	// Markers of deletion that have no version left are removed.
	LoneMarkers bool `json:"lone_markers,omitempty"`
	// Uploads that are not finished so many days after they began are removed.
	UploadDays *int `json:"upload_days,omitempty"`
	// Markers tells that deletion in this service leaves a marker.
	Markers bool `json:"markers,omitempty"`
	// Other conditions of Cloud Storage.
	NewerVersions *int       `json:"newer_versions,omitempty"`
	CreatedBefore *time.Time `json:"created_before,omitempty"`
	Live          *bool      `json:"live,omitempty"`
	// Conditional rules are Cloud Storage's: all of their conditions hold at
	// once (OldAge, NewerVersions, CreatedBefore, Live, SupersededDays).
	Conditional bool `json:"conditional,omitempty"`
}

const day = 24 * time.Hour

// sweep applies the rules of all midnights since the last time, and forgets what
// can no longer be restored.
func (tx *Tx) sweep(b *Bucket) error {
	now := tx.Now()
	first := b.Swept.Truncate(day).Add(day)
	if now.Before(first) {
		return nil
	}
	for at := first; !now.Before(at) && len(b.Rules) > 0; at = at.Add(day) {
		tx.at = at
		err := tx.midnight(b, at)
		tx.at = time.Time{}
		if err != nil {
			return err
		}
	}
	for _, v := range versions.All(tx.Tx, space(b.ID)) {
		if !v.Destroyed.IsZero() && !now.Before(v.Gone) {
			tx.purge(v)
		}
	}
	buckets.Edit(tx.Tx, shelf(b.Service), b.ID).Swept = now
	return nil
}

func (tx *Tx) midnight(b *Bucket, at time.Time) error {
	for _, r := range b.Rules {
		if r.UploadDays != nil {
			for _, u := range tx.Uploads(b) {
				if r.named(u.Name) && due(u.Created, *r.UploadDays, at) {
					tx.RemoveUpload(u)
				}
			}
		}
		var names []string
		_ = tx.Walk(b, Walk{}, func(name string, _ bool, _ []*Version) error {
			if r.named(name) {
				names = append(names, name)
			}
			return nil
		})
		for _, name := range names {
			if err := tx.apply(b, &r, name, at); err != nil {
				return err
			}
		}
	}
	return nil
}

// due tells whether days have passed from a moment on. Like the vendors, a period
// ends at the midnight that follows it.
func due(from time.Time, days int, at time.Time) bool {
	return !from.IsZero() && !at.Before(from.Add(time.Duration(days)*day))
}

func (r *Rule) named(name string) bool {
	has := func(list []string, f func(string, string) bool) bool {
		for _, s := range list {
			if f(name, s) {
				return true
			}
		}
		return len(list) == 0
	}
	return has(r.Prefixes, strings.HasPrefix) && has(r.Suffixes, strings.HasSuffix)
}

func (r *Rule) chosen(v *Version) bool {
	if v.Size < r.MinSize || (r.MaxSize > 0 && v.Size > r.MaxSize) {
		return false
	}
	for k, want := range r.Tags {
		if got, ok := v.Tags[k]; !ok || got != want {
			return false
		}
	}
	return true
}

// apply applies a rule to an object. What is protected stays: the next midnight
// tries again.
func (tx *Tx) apply(b *Bucket, r *Rule, name string, at time.Time) error {
	all := tx.Versions(b, name)
	newer := 0
	for _, v := range all {
		var doomed bool
		switch {
		case !v.Marker && !r.chosen(v):
		case r.Conditional:
			doomed = r.holds(v, newer, at)
		case v.Current && v.Marker:
			doomed = r.LoneMarkers && len(all) == 1
		case v.Current:
			doomed = (r.Days != nil && due(v.Created, *r.Days, at)) || (r.Date != nil && !at.Before(*r.Date))
		case r.SupersededDays != nil:
			doomed = due(v.Superseded, *r.SupersededDays, at) && newer >= r.Newer
		}
		if !v.Current || r.Conditional {
			newer++
		}
		if !doomed {
			continue
		}
		if v.Current && !v.Marker && b.Versioning != VersioningOff {
			if !r.Markers {
				tx.Supersede(b, name)
				continue
			}
			if err := tx.Add(b, &Version{Meta: engine.Meta{Name: name}, Marker: true}, false); err != nil && !protected(err) {
				return err
			}
			continue
		}
		if err := tx.Remove(b, v, false); err != nil && !protected(err) {
			return err
		}
	}
	return nil
}

// holds tells whether all conditions of a Cloud Storage rule do.
func (r *Rule) holds(v *Version, newer int, at time.Time) bool {
	return (r.OldAge == nil || due(v.Created, *r.OldAge, at)) &&
		(r.Live == nil || *r.Live == v.Current) &&
		(r.NewerVersions == nil || newer >= *r.NewerVersions) &&
		(r.CreatedBefore == nil || v.Created.Before(*r.CreatedBefore)) &&
		(r.SupersededDays == nil || (!v.Current && due(v.Superseded, *r.SupersededDays, at)))
}

func protected(err error) bool {
	var p *ProtectedError
	return errors.As(err, &p)
}
