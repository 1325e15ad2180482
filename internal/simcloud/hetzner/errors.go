package hetzner

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Error is a refusal in the vendor's form.
type Error struct {
	Status  int    `json:"-"`
	Code    string `json:"code"`
	Message string `json:"message"`
	Details any    `json:"details"`
}

func (e *Error) Error() string { return e.Message + " (" + e.Code + ")" }

// statusOf gives every code of the vendor's documentation its HTTP status.
// Codes that are not listed there answer 422, as the vendor's operation-specific
// errors do.
var statusOf = map[string]int{
	"json_error":                  http.StatusBadRequest,
	"unauthorized":                http.StatusUnauthorized,
	"token_readonly":              http.StatusUnauthorized,
	"forbidden":                   http.StatusForbidden,
	"maintenance":                 http.StatusForbidden,
	"resource_limit_exceeded":     http.StatusForbidden,
	"not_found":                   http.StatusNotFound,
	"firewall_resource_not_found": http.StatusNotFound,
	"method_not_allowed":          http.StatusMethodNotAllowed,
	"uniqueness_error":            http.StatusConflict,
	"conflict":                    http.StatusConflict,
	"deprecated_api_endpoint":     http.StatusGone,
	"resource_unavailable":        http.StatusPreconditionFailed,
	"primary_ip_version_mismatch": http.StatusPreconditionFailed,
	"locked":                      http.StatusLocked,
	"protected":                   http.StatusLocked,
	"rate_limit_exceeded":         http.StatusTooManyRequests,
	"server_error":                http.StatusInternalServerError,
	"bad_gateway":                 http.StatusBadGateway,
	"unavailable":                 http.StatusServiceUnavailable,
	"timeout":                     http.StatusGatewayTimeout,
}

// codeOf is the other way round for the statuses that faults are asked for.
var codeOf = map[int][2]string{
	http.StatusConflict:            {"conflict", "conflict detected, please retry"},
	http.StatusLocked:              {"locked", "item is locked (there is already an action running)"},
	http.StatusTooManyRequests:     {"rate_limit_exceeded", "limit of 3600 requests per hour reached"},
	http.StatusInternalServerError: {"server_error", "internal server error"},
	http.StatusBadGateway:          {"bad_gateway", "bad gateway"},
	http.StatusServiceUnavailable:  {"unavailable", "service unavailable"},
	http.StatusGatewayTimeout:      {"timeout", "gateway timeout"},
	http.StatusPreconditionFailed:  {"resource_unavailable", "the requested resource is currently unavailable"},
}

func fail(code, format string, args ...any) *Error {
	status, ok := statusOf[code]
	if !ok {
		status = http.StatusUnprocessableEntity
	}
	return &Error{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

// notFound is the answer for an object that the project does not have.
func notFound(what string, id any) *Error {
	return fail("not_found", "%s with ID '%v' not found", what, id)
}

// fieldError is one entry of the details of invalid_input and uniqueness_error.
type fieldError struct {
	Name     string   `json:"name"`
	Messages []string `json:"messages,omitempty"`
}

type fieldDetails struct {
	Fields []fieldError `json:"fields"`
}

// invalid refuses one field.
func invalid(field, format string, args ...any) *Error {
	var v fields
	v.add(field, format, args...)
	return v.err()
}

// notUnique refuses values that another object of the project already has.
func notUnique(message string, names ...string) *Error {
	e := fail("uniqueness_error", "%s", message)
	d := fieldDetails{}
	for _, n := range names {
		d.Fields = append(d.Fields, fieldError{Name: n})
	}
	e.Details = d
	return e
}

// limitExceeded refuses one more object than the account may have.
func limitExceeded(kind string) *Error {
	e := fail("resource_limit_exceeded", "%s limit exceeded", strings.ReplaceAll(kind, "_", " "))
	e.Details = map[string]any{"limits": []fieldError{{Name: kind + "_limit"}}}
	return e
}

// fields collects what is wrong with a request, field by field.
type fields []fieldError

func (v *fields) add(field, format string, args ...any) {
	m := fmt.Sprintf(format, args...)
	for i := range *v {
		if (*v)[i].Name == field {
			(*v)[i].Messages = append((*v)[i].Messages, m)
			return
		}
	}
	*v = append(*v, fieldError{Name: field, Messages: []string{m}})
}

// err is nil when nothing was added. Its static type is *Error: compare it
// before it becomes an error.
func (v fields) err() *Error {
	if len(v) == 0 {
		return nil
	}
	e := fail("invalid_input", "invalid input in field '%s': %s", v[0].Name, strings.Join(v[0].Messages, ", "))
	if len(v) > 1 {
		names := make([]string, len(v))
		for i, f := range v {
			names[i] = "'" + f.Name + "'"
		}
		e.Message = "invalid input in fields " + strings.Join(names, ", ")
	}
	e.Details = fieldDetails{Fields: v}
	return e
}

// What the front does instead of answering.
var (
	errHang = errors.New("no answer")
	errDrop = errors.New("the connection is closed")
)
