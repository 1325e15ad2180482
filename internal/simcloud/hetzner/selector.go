package hetzner

import (
	"fmt"
	"slices"
	"strings"
)

// A selector is a parsed label selector: all its terms have to hold.
type selector []term

type term struct {
	key    string
	op     string // "exists", "absent", "in", "notin"
	values []string
}

// parseSelector reads the vendor's selector language: k=v, k==v, k!=v, k, !k,
// k in (a,b), k notin (a,b), joined by commas.
func parseSelector(s string) (selector, error) {
	var out selector
	for _, part := range splitTerms(s) {
		t, err := parseTerm(strings.TrimSpace(part))
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

// splitTerms cuts at the commas that stand outside of parentheses.
func splitTerms(s string) []string {
	var out []string
	depth, start := 0, 0
	for i, r := range s {
		switch {
		case r == '(':
			depth++
		case r == ')':
			depth--
		case r == ',' && depth == 0:
			out = append(out, s[start:i])
			start = i + 1
		}
	}
	return append(out, s[start:])
}

func parseTerm(s string) (term, error) {
	bad := fmt.Errorf("invalid label selector near %q", s)
	t := term{}
	if rest, ok := strings.CutPrefix(s, "!"); ok {
		t.key, t.op = strings.TrimSpace(rest), "absent"
	} else if i := strings.IndexByte(s, '('); i >= 0 {
		head := strings.Fields(s[:i])
		list, ok := strings.CutSuffix(s[i+1:], ")")
		if len(head) != 2 || (head[1] != "in" && head[1] != "notin") || !ok {
			return t, bad
		}
		t.key, t.op = head[0], head[1]
		for v := range strings.SplitSeq(list, ",") {
			t.values = append(t.values, strings.TrimSpace(v))
		}
	} else if k, v, ok := strings.Cut(s, "!="); ok {
		t.key, t.op, t.values = strings.TrimSpace(k), "notin", []string{strings.TrimSpace(v)}
	} else if k, v, ok := strings.Cut(s, "="); ok {
		v = strings.TrimPrefix(v, "=")
		t.key, t.op, t.values = strings.TrimSpace(k), "in", []string{strings.TrimSpace(v)}
	} else {
		t.key, t.op = s, "exists"
	}
	if !validLabelKey(t.key) {
		return t, bad
	}
	for _, v := range t.values {
		if !validLabelValue(v) {
			return t, bad
		}
	}
	return t, nil
}

func (s selector) matches(labels map[string]string) bool {
	for _, t := range s {
		v, ok := labels[t.key]
		switch t.op {
		case "absent":
			ok = !ok
		case "in":
			ok = ok && slices.Contains(t.values, v)
		case "notin": // also true of objects without the key, as with the vendor
			ok = !ok || !slices.Contains(t.values, v)
		}
		if !ok {
			return false
		}
	}
	return true
}
