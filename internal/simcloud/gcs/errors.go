package gcs

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/objects"
)

// Error is a refusal in the vendor's form.
type Error struct {
	Code    int         `json:"code"`
	Message string      `json:"message"`
	Errors  []ErrorItem `json:"errors"`
}

// ErrorItem is one reason of an Error.
type ErrorItem struct {
	Message      string `json:"message"`
	Domain       string `json:"domain"`
	Reason       string `json:"reason"`
	Location     string `json:"location,omitempty"`
	LocationType string `json:"locationType,omitempty"`
}

func (e *Error) Error() string { return e.Message + " (" + e.Errors[0].Reason + ")" }

func fail(code int, reason, format string, args ...any) *Error {
	m := fmt.Sprintf(format, args...)
	return &Error{Code: code, Message: m, Errors: []ErrorItem{{Message: m, Domain: "global", Reason: reason}}}
}

func invalid(format string, args ...any) *Error {
	return fail(http.StatusBadRequest, "invalid", format, args...)
}

func required(what string) *Error {
	return fail(http.StatusBadRequest, "required", "Required parameter: %s", what)
}

func notBuilt(what string) *Error {
	return fail(http.StatusNotImplemented, "notImplemented", "%s is not implemented.", what)
}

// conditionNotMet refuses for a precondition; the text is the vendor's.
func conditionNotMet() *Error {
	e := fail(http.StatusPreconditionFailed, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.")
	e.Errors[0].LocationType, e.Errors[0].Location = "header", "If-Match"
	return e
}

func noBucket() *Error {
	return fail(http.StatusNotFound, "notFound", "The specified bucket does not exist.")
}

func noObject(bucket, name string) *Error {
	return fail(http.StatusNotFound, "notFound", "No such object: %s/%s", bucket, name)
}

// What the front does instead of answering.
var (
	errHang = errors.New("no answer")
	errDrop = errors.New("the connection is closed")
)

// refusalOf is the refusal that an error stands for. The vendor documents
// objectUnderActiveHold for holds; what its API answers was measured to be
// forbidden.
func refusalOf(err error, bucket string) *Error {
	var e *Error
	var p *objects.ProtectedError
	switch {
	case errors.As(err, &e):
		return e
	case !errors.As(err, &p):
		return fail(http.StatusInternalServerError, "internalError", "%s", err)
	case !p.Until.IsZero():
		return fail(http.StatusForbidden, "retentionPolicyNotMet",
			"Object '%s/%s' is subject to bucket's retention policy or object retention and cannot be deleted or overwritten until %s",
			bucket, p.Version.Name, p.Until.UTC().Format(time.RFC3339Nano))
	}
	kind := "Temporary"
	if p.Version.EventHold {
		kind = "Event-Based"
	}
	return fail(http.StatusForbidden, "forbidden", "Object '%s/%s' is under active %s hold and cannot be deleted, overwritten or archived until hold is removed.",
		bucket, p.Version.Name, kind)
}
