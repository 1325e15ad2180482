package engine

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Options configure an engine.
type Options struct {
	// DataFile keeps the records; empty keeps them in memory only.
	DataFile string
	Clock    *Clock
	// Kinds are all kinds of records that will be used, actions excepted.
	Kinds []AnyKind
	// Completions say what the end of an action does, by command.
	Completions map[string]Completion
	// Durations say how long an action takes on the clock, by command;
	// DefaultDuration is for all others. DurationScale multiplies both:
	// 0 lets every action end before anyone looks at it.
	Durations       map[string]time.Duration
	DefaultDuration time.Duration
	DurationScale   float64
	Seed            uint64
}

// Engine holds the records in memory, writes every change through to its file,
// and brings due actions to their end before each transaction.
type Engine struct {
	Clock  *Clock
	Faults *Faults

	opts    Options
	mu      sync.Mutex
	tables  map[string]*table
	kinds   []string // the tables' names, in the order in which they were declared
	seq     map[string]int64
	due     dueHeap
	held    map[Ref][]int64   // running actions by the resources they lock
	waiting map[int64][]int64 // actions that begin when that one has ended
	db      *bolt.DB
	syncer  *time.Ticker
	done    chan struct{}
	syncing sync.WaitGroup // the goroutine of syncer
	// realGuests: see SetRealGuests.
	realGuests atomic.Bool
}

type table struct {
	kind      AnyKind
	rows      map[int64]Record
	byProject map[string][]int64 // ascending; replaced, never changed in place
	links     map[Ref][]int64    // ascending; likewise
}

const metaBucket = "engine"

var clockKey = []byte("clock")

// Open makes an engine, and loads the file if there is one. Actions that were
// running when the file was last used go on.
func Open(o Options) (*Engine, error) {
	if o.Clock == nil {
		o.Clock = NewClock(time.Time{}, 1)
	}
	e := &Engine{Clock: o.Clock, Faults: NewFaults(o.Clock, o.Seed), opts: o,
		tables: map[string]*table{}, seq: map[string]int64{}, held: map[Ref][]int64{}, waiting: map[int64][]int64{}}
	// Sequences of different kinds start far apart, so that an id of one
	// kind never happens to be good for another.
	for i, k := range append([]AnyKind{Actions}, o.Kinds...) {
		e.tables[k.KindName()] = &table{kind: k, rows: map[int64]Record{}, byProject: map[string][]int64{},
			links: map[Ref][]int64{}}
		e.seq[k.KindName()] = int64(i+1) * 10_000_000
		e.kinds = append(e.kinds, k.KindName())
	}
	if o.DataFile == "" {
		return e, nil
	}
	// NoSync: a commit reaches the kernel at once, so a killed process loses
	// nothing; the disk is asked once a second and at Close.
	db, err := bolt.Open(o.DataFile, 0o600, &bolt.Options{Timeout: 2 * time.Second, NoSync: true, NoFreelistSync: true})
	if err != nil {
		return nil, fmt.Errorf("opening the simulator's data file %s: %w", o.DataFile, err)
	}
	e.db = db
	if err := e.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("reading the simulator's data file %s: %w", o.DataFile, err), db.Close())
	}
	e.syncer, e.done = time.NewTicker(time.Second), make(chan struct{})
	e.syncing.Go(func() {
		for {
			select {
			case <-e.done:
				return
			case <-e.syncer.C:
				_ = db.Sync()
			}
		}
	})
	return e, nil
}

func (e *Engine) load() error {
	return e.db.Update(func(btx *bolt.Tx) error {
		meta, err := btx.CreateBucketIfNotExists([]byte(metaBucket))
		if err != nil {
			return err
		}
		for name := range e.tables {
			b, err := btx.CreateBucketIfNotExists([]byte(name))
			if err != nil {
				return err
			}
			if err := b.ForEach(func(_, v []byte) error { return e.loadRecord(name, v) }); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		return meta.ForEach(func(k, v []byte) error {
			if string(k) == string(clockKey) {
				t, err := time.Parse(time.RFC3339Nano, string(v))
				e.Clock.NotBefore(t)
				return err
			}
			e.seq[string(k)] = int64(binary.BigEndian.Uint64(v))
			return nil
		})
	})
}

func (e *Engine) loadRecord(kind string, v []byte) error {
	t := e.tables[kind]
	r, err := t.kind.decode(v)
	if err != nil {
		return err
	}
	t.keep(r)
	if a, ok := r.(*Action); ok {
		e.watch(a)
	}
	return nil
}

// Do runs f as one transaction after all actions that are due have ended. An
// error of f undoes what it did and is returned as it is.
func (e *Engine) Do(f func(*Tx) error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.Clock.Now()
	if err := e.settle(now); err != nil {
		return err
	}
	tx := &Tx{e: e, now: now}
	if err := f(tx); err != nil {
		return err
	}
	return e.commit(tx)
}

func (e *Engine) commit(tx *Tx) error {
	if len(tx.dirty) == 0 {
		return nil
	}
	if e.db != nil {
		if err := e.db.Update(func(btx *bolt.Tx) error { return writeRecords(btx, tx) }); err != nil {
			return fmt.Errorf("writing the simulator's data file: %w", err)
		}
	}
	for kind, rows := range tx.dirty {
		t := e.tables[kind]
		for id, r := range rows {
			if r == nil {
				t.drop(id)
				continue
			}
			t.keep(r)
			if a, ok := r.(*Action); ok {
				e.watch(a)
			}
		}
	}
	return nil
}

func writeRecords(btx *bolt.Tx, tx *Tx) error {
	meta := btx.Bucket([]byte(metaBucket))
	if err := meta.Put(clockKey, []byte(tx.now.Format(time.RFC3339Nano))); err != nil {
		return err
	}
	for name, n := range tx.seq {
		if err := meta.Put([]byte(name), key(n)); err != nil {
			return err
		}
	}
	for kind, rows := range tx.dirty {
		b := btx.Bucket([]byte(kind))
		for id, r := range rows {
			if r == nil {
				if err := b.Delete(key(id)); err != nil {
					return err
				}
				continue
			}
			v, err := json.Marshal(r)
			if err != nil {
				return err
			}
			if err := b.Put(key(id), v); err != nil {
				return err
			}
		}
	}
	return nil
}

func key(id int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(id)) }

func (t *table) keep(r Record) {
	m := r.Base()
	if t.rows[m.ID] == nil {
		ids := t.byProject[m.Project]
		if n := len(ids); n == 0 || ids[n-1] < m.ID {
			t.byProject[m.Project] = append(ids, m.ID) // beyond every reader's length
		} else {
			i, _ := slices.BinarySearch(ids, m.ID)
			t.byProject[m.Project] = slices.Insert(slices.Clone(ids), i, m.ID)
		}
	}
	t.relink(m.ID, t.rows[m.ID], r)
	t.rows[m.ID] = r
}

func (t *table) drop(id int64) {
	r := t.rows[id]
	if r == nil {
		return
	}
	t.relink(id, r, nil)
	delete(t.rows, id)
	p := r.Base().Project
	if i, ok := slices.BinarySearch(t.byProject[p], id); ok {
		t.byProject[p] = slices.Delete(slices.Clone(t.byProject[p]), i, i+1)
	}
}

// Records are all records of a kind in every project, ordered by id, as JSON
// values of the stored form; nil for an unknown kind. For tests and people.
func (e *Engine) Records(kind string) []Record {
	e.mu.Lock()
	defer e.mu.Unlock()
	_ = e.settle(e.Clock.Now())
	t := e.tables[kind]
	if t == nil {
		return nil
	}
	out := make([]Record, 0, len(t.rows))
	for _, r := range t.rows {
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b Record) int { return int(a.Base().ID - b.Base().ID) })
	return out
}

// KindNames are the kinds that Records knows.
func (e *Engine) KindNames() []string {
	out := make([]string, 0, len(e.tables))
	for k := range e.tables {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// Close writes the file to the disk and gives it back.
func (e *Engine) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.db == nil {
		return nil
	}
	e.syncer.Stop()
	close(e.done)
	e.syncing.Wait()
	err := errors.Join(e.db.Sync(), e.db.Close())
	e.db = nil
	return err
}
