package objects_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/objects"
)

// world is a store over files, with one bucket.
type world struct {
	t     *testing.T
	dir   string
	eng   *engine.Engine
	store *objects.Store
}

func open(t *testing.T, dir string) *world {
	t.Helper()
	eng, err := engine.Open(objects.EngineOptions(engine.Options{DataFile: filepath.Join(dir, "sim.db"),
		Clock: engine.NewClock(time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC), 0)}))
	if err != nil {
		t.Fatal(err)
	}
	store, err := objects.New(eng, filepath.Join(dir, "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	return &world{t: t, dir: dir, eng: eng, store: store}
}

func (w *world) close() {
	w.t.Helper()
	if err := w.eng.Close(); err != nil {
		w.t.Fatal(err)
	}
}

// do runs f on the bucket.
func (w *world) do(f func(*objects.Tx, *objects.Bucket) error) error {
	return w.store.Do(func(tx *objects.Tx) error {
		b, err := tx.Bucket("test", "bucket")
		if err != nil {
			return err
		}
		if b == nil {
			b = tx.AddBucket("owner", &objects.Bucket{Meta: engine.Meta{Name: "bucket"}, Service: "test"})
		}
		return f(tx, b)
	})
}

// put stores a text; with undone the transaction fails in the end.
func (w *world) put(name, text string, undone error) error {
	w.t.Helper()
	content, err := w.store.Receive(strings.NewReader(text))
	if err != nil {
		w.t.Fatal(err)
	}
	defer content.Release()
	return w.do(func(tx *objects.Tx, b *objects.Bucket) error {
		v := &objects.Version{Meta: engine.Meta{Name: name}, Size: content.Size, Segments: []objects.Segment{content.Segment}}
		return errors.Join(tx.Add(b, v, false), undone)
	})
}

func (w *world) text(name string) string {
	w.t.Helper()
	var body io.ReadCloser
	err := w.do(func(tx *objects.Tx, b *objects.Bucket) error {
		if v := tx.Current(b, name); v != nil {
			body = w.store.Open(v.Segments, 0, v.Size)
		}
		return nil
	})
	if err != nil || body == nil {
		return "nothing"
	}
	defer body.Close()
	got, err := io.ReadAll(body)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(got)
}

// files counts the contents that are kept.
func (w *world) files() int {
	w.t.Helper()
	list, err := os.ReadDir(filepath.Join(w.dir, "blobs"))
	if err != nil {
		w.t.Fatal(err)
	}
	return len(list)
}

// TestContents follows contents through copies, overwrites, failures and a restart:
// what somebody needs stays, the rest goes.
func TestContents(t *testing.T) {
	w := open(t, t.TempDir())
	undone := errors.New("undone")
	steps := []struct {
		name, text string
		err        error
		files      int
	}{
		{"a", "one", nil, 1},
		{"b", "one", nil, 1}, // the same content
		{"a", "two", nil, 2},
		{"b", "two", nil, 1}, // "one" is needed no more
		{"c", "three", undone, 1},
		{"a", "three", undone, 1},
	}
	for i, s := range steps {
		if err := w.put(s.name, s.text, s.err); !errors.Is(err, s.err) {
			t.Fatal(err)
		}
		if n := w.files(); n != s.files {
			t.Errorf("after step %d: %d files, want %d", i, n, s.files)
		}
	}
	if a, c := w.text("a"), w.text("c"); a != "two" || c != "nothing" {
		t.Errorf("a is %q, c is %q", a, c)
	}
	w.close()
	for _, left := range []string{"incoming-1", strings.Repeat("0", 64)} { // as of a killed process
		if err := os.WriteFile(filepath.Join(w.dir, "blobs", left), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w = open(t, w.dir)
	defer w.close()
	if n := w.files(); n != 1 || w.text("b") != "two" {
		t.Errorf("after a restart: %d files, b is %q", n, w.text("b"))
	}
}

// TestReadersKeepContents reads a content whose object is overwritten meanwhile.
func TestReadersKeepContents(t *testing.T) {
	w := open(t, t.TempDir())
	defer w.close()
	if err := w.put("a", "one", nil); err != nil {
		t.Fatal(err)
	}
	var body io.ReadCloser
	if err := w.do(func(tx *objects.Tx, b *objects.Bucket) error {
		v := tx.Current(b, "a")
		body = w.store.Open(v.Segments, 1, 2)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := w.put("a", "two", nil); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(body); err != nil || string(got) != "ne" {
		t.Errorf("read %q, %v", got, err)
	}
	if n := w.files(); n != 2 {
		t.Errorf("%d files while one is read, want 2", n)
	}
	if err := body.Close(); err != nil || w.files() != 1 {
		t.Errorf("%d files after it was read, %v", w.files(), err)
	}
}

// TestProtected tries to destroy, overwrite and purge what is protected.
func TestProtected(t *testing.T) {
	w := open(t, t.TempDir())
	defer w.close()
	if err := w.put("a", "precious", nil); err != nil {
		t.Fatal(err)
	}
	set := func(f func(*objects.Version)) {
		t.Helper()
		if err := w.do(func(tx *objects.Tx, b *objects.Bucket) error { f(tx.EditVersion(tx.Current(b, "a"))); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	remove := func(bypass bool) error {
		return w.do(func(tx *objects.Tx, b *objects.Bucket) error { return tx.Remove(b, tx.Current(b, "a"), bypass) })
	}
	later := w.eng.Clock.Now().Add(time.Hour)
	for name, test := range map[string]struct {
		set    func(*objects.Version)
		bypass bool
		until  time.Time
	}{
		"hold":               {func(v *objects.Version) { v.Hold = true }, true, time.Time{}},
		"event":              {func(v *objects.Version) { v.EventHold = true }, true, time.Time{}},
		"locked":             {func(v *objects.Version) { v.Lock, v.Until = objects.Locked, later }, true, later},
		"governed, no leave": {func(v *objects.Version) { v.Lock, v.Until = objects.Governed, later }, false, later},
	} {
		set(test.set)
		var p *objects.ProtectedError
		if err := remove(test.bypass); !errors.As(err, &p) || !p.Until.Equal(test.until) {
			t.Errorf("%s: %v", name, err)
		}
		if err := w.put("a", "overwritten", nil); !errors.As(err, &p) {
			t.Errorf("%s: overwritten: %v", name, err)
		}
		set(func(v *objects.Version) { v.Hold, v.EventHold, v.Lock, v.Until = false, false, "", time.Time{} })
	}
	if got := w.text("a"); got != "precious" {
		t.Errorf("it is %q", got)
	}
	set(func(v *objects.Version) { v.Lock, v.Until = objects.Governed, later })
	if err := remove(true); err != nil {
		t.Errorf("with leave: %v", err)
	}
}
