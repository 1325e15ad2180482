package faults

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// complete compares the cloud with what testdata declares: each object once,
// in order, connected to its own tenant's, and known to the state by its id.
func (r *region) complete(t *testing.T) {
	t.Helper()
	if diff := cmp.Diff(r.vendor.holds, r.inventory()); diff != "" {
		t.Fatalf("the cloud does not hold what is declared:\n%s", diff)
	}
	want := map[string]recordedObject{}
	for address, id := range r.vendor.inspect(t, r) {
		want[address] = recordedObject{native: id}
	}
	if diff := cmp.Diff(want, r.recorded(t), cmp.AllowUnexported(recordedObject{})); diff != "" {
		t.Errorf("the state is not what the cloud holds:\n%s", diff)
	}
}

// objects lists all there are that last, as "server 4711".
func (r *region) objects() map[string]bool {
	found := map[string]bool{}
	for _, kind := range r.vendor.lasting {
		for _, record := range r.Objects(kind) {
			if base := record.Base(); !r.vendor.passing(kind, base.Name) {
				found[fmt.Sprintf("%s %d", kind, base.ID)] = true
			}
		}
	}
	return found
}

// kept checks that nothing has replaced the objects that were there before,
// except those whose creation had failed.
func (r *region) kept(t *testing.T, before map[string]bool) {
	t.Helper()
	gone, now := maps.Clone(before), r.objects()
	maps.DeleteFunc(gone, func(object string, _ bool) bool { return now[object] })
	for _, record := range r.Objects("action") {
		action, ok := record.(*engine.Action)
		if !ok || action.Status != engine.Failed || !r.vendor.spoiled(action.Command) {
			continue
		}
		for _, spoiled := range action.Resources {
			delete(gone, fmt.Sprintf("%s %d", spoiled.Type, spoiled.ID))
		}
	}
	if len(gone) > 0 {
		t.Errorf("healthy objects were replaced: %s", strings.Join(slices.Sorted(maps.Keys(gone)), ", "))
	}
}

// everyTenant is what a function gives for each tenant, by its number.
func everyTenant[T any](make func(i int) T) []T {
	all := []T{}
	for i := range tenants {
		all = append(all, make(i))
	}
	return all
}

// all reads a whole list.
func all[T any](t *testing.T, list func(context.Context) ([]T, error)) []T {
	t.Helper()
	found, err := list(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return found
}
