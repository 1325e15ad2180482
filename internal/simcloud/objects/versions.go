package objects

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ProtectedError tells why a version cannot be destroyed.
type ProtectedError struct {
	Version *Version
	// Until is when it can; zero for a hold, which ends when it is lifted.
	Until time.Time
	// ByBucket is whether the bucket's Keep protects it, and not the version's
	// own settings.
	ByBucket bool
}

func (e *ProtectedError) Error() string {
	if e.Until.IsZero() {
		return fmt.Sprintf("%s is under a hold", e.Version.Name)
	}
	return fmt.Sprintf("%s is kept until %s", e.Version.Name, e.Until.Format(time.RFC3339))
}

// Protection tells what keeps a version from being destroyed at a time, or nil.
// bypass lifts governance.
func (b *Bucket) Protection(v *Version, now time.Time, bypass bool) *ProtectedError {
	switch {
	case v.Marker:
		return nil
	case v.Hold || v.EventHold:
		return &ProtectedError{Version: v}
	case now.Before(v.Until) && (v.Lock == Locked || !bypass):
		return &ProtectedError{Version: v, Until: v.Until}
	}
	if until := b.KeptUntil(v); now.Before(until) {
		return &ProtectedError{Version: v, Until: until, ByBucket: true}
	}
	return nil
}

// KeptUntil is until when the bucket's Keep protects a version; zero without one.
func (b *Bucket) KeptUntil(v *Version) time.Time {
	switch {
	case b.Keep == 0:
		return time.Time{}
	case !v.KeptFrom.IsZero():
		return v.KeptFrom.Add(b.Keep)
	}
	return v.Created.Add(b.Keep)
}

// Current is what the object's name leads to: a version, a deletion's marker, or
// nil.
func (tx *Tx) Current(b *Bucket, name string) *Version {
	for _, v := range tx.Versions(b, name) {
		if v.Current {
			return v
		}
	}
	return nil
}

// Versions are those of an object that were not destroyed, newest first.
func (tx *Tx) Versions(b *Bucket, name string) []*Version {
	return slices.DeleteFunc(tx.all(b, name), func(v *Version) bool { return !v.Destroyed.IsZero() })
}

// Destroyed are the versions of an object that can be restored, newest first.
func (tx *Tx) Destroyed(b *Bucket, name string) []*Version {
	return slices.DeleteFunc(tx.all(b, name), func(v *Version) bool { return v.Destroyed.IsZero() || !tx.Now().Before(v.Gone) })
}

func (tx *Tx) all(b *Bucket, name string) []*Version {
	var out []*Version
	for _, id := range tx.of(b.ID).versions[name] {
		if v := versions.Get(tx.Tx, space(b.ID), id); v != nil {
			out = append(out, v)
		}
	}
	return out
}

// Add makes v the current version of the object v.Name, in the manner of S3: what
// was current becomes superseded; where versioning is not enabled, the null version
// (any version of a bucket that never had versioning) is destroyed first, which
// Protection may refuse. bypass lifts governance.
func (tx *Tx) Add(b *Bucket, v *Version, bypass bool) error {
	v.Null = b.Versioning != VersioningEnabled
	for _, old := range tx.Versions(b, v.Name) {
		if v.Null && old.Null {
			if err := tx.Remove(b, old, bypass); err != nil {
				return err
			}
		}
	}
	tx.Place(b, v)
	return nil
}

// Replace makes v the current version of the object v.Name, in the manner of Cloud
// Storage: what was current becomes superseded, or where versioning is not enabled
// is destroyed, which Protection may refuse.
func (tx *Tx) Replace(b *Bucket, v *Version) error {
	if old := tx.Current(b, v.Name); old != nil && b.Versioning != VersioningEnabled {
		if err := tx.Remove(b, old, false); err != nil {
			return err
		}
	}
	tx.Place(b, v)
	return nil
}

// Place makes v the current version; what was current is superseded.
func (tx *Tx) Place(b *Bucket, v *Version) {
	v.Project, v.Bucket, v.Current = space(b.ID), b.ID, true
	v.Created, v.Updated, v.Revision = tx.Now(), tx.Now(), 1
	v.Serial = tx.Now().UnixMicro()
	for _, old := range tx.all(b, v.Name) { // also destroyed ones: never the same number again
		v.Serial = max(v.Serial, old.Serial+1)
	}
	tx.Supersede(b, v.Name)
	versions.Insert(tx.Tx, v)
	tx.of(b.ID).add(v.Name, v.ID)
	tx.touched[b.ID] = true
	tx.added = append(tx.added, contents(v)...)
}

// Supersede lets an object have no current version; the one that was stays.
func (tx *Tx) Supersede(b *Bucket, name string) {
	if old := tx.Current(b, name); old != nil {
		e := tx.edit(old)
		e.Current, e.Superseded = false, tx.Now()
	}
}

// EditVersion is a private copy whose changes are stored; it counts as one change
// of the metadata.
func (tx *Tx) EditVersion(v *Version) *Version {
	e := tx.edit(v)
	e.Revision++
	e.Updated = tx.Now()
	return e
}

func (tx *Tx) edit(v *Version) *Version { return versions.Edit(tx.Tx, v.Project, v.ID) }

// Remove destroys a version. A *ProtectedError says that it must not be. Where the bucket
// has Soft, it can be restored for so long. The newest remaining version
// becomes current where the destroyed one was, if promote says so in the bucket's
// service (see Promote).
func (tx *Tx) Remove(b *Bucket, v *Version, bypass bool) error {
	if p := b.Protection(v, tx.Now(), bypass); p != nil {
		return p
	}
	tx.touched[b.ID] = true
	if b.Soft > 0 && !v.Marker {
		e := tx.edit(v)
		e.Current, e.Destroyed, e.Gone = false, tx.Now(), tx.Now().Add(b.Soft)
		return nil
	}
	tx.purge(v)
	return nil
}

// Promote makes an object's newest version current again if none is. S3 does so
// when the current version is destroyed; Cloud Storage does not.
func (tx *Tx) Promote(b *Bucket, name string) {
	if all := tx.Versions(b, name); len(all) > 0 && tx.Current(b, name) == nil {
		e := tx.edit(all[0])
		e.Current, e.Superseded = true, time.Time{}
	}
}

// purge removes the record and what of the content nobody else needs.
func (tx *Tx) purge(v *Version) {
	tx.of(v.Bucket).remove(v.Name, v.ID)
	tx.dropped = append(tx.dropped, contents(v)...)
	tx.touched[v.Bucket] = true
	versions.Delete(tx.Tx, v.ID)
}

// VersionByID is a version of the bucket by its record's number, or nil.
func (tx *Tx) VersionByID(b *Bucket, id int64) *Version {
	return versions.Get(tx.Tx, space(b.ID), id)
}

// ErrStop ends a Walk.
var ErrStop = errors.New("stop")

// Walk calls f with the names of a bucket, in their order, and their versions that
// were not destroyed (or those only that were), newest first. With a delimiter, names
// that hold it behind the prefix are folded: f gets their common beginning, once, and
// no versions. f ends the walk with ErrStop.
func (tx *Tx) Walk(b *Bucket, w Walk, f func(name string, folded bool, all []*Version) error) error {
	x := tx.of(b.ID)
	for i := x.from(max(w.Start, w.Prefix)); i < len(x.names); {
		name := x.names[i]
		if !strings.HasPrefix(name, w.Prefix) {
			break
		}
		list := tx.Versions
		if w.Destroyed {
			list = tx.Destroyed
		}
		all := list(b, name)
		if w.Visible != nil {
			all = slices.DeleteFunc(all, func(v *Version) bool { return !w.Visible(v) })
		}
		if len(all) == 0 {
			i++
			continue
		}
		folded := false
		if w.Delimiter != "" {
			if at := strings.Index(name[len(w.Prefix):], w.Delimiter); at >= 0 {
				name, folded = name[:len(w.Prefix)+at+len(w.Delimiter)], true
				i = x.pastPrefix(name, i)
				all = nil
			}
		}
		if !folded {
			i++
		}
		switch err := f(name, folded, all); {
		case errors.Is(err, ErrStop):
			return nil
		case err != nil:
			return err
		}
	}
	return nil
}

// Walk says where a walk goes.
type Walk struct {
	Prefix, Delimiter, Start string
	// Visible chooses versions; nil takes all.
	Visible   func(*Version) bool
	Destroyed bool
}
