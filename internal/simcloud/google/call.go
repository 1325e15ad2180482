package google

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// call is one request on its way through its method.
type call struct {
	api     *API
	tx      *engine.Tx
	r       *http.Request
	project string
	scope   string // of the path: "global", "regions/NAME", "zones/NAME"
	vars    map[string]string
	body    []byte
	params  url.Values

	// pending lets the front call the method again, at due at the latest.
	pending bool
	due     time.Time

	requestID string // of a write; the first operation that it begins keeps it
}

func (c *call) zone() string   { return c.vars["zone"] }
func (c *call) region() string { return regionOf(c.scope) }

func (c *call) query() url.Values {
	if c.params == nil {
		c.params = c.r.URL.Query()
	}
	return c.params
}

// perform does what all methods have in common, then the method.
func (c *call) perform(found *route) (any, error) {
	if err := c.place(); err != nil {
		return nil, err
	}
	if found.writes() {
		op, err := c.repeated()
		if err != nil {
			return nil, err
		}
		if op != nil {
			return c.viewOperation(op), nil
		}
	}
	return found.do(c)
}

// place refuses zones and regions that do not exist or cannot be reached.
func (c *call) place() error {
	if len(c.r.URL.Path) == 0 || c.scope == global {
		return nil
	}
	if z := c.zone(); z != "" {
		if c.api.cat.zone(z) == nil {
			if strings.HasSuffix(c.r.URL.Path, "/zones/"+z) {
				return notFound("projects/" + c.project + "/zones/" + z)
			}
			return invalid("zone", z, "Unknown zone.")
		}
	} else if r := c.vars["region"]; c.api.cat.region(r) == nil {
		if strings.HasSuffix(c.r.URL.Path, "/regions/"+r) {
			return notFound("projects/" + c.project + "/regions/" + r)
		}
		return invalid("region", r, "Unknown region.")
	}
	return c.reach(c.scope)
}

// reach refuses, or hangs, when a fault has the scope lost. A lost region loses
// its zones; a lost zone loses nothing but itself.
func (c *call) reach(scope string) error {
	if f := c.lost(scope); f != nil {
		return lostError(f, "projects/"+c.project+"/"+scope)
	}
	return nil
}

// lost is the fault that makes a scope unreachable, or nil.
func (c *call) lost(scope string) *engine.Fault {
	if scope == global {
		return nil
	}
	if z, ok := strings.CutPrefix(scope, "zones/"); ok {
		if f := c.api.faults.Lost(z); f != nil {
			return f
		}
	}
	return c.api.faults.Lost(regionOf(scope))
}

// bind reads the request's body into v. No body counts as an empty object, and
// fields that v does not have are ignored, as the vendor does.
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
		e := fail(http.StatusBadRequest, "invalid", "Invalid value at 'resource.%s' (%s), %s", wrongType.Field, protoType(wrongType.Type), wrongType.Value)
		e.Status = "INVALID_ARGUMENT"
		return e
	}
	return fail(http.StatusBadRequest, "parseError", "Parse Error: %s", err)
}

// protoType is how the vendor calls a type in a refusal.
func protoType(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "TYPE_BOOL"
	case reflect.Int32, reflect.Uint32:
		return "TYPE_INT32"
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return "TYPE_INT64"
	case reflect.Float64:
		return "TYPE_DOUBLE"
	case reflect.Map, reflect.Struct:
		return "TYPE_MESSAGE"
	}
	return "TYPE_STRING"
}

// has tells whether the body has a field, null included.
func (c *call) has(field string) bool {
	var m map[string]json.RawMessage
	_ = json.Unmarshal(c.body, &m)
	_, ok := m[field]
	return ok
}

// boolParam reads a boolean query parameter; absent is false.
func (c *call) boolParam(name string) (bool, error) {
	s := c.query().Get(name)
	if s == "" {
		return false, nil
	}
	b, err := strconv.ParseBool(s)
	if err != nil {
		return false, invalid(name, s, "Must be a boolean.")
	}
	return b, nil
}

// Int64 is a 64-bit number, which travels as a string; numbers are taken too.
type Int64 int64

// MarshalJSON writes a string.
func (n Int64) MarshalJSON() ([]byte, error) {
	return []byte(`"` + strconv.FormatInt(int64(n), 10) + `"`), nil
}

// UnmarshalJSON takes both forms.
func (n *Int64) UnmarshalJSON(b []byte) error {
	s := strings.Trim(string(b), `"`)
	if s == "null" {
		return nil
	}
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		e := fail(http.StatusBadRequest, "invalid", "Invalid value at 'resource' (TYPE_INT64), %s", b)
		e.Status = "INVALID_ARGUMENT"
		return e
	}
	*n = Int64(v)
	return nil
}

// stamp is the vendor's form of a point in time; empty for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000-07:00")
}

func ptr[T any](v T) *T { return &v }
