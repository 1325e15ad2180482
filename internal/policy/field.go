package policy

import (
	"fmt"
	"strconv"
	"strings"
)

// MapKey is a step into a map.
type MapKey string

// Name is a step to an attribute.
type Name string

// Index is a step into a list, from 0.
type Index int

// index and mapKey write paths: index("rules", 2) is "rules[2]".
func index(field string, i int) string { return fmt.Sprintf("%s[%d]", field, i) }

func mapKey(field, key string) string { return field + "[" + strconv.Quote(key) + "]" }

// ParseField takes a Finding's Field apart into steps, each of which is a
// Name, an Index or a MapKey, so that a caller can build its own kind of path:
// `rules[2].networks` is Name, Index, Name; `labels["env"]` is Name, MapKey.
func ParseField(field string) ([]any, error) {
	bad := fmt.Errorf("%q is not the path of a field", field)
	var steps []any
	rest := field
	for first := true; rest != ""; first = false {
		switch {
		case strings.HasPrefix(rest, `["`):
			quoted, err := strconv.QuotedPrefix(rest[1:])
			if err != nil || first {
				return nil, bad
			}
			key, err := strconv.Unquote(quoted)
			if err != nil {
				return nil, bad
			}
			rest = rest[1+len(quoted):]
			if !strings.HasPrefix(rest, "]") {
				return nil, bad
			}
			rest = rest[1:]
			steps = append(steps, MapKey(key))
		case rest[0] == '[':
			digits, after, found := strings.Cut(rest[1:], "]")
			i, err := strconv.Atoi(digits)
			if !found || err != nil || i < 0 || first || strconv.Itoa(i) != digits {
				return nil, bad
			}
			rest = after
			steps = append(steps, Index(i))
		default:
			if !first {
				if rest[0] != '.' {
					return nil, bad
				}
				rest = rest[1:]
			}
			end := strings.IndexAny(rest, ".[")
			if end < 0 {
				end = len(rest)
			}
			if end == 0 || strings.ContainsAny(rest[:end], `]"`) {
				return nil, bad
			}
			steps = append(steps, Name(rest[:end]))
			rest = rest[end:]
		}
	}
	return steps, nil
}
