package cloud

import (
	"errors"
	"fmt"
	"strings"
)

// Code classifies an error of a cloud in neutral words.
type Code string

// The codes. Whether trying again can help is said by Code.Temporary.
const (
	// CodeNotFound: the object does not exist (any more).
	CodeNotFound Code = "not_found"
	// CodeNameTaken: an object that this deployment does not own has the name.
	CodeNameTaken Code = "name_taken"
	// CodeConflict: the object changed, or is locked by a running operation.
	CodeConflict Code = "conflict"
	// CodeInUse: another object still needs this one.
	CodeInUse Code = "in_use"
	// CodeProtected: the vendor's deletion protection is on.
	CodeProtected Code = "protected"
	// CodeCapacity: the location has no room for this server type now.
	CodeCapacity Code = "capacity"
	// CodeQuota: the account's limit for a kind of object is reached.
	CodeQuota Code = "quota"
	// CodeRateLimited: the account's request limit is reached.
	CodeRateLimited Code = "rate_limited"
	// CodeUnavailable: the vendor's API failed or could not be reached.
	CodeUnavailable Code = "unavailable"
	// CodeUnauthorized: the credentials are missing, wrong or too weak.
	CodeUnauthorized Code = "unauthorized"
	// CodeInvalid: the vendor refused the input.
	CodeInvalid Code = "invalid"
	// CodeUnsupported: the driver or vendor cannot do this.
	CodeUnsupported Code = "unsupported"
	// CodeOperationFailed: an asynchronous operation ended in failure. Of a
	// create: the object itself came to nothing.
	CodeOperationFailed Code = "operation_failed"
	// CodeUnfinished: a create made the object, or found it, and something
	// that belongs to it failed: an update may bring it to its spec.
	CodeUnfinished Code = "unfinished"
	// CodeUnknown: anything that the driver could not classify.
	CodeUnknown Code = "unknown"
)

// Temporary tells whether the same request may succeed later without anybody
// changing the configuration.
func (c Code) Temporary() bool {
	return c == CodeConflict || c == CodeRateLimited || c == CodeUnavailable
}

// Error is what drivers answer with.
type Error struct {
	Code Code
	// Cloud is the vendor's short name.
	Cloud string
	// Kind and ID say which object is meant; ID may be empty before creation.
	Kind Kind
	ID   string
	// Doing says what was attempted, as a verb phrase: "create volume".
	Doing string
	// VendorCode and Message are the API's own words.
	VendorCode string
	Message    string
	// Field names the spec's field at fault in the words of the Terraform
	// schema ("server_type"), if the vendor said it.
	Field string
	// Remedy says what to do, if it is known better than the code tells.
	Remedy string
	Err    error
}

// Error gives one line: what was attempted, on which object, what the API
// answered.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Cloud != "" {
		b.WriteString(e.Cloud + ": ")
	}
	if e.Doing != "" {
		b.WriteString(e.Doing)
	} else {
		b.WriteString(string(e.Kind))
	}
	if e.ID != "" {
		b.WriteString(" " + e.ID)
	}
	b.WriteString(": ")
	if e.Message != "" {
		b.WriteString(e.Message)
	} else if e.Err != nil {
		b.WriteString(e.Err.Error())
	} else {
		b.WriteString(string(e.Code))
	}
	if e.VendorCode != "" {
		fmt.Fprintf(&b, " (%s)", e.VendorCode)
	}
	return b.String()
}

// Unwrap gives the vendor SDK's error.
func (e *Error) Unwrap() error { return e.Err }

// CodeOf finds the code of an error, CodeUnknown if it has none, and the
// empty code for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return CodeUnknown
}

// IsNotFound tells whether the object does not exist.
func IsNotFound(err error) bool { return CodeOf(err) == CodeNotFound }
