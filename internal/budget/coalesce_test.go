package budget

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

type thing struct {
	cloud.Object
	value int
}

type thingSpec struct {
	name  string
	value int
}

// fakeStore counts the calls it gets.
type fakeStore struct {
	mu      sync.Mutex
	objects map[string]thing
	foreign map[string]bool
	lists   []cloud.Filter
	gets    int
	fail    error
	// hang lets lists wait for their context's end, which sets cancelled.
	hang, cancelled bool
}

func (f *fakeStore) put(native string, value int) thing {
	f.mu.Lock()
	defer f.mu.Unlock()
	object := thing{Object: cloud.Object{ID: cloud.ID{Native: native}}, value: value}
	if f.objects == nil {
		f.objects = map[string]thing{}
	}
	f.objects[native] = object
	return object
}

func (f *fakeStore) Create(_ context.Context, s thingSpec, saved func(thing)) (thing, error) {
	time.Sleep(time.Second)
	object := f.put(s.name, s.value)
	saved(object)
	return object, nil
}

func (f *fakeStore) Get(_ context.Context, native string) (thing, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.gets++
	if object, ok := f.objects[native]; ok {
		return object, nil
	}
	return thing{}, &cloud.Error{Code: cloud.CodeNotFound}
}

func (f *fakeStore) List(ctx context.Context, filter cloud.Filter) ([]thing, error) {
	if f.hang {
		<-ctx.Done()
		f.cancelled = true
		return nil, ctx.Err()
	}
	f.mu.Lock()
	f.lists = append(f.lists, filter)
	var found []thing
	for native, object := range f.objects {
		if filter.Deployment != "" && f.foreign[native] || len(filter.Keys) > 0 && !slices.Contains(filter.Keys, "key-"+native) {
			continue
		}
		found = append(found, object)
	}
	err := f.fail
	f.mu.Unlock()
	time.Sleep(time.Second)
	return found, err
}

func (f *fakeStore) Update(_ context.Context, current thing, s thingSpec) (thing, error) {
	return f.put(current.ID.Native, s.value), nil
}

func (f *fakeStore) Delete(_ context.Context, native string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.objects, native)
	return nil
}

func newStore(inner *fakeStore) *coalesced[thingSpec, thing] {
	return newCoalesced[thingSpec, thing](inner, SystemClock{}, "acme", func(s thingSpec) string { return "key-" + s.name }, nil)
}

func TestReadsShareOneList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := &fakeStore{}
		for i := range 100 {
			inner.put(fmt.Sprint(i), i)
		}
		store := newStore(inner)
		var group sync.WaitGroup
		for i := range 100 {
			group.Go(func() {
				time.Sleep(time.Duration(i) * 50 * time.Millisecond)
				if got, err := store.Get(t.Context(), fmt.Sprint(i)); err != nil || got.value != i {
					t.Errorf("object %d: %+v, %v", i, got, err)
				}
			})
		}
		group.Wait()
		if len(inner.lists) != 1 || inner.gets != 0 || inner.lists[0].Deployment != "acme" {
			t.Errorf("lists %v and %d gets, want one list of the deployment", inner.lists, inner.gets)
		}
	})
}

func TestReadsNeverPredateTheRunsOwnWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := &fakeStore{}
		current := inner.put("a", 1)
		inner.put("b", 1)
		store := newStore(inner)
		// The list begins before the write and ends after it.
		go func() { _, _ = store.Get(context.Background(), "b") }()
		time.Sleep(500 * time.Millisecond)
		if _, err := store.Update(t.Context(), current, thingSpec{value: 2}); err != nil {
			t.Fatal(err)
		}
		got, err := store.Get(t.Context(), "a")
		if err != nil || got.value != 2 {
			t.Errorf("read %+v, %v after writing 2", got, err)
		}
		if err := store.Delete(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Get(t.Context(), "a"); !cloud.IsNotFound(err) {
			t.Errorf("read after delete: %v", err)
		}
	})
}

func TestJustMadeObjectsAreReadTogetherByKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := &fakeStore{}
		for i := range 1000 {
			inner.put(fmt.Sprintf("old%d", i), i)
		}
		store := newStore(inner)
		var group sync.WaitGroup
		for i := range 2 * cloud.MaxFilterKeys {
			group.Go(func() {
				name := fmt.Sprintf("new%d", i)
				if _, err := store.Create(t.Context(), thingSpec{name: name, value: i}, func(thing) {}); err != nil {
					t.Error(err)
				}
				if got, err := store.Get(t.Context(), name); err != nil || got.value != i {
					t.Errorf("object %d: %+v, %v", i, got, err)
				}
			})
		}
		group.Wait()
		if len(inner.lists) != 2 || inner.gets != 0 {
			t.Errorf("%d lists, %d gets for 100 new objects, want 2 lists by key", len(inner.lists), inner.gets)
		}
		for _, filter := range inner.lists {
			if len(filter.Keys) != cloud.MaxFilterKeys {
				t.Errorf("a list of %d keys, want %d", len(filter.Keys), cloud.MaxFilterKeys)
			}
		}
	})
}

func TestObjectsMissingFromTheDeploymentsList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := &fakeStore{foreign: map[string]bool{}}
		for i := range 100 {
			inner.put(fmt.Sprint(i), i)
			inner.foreign[fmt.Sprint(i)] = true
		}
		store := newStore(inner)
		for i := range 100 {
			if got, err := store.Get(t.Context(), fmt.Sprint(i)); err != nil || got.value != i {
				t.Errorf("object %d lost its label and was not found: %v", i, err)
			}
		}
		if _, err := store.Get(t.Context(), "gone"); !cloud.IsNotFound(err) {
			t.Errorf("read of what is gone: %v", err)
		}
		if inner.gets != fewMisses || len(inner.lists) != 2 {
			t.Errorf("%d gets and %d lists, want %d and 2", inner.gets, len(inner.lists), fewMisses)
		}
	})
}

func TestAFailedListIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := &fakeStore{fail: &cloud.Error{Code: cloud.CodeUnavailable}}
		inner.put("a", 1)
		store := newStore(inner)
		if _, err := store.Get(t.Context(), "a"); cloud.CodeOf(err) != cloud.CodeUnavailable {
			t.Errorf("error %v, want unavailable", err)
		}
		inner.fail = nil
		if _, err := store.Get(t.Context(), "a"); err != nil {
			t.Errorf("the failure was kept: %v", err)
		}
	})
}

func TestListOfTheDeploymentIsSharedUntilAWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := &fakeStore{}
		inner.put("9", 9)
		inner.put("10", 10)
		store := newStore(inner)
		for range 3 {
			objects, err := store.List(t.Context(), cloud.Filter{Deployment: "acme"})
			if err != nil || len(objects) != 2 || objects[0].ID.Native != "9" {
				t.Fatalf("listed %v, %v", objects, err)
			}
		}
		if _, err := store.Create(t.Context(), thingSpec{name: "11"}, func(thing) {}); err != nil {
			t.Fatal(err)
		}
		objects, err := store.List(t.Context(), cloud.Filter{Deployment: "acme"})
		if err != nil || len(objects) != 3 {
			t.Fatalf("listed %v, %v after a create", objects, err)
		}
		if len(inner.lists) != 2 {
			t.Errorf("%d lists, want 2", len(inner.lists))
		}
	})
}

func TestAListThatNobodyWaitsForIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := &fakeStore{hang: true}
		inner.put("a", 1)
		store := newStore(inner)
		first, cancelFirst := context.WithCancel(t.Context())
		second, cancelSecond := context.WithCancel(t.Context())
		var group sync.WaitGroup
		for _, ctx := range []context.Context{first, second} {
			group.Go(func() {
				if _, err := store.Get(ctx, "a"); err == nil {
					t.Error("a read of what hangs succeeded")
				}
			})
		}
		synctest.Wait()
		cancelFirst()
		synctest.Wait()
		if inner.cancelled {
			t.Error("the list ended although somebody still waits for it")
		}
		cancelSecond()
		group.Wait()
		synctest.Wait()
		if !inner.cancelled {
			t.Error("the list goes on although nobody waits for it")
		}
		inner.hang = false
		if _, err := store.Get(t.Context(), "a"); err != nil {
			t.Errorf("the cancelled list was kept: %v", err)
		}
	})
}
