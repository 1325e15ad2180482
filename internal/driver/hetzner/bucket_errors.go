package hetzner

import (
	"context"
	"errors"
	"net/http"

	"github.com/minio/minio-go/v7"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// failBucket makes a cloud.Error of whatever went wrong at an object store.
func failBucket(err error, id, doing string) error {
	if err == nil {
		return nil
	}
	var (
		known   *cloud.Error
		refusal minio.ErrorResponse
	)
	failed := &cloud.Error{Cloud: Name, Kind: cloud.KindBucket, ID: id, Doing: doing, Err: err}
	switch {
	case errors.As(err, &known):
		return cloud.Completed(err, *failed)
	case errors.Is(err, context.Canceled):
		failed.Code, failed.Message = cloud.CodeUnavailable, "interrupted"
	case errors.Is(err, context.DeadlineExceeded):
		failed.Code, failed.Message = cloud.CodeUnavailable, "the time allowed for it ran out"
	case errors.As(err, &refusal) && (refusal.StatusCode != 0 || refusal.Code != ""):
		failed.VendorCode, failed.Message = refusal.Code, refusal.Error()
		failed.Code, failed.Field, failed.Remedy = classifyS3(refusal.Code)
		if failed.Code == cloud.CodeUnknown {
			failed.Code = codeOfS3Status(refusal.StatusCode)
		}
	default:
		failed.Code = cloud.CodeUnavailable
	}
	return failed
}

// s3Code is the store's error code; empty for any other error.
func s3Code(err error) string {
	var refusal minio.ErrorResponse
	if errors.As(err, &refusal) {
		return refusal.Code
	}
	return ""
}

const (
	keysRemedy = "Set HCLOUD_S3_ACCESS_KEY and HCLOUD_S3_SECRET_KEY, or object_storage in the provider's hetzner block, to a pair of S3 keys of the project. " +
		"They are made in the Hetzner Cloud Console."
	fullRemedy = "Delete the objects in it first, or set force_destroy = true and apply before it is removed."
)

// classifyS3 translates the error codes of Amazon's S3 and of the Ceph gateway
// into a neutral code, the attribute at fault where the code tells it, and what
// to do.
func classifyS3(code string) (neutral cloud.Code, field, remedy string) {
	switch code {
	case "NoSuchBucket", "NoSuchKey", "NoSuchVersion", "NoSuchUpload",
		// The store knows of the bucket, and that it is elsewhere.
		"PermanentRedirect":
		return cloud.CodeNotFound, "", ""
	case "BucketAlreadyExists":
		return cloud.CodeNameTaken, "name",
			"The names of buckets are unique among all of the vendor's customers: rename it, or use another deployment."
	case "BucketAlreadyOwnedByYou":
		return cloud.CodeNameTaken, "name", ""
	case "BucketNotEmpty":
		return cloud.CodeInUse, "force_destroy", fullRemedy
	case "TooManyBuckets", "QuotaExceeded":
		return cloud.CodeQuota, "", "Ask for a higher limit in the Hetzner Cloud Console (project, Limits), or delete buckets that are not needed."
	case "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "AuthorizationHeaderMalformed", "AccountProblem":
		return cloud.CodeUnauthorized, "", keysRemedy
	case "RequestTimeTooSkewed":
		return cloud.CodeUnauthorized, "", "The clock of this machine is wrong by more than a quarter of an hour. Set it."
	case "SlowDown", "TooManyRequests", "RequestLimitExceeded":
		return cloud.CodeRateLimited, "", "The object store's request limit is reached. Apply again in a few minutes."
	case "InternalError", "ServiceUnavailable", "RequestTimeout", "Busy":
		return cloud.CodeUnavailable, "", "The vendor's object store failed. Apply again; https://status.hetzner.com tells of known disturbances."
	case "OperationAborted", "Conflict", "ConditionalRequestConflict":
		return cloud.CodeConflict, "", "Another change of the same bucket is still running. Apply again when it has ended."
	case "InvalidBucketState":
		return cloud.CodeUnsupported, "immutable_days", "Object lock can only be switched on when a bucket is made: replace the bucket."
	case "InvalidBucketName":
		return cloud.CodeInvalid, "name", ""
	case "InvalidLocationConstraint", "IllegalLocationConstraintException":
		return cloud.CodeInvalid, "location", ""
	case "NotImplemented", "MethodNotAllowed":
		return cloud.CodeUnsupported, "", ""
	default:
		return cloud.CodeUnknown, "", ""
	}
}

func codeOfS3Status(status int) cloud.Code {
	if status == http.StatusForbidden || status == http.StatusUnauthorized {
		return cloud.CodeUnauthorized
	}
	return codeOfStatus(status)
}
