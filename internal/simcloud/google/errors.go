package google

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Error is a refusal in the vendor's form.
type Error struct {
	Code    int         `json:"code"`
	Message string      `json:"message"`
	Errors  []ErrorItem `json:"errors,omitempty"`
	Status  string      `json:"status,omitempty"`
	Details []any       `json:"details,omitempty"`
}

// ErrorItem is one reason of an Error.
type ErrorItem struct {
	Message      string `json:"message"`
	Domain       string `json:"domain"`
	Reason       string `json:"reason"`
	Location     string `json:"location,omitempty"`
	LocationType string `json:"locationType,omitempty"`
}

func (e *Error) Error() string {
	if len(e.Errors) == 0 {
		return e.Message
	}
	return e.Message + " (" + e.Errors[0].Reason + ")"
}

// fail makes a refusal of the domain global.
func fail(code int, reason, format string, args ...any) *Error {
	m := fmt.Sprintf(format, args...)
	return &Error{Code: code, Message: m, Errors: []ErrorItem{{Message: m, Domain: "global", Reason: reason}}}
}

// notFound is the answer for a path that leads nowhere.
func notFound(path string) *Error {
	return fail(http.StatusNotFound, "notFound", "The resource '%s' was not found", path)
}

// alreadyExists refuses a name that is taken.
func alreadyExists(path string) *Error {
	return fail(http.StatusConflict, "alreadyExists", "The resource '%s' already exists", path)
}

// invalid refuses a field's value. why is a sentence.
func invalid(field, value, why string, args ...any) *Error {
	return fail(http.StatusBadRequest, "invalid", "Invalid value for field '%s': '%s'. %s", field, value, fmt.Sprintf(why, args...))
}

// required refuses a missing field or parameter.
func required(field string) *Error {
	return fail(http.StatusBadRequest, "required", "Required field '%s' not specified", field)
}

// badRequest refuses for a reason that lies in the state of things.
func badRequest(format string, args ...any) *Error {
	return fail(http.StatusBadRequest, "badRequest", format, args...)
}

// notReady refuses to touch a resource that an operation is changing.
func notReady(r resource) *Error {
	return fail(http.StatusBadRequest, "resourceNotReady", "The resource '%s' is not ready", pathOf(r))
}

// inUse refuses to delete what another resource uses.
func inUse(r, by resource) *Error {
	noun := strings.TrimSuffix(r.Collection(), "s")
	return fail(http.StatusBadRequest, "resourceInUseByAnotherResource", "The %s resource '%s' is already being used by '%s'",
		noun, pathOf(r), pathOf(by))
}

// conditionNotMet refuses a fingerprint that is not the current one.
func conditionNotMet(message string) *Error {
	return fail(http.StatusPreconditionFailed, "conditionNotMet", "%s", message)
}

// quotaExceeded refuses more of a metric than the project has; where is
// "globally" or "in region NAME".
func quotaExceeded(metric string, limit float64, where string) *Error {
	e := fail(http.StatusForbidden, "quotaExceeded", "Quota '%s' exceeded.  Limit: %.1f %s.", metric, limit, where)
	e.Errors[0].Domain = "usageLimits"
	return e
}

// rateLimited refuses a request over the limit of a group; the form is the one
// that clients report, with google.rpc.ErrorInfo among the details.
func rateLimited(g quotaGroup, project string, perMinute int) *Error {
	e := fail(http.StatusForbidden, "rateLimitExceeded",
		"Quota exceeded for quota metric '%s' and limit '%s per minute' of service 'compute.googleapis.com' for consumer 'project_number:%d'.",
		g.title, g.title, projectNumber(project))
	e.Errors[0].Domain = "usageLimits"
	e.Status = "PERMISSION_DENIED"
	e.Details = []any{map[string]any{
		"@type":  "type.googleapis.com/google.rpc.ErrorInfo",
		"reason": "RATE_LIMIT_EXCEEDED",
		"domain": "googleapis.com",
		"metadata": map[string]string{
			"consumer":          fmt.Sprintf("projects/%d", projectNumber(project)),
			"quota_limit":       g.limit,
			"quota_limit_value": fmt.Sprint(perMinute),
			"quota_location":    "global",
			"quota_metric":      "compute.googleapis.com/" + g.metric,
			"service":           "compute.googleapis.com",
		},
	}}
	return e
}

// unavailable is what a lost location answers.
func unavailable(what string) *Error {
	e := fail(http.StatusServiceUnavailable, "backendError", "The service is currently unavailable: %s.", what)
	e.Status = "UNAVAILABLE"
	return e
}

// reasonOf is the reason and the message of the statuses that faults are asked
// for.
var reasonOf = map[int][2]string{
	http.StatusBadRequest:          {"badRequest", "Bad Request"},
	http.StatusForbidden:           {"forbidden", "Forbidden"},
	http.StatusNotFound:            {"notFound", "Not Found"},
	http.StatusConflict:            {"conflict", "Conflict"},
	http.StatusPreconditionFailed:  {"conditionNotMet", "Precondition Failed"},
	http.StatusTooManyRequests:     {"rateLimitExceeded", "Too Many Requests"},
	http.StatusInternalServerError: {"internalError", "Internal error. Please try again or contact Google Support."},
	http.StatusBadGateway:          {"backendError", "Bad Gateway"},
	http.StatusServiceUnavailable:  {"backendError", "The service is currently unavailable."},
	http.StatusGatewayTimeout:      {"backendError", "Deadline exceeded"},
}

// What the front does instead of answering.
var (
	errHang = errors.New("no answer")
	errDrop = errors.New("the connection is closed")
)
