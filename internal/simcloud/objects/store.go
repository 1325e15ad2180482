package objects

import (
	"slices"
	"strings"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// Store is the object store over an engine.
type Store struct {
	eng   *engine.Engine
	blobs *blobs
	// index has the versions of each bucket by name. It is touched within the
	// engine's transactions only, which exclude one another.
	index map[int64]*index
}

// index orders a bucket's versions: names ascending, versions newest first.
type index struct {
	names    []string
	versions map[string][]int64
}

// EngineOptions adds the store's kinds of records.
func EngineOptions(o engine.Options) engine.Options {
	o.Kinds = append(slices.Clone(o.Kinds), buckets, versions, uploads)
	return o
}

// New makes the store over an engine that was opened with EngineOptions. dir is
// the folder of the contents; empty keeps them in memory.
func New(eng *engine.Engine, dir string) (*Store, error) {
	b, err := openBlobs(dir)
	if err != nil {
		return nil, err
	}
	s := &Store{eng: eng, blobs: b, index: map[int64]*index{}}
	for _, kind := range []string{versions.KindName(), uploads.KindName()} {
		for _, r := range eng.Records(kind) {
			b.retain(contents(r)...)
		}
	}
	return s, b.sweep()
}

// contents are the blobs that a record needs.
func contents(r engine.Record) []string {
	var out []string
	switch v := r.(type) {
	case *Version:
		for _, s := range v.Segments {
			out = append(out, s.Blob)
		}
	case *Upload:
		for _, p := range v.Parts {
			out = append(out, p.Segment.Blob)
		}
	}
	return out
}

// Tx is a transaction on the store.
type Tx struct {
	*engine.Tx
	s       *Store
	added   []string // contents that records begin to need
	dropped []string // and cease to need
	touched map[int64]bool
	at      time.Time // of the midnight that is being caught up with; zero: none
}

// Now is the time at which things happen: the transaction's, or that of the
// midnight whose lifecycle rules are being applied.
func (tx *Tx) Now() time.Time {
	if !tx.at.IsZero() {
		return tx.at
	}
	return tx.Tx.Now()
}

// Do runs f as one transaction. An error of f undoes what it did and is returned
// as it is.
func (s *Store) Do(f func(*Tx) error) error {
	var tx *Tx
	err := s.eng.Do(func(etx *engine.Tx) error {
		tx = &Tx{Tx: etx, s: s, touched: map[int64]bool{}}
		err := f(tx)
		if err != nil {
			for id := range tx.touched {
				delete(s.index, id) // made anew from the records when it is needed
			}
			return err
		}
		s.blobs.retain(tx.added...)
		return nil
	})
	if err == nil && tx != nil {
		s.blobs.release(tx.dropped...)
	}
	return err
}

// Clock is the simulation's time.
func (s *Store) Clock() *engine.Clock { return s.eng.Clock }

// of is the index of a bucket.
func (tx *Tx) of(bucket int64) *index {
	if x := tx.s.index[bucket]; x != nil {
		return x
	}
	x := &index{versions: map[string][]int64{}}
	for _, v := range versions.All(tx.Tx, space(bucket)) {
		x.versions[v.Name] = append(x.versions[v.Name], v.ID)
	}
	for name, ids := range x.versions {
		x.names = append(x.names, name)
		slices.SortFunc(ids, func(a, b int64) int { return int(b - a) })
	}
	slices.Sort(x.names)
	tx.s.index[bucket] = x
	return x
}

func (x *index) add(name string, id int64) {
	if len(x.versions[name]) == 0 {
		i, _ := slices.BinarySearch(x.names, name)
		x.names = slices.Insert(x.names, i, name)
	}
	x.versions[name] = append([]int64{id}, x.versions[name]...)
}

func (x *index) remove(name string, id int64) {
	ids := slices.DeleteFunc(slices.Clone(x.versions[name]), func(i int64) bool { return i == id })
	if len(ids) > 0 {
		x.versions[name] = ids
		return
	}
	delete(x.versions, name)
	if i, ok := slices.BinarySearch(x.names, name); ok {
		x.names = slices.Delete(x.names, i, i+1)
	}
}

// from is where the names that are not less than s begin.
func (x *index) from(s string) int {
	i, _ := slices.BinarySearch(x.names, s)
	return i
}

// pastPrefix is where the names behind all that begin with p begin.
func (x *index) pastPrefix(p string, start int) int {
	i, _ := slices.BinarySearchFunc(x.names[start:], p, func(name, p string) int {
		if strings.HasPrefix(name, p) {
			return -1
		}
		return strings.Compare(name, p)
	})
	return start + i
}
