package google

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// pageLimit is the vendor's largest page, and the one without maxResults.
const pageLimit = 500

// row is one resource of a list. Its view is made only when it is needed.
type row struct {
	scope, name string
	id          int64
	labels      map[string]string
	view        func() any
}

type listView struct {
	Kind          string         `json:"kind"`
	ID            string         `json:"id"`
	Items         []any          `json:"items,omitempty"`
	NextPageToken string         `json:"nextPageToken,omitempty"`
	SelfLink      string         `json:"selfLink"`
	Warning       map[string]any `json:"warning,omitempty"`
}

type aggregatedView struct {
	Kind          string         `json:"kind"`
	ID            string         `json:"id"`
	Items         map[string]any `json:"items"`
	NextPageToken string         `json:"nextPageToken,omitempty"`
	SelfLink      string         `json:"selfLink"`
	Unreachables  []string       `json:"unreachables,omitempty"`
}

// path is the request's path below base.
func (c *call) path() string {
	return strings.TrimPrefix(strings.TrimPrefix(c.r.URL.Path, "/compute/v1"), "/")
}

// list makes the answer of a list call: the rows that the filter wants, in
// order, one page of them.
func list(c *call, noun string, rows []row) (any, error) {
	rows, next, err := page(c, rows)
	if err != nil {
		return nil, err
	}
	out := listView{Kind: "compute#" + noun + "List", ID: c.path(), NextPageToken: next, SelfLink: base + c.path()}
	for _, r := range rows {
		out.Items = append(out.Items, r.view())
	}
	return out, nil
}

// aggregate makes the answer of an aggregatedList call: items by scope. Scopes
// of the levels without items on this page have a warning instead. A scope that
// cannot be reached, however it does not answer, is told of by the vendor's
// front with returnPartialSuccess, and fails the call without it ("To prevent
// failure, Google recommends that you set the returnPartialSuccess parameter to
// true": the description of each aggregatedList).
func aggregate(c *call, noun, collection string, levels []string, rows []row) (any, error) {
	partial, err := c.boolParam("returnPartialSuccess")
	if err != nil {
		return nil, err
	}
	out := aggregatedView{Kind: "compute#" + noun + "AggregatedList", ID: c.path(), Items: map[string]any{}, SelfLink: base + c.path()}
	lost := map[string]bool{}
	for _, scope := range c.api.cat.scopes(levels) {
		f := c.lost(scope)
		if f == nil {
			out.Items[scope] = map[string]any{"warning": scopeWarning("NO_RESULTS_ON_PAGE", scope,
				"There are no results for scope '"+scope+"' on this page.")}
			continue
		}
		if !partial {
			return nil, lostError(f, "projects/"+c.project+"/"+scope)
		}
		lost[scope] = true
		out.Unreachables = append(out.Unreachables, "projects/"+c.project+"/"+scope)
		out.Items[scope] = map[string]any{"warning": scopeWarning("UNREACHABLE", scope, "The scope '"+scope+"' is unreachable.")}
	}
	if len(lost) > 0 {
		rows = slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return lost[r.scope] })
	}
	rows, next, err := page(c, rows)
	if err != nil {
		return nil, err
	}
	out.NextPageToken = next
	found := map[string][]any{}
	for _, r := range rows {
		found[r.scope] = append(found[r.scope], r.view())
	}
	for scope, views := range found {
		out.Items[scope] = map[string]any{collection: views}
	}
	return out, nil
}

func scopeWarning(code, scope, message string) map[string]any {
	return map[string]any{"code": code, "message": message, "data": []map[string]string{{"key": "scope", "value": scope}}}
}

// position is where a page ended; it is what a page token holds.
type position struct {
	Order string `json:"o,omitempty"`
	Scope string `json:"s,omitempty"`
	Name  string `json:"n,omitempty"`
	ID    int64  `json:"i,omitempty"`
}

// page applies filter, orderBy, pageToken and maxResults.
func page(c *call, rows []row) (_ []row, next string, err error) {
	q := c.query()
	if text := strings.TrimSpace(q.Get("filter")); text != "" {
		f, err := parseFilter(text)
		if err != nil {
			return nil, "", invalid("filter", text, "Invalid list filter expression.")
		}
		rows = slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return !f.match(&r) })
	}
	var compare func(a row, p position) int
	order := q.Get("orderBy")
	switch order {
	case "", "name":
		compare = func(a row, p position) int { return cmp.Or(cmp.Compare(a.scope, p.Scope), cmp.Compare(a.name, p.Name)) }
	case "creationTimestamp desc":
		compare = func(a row, p position) int { return cmp.Compare(p.ID, a.id) }
	default:
		return nil, "", invalid("orderBy", order, "Only ordering by name or creationTimestamp desc is supported.")
	}
	slices.SortFunc(rows, func(a, b row) int { return compare(a, position{Scope: b.scope, Name: b.name, ID: b.id}) })
	if token := q.Get("pageToken"); token != "" {
		var p position
		b, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil || json.Unmarshal(b, &p) != nil || p.Order != order {
			return nil, "", invalid("pageToken", token, "Invalid page token.")
		}
		from, _ := slices.BinarySearchFunc(rows, p, func(r row, p position) int {
			if compare(r, p) <= 0 {
				return -1
			}
			return 1
		})
		rows = rows[from:]
	}
	size := pageLimit
	if s := q.Get("maxResults"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 0 || n > pageLimit {
			return nil, "", invalid("maxResults", s, "Acceptable values are 0 to 500, inclusive.")
		}
		if n > 0 {
			size = n
		}
	}
	if len(rows) > size {
		last := rows[size-1]
		b, err := json.Marshal(position{Order: order, Scope: last.scope, Name: last.name, ID: last.id})
		if err != nil {
			return nil, "", err
		}
		return rows[:size], base64.RawURLEncoding.EncodeToString(b), nil
	}
	return rows, "", nil
}
