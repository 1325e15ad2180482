package hetzner

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// The vendor's page sizes.
const (
	defaultPerPage = 25
	maxPerPage     = 50
)

type pagination struct {
	Page         int  `json:"page"`
	PerPage      int  `json:"per_page"`
	PreviousPage *int `json:"previous_page"`
	NextPage     *int `json:"next_page"`
	LastPage     *int `json:"last_page"`
	TotalEntries *int `json:"total_entries"`
}

// order compares two rows by one field.
type order[T any] func(a, b T) int

// by makes an order of a field.
func by[T any, K cmp.Ordered](field func(T) K) order[T] {
	return func(a, b T) int { return cmp.Compare(field(a), field(b)) }
}

func byTime[T any](field func(T) time.Time) order[T] {
	return func(a, b T) int { return field(a).Compare(field(b)) }
}

// recordOrders are the sort fields that most nouns have; only names those that
// this noun documents.
func recordOrders[T any](only ...string) map[string]order[*T] {
	meta := func(v *T) *engine.Meta { return any(v).(engine.Record).Base() }
	all := map[string]order[*T]{
		"id":      by(func(v *T) int64 { return meta(v).ID }),
		"name":    by(func(v *T) string { return meta(v).Name }),
		"created": byTime(func(v *T) time.Time { return meta(v).Created }),
	}
	for k := range all {
		if !slices.Contains(only, k) {
			delete(all, k)
		}
	}
	return all
}

// filtered keeps the records that the query's name and label_selector want.
func filtered[T any](c *call, rows []*T) ([]*T, error) {
	q := c.query()
	name, hasName := q["name"]
	text, hasSelector := q["label_selector"]
	var sel selector
	if hasSelector && text[0] != "" {
		var err error
		if sel, err = parseSelector(text[0]); err != nil {
			return nil, invalid("label_selector", "%s", err)
		}
	}
	if !hasName && sel == nil {
		return rows, nil
	}
	var out []*T
	for _, v := range rows {
		m := any(v).(engine.Record).Base()
		if (!hasName || m.Name == name[0]) && sel.matches(m.Labels) {
			out = append(out, v)
		}
	}
	return out, nil
}

// allowed reads a query parameter that may be given several times and refuses
// values that the noun does not document; empty when it was not given.
func (c *call) allowed(param string, values ...string) ([]string, error) {
	given := c.query()[param]
	for _, g := range given {
		if !slices.Contains(values, g) {
			return nil, invalid(param, "must be one of: %s", strings.Join(values, ", "))
		}
	}
	return given, nil
}

// page sorts the rows by the query's sort, cuts out the wanted page, and makes
// the answer: the views under key, and meta. It also sets the Link header.
func page[T, V any](c *call, key string, rows []T, orders map[string]order[T], view func(T) V) (any, error) {
	q := c.query()
	if sorts := q["sort"]; len(sorts) > 0 {
		var chain []order[T]
		for _, s := range sorts {
			field, dir, _ := strings.Cut(s, ":")
			o, ok := orders[field]
			if !ok || (dir != "" && dir != "asc" && dir != "desc") {
				return nil, invalid("sort", "invalid sort parameter: %s", s)
			}
			if dir == "desc" {
				asc := o
				o = func(a, b T) int { return asc(b, a) }
			}
			chain = append(chain, o)
		}
		rows = slices.Clone(rows)
		slices.SortStableFunc(rows, func(a, b T) int {
			for _, o := range chain {
				if d := o(a, b); d != 0 {
					return d
				}
			}
			return 0
		})
	}
	number, err := positive(q, "page", 1)
	if err != nil {
		return nil, err
	}
	size, err := positive(q, "per_page", defaultPerPage)
	if err != nil {
		return nil, err
	}
	size = min(size, maxPerPage)
	total := len(rows)
	last := max((total+size-1)/size, 1)
	p := pagination{Page: number, PerPage: size, LastPage: &last, TotalEntries: &total}
	if number > 1 {
		p.PreviousPage = ptr(min(number-1, last))
	}
	if number < last {
		p.NextPage = ptr(number + 1)
	}
	number = min(number, last+1) // pages beyond the last are empty, and never overflow
	from := min((number-1)*size, total)
	views := make([]V, 0, size)
	for _, r := range rows[from:min(from+size, total)] {
		views = append(views, view(r))
	}
	c.linkHeader(p)
	return map[string]any{key: views, "meta": map[string]any{"pagination": p}}, nil
}

func positive(q url.Values, name string, otherwise int) (int, error) {
	s := q.Get(name)
	if s == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return 0, invalid(name, "must be a positive integer")
	}
	return n, nil
}

func (c *call) linkHeader(p pagination) {
	var links []string
	add := func(rel string, n *int) {
		if n == nil {
			return
		}
		q := c.r.URL.Query()
		q.Set("page", strconv.Itoa(*n))
		q.Set("per_page", strconv.Itoa(p.PerPage))
		scheme := "http"
		if c.r.TLS != nil {
			scheme = "https"
		}
		links = append(links, fmt.Sprintf("<%s://%s%s?%s>; rel=%q", scheme, c.r.Host, c.r.URL.Path, q.Encode(), rel))
	}
	add("prev", p.PreviousPage)
	add("next", p.NextPage)
	add("last", p.LastPage)
	c.header.Set("Link", strings.Join(links, ", "))
}

func ptr[T any](v T) *T { return &v }
