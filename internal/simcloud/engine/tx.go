package engine

import (
	"fmt"
	"slices"
	"time"
)

// Tx is one transaction: it sees its own changes at once, and the engine keeps
// all of them or, when the function that got it returns an error, none.
type Tx struct {
	e     *Engine
	now   time.Time
	dirty map[string]map[int64]Record // a nil Record is a deletion
	seq   map[string]int64
}

// Now is the time at which the transaction happens. It stands still within it,
// and is the action's own due time within an action's completion.
func (tx *Tx) Now() time.Time { return tx.now }

func (tx *Tx) get(kind string, id int64) Record {
	if r, ok := tx.dirty[kind][id]; ok {
		return r
	}
	t := tx.e.tables[kind]
	if t == nil {
		panic(fmt.Sprintf("engine: kind %q was not registered", kind))
	}
	return t.rows[id]
}

func (tx *Tx) put(kind string, id int64, r Record) {
	if tx.dirty == nil {
		tx.dirty = map[string]map[int64]Record{}
	}
	if tx.dirty[kind] == nil {
		tx.dirty[kind] = map[int64]Record{}
	}
	tx.dirty[kind][id] = r
}

func (tx *Tx) edit(k AnyKind, id int64) Record {
	if r, ok := tx.dirty[k.KindName()][id]; ok {
		return r
	}
	c, err := k.clone(tx.get(k.KindName(), id))
	if err != nil { // it was encoded when it was stored: cannot happen
		panic(fmt.Sprintf("engine: copying %s %d: %v", k.KindName(), id, err))
	}
	tx.put(k.KindName(), id, c)
	return c
}

func (tx *Tx) insert(kind string, r Record) {
	m := r.Base()
	if m.ID == 0 {
		m.ID = tx.next(kind)
	}
	if m.Created.IsZero() {
		m.Created = tx.now
	}
	tx.put(kind, m.ID, r)
}

func (tx *Tx) delete(kind string, id int64) {
	if tx.get(kind, id) != nil {
		tx.put(kind, id, nil)
	}
}

// next is a fresh id of the kind. Numbers of a transaction that fails are not
// used again within the process, as with the vendors.
func (tx *Tx) next(kind string) int64 {
	tx.e.seq[kind]++
	if tx.seq == nil {
		tx.seq = map[string]int64{}
	}
	tx.seq[kind] = tx.e.seq[kind]
	return tx.seq[kind]
}

// Next is a fresh number of a named sequence that is kept with the records,
// for things that are no records: addresses, for example.
func (tx *Tx) Next(sequence string) int64 { return tx.next(sequence) }

func (tx *Tx) ids(kind, project string) []int64 {
	stored := tx.e.tables[kind].byProject[project]
	changes := tx.dirty[kind]
	if len(changes) == 0 {
		return stored
	}
	out := make([]int64, 0, len(stored)+len(changes))
	for _, id := range stored {
		if r, ok := changes[id]; !ok || r != nil {
			out = append(out, id)
		}
	}
	n := len(out)
	for id, r := range changes {
		if r != nil && r.Base().Project == project && tx.e.tables[kind].rows[id] == nil {
			out = append(out, id)
		}
	}
	if len(out) > n {
		slices.Sort(out)
	}
	return out
}
