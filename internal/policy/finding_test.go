package policy

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
)

func TestFindingError(t *testing.T) {
	f := Finding{Promise: SYS3, Field: "x", Summary: "Key too weak", Detail: "It has 5 bits.", Remedy: "Make another."}
	if got, want := f.Error(), "Key too weak (SYS-3): It has 5 bits. Make another."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := (Finding{Summary: "Not a port"}).Error(); got != "Not a port" {
		t.Errorf("got %q", got)
	}
}

func TestAt(t *testing.T) {
	expect(t, at("a", nil))
	expect(t, at("a.b", fmt.Errorf("wrapped: %w", Finding{Promise: NET1, Summary: "S", Detail: "D.", Remedy: "R."})), "NET-1 a.b | S | D. | R.")
	got := at("c", errors.New("something else"))
	if len(got) != 1 || got[0].Field != "c" || got[0].Detail != "something else." {
		t.Errorf("got %+v", got)
	}
}

func TestParseField(t *testing.T) {
	for _, tc := range []struct {
		field string
		want  []any
	}{
		{"name", []any{Name("name")}},
		{"rules[2].networks", []any{Name("rules"), Index(2), Name("networks")}},
		{"rules[0].networks[11]", []any{Name("rules"), Index(0), Name("networks"), Index(11)}},
		{`labels["env"]`, []any{Name("labels"), MapKey("env")}},
		{mapKey("labels", `a"].b[0]`), []any{Name("labels"), MapKey(`a"].b[0]`)}},
		{"hetzner.placement_group_id", []any{Name("hetzner"), Name("placement_group_id")}},
		{"", nil},
	} {
		got, err := ParseField(tc.field)
		if err != nil || !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s: got %#v, %v, want %#v", tc.field, got, err, tc.want)
		}
	}
	for _, bad := range []string{".", "a.", ".a", "a..b", "[0]", `["x"]`, "a[", "a[]", "a[-1]", "a[01]", "a[x]", "a]b", `a["x"`, `a["x]`, `a["x"]b`, "a[0]b"} {
		if got, err := ParseField(bad); err == nil {
			t.Errorf("%q was read as %#v", bad, got)
		}
	}
}

func TestOpt(t *testing.T) {
	if _, known := (Opt[string]{}).Get(); known {
		t.Error("the zero value is known")
	}
	if Unknown[bool]().IsKnown() {
		t.Error("Unknown is known")
	}
	if v, known := Known(7).Get(); v != 7 || !known {
		t.Errorf("got %d, %v", v, known)
	}
}

func FuzzParseField(f *testing.F) {
	f.Add("rules", 2, "networks", `k"]`)
	f.Fuzz(func(t *testing.T, _ string, i int, _ string, key string) {
		if i < 0 {
			return
		}
		steps, err := ParseField(mapKey(index("rules", i), key) + ".networks")
		if err != nil || len(steps) != 4 || steps[1] != Index(i) || steps[3] != Name("networks") {
			t.Fatalf("%#v, %v", steps, err)
		}
		// Invalid UTF-8 is written with the replacement character.
		if k, ok := steps[2].(MapKey); !ok || len(k) < len([]rune(key)) {
			t.Fatalf("key %q became %q", key, k)
		}
	})
}
