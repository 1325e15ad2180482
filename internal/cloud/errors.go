package cloud

import (
	"errors"
	"fmt"
	"slices"
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

// HasCode tells whether an error has one of the codes.
func HasCode(err error, codes ...Code) bool { return slices.Contains(codes, CodeOf(err)) }

// Completed is an error that comes from below, with its empty fields filled in
// from what the caller knows. An error that is no *Error is given back as it is.
func Completed(err error, context Error) error {
	var known *Error
	if !errors.As(err, &known) {
		return err
	}
	merged := *known
	fill := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	fill(&merged.Cloud, context.Cloud)
	fill((*string)(&merged.Kind), string(context.Kind))
	fill(&merged.Doing, context.Doing)
	fill(&merged.ID, context.ID)
	return &merged
}

// Unfinished tells the caller of a create that the failure is not the object's
// own: it was a change of an object that is in order. Errors that do not say
// that an operation failed are given back as they are.
func Unfinished(err error) error {
	var failed *Error
	if !HasCode(err, CodeOperationFailed, CodeNotFound) || !errors.As(err, &failed) {
		return err
	}
	left := *failed
	left.Code, left.Err = CodeUnfinished, err
	return &left
}

// Unsupported says that an attribute cannot change in place.
func Unsupported(cloud string, kind Kind, id, field, message string) error {
	return &Error{Code: CodeUnsupported, Cloud: cloud, Kind: kind, ID: id, Doing: "change " + kind.Noun(),
		Field: field, Message: message, Remedy: "Replace the object, or undo the change."}
}

// CheckTenant refuses to hand one tenant's machine, disk or network over to
// another (ISO-2). What had no tenant may get one.
func CheckTenant(cloud string, kind Kind, id string, have, want Meta) error {
	switch kind {
	case KindVM, KindVolume, KindNetwork:
		if have.Tenant != "" && have.Tenant != want.Tenant {
			return Unsupported(cloud, kind, id, "tenant", fmt.Sprintf("it belongs to the tenant %q, and never becomes another's (ISO-2)", have.Tenant))
		}
	}
	return nil
}
