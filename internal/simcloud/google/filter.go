package google

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// The filter language of the vendor's lists: AIP-160 (https://google.aip.dev/160:
// OR binds closer than AND), or restrictions with eq and ne, whose literals are
// regular expressions that must match the whole field. The two do not mix.

type filter interface{ match(r *row) bool }

type (
	allOf       []filter
	anyOf       []filter
	negation    struct{ filter }
	restriction struct {
		field, op, value string
		pattern          *regexp.Regexp // of eq and ne
		number           *float64       // the value, if it is one
	}
	// oneName is anyOf of names alone: how clients wait for many operations.
	oneName map[string]bool
)

func (f oneName) match(r *row) bool { return f[r.name] }

func (f allOf) match(r *row) bool {
	for _, x := range f {
		if !x.match(r) {
			return false
		}
	}
	return true
}

func (f anyOf) match(r *row) bool {
	for _, x := range f {
		if x.match(r) {
			return true
		}
	}
	return false
}

func (f negation) match(r *row) bool { return !f.filter.match(r) }

var errFilter = errors.New("invalid filter")

// filterParser reads a filter from left to right.
type filterParser struct {
	rest             string
	plain, patterned bool // which of the two languages was seen
}

func parseFilter(text string) (filter, error) {
	p := &filterParser{rest: text}
	f, err := p.expression()
	if err != nil {
		return nil, err
	}
	if p.space(); p.rest != "" || (p.plain && p.patterned) {
		return nil, errFilter
	}
	return f, nil
}

func (p *filterParser) space() { p.rest = strings.TrimLeft(p.rest, " \t\r\n") }

// word takes a keyword when it stands next, as a word of its own.
func (p *filterParser) word(w string) bool {
	p.space()
	rest, ok := strings.CutPrefix(p.rest, w)
	if !ok || (rest != "" && !strings.ContainsAny(rest[:1], " \t\r\n(")) {
		return false
	}
	p.rest = rest
	return true
}

func (p *filterParser) expression() (filter, error) {
	var all allOf
	for {
		f, err := p.factor()
		if err != nil {
			return nil, err
		}
		all = append(all, f)
		if p.word("AND") {
			continue
		}
		if p.space(); p.rest == "" || p.rest[0] == ')' {
			if len(all) == 1 {
				return all[0], nil
			}
			return all, nil
		}
	}
}

func (p *filterParser) factor() (filter, error) {
	var some anyOf
	for {
		f, err := p.term()
		if err != nil {
			return nil, err
		}
		if some = append(some, f); !p.word("OR") {
			if len(some) == 1 {
				return f, nil
			}
			if names := some.names(); names != nil {
				return names, nil
			}
			return some, nil
		}
	}
}

// names are the alternatives when all of them are whole names; otherwise nil.
func (f anyOf) names() oneName {
	out := oneName{}
	for _, x := range f {
		r, ok := x.(restriction)
		if !ok || r.field != "name" || r.op != "=" || strings.Contains(r.value, "*") {
			return nil
		}
		out[r.value] = true
	}
	return out
}

func (p *filterParser) term() (filter, error) {
	if p.word("NOT") {
		f, err := p.term()
		return negation{f}, err
	}
	p.space()
	if rest, ok := strings.CutPrefix(p.rest, "-("); ok {
		p.rest = "(" + rest
		f, err := p.term()
		return negation{f}, err
	}
	if rest, ok := strings.CutPrefix(p.rest, "("); ok {
		p.rest = rest
		f, err := p.expression()
		if err != nil {
			return nil, err
		}
		p.space()
		if rest, ok = strings.CutPrefix(p.rest, ")"); !ok {
			return nil, errFilter
		}
		p.rest = rest
		return f, nil
	}
	return p.restriction()
}

func (p *filterParser) restriction() (filter, error) {
	n := strings.IndexFunc(p.rest, func(r rune) bool { return strings.ContainsRune(" \t\r\n=!<>:()\"'", r) })
	if n <= 0 {
		return nil, errFilter
	}
	out := restriction{field: p.rest[:n]}
	p.rest = p.rest[n:]
	p.space()
	for _, op := range []string{"!=", "<=", ">=", "=", "<", ">", ":"} {
		if rest, ok := strings.CutPrefix(p.rest, op); ok {
			out.op, p.rest, p.plain = op, rest, true
			break
		}
	}
	if out.op == "" {
		switch {
		case p.word("eq"):
			out.op = "eq"
		case p.word("ne"):
			out.op = "ne"
		default:
			return nil, errFilter
		}
		p.patterned = true
	}
	var err error
	if out.value, err = p.value(); err != nil {
		return nil, err
	}
	if n, err := strconv.ParseFloat(out.value, 64); err == nil {
		out.number = &n
	}
	if out.op == "eq" || out.op == "ne" {
		if out.pattern, err = regexp.Compile("^(?:" + out.value + ")$"); err != nil {
			return nil, errFilter
		}
	}
	return out, nil
}

// value reads a literal: quoted, or up to a space or an unmatched parenthesis.
func (p *filterParser) value() (string, error) {
	p.space()
	if p.rest == "" {
		return "", errFilter
	}
	if quote := p.rest[0]; quote == '"' || quote == '\'' {
		var b strings.Builder
		for i := 1; i < len(p.rest); i++ {
			switch ch := p.rest[i]; {
			case ch == '\\' && i+1 < len(p.rest):
				i++
				b.WriteByte(p.rest[i])
			case ch == quote:
				p.rest = p.rest[i+1:]
				return b.String(), nil
			default:
				b.WriteByte(ch)
			}
		}
		return "", errFilter
	}
	depth, n := 0, len(p.rest)
	for i, r := range p.rest {
		if r == '(' {
			depth++
		}
		if r == ')' {
			depth--
		}
		if depth < 0 || strings.ContainsRune(" \t\r\n", r) {
			n = i
			break
		}
	}
	v := p.rest[:n]
	p.rest = p.rest[n:]
	if v == "" {
		return "", errFilter
	}
	return v, nil
}

func (f restriction) match(r *row) bool {
	switch f.op {
	case "!=", "ne":
		positive := f
		positive.op = map[string]string{"!=": "=", "ne": "eq"}[f.op]
		return !positive.match(r)
	}
	if f.field == "name" {
		return f.value == "*" && f.op == ":" || f.accepts(r.name)
	}
	values := r.field(f.field)
	if f.op == ":" {
		if f.value == "*" {
			return len(values) > 0
		}
	}
	for _, v := range values {
		if f.accepts(v) {
			return true
		}
	}
	return false
}

func (f restriction) accepts(v string) bool {
	switch f.op {
	case "eq":
		return f.pattern.MatchString(v)
	case "=":
		if strings.Contains(f.value, "*") {
			return wildcard(f.value, v)
		}
		return v == f.value || f.sameNumber(v)
	case ":":
		if strings.HasSuffix(f.value, "*") {
			return strings.HasPrefix(v, strings.TrimSuffix(f.value, "*"))
		}
		return strings.Contains(strings.ToLower(v), strings.ToLower(f.value))
	}
	less, equal := v < f.value, v == f.value
	if f.number != nil {
		if n, err := strconv.ParseFloat(v, 64); err == nil {
			less, equal = n < *f.number, n == *f.number
		}
	}
	switch f.op {
	case "<":
		return less
	case "<=":
		return less || equal
	case ">":
		return !less && !equal
	}
	return !less
}

func (f restriction) sameNumber(v string) bool {
	if f.number == nil {
		return false
	}
	n, err := strconv.ParseFloat(v, 64)
	return err == nil && n == *f.number
}

// wildcard matches a whole value; each * stands for any text.
func wildcard(pattern, v string) bool {
	parts := strings.Split(pattern, "*")
	if !strings.HasPrefix(v, parts[0]) {
		return false
	}
	v = v[len(parts[0]):]
	last := parts[len(parts)-1]
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(v, p)
		if i < 0 {
			return false
		}
		v = v[i+len(p):]
	}
	return strings.HasSuffix(v, last)
}

// field is what a row has under a name: several values where the name leads
// through a list, none where there is nothing. The fields that clients filter by
// most cost no view.
func (r *row) field(name string) []string {
	if key, ok := strings.CutPrefix(name, "labels."); ok && r.labels != nil {
		if v, ok := r.labels[strings.Trim(key, `"`)]; ok {
			return []string{v}
		}
		return nil
	}
	b, err := json.Marshal(r.view())
	if err != nil {
		return nil
	}
	var v any
	if json.Unmarshal(b, &v) != nil {
		return nil
	}
	return dig(v, strings.Split(name, "."))
}

func dig(v any, path []string) []string {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		var out []string
		for _, x := range v {
			out = append(out, dig(x, path)...)
		}
		return out
	case map[string]any:
		if len(path) == 0 {
			return []string{"{}"}
		}
		if x, ok := v[strings.Join(path, ".")]; ok {
			return dig(x, nil)
		}
		return dig(v[path[0]], path[1:])
	}
	if len(path) > 0 {
		return nil
	}
	return []string{fmt.Sprint(v)}
}
