package engine

import "slices"

// Linked is a record that points at others. The store keeps an index of what
// points where, so that the way back costs no search.
type Linked interface {
	Record
	// Links are what the record points at. They may repeat; an id of 0 is none.
	Links() []Ref
}

func linksOf(r Record) []Ref {
	l, ok := r.(Linked)
	if !ok {
		return nil
	}
	return slices.DeleteFunc(l.Links(), func(ref Ref) bool { return ref.ID == 0 })
}

// To are the project's records that point at the resource, in the order of
// their ids.
func (k Kind[T]) To(tx *Tx, project string, to Ref) []*T {
	var out []*T
	for _, id := range tx.linked(k.name, to) {
		if r := tx.get(k.name, id); r != nil && r.Base().Project == project {
			out = append(out, any(r).(*T))
		}
	}
	return out
}

// Referrers are the project's records of any kind that point at the resource, in
// the order of kinds and ids.
func (tx *Tx) Referrers(project string, to Ref) []Record {
	var out []Record
	for _, kind := range tx.e.kinds {
		for _, id := range tx.linked(kind, to) {
			if r := tx.get(kind, id); r != nil && r.Base().Project == project {
				out = append(out, r)
			}
		}
	}
	return out
}

func (tx *Tx) linked(kind string, to Ref) []int64 {
	stored, changes := tx.e.tables[kind].links[to], tx.dirty[kind]
	if len(changes) == 0 {
		return stored
	}
	var out []int64
	for _, id := range stored {
		if _, changed := changes[id]; !changed {
			out = append(out, id)
		}
	}
	n := len(out)
	for id, r := range changes {
		if r != nil && slices.Contains(linksOf(r), to) {
			out = append(out, id)
		}
	}
	if len(out) > n {
		slices.Sort(out)
	}
	return out
}

// relink keeps the index: was and is are a record before and after a change,
// nil when there is none.
func (t *table) relink(id int64, was, is Record) {
	if was != nil {
		for _, ref := range linksOf(was) {
			if i, ok := slices.BinarySearch(t.links[ref], id); ok {
				if t.links[ref] = slices.Delete(slices.Clone(t.links[ref]), i, i+1); len(t.links[ref]) == 0 {
					delete(t.links, ref)
				}
			}
		}
	}
	if is != nil {
		for _, ref := range linksOf(is) {
			if i, ok := slices.BinarySearch(t.links[ref], id); !ok {
				t.links[ref] = slices.Insert(slices.Clone(t.links[ref]), i, id)
			}
		}
	}
}
