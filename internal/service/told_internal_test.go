package service

import (
	"math/rand/v2"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

func objectOf(attributes map[string]tftypes.Value) tftypes.Value {
	types := map[string]tftypes.Type{}
	for name, value := range attributes {
		types[name] = value.Type()
	}
	return tftypes.NewValue(tftypes.Object{AttributeTypes: types}, attributes)
}

// randomState has a text or null for name and tenant, and a number for days.
func randomState(r *rand.Rand) tftypes.Value {
	text := func() tftypes.Value {
		if r.IntN(4) == 0 {
			return tftypes.NewValue(tftypes.String, nil)
		}
		return tftypes.NewValue(tftypes.String, []string{"", "a", "b", "acme"}[r.IntN(4)])
	}
	return objectOf(map[string]tftypes.Value{"name": text(), "tenant": text(), "days": tftypes.NewValue(tftypes.Number, r.IntN(3)*93), "id": text()})
}

// What is declared of one state and recalled in another is what the first said,
// and nothing else of the second changes.
func TestToldIsRecalled(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // repeatable on purpose
	names := []string{"name", "tenant", "days", "missing"}
	for range 2000 {
		declared, observed := randomState(r), randomState(r)
		said := tell(declared, names)
		if len(said) != 3 {
			t.Fatalf("told %v", said)
		}
		before := observed.Copy()
		got := map[string]tftypes.Value{}
		if err := said.recall(observed).As(&got); err != nil {
			t.Fatal(err)
		}
		if !observed.Equal(before) {
			t.Fatal("the observed state was changed")
		}
		want, other := map[string]tftypes.Value{}, map[string]tftypes.Value{}
		if err := declared.As(&want); err != nil {
			t.Fatal(err)
		}
		if err := observed.As(&other); err != nil {
			t.Fatal(err)
		}
		for _, name := range names[:3] {
			if !got[name].Equal(want[name]) {
				t.Fatalf("%s is %v, want %v", name, got[name], want[name])
			}
		}
		if !got["id"].Equal(other["id"]) {
			t.Fatalf("id is %v, want %v", got["id"], other["id"])
		}
		// An update that ended badly counts for what it has written.
		next, now := tell(randomState(r), names), tell(observed, names)
		after := said.after(next, now)
		for _, name := range names[:3] {
			expected := said[name]
			if sameWord(next[name], now[name]) {
				expected = next[name]
			}
			if !sameWord(after[name], expected) {
				t.Fatalf("%s counts as %v after %v was to become %v and was seen as %v", name, after[name], said[name], next[name], now[name])
			}
		}
	}
}

func TestTellLeavesOut(t *testing.T) {
	state := objectOf(map[string]tftypes.Value{
		"name": tftypes.NewValue(tftypes.String, tftypes.UnknownValue), "labels": tftypes.NewValue(tftypes.Map{ElementType: tftypes.String}, map[string]tftypes.Value{}),
	})
	if said := tell(state, []string{"name", "labels", "tenant"}); len(said) != 0 {
		t.Errorf("told %v", said)
	}
	if said := tell(tftypes.NewValue(state.Type(), nil), []string{"name"}); said != nil {
		t.Errorf("told %v of nothing", said)
	}
	if raw := (told{"days": new("ten")}).recall(state); !raw.Equal(state) {
		t.Errorf("recalled what the state has no attribute for: %v", raw)
	}
}
