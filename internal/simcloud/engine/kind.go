package engine

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Meta is what every stored record has; records embed it.
type Meta struct {
	ID      int64             `json:"id"`
	Project string            `json:"project"`
	Name    string            `json:"name,omitempty"`
	Created time.Time         `json:"created"`
	Labels  map[string]string `json:"labels,omitempty"`
}

// Base gives the store access to the embedded fields.
func (m *Meta) Base() *Meta { return m }

// Record is a pointer to a struct that embeds Meta and survives encoding/json.
// A record that the store handed out is read only: change what Edit returns.
type Record interface{ Base() *Meta }

// AnyKind is a Kind of whatever type.
type AnyKind interface {
	KindName() string
	decode([]byte) (Record, error)
	clone(Record) (Record, error)
}

// Kind names one sort of record and gives typed access to it within a Tx.
// *T must be a Record.
type Kind[T any] struct{ name string }

// NewKind declares a kind. The name is the bucket in the file and the kind in
// the control API.
func NewKind[T any](name string) Kind[T] {
	if _, ok := any(new(T)).(Record); !ok {
		panic(fmt.Sprintf("engine: %T does not embed Meta", new(T)))
	}
	return Kind[T]{name: name}
}

// KindName is the name that the kind was declared with.
func (k Kind[T]) KindName() string { return k.name }

func (k Kind[T]) decode(b []byte) (Record, error) {
	v := new(T)
	if err := json.Unmarshal(b, v); err != nil {
		return nil, err
	}
	return any(v).(Record), nil
}

// clone copies deeply, by way of the form in which records are stored anyway.
func (k Kind[T]) clone(r Record) (Record, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return k.decode(b)
}

// Get is the record with that id in the project, or nil.
func (k Kind[T]) Get(tx *Tx, project string, id int64) *T {
	r := tx.get(k.name, id)
	if r == nil || r.Base().Project != project {
		return nil
	}
	return any(r).(*T)
}

// Edit is a private copy of the record, which replaces the stored one when the
// transaction commits; nil when there is none.
func (k Kind[T]) Edit(tx *Tx, project string, id int64) *T {
	if k.Get(tx, project, id) == nil {
		return nil
	}
	return any(tx.edit(k, id)).(*T)
}

// Insert stores a new record, giving it an id when it has none and the present
// as its time of creation when it has none. The caller may go on changing it
// until the transaction ends.
func (k Kind[T]) Insert(tx *Tx, v *T) *T {
	tx.insert(k.name, any(v).(Record))
	return v
}

// Delete removes the record; removing what is not there is no error.
func (k Kind[T]) Delete(tx *Tx, id int64) { tx.delete(k.name, id) }

// All are the project's records in the order of their ids.
func (k Kind[T]) All(tx *Tx, project string) []*T {
	ids := tx.ids(k.name, project)
	out := make([]*T, 0, len(ids))
	for _, id := range ids {
		out = append(out, any(tx.get(k.name, id)).(*T))
	}
	return out
}

// Find is the first record, in the order of ids, that match accepts, or nil.
func (k Kind[T]) Find(tx *Tx, project string, match func(*T) bool) *T {
	all := k.All(tx, project)
	if i := slices.IndexFunc(all, match); i >= 0 {
		return all[i]
	}
	return nil
}

// ByName is the project's record of that name, or nil.
func (k Kind[T]) ByName(tx *Tx, project, name string) *T {
	return k.Find(tx, project, func(v *T) bool { return any(v).(Record).Base().Name == name })
}

// Count is how many the project has.
func (k Kind[T]) Count(tx *Tx, project string) int { return len(tx.ids(k.name, project)) }
