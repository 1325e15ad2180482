package objects

import (
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// space is the project under which the engine keeps a bucket's versions.
func space(bucket int64) string { return "bucket/" + strconv.FormatInt(bucket, 10) }

// ids under which all buckets of a service are kept: names are unique over all
// customers, so the engine's project cannot be the owner's.
func shelf(service string) string { return "buckets/" + service }

// Owner is the project that owns the bucket.
func (b *Bucket) Owner() string { return b.Labels[ownerLabel] }

const ownerLabel = "holdfast-sim-owner"

// Bucket is the service's bucket of that name after the lifecycle rules that are
// due were applied, or nil.
func (tx *Tx) Bucket(service, name string) (*Bucket, error) {
	rows := buckets.To(tx.Tx, shelf(service), byName(service, name))
	if len(rows) == 0 {
		return nil, nil
	}
	if err := tx.sweep(rows[0]); err != nil {
		return nil, err
	}
	return buckets.Get(tx.Tx, shelf(service), rows[0].ID), nil
}

// Buckets are a project's buckets by name.
func (tx *Tx) Buckets(service, owner string) []*Bucket {
	var out []*Bucket
	for _, b := range buckets.All(tx.Tx, shelf(service)) {
		if b.Owner() == owner {
			out = append(out, b)
		}
	}
	slices.SortFunc(out, func(a, b *Bucket) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// AddBucket stores a new bucket of an owner; its name must be free.
func (tx *Tx) AddBucket(owner string, b *Bucket) *Bucket {
	b.Project, b.Labels = shelf(b.Service), map[string]string{ownerLabel: owner}
	b.Revision, b.Updated, b.Swept = 1, tx.Now(), tx.Now()
	return buckets.Insert(tx.Tx, b)
}

// EditBucket is a private copy whose changes are stored; it counts as one change
// of the settings.
func (tx *Tx) EditBucket(b *Bucket) *Bucket {
	e := buckets.Edit(tx.Tx, shelf(b.Service), b.ID)
	e.Revision++
	e.Updated = tx.Now()
	return e
}

// Empty tells whether a bucket has no version at all: neither current nor old nor
// a deletion's marker. What was softly destroyed does not count.
func (tx *Tx) Empty(b *Bucket) bool {
	for _, ids := range tx.of(b.ID).versions {
		for _, id := range ids {
			if v := versions.Get(tx.Tx, space(b.ID), id); v != nil && v.Destroyed.IsZero() {
				return false
			}
		}
	}
	return true
}

// RemoveBucket removes an empty bucket, its unfinished uploads, and what of it was
// softly destroyed.
func (tx *Tx) RemoveBucket(b *Bucket) {
	for _, u := range tx.Uploads(b) {
		tx.RemoveUpload(u)
	}
	for _, v := range versions.All(tx.Tx, space(b.ID)) {
		tx.purge(v)
	}
	delete(tx.s.index, b.ID)
	tx.touched[b.ID] = true
	buckets.Delete(tx.Tx, b.ID)
}

// Uploads are a bucket's unfinished uploads by object and age.
func (tx *Tx) Uploads(b *Bucket) []*Upload {
	out := slices.DeleteFunc(uploads.To(tx.Tx, space(b.ID), engine.Ref{Type: "uploads", ID: b.ID}), func(u *Upload) bool { return u.Done != 0 })
	slices.SortStableFunc(out, func(a, b *Upload) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// AddUpload begins one; its Key must be new.
func (tx *Tx) AddUpload(b *Bucket, u *Upload) *Upload {
	u.Project, u.Bucket = space(b.ID), b.ID
	return uploads.Insert(tx.Tx, u)
}

// Upload finds one of a bucket by its key, or nil.
func (tx *Tx) Upload(b *Bucket, key string) *Upload {
	if rows := uploads.To(tx.Tx, space(b.ID), engine.Ref{Type: "upload " + key, ID: 1}); len(rows) > 0 {
		return rows[0]
	}
	return nil
}

// EditUpload is a private copy whose changes are stored. Parts are changed with
// AddPart.
func (tx *Tx) EditUpload(u *Upload) *Upload { return uploads.Edit(tx.Tx, u.Project, u.ID) }

// AddPart adds a part, in place of one with its number.
func (tx *Tx) AddPart(u *Upload, p Part) {
	e := tx.EditUpload(u)
	tx.added = append(tx.added, p.Segment.Blob)
	i, found := slices.BinarySearchFunc(e.Parts, p.Number, func(q Part, n int) int { return q.Number - n })
	if found {
		tx.dropped = append(tx.dropped, e.Parts[i].Segment.Blob)
		e.Parts[i] = p
		return
	}
	e.Parts = slices.Insert(e.Parts, i, p)
}

// RemoveUpload forgets an upload and its parts.
func (tx *Tx) RemoveUpload(u *Upload) {
	for _, p := range u.Parts {
		tx.dropped = append(tx.dropped, p.Segment.Blob)
	}
	uploads.Delete(tx.Tx, u.ID)
}

// FinishUpload forgets an upload's parts and remembers its outcome.
func (tx *Tx) FinishUpload(u *Upload, v *Version) {
	e := tx.EditUpload(u)
	for _, p := range e.Parts {
		tx.dropped = append(tx.dropped, p.Segment.Blob)
	}
	e.Parts, e.Done = nil, v.ID
}
