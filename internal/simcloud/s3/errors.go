package s3

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/objects"
)

// Error is a refusal in the vendor's form.
type Error struct {
	XMLName   xml.Name `xml:"Error"`
	Code      string
	Message   string `xml:",omitempty"`
	Bucket    string `xml:"BucketName,omitempty"`
	Key       string `xml:",omitempty"`
	RequestID string `xml:"RequestId"`
	HostID    string `xml:"HostId"`

	status int
	header map[string]string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// statusOf has the HTTP status of the error codes. Codes and statuses are those of
// the Ceph gateway's table (rgw_http_s3_errors in rgw_common.cc), which differs
// from Amazon's in some: a missing retention is ObjectLockConfigurationNotFoundError.
var statusOf = map[string]int{
	"NotModified": 304,

	"BadDigest": 400, "EntityTooLarge": 400, "EntityTooSmall": 400, "IncompleteBody": 400, "InvalidArgument": 400,
	"InvalidBucketName": 400, "InvalidDigest": 400, "InvalidLocationConstraint": 400, "InvalidPart": 400,
	"InvalidPartOrder": 400, "InvalidRequest": 400, "InvalidTag": 400, "KeyTooLongError": 400, "MalformedXML": 400,
	"MalformedPolicy": 400, "XAmzContentSHA256Mismatch": 400, "AuthorizationHeaderMalformed": 400,
	"AuthorizationQueryParametersError": 400,

	"AccessDenied": 403, "InvalidAccessKeyId": 403, "RequestTimeTooSkewed": 403, "SignatureDoesNotMatch": 403,

	"NoSuchBucket": 404, "NoSuchBucketPolicy": 404, "NoSuchCORSConfiguration": 404, "NoSuchKey": 404,
	"NoSuchLifecycleConfiguration": 404, "NoSuchPublicAccessBlockConfiguration": 404, "NoSuchTagSet": 404,
	"NoSuchUpload": 404, "NoSuchVersion": 404, "NoSuchWebsiteConfiguration": 404,
	"ObjectLockConfigurationNotFoundError": 404, "ReplicationConfigurationNotFoundError": 404,
	"ServerSideEncryptionConfigurationNotFoundError": 404,

	"MethodNotAllowed": 405,

	"BucketAlreadyExists": 409, "BucketAlreadyOwnedByYou": 409, "BucketNotEmpty": 409, "InvalidBucketState": 409,
	"MissingContentLength": 411, "PreconditionFailed": 412, "InvalidRange": 416,
	"InternalError": 500, "NotImplemented": 501, "ServiceUnavailable": 503, "SlowDown": 503,
}

// usual is what the codes say where there is nothing more to say.
var usual = map[string]string{
	"AccessDenied":                         "Access Denied.",
	"BadDigest":                            "The Content-MD5 or checksum you specified did not match what we received.",
	"BucketAlreadyExists":                  "The requested bucket name is not available. The bucket namespace is shared by all users of the system.",
	"BucketAlreadyOwnedByYou":              "Your previous request to create the named bucket succeeded and you already own it.",
	"BucketNotEmpty":                       "The bucket you tried to delete is not empty.",
	"IncompleteBody":                       "You did not provide the number of bytes specified by the Content-Length HTTP header.",
	"InvalidAccessKeyId":                   "The AWS access key Id you provided does not exist in our records.",
	"InvalidBucketName":                    "The specified bucket is not valid.",
	"InvalidRange":                         "The requested range is not satisfiable.",
	"MalformedXML":                         "The XML you provided was not well-formed or did not validate against our published schema.",
	"MethodNotAllowed":                     "The specified method is not allowed against this resource.",
	"NoSuchBucket":                         "The specified bucket does not exist.",
	"NoSuchKey":                            "The specified key does not exist.",
	"NoSuchUpload":                         "The specified multipart upload does not exist.",
	"NoSuchVersion":                        "The specified version does not exist.",
	"NotImplemented":                       "This functionality is not implemented.",
	"ObjectLockConfigurationNotFoundError": "Object Lock configuration does not exist for this bucket or object.",
	"PreconditionFailed":                   "At least one of the pre-conditions you specified did not hold.",
	"RequestTimeTooSkewed":                 "The difference between the request time and the server's time is too large.",
	"ServiceUnavailable":                   "Please reduce your request rate.",
	"SignatureDoesNotMatch":                "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
	"SlowDown":                             "Please reduce your request rate.",
}

// fail makes a refusal. An empty format takes the code's usual message.
func fail(code, format string, args ...any) *Error {
	e := &Error{Code: code, Message: fmt.Sprintf(format, args...), status: statusOf[code]}
	if format == "" {
		e.Message = usual[code]
	}
	if e.status == 0 {
		e.status = http.StatusInternalServerError
	}
	return e
}

// refusalOf is the refusal that an error stands for.
func refusalOf(err error) *Error {
	var e *Error
	var p *objects.ProtectedError
	switch {
	case errors.As(err, &e):
		return e
	case errors.As(err, &p):
		return fail("AccessDenied", "Access Denied because object protected by object lock.")
	}
	return fail("InternalError", "%s", err)
}
