package hetzner

import (
	_ "embed"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// operations are those of the vendor's description, one a line.
//
//go:embed testdata/operations.txt
var operations string

// notSimulated are the vendor's nouns that the simulator does not offer.
var notSimulated = []string{"certificates", "load_balancers", "load_balancer_types", "zones"}

// Every operation of the vendor's description is there, but for those nouns.
func TestEveryOperationIsServed(t *testing.T) {
	served := newTestAPI(t).RouteNames()
	n := 0
	for line := range strings.Lines(operations) {
		method, path, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || method == "#" || slices.Contains(notSimulated, strings.Split(path, "/")[1]) {
			continue
		}
		n++
		if !slices.Contains(served, method+" /v1"+path) {
			t.Errorf("%s %s is not served", method, path)
		}
	}
	if n < 100 {
		t.Errorf("only %d operations were looked at", n)
	}
}

func newTestAPI(t *testing.T) *API {
	t.Helper()
	eng, err := engine.Open(EngineOptions(engine.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = eng.Close() })
	a, err := New(eng, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestFind(t *testing.T) {
	a := newTestAPI(t)
	for _, tc := range []struct{ method, path, template string }{
		{"GET", "/v1/servers", "/v1/servers"},
		{"GET", "/v1/servers/7", "/v1/servers/{id}"},
		{"GET", "/v1/servers/actions", "/v1/servers/actions"},
		{"GET", "/v1/servers/actions/7", "/v1/servers/actions/{id}"},
		{"GET", "/v1/servers/7/actions", "/v1/servers/{id}/actions"},
		{"GET", "/v1/servers/7/actions/8", "/v1/servers/{id}/actions/{action_id}"},
		{"POST", "/v1/servers/7/actions/poweron", "/v1/servers/{id}/actions/poweron"},
		{"PATCH", "/v1/servers/7", "/v1/servers/{id}"},
		{"GET", "/v1/servers/x", ""},
		{"GET", "/v1/servers/0", ""},
		{"GET", "/v1/servers/99999999999999999999", ""},
		{"GET", "/v1/servers/", ""},
		{"GET", "/servers", ""},
		{"GET", "/", ""},
	} {
		found, template, ids := a.find(tc.method, tc.path)
		if template != tc.template || (found == nil) != (tc.template == "" || tc.method == http.MethodPatch) {
			t.Errorf("%s %s: %q, %v", tc.method, tc.path, template, found)
		}
		if strings.Contains(tc.template, "{action_id}") && (ids["id"] != 7 || ids["action_id"] != 8) {
			t.Errorf("%s: ids %v", tc.path, ids)
		}
	}
}

func TestSelectors(t *testing.T) {
	labels := map[string]string{"env": "prod", "empty": "", "example.com/tier": "paid"}
	for text, want := range map[string]bool{
		"env=prod": true, "env==prod": true, "env=dev": false, "env!=dev": true, "env!=prod": false,
		"none!=x": true, "env": true, "none": false, "!none": true, "!env": false, "empty": true, "empty=": true,
		"env in (prod,dev)": true, "env in ( dev , prod )": true, "env in (dev)": false,
		"env notin (dev)": true, "env notin (prod)": false, "none notin (x)": true,
		"env=prod,example.com/tier=paid": true, "env=prod,!empty": false, " env = prod , !none ": true,
	} {
		sel, err := parseSelector(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		} else if got := sel.matches(labels); got != want {
			t.Errorf("%q: got %v", text, got)
		}
	}
	for _, bad := range []string{"", ",", "a b", "env in prod", "env in (prod", "in (x)", "env within (x)", "a=b c", "=x", "!", "a,", "env=-x"} {
		if sel, err := parseSelector(bad); err == nil {
			t.Errorf("%q was taken: %v", bad, sel)
		}
	}
}

func FuzzSelector(f *testing.F) {
	for _, s := range []string{"a=b,!c", "a in (b,c)", "a notin ()", "((", "a!=b,"} {
		f.Add(s)
	}
	f.Fuzz(func(_ *testing.T, s string) {
		if sel, err := parseSelector(s); err == nil {
			sel.matches(map[string]string{"a": "b"})
		}
	})
}

func TestLabelsAndNames(t *testing.T) {
	long := strings.Repeat("x", 63)
	for key, want := range map[string]bool{"a": true, "A-b_c.d": true, long: true, long + "x": false, "": false, "-a": false, "a-": false,
		"example.com/a": true, "example.com/": false, "/a": false, "exa_mple.com/a": false, "hetzner.cloud/a": false, "a/b/c": false} {
		if got := validLabelKey(key); got != want {
			t.Errorf("key %q: %v", key, got)
		}
	}
	for value, want := range map[string]bool{"": true, "a": true, long: true, long + "x": false, "a b": false, ".a": false} {
		if got := validLabelValue(value); got != want {
			t.Errorf("value %q: %v", value, got)
		}
	}
	for name, want := range map[string]bool{"a": true, "web-1.example.com": true, "A1": true, "": false, "a_b": false, "-a": false, "a-": false,
		"a..b": false, long: true, long + "x": false, strings.Repeat(long+".", 4): false} {
		var v fields
		v.hostname(name)
		if got := v.err() == nil; got != want {
			t.Errorf("hostname %q: %v", name, got)
		}
	}
}
