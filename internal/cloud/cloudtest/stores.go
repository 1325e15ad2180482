package cloudtest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// life: create, read, find, change, delete.
func life[S, T any](t *testing.T, e *env, n noun[S, T]) {
	store := n.store(e.driver)
	spec := n.spec(t, e, e.meta("first"))
	made := n.create(t, e, spec)
	id := n.object(made).ID.Native
	n.check(t, "what the create returned", spec, made)
	read := func(when string, want S) T {
		t.Helper()
		got, err := store.Get(e.ctx, id)
		if err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		n.check(t, when, want, got)
		return got
	}
	current := read("what is read after the create", spec)

	for what, filter := range map[string]cloud.Filter{
		"deployment": {Deployment: "conformance"},
		"key":        {Deployment: "conformance", Keys: []string{n.keyOf(e, spec)}},
		"keys":       {Keys: []string{"other", n.keyOf(e, spec)}},
		"label":      {Labels: map[string]string{"suite": "cloudtest", cloud.LabelName: "first"}},
	} {
		found, err := store.List(e.ctx, filter)
		if err != nil || len(found) != 1 || n.object(found[0]).ID.Native != id {
			t.Errorf("the search by %s finds %d objects, %v", what, len(found), err)
		}
	}
	for what, filter := range map[string]cloud.Filter{
		"deployment": {Deployment: "other"}, "key": {Keys: []string{"other"}}, "label": {Labels: map[string]string{"suite": "other"}},
	} {
		if found, err := store.List(e.ctx, filter); err != nil || len(found) != 0 {
			t.Errorf("the search by another %s finds %d objects, %v", what, len(found), err)
		}
	}
	if all, err := store.List(e.ctx, cloud.Filter{}); err != nil || len(all) == 0 {
		t.Errorf("the search for everything finds %d objects, %v", len(all), err)
	}

	changed := spec
	*n.meta(&changed) = e.meta("renamed")
	n.meta(&changed).Labels = map[string]string{"suite": "cloudtest", "more": "1"}
	n.change(&changed)
	updated, err := store.Update(e.ctx, current, changed)
	if err != nil {
		t.Fatalf("update: %v", err)
	}
	n.check(t, "what the update returned", changed, updated)
	current = read("what is read after the update", changed)
	if same, err := store.Update(e.ctx, current, changed); err != nil || n.object(same).ID.Native != id {
		t.Errorf("an update without a difference: %v", err)
	}

	for range 2 { // the second time there is nothing to delete any more
		if err := store.Delete(e.ctx, id); err != nil {
			t.Fatalf("delete: %v", err)
		}
	}
	_, err = store.Get(e.ctx, id)
	wantCode(t, err, cloud.CodeNotFound)
	if left := n.owned(t, e); len(left) != 0 {
		t.Errorf("%d objects are left", len(left))
	}
}

// createTwice: another run that knows nothing adopts, and brings to its spec.
func createTwice[S, T any](t *testing.T, e *env, n noun[S, T]) {
	spec := n.spec(t, e, e.meta("twin"))
	first := n.create(t, e, spec)
	e.driver = e.Connect()
	n.meta(&spec).Labels = map[string]string{"round": "two"}
	n.change(&spec)
	second := n.create(t, e, spec)
	if n.object(first).ID != n.object(second).ID {
		t.Errorf("two objects, %s and %s", n.object(first).ID, n.object(second).ID)
	}
	n.check(t, "what the second create returned", spec, second)
	if all := n.owned(t, e); len(all) != 1 {
		t.Errorf("%d objects", len(all))
	} else {
		n.check(t, "what is found", spec, all[0])
	}
}

// otherTenant: what a create finds of another tenant it does not hand over,
// where it holds or reaches data (ISO-2).
func otherTenant[S, T any](t *testing.T, e *env, n noun[S, T]) {
	spec := n.spec(t, e, e.meta("handed-on"))
	made := n.create(t, e, spec)
	had := n.meta(&spec).Tenant
	n.meta(&spec).Tenant = had + "-rival"
	e.driver = e.Connect()
	_, err := n.store(e.driver).Create(e.ctx, spec, func(T) {})
	switch n.kind {
	case cloud.KindVM, cloud.KindVolume, cloud.KindNetwork:
		wantCode(t, err, cloud.CodeUnsupported)
	default:
		if err != nil {
			t.Errorf("adopting what can change hands: %v", err)
		}
		return
	}
	now, err := n.store(e.driver).Get(e.ctx, n.object(made).ID.Native)
	if err != nil {
		t.Fatal(err)
	}
	n.meta(&spec).Tenant = had
	n.check(t, "what is left", spec, now)
}

func lostAnswer[S, T any](t *testing.T, e *env, n noun[S, T]) {
	if e.LoseAnswer == nil {
		t.Skip("this cloud cannot be made to lose an answer")
	}
	spec := n.spec(t, e, e.meta("unheard"))
	e.LoseAnswer(n.kind)
	made := n.create(t, e, spec)
	n.check(t, "what the create returned", spec, made)
	if all := n.owned(t, e); len(all) != 1 || n.object(all[0]).ID.Native != n.object(made).ID.Native {
		t.Errorf("%d objects", len(all))
	}
}

// interrupted: the run ends between the write and the end of the wait; the
// next one takes over.
func interrupted[S, T any](t *testing.T, e *env, n noun[S, T]) {
	spec := n.spec(t, e, e.meta("killed"))
	ctx, cancel := context.WithCancel(e.ctx)
	var saved T
	_, err := n.store(e.driver).Create(ctx, spec, func(o T) { saved = o; cancel() })
	cancel()
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Fatalf("the interrupted create ended with %v", err)
	}
	if n.object(saved).ID.Native == "" {
		t.Fatal("the id was not handed over")
	}
	e.driver = e.Connect()
	again := n.create(t, e, spec)
	if n.object(again).ID.Native != n.object(saved).ID.Native {
		t.Errorf("a second object %s beside %s", n.object(again).ID, n.object(saved).ID)
	}
	n.check(t, "what the next run returned", spec, again)
}

func strangersName[S, T any](t *testing.T, e *env, n noun[S, T]) {
	if e.Stranger == nil {
		t.Skip("this cloud cannot be used behind the driver's back")
	}
	// The vendor-side name is the driver's secret: make one object to see it.
	spec := n.spec(t, e, e.meta("contested"))
	made := n.create(t, e, spec)
	if err := n.store(e.driver).Delete(e.ctx, n.object(made).ID.Native); err != nil {
		t.Fatal(err)
	}
	stranger := e.Stranger(n.kind, n.object(made).NativeName)
	before, err := n.store(e.driver).Get(e.ctx, stranger)
	if err != nil {
		t.Fatal(err)
	}
	_, err = n.store(e.driver).Create(e.ctx, spec, func(T) { t.Error("a stranger's object was adopted") })
	wantCode(t, err, cloud.CodeNameTaken)
	if !strings.Contains(err.Error(), stranger) {
		t.Errorf("the error does not name %s: %v", stranger, err)
	}
	var failed *cloud.Error
	if errors.As(err, &failed) && failed.Remedy == "" {
		t.Error("the error says nothing about what to do")
	}
	after, err := n.store(e.driver).Get(e.ctx, stranger)
	if err != nil {
		t.Fatal(err)
	}
	n.check(t, "the stranger's object", n.observed(before), after)
}

func otherDeployment[S, T any](t *testing.T, e *env, n noun[S, T]) {
	foreign := e.meta("contested")
	foreign.Deployment = "other"
	theirs := n.spec(t, e, foreign)
	before := n.create(t, e, theirs)
	_, err := n.store(e.driver).Create(e.ctx, n.spec(t, e, e.meta("contested")), func(T) { t.Error("another deployment's object was adopted") })
	if err == nil {
		t.Skip("this cloud keeps deployments apart")
	}
	wantCode(t, err, cloud.CodeNameTaken)
	if !strings.Contains(err.Error(), `"other"`) {
		t.Errorf("the error does not name the owner: %v", err)
	}
	after, err := n.store(e.driver).Get(e.ctx, n.object(before).ID.Native)
	if err != nil {
		t.Fatal(err)
	}
	n.check(t, "the other deployment's object", theirs, after)
}

func protection[S, T any](t *testing.T, e *env, n noun[S, T]) {
	if !e.driver.Capabilities().Protectable[n.kind] {
		t.Skip("the cloud does not protect this kind")
	}
	spec := n.spec(t, e, e.meta("precious"))
	n.meta(&spec).Protected = true
	made := n.create(t, e, spec)
	id := n.object(made).ID.Native
	current, err := n.store(e.driver).Get(e.ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	have := n.observed(current)
	if !n.meta(&have).Protected {
		t.Fatal("the object is not protected")
	}
	wantCode(t, n.store(e.driver).Delete(e.ctx, id), cloud.CodeProtected)
	n.meta(&spec).Protected = false
	if _, err := n.store(e.driver).Update(e.ctx, current, spec); err != nil {
		t.Fatal(err)
	}
	if err := n.store(e.driver).Delete(e.ctx, id); err != nil {
		t.Fatal(err)
	}
}

// many: more than a page, made at the same time.
func many[S, T any](t *testing.T, e *env, n noun[S, T]) {
	count := e.PageSize + 3
	specs := make([]S, count)
	for i := range specs {
		specs[i] = n.spec(t, e, e.meta(numbered(i)))
	}
	var group sync.WaitGroup
	for _, spec := range specs {
		group.Go(func() {
			if _, err := n.store(e.driver).Create(e.ctx, spec, func(T) {}); err != nil {
				t.Errorf("create: %v", err)
			}
		})
	}
	group.Wait()
	ids, names := map[string]bool{}, map[string]bool{}
	for _, o := range n.owned(t, e) {
		have := n.observed(o)
		ids[n.object(o).ID.Native] = true
		names[n.meta(&have).Name] = true
	}
	if len(ids) != count || len(names) != count {
		t.Errorf("%d ids and %d names of %d objects", len(ids), len(names), count)
	}
}

// race: several runs make the same object at the same time.
func race[S, T any](t *testing.T, e *env, n noun[S, T]) {
	spec := n.spec(t, e, e.meta("coveted"))
	var (
		group sync.WaitGroup
		mu    sync.Mutex
		ids   = map[string]bool{}
	)
	for range 4 {
		store := n.store(e.Connect())
		group.Go(func() {
			made, err := store.Create(e.ctx, spec, func(T) {})
			if err != nil {
				t.Errorf("create: %v", err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			ids[n.object(made).ID.Native] = true
		})
	}
	group.Wait()
	if all := n.owned(t, e); len(ids) != 1 || len(all) != 1 {
		t.Errorf("%d ids for %d objects", len(ids), len(all))
	}
}

// standby: what a lost location left behind is not in the way of its stand-by.
func standby[S, T any](t *testing.T, e *env, n noun[S, T]) {
	here := n.create(t, e, n.spec(t, e, e.meta("phoenix")))
	there := e.meta("phoenix")
	there.Location = e.Standby
	spec := n.spec(t, e, there)
	second := n.create(t, e, spec)
	same := n.object(here).ID.Native == n.object(second).ID.Native
	if global := e.driver.Capabilities().Global[n.kind]; same != global {
		t.Errorf("one object for both locations: %v; the cloud keeps one for all: %v", same, global)
	}
	n.check(t, "in the stand-by location", spec, second)
}

func unknown[S, T any](t *testing.T, e *env, n noun[S, T]) {
	spec := n.spec(t, e, e.meta("gone"))
	made := n.create(t, e, spec)
	id := n.object(made).ID.Native
	if err := n.store(e.driver).Delete(e.ctx, id); err != nil {
		t.Fatal(err)
	}
	_, err := n.store(e.driver).Get(e.ctx, id)
	wantCode(t, err, cloud.CodeNotFound)
	renamed := spec
	*n.meta(&renamed) = e.meta("gone-too")
	_, err = n.store(e.driver).Update(e.ctx, made, renamed)
	wantCode(t, err, cloud.CodeNotFound)
	n.meta(&spec).Location = cloud.Location{Cloud: "nowhere", Name: "x1"}
	_, err = n.store(e.driver).Create(e.ctx, spec, func(T) { t.Error("made nowhere") })
	wantCode(t, err, cloud.CodeInvalid)
}

// cancelled: nothing begins when the context has ended.
func cancelled[S, T any](t *testing.T, e *env, n noun[S, T]) {
	spec := n.spec(t, e, e.meta("never"))
	ctx, cancel := context.WithCancel(e.ctx)
	cancel()
	_, err := n.store(e.driver).Create(ctx, spec, func(T) { t.Error("made after the end") })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("create: %v", err)
	}
	if _, err = n.store(e.driver).List(ctx, cloud.Filter{}); !errors.Is(err, context.Canceled) {
		t.Errorf("list: %v", err)
	}
	if err = n.store(e.driver).Delete(ctx, "1"); !errors.Is(err, context.Canceled) {
		t.Errorf("delete: %v", err)
	}
	if all := n.owned(t, e); len(all) != 0 {
		t.Errorf("%d objects", len(all))
	}
}
