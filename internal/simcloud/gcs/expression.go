package gcs

import (
	"fmt"
	"hash/fnv"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// facts are what the conditions of a policy can ask of a request.
type facts struct {
	name   string // resource.name
	kind   string // resource.type
	prefix string // of a listing
	now    time.Time
}

// expression is a condition, ready to be asked.
type expression func(facts) bool

// parser reads the part of the Common Expression Language that conditions on
// buckets use: ||, &&, !, parentheses, comparisons of resource.name, resource.type,
// resource.service, request.time and the listing's prefix with literals, and their
// startsWith and endsWith. What it does not know is an error.
type parser struct {
	tokens []string
}

func token() *regexp.Regexp {
	return regexp.MustCompile(`\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[A-Za-z_][A-Za-z0-9_]*|\|\||&&|[=!<>]=|[!<>().,])`)
}

func parseExpression(text string) (expression, error) {
	p := &parser{}
	for rest := strings.TrimSpace(text); rest != ""; rest = strings.TrimSpace(rest) {
		at := token().FindStringSubmatchIndex(rest)
		if at == nil || at[0] != 0 {
			return nil, fmt.Errorf("%q", rest)
		}
		p.tokens = append(p.tokens, rest[at[2]:at[3]])
		rest = rest[at[1]:]
	}
	e, err := p.either()
	if err == nil && len(p.tokens) > 0 {
		err = fmt.Errorf("%q is one too many", p.tokens[0])
	}
	return e, err
}

// peek is the next token, or nothing.
func (p *parser) peek() string {
	if len(p.tokens) == 0 {
		return ""
	}
	return p.tokens[0]
}

func (p *parser) take(want ...string) bool {
	if len(p.tokens) < len(want) {
		return false
	}
	for i, w := range want {
		if p.tokens[i] != w {
			return false
		}
	}
	p.tokens = p.tokens[len(want):]
	return true
}

func (p *parser) either() (expression, error) {
	left, err := p.both()
	for err == nil && p.take("||") {
		var right expression
		a := left
		right, err = p.both()
		left = func(f facts) bool { return a(f) || right(f) }
	}
	return left, err
}

func (p *parser) both() (expression, error) {
	left, err := p.unary()
	for err == nil && p.take("&&") {
		var right expression
		a := left
		right, err = p.unary()
		left = func(f facts) bool { return a(f) && right(f) }
	}
	return left, err
}

func (p *parser) unary() (expression, error) {
	switch {
	case p.take("!"):
		e, err := p.unary()
		return func(f facts) bool { return !e(f) }, err
	case p.take("("):
		e, err := p.either()
		if err == nil && !p.take(")") {
			err = fmt.Errorf("a parenthesis is missing")
		}
		return e, err
	case p.take("true"):
		return func(facts) bool { return true }, nil
	case p.take("false"):
		return func(facts) bool { return false }, nil
	case p.take("request", ".", "time"):
		return p.moment()
	}
	value, err := p.attribute()
	if err != nil {
		return nil, err
	}
	return p.text(value)
}

// attribute is a text of the request.
func (p *parser) attribute() (func(facts) string, error) {
	switch {
	case p.take("resource", ".", "name"):
		return func(f facts) string { return f.name }, nil
	case p.take("resource", ".", "type"):
		return func(f facts) string { return f.kind }, nil
	case p.take("resource", ".", "service"):
		return func(facts) string { return "storage.googleapis.com" }, nil
	case p.take("api", ".", "getAttribute", "("):
		name, err := p.literal()
		if err != nil {
			return nil, err
		}
		if name != "storage.googleapis.com/objectListPrefix" || !p.take(",") {
			return nil, fmt.Errorf("the attribute %q", name)
		}
		otherwise, err := p.literal()
		if err != nil || !p.take(")") {
			return nil, fmt.Errorf("the default of an attribute is missing")
		}
		return func(f facts) string {
			if f.prefix == "" {
				return otherwise
			}
			return f.prefix
		}, nil
	}
	return nil, fmt.Errorf("%q", p.peek())
}

func (p *parser) text(value func(facts) string) (expression, error) {
	for _, op := range []struct {
		tokens []string
		holds  func(have, want string) bool
	}{
		{[]string{"=="}, func(a, b string) bool { return a == b }},
		{[]string{"!="}, func(a, b string) bool { return a != b }},
		{[]string{".", "startsWith", "("}, strings.HasPrefix},
		{[]string{".", "endsWith", "("}, strings.HasSuffix},
	} {
		if !p.take(op.tokens...) {
			continue
		}
		want, err := p.literal()
		if err == nil && len(op.tokens) == 3 && !p.take(")") {
			err = fmt.Errorf("a parenthesis is missing")
		}
		return func(f facts) bool { return op.holds(value(f), want) }, err
	}
	return nil, fmt.Errorf("%q", p.peek())
}

// moment compares the time of the request with a literal.
func (p *parser) moment() (expression, error) {
	op := p.peek()
	holds, ok := map[string]func(a, b time.Time) bool{
		"<":  func(a, b time.Time) bool { return a.Before(b) },
		"<=": func(a, b time.Time) bool { return !a.After(b) },
		">":  func(a, b time.Time) bool { return a.After(b) },
		">=": func(a, b time.Time) bool { return !a.Before(b) },
	}[op]
	if !ok || !p.take(op, "timestamp", "(") {
		return nil, fmt.Errorf("request.time %q", op)
	}
	text, err := p.literal()
	if err != nil {
		return nil, err
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil || !p.take(")") {
		return nil, fmt.Errorf("the time %q", text)
	}
	return func(f facts) bool { return holds(f.now, at) }, nil
}

func (p *parser) literal() (string, error) {
	t := p.peek()
	if len(t) < 2 || (t[0] != '"' && t[0] != '\'') {
		return "", fmt.Errorf("%q is no text", t)
	}
	p.take(t)
	if t[0] == '\'' {
		t = `"` + strings.ReplaceAll(t[1:len(t)-1], `"`, `\"`) + `"`
	}
	return strconv.Unquote(t)
}

// hash is a short name of a text.
func hash(s string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s))
	return strconv.FormatUint(h.Sum64(), 16)
}
