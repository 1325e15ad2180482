package hetzner

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// call is one request on its way through its operation.
type call struct {
	api     *API
	tx      *engine.Tx
	r       *http.Request
	project string
	ids     map[string]int64
	body    []byte
	header  http.Header
	params  url.Values
}

// id is the object's id in the path.
func (c *call) id() int64 { return c.ids["id"] }

func (c *call) query() url.Values {
	if c.params == nil {
		c.params = c.r.URL.Query()
	}
	return c.params
}

// bind reads the request's body into v. No body counts as an empty object.
func (c *call) bind(v any) error {
	if len(bytes.TrimSpace(c.body)) == 0 {
		return nil
	}
	err := json.Unmarshal(c.body, v)
	var wrongType *json.UnmarshalTypeError
	var refused *Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused):
		return refused
	case errors.As(err, &wrongType):
		field := wrongType.Field
		if field == "" {
			return fail("json_error", "invalid JSON: an object is expected")
		}
		return invalid(field, "invalid type: %s is expected", jsonType(wrongType.Type.Kind().String()))
	}
	return fail("json_error", "Invalid JSON: %s", err)
}

func jsonType(kind string) string {
	switch {
	case strings.HasPrefix(kind, "int"), strings.HasPrefix(kind, "uint"), strings.HasPrefix(kind, "float"):
		return "a number"
	case kind == "slice":
		return "an array"
	case kind == "struct", kind == "map":
		return "an object"
	case kind == "bool":
		return "a boolean"
	}
	return "a " + kind
}

// idOrName is a reference that clients send as a number or as a string.
type idOrName string

// UnmarshalJSON takes both forms.
func (x *idOrName) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		*x = idOrName(s)
		return nil
	}
	var n int64
	if json.Unmarshal(b, &n) == nil {
		*x = idOrName(strconv.FormatInt(n, 10))
		return nil
	}
	return invalid("id_or_name", "a number or a string is expected")
}

// is tells whether the reference means the object with that id and name.
func (x idOrName) is(id int64, name string) bool {
	return string(x) == strconv.FormatInt(id, 10) || (name != "" && string(x) == name)
}

// mustGet is the project's object in the path, or the vendor's not_found.
func mustGet[T any](c *call, k engine.Kind[T]) (*T, error) {
	return lookup(c, k, c.id())
}

// lookup is the project's object of that id, or the vendor's not_found. The
// error's dynamic type is *Error.
func lookup[T any](c *call, k engine.Kind[T], id int64) (*T, error) {
	if v := k.Get(c.tx, c.project, id); v != nil {
		return v, nil
	}
	return nil, notFound(k.KindName(), id)
}

// uniqueName refuses a name that another object of the kind has; self is the
// object's own id, or 0.
func uniqueName[T any](c *call, k engine.Kind[T], name string, self int64) error {
	if v := k.ByName(c.tx, c.project, name); v != nil && any(v).(engine.Record).Base().ID != self {
		said := map[string]string{"server": "server ", "ssh_key": "SSH key "} // of other kinds nothing
		return notUnique(said[k.KindName()]+"name is already used", "name")
	}
	return nil
}

// room refuses one more object than the project may have.
func room[T any](c *call, k engine.Kind[T]) error {
	if k.Count(c.tx, c.project) >= c.api.objectLimit(k.KindName()) {
		return limitExceeded(k.KindName())
	}
	return nil
}

// unlocked refuses when a running action locks the resource.
func (c *call) unlocked(kind string, id int64) error {
	if a := c.tx.Holder(engine.Ref{Type: kind, ID: id}, 0); a != nil {
		return fail("locked", "cannot perform operation because %s is locked", strings.ReplaceAll(kind, "_", " "))
	}
	return nil
}

// reach refuses, or hangs, when a fault has the location lost. Every operation
// calls it for the locations of the objects that it touches; lists do not.
func (c *call) reach(location string) error {
	f := c.api.faults.Lost(location)
	switch {
	case f == nil || location == "":
		return nil
	case f.Mode == engine.ModeHang:
		return errHang
	case f.Mode == engine.ModeDrop:
		return errDrop
	}
	return fail("unavailable", "location %s is currently unavailable", location)
}

// timestamp is the vendor's form of a point in time.
type timestamp time.Time

// MarshalJSON writes seconds in UTC; the zero time is null.
func (t timestamp) MarshalJSON() ([]byte, error) {
	if time.Time(t).IsZero() {
		return []byte("null"), nil
	}
	return []byte(time.Time(t).UTC().Format(`"2006-01-02T15:04:05Z"`)), nil
}

// orNull is nil for the zero value: the vendor's null.
func orNull[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// list is never nil, so that it is [] and not null in JSON.
func list[T any](v []T) []T {
	if v == nil {
		return []T{}
	}
	return v
}

// labelsOf is never nil either.
func labelsOf(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}
