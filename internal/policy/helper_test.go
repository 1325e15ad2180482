package policy

import (
	"net/netip"
	"strings"
	"testing"
	"unicode"
)

// expect compares findings with lines of the form
// "PROMISE field | Summary | part of the detail | part of the remedy", where
// the last two may be left out and "-" stands for no promise.
func expect(t *testing.T, got []Finding, want ...string) {
	t.Helper()
	for _, f := range got {
		wellFormed(t, f)
	}
	if len(got) != len(want) {
		t.Errorf("%d findings, want %d", len(got), len(want))
		for _, f := range got {
			t.Logf("got %s %s | %s", f.Promise, f.Field, f.Error())
		}
		return
	}
	for i, line := range want {
		parts := strings.Split(line, " | ")
		promise, field, _ := strings.Cut(parts[0], " ")
		if promise == "-" {
			promise = ""
		}
		f := got[i]
		if f.Promise != promise || f.Field != field || f.Summary != parts[1] {
			t.Errorf("got  %q %s | %s\nwant %q %s | %s", f.Promise, f.Field, f.Summary, promise, field, parts[1])
		}
		if len(parts) > 2 && !strings.Contains(f.Detail, parts[2]) {
			t.Errorf("detail %q does not say %q", f.Detail, parts[2])
		}
		if len(parts) > 3 && !strings.Contains(f.Remedy, parts[3]) {
			t.Errorf("remedy %q does not say %q", f.Remedy, parts[3])
		}
	}
}

// wellFormed holds for every finding of every rule.
func wellFormed(t *testing.T, f Finding) {
	t.Helper()
	if f.Summary == "" || !unicode.IsUpper([]rune(f.Summary)[0]) || strings.HasSuffix(f.Summary, ".") {
		t.Errorf("the summary is not a short phrase: %q", f.Summary)
	}
	for _, text := range []string{f.Detail, f.Remedy} {
		if !strings.HasSuffix(text, ".") && !strings.HasSuffix(text, ")") {
			t.Errorf("not a sentence: %q", text)
		}
	}
	if f.Field != "" {
		if _, err := ParseField(f.Field); err != nil {
			t.Error(err)
		}
	}
}

func prefixes(t testing.TB, texts ...string) []netip.Prefix {
	t.Helper()
	var out []netip.Prefix
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, p)
	}
	return out
}
