package google

import (
	"context"
	"errors"
	"net/http"

	"google.golang.org/api/googleapi"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// fail makes a cloud.Error of whatever went wrong: an answer of the API, a
// broken connection, an ended context, or a cloud.Error from below, of which
// the empty fields are filled in.
func (d *Driver) fail(err error, kind cloud.Kind, id, doing string) error {
	if err == nil {
		return nil
	}
	var (
		known *cloud.Error
		api   *googleapi.Error
	)
	failed := &cloud.Error{Cloud: Name, Kind: kind, ID: id, Doing: doing, Err: err}
	switch {
	case errors.As(err, &known):
		return cloud.Completed(err, *failed)
	case errors.As(err, &api):
		failed.VendorCode, failed.Message = reasonOf(api), api.Message
		d.explain(failed, api.Code)
	case errors.Is(err, context.Canceled):
		failed.Code, failed.Message = cloud.CodeUnavailable, "interrupted"
	case errors.Is(err, context.DeadlineExceeded):
		failed.Code, failed.Message = cloud.CodeUnavailable, "the time allowed for it ran out"
	default:
		failed.Code = cloud.CodeUnavailable
	}
	return failed
}

// reasonOf is the first reason that an answer gives.
func reasonOf(api *googleapi.Error) string {
	for _, item := range api.Errors {
		if item.Reason != "" {
			return item.Reason
		}
	}
	return ""
}

// codeOfStatus classifies an answer whose reason is not known here.
func codeOfStatus(status int) cloud.Code {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return cloud.CodeUnauthorized
	case status == http.StatusNotFound:
		return cloud.CodeNotFound
	case status == http.StatusConflict, status == http.StatusPreconditionFailed:
		return cloud.CodeConflict
	case status == http.StatusTooManyRequests:
		return cloud.CodeRateLimited
	case status >= 500:
		return cloud.CodeUnavailable
	case status >= 400:
		return cloud.CodeInvalid
	default:
		return cloud.CodeUnknown
	}
}

// codeOf classifies an error of the SDK or of this driver.
func codeOf(err error) cloud.Code {
	var (
		known *cloud.Error
		api   *googleapi.Error
	)
	switch {
	case err == nil:
		return ""
	case errors.As(err, &known):
		return known.Code
	case errors.As(err, &api):
		if code, ok := classify(reasonOf(api), api.Message); ok {
			return code
		}
		return codeOfStatus(api.Code)
	default:
		return cloud.CodeUnavailable
	}
}

// isNotFound tells whether the object itself does not exist.
func isNotFound(err error) bool { return codeOf(err) == cloud.CodeNotFound }

// isStale tells whether a write was refused because its fingerprint was that
// of an older state.
func isStale(err error) bool {
	var (
		known *cloud.Error
		api   *googleapi.Error
	)
	switch {
	case errors.As(err, &known):
		return normal(known.VendorCode) == "conditionnotmet"
	case errors.As(err, &api):
		return api.Code == http.StatusPreconditionFailed || normal(reasonOf(api)) == "conditionnotmet"
	}
	return false
}

// isBusy tells whether a refusal passes by itself: another operation is at
// work on the object, or on one that it refers to.
func isBusy(err error) bool { return codeOf(err) == cloud.CodeConflict && !isStale(err) }

// isInUse tells whether something else still needs the object.
func isInUse(err error) bool { return codeOf(err) == cloud.CodeInUse }

// unsupported says that an attribute cannot change in place.
func unsupported(kind cloud.Kind, id, field, message string) error {
	return cloud.Unsupported(Name, kind, id, field, message)
}

// invalid says that the vendor has no such thing.
func invalid(kind cloud.Kind, field, message, remedy string) error {
	return &cloud.Error{Code: cloud.CodeInvalid, Cloud: Name, Kind: kind, Field: field, Message: message, Remedy: remedy}
}
