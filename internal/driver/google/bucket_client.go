package google

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"cloud.google.com/go/storage"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// StorageEndpoint is where the vendor has Cloud Storage's JSON API.
const StorageEndpoint = "https://storage.googleapis.com/storage/v1/"

// buckets implements cloud.Buckets over Cloud Storage. Its client is made at the
// first use.
type buckets struct {
	d       *Driver
	options Options
	now     func() time.Time

	once   sync.Once
	client *storage.Client
	failed error
}

var _ cloud.Buckets = (*buckets)(nil)

func newBuckets(d *Driver, options Options) *buckets {
	b := &buckets{d: d, options: options, now: options.Now}
	if b.now == nil {
		b.now = time.Now
	}
	if b.options.StorageClient == nil {
		b.options.StorageClient = options.HTTPClient
	}
	return b
}

// open makes the client, which contacts nobody, or tells why there is none.
func (b *buckets) open() error {
	b.once.Do(func() { b.client, b.failed = b.connect() })
	return b.failed
}

func (b *buckets) connect() (*storage.Client, error) {
	bad := func(message, remedy string, err error) error {
		return &cloud.Error{Code: cloud.CodeInvalid, Cloud: Name, Kind: cloud.KindBucket, Doing: "use Cloud Storage", Field: "storage_endpoint",
			Message: message, Remedy: remedy, Err: err}
	}
	endpoint := b.options.StorageEndpoint
	switch {
	case endpoint == "" && b.options.Endpoint != "":
		return nil, bad("Compute Engine's endpoint is not the vendor's own, and none is given for Cloud Storage",
			"Set GOOGLE_STORAGE_CUSTOM_ENDPOINT, or storage_endpoint in the provider's google block.", nil)
	case endpoint == "":
		endpoint = StorageEndpoint
	default:
		at, err := url.Parse(endpoint)
		if err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https" {
			return nil, bad(fmt.Sprintf("%q is not a URL", endpoint), "Write it like "+StorageEndpoint+".", err)
		}
		endpoint = strings.TrimSuffix(strings.TrimRight(endpoint, "/"), "/storage/v1") + "/storage/v1/"
	}
	// The HTTP client below has the credentials: without the second option the
	// SDK would look for others on the machine.
	client, err := storage.NewClient(context.Background(), option.WithHTTPClient(named(b.options.StorageClient, b.options.Version)),
		option.WithoutAuthentication(), option.WithEndpoint(endpoint), storage.WithJSONReads())
	if err != nil {
		return nil, bad(err.Error(), "", err)
	}
	// The HTTP client repeats requests, and knows the rate.
	client.SetRetry(storage.WithPolicy(storage.RetryNever))
	return client, nil
}

// What a request was for, where the same refusal means different things.
const (
	creating = "create backup bucket"
	deleting = "delete backup bucket"
)

// fail makes a cloud.Error of whatever went wrong at Cloud Storage.
func (b *buckets) fail(err error, id, doing string) error {
	if err == nil {
		return nil
	}
	var known *cloud.Error
	if errors.As(err, &known) {
		return cloud.Completed(err, cloud.Error{Cloud: Name, Kind: cloud.KindBucket, ID: id, Doing: doing})
	}
	failed := &cloud.Error{Code: cloud.CodeUnavailable, Cloud: Name, Kind: cloud.KindBucket, ID: id, Doing: doing, Err: err}
	var api *googleapi.Error
	switch {
	case errors.Is(err, context.Canceled):
		failed.Message = "interrupted"
	case errors.Is(err, context.DeadlineExceeded):
		failed.Message = "the time allowed for it ran out"
	case errors.As(err, &api):
		failed.VendorCode, failed.Message = reasonOf(api), api.Message
		failed.Code, failed.Field, failed.Remedy = classifyStorage(api.Code, failed.VendorCode, api.Message, doing)
	case errors.Is(err, storage.ErrBucketNotExist), errors.Is(err, storage.ErrObjectNotExist):
		failed.Code = cloud.CodeNotFound
	}
	return failed
}

// classifyStorage translates a refusal into a neutral code, the attribute at
// fault where it tells, and what to do.
func classifyStorage(status int, reason, message, doing string) (code cloud.Code, field, remedy string) {
	switch {
	case reason == "retentionPolicyNotMet", reason == "objectUnderActiveHold",
		// What the service really answers for holds.
		status == http.StatusForbidden && strings.Contains(message, "hold") && strings.Contains(message, "cannot be deleted"):
		return cloud.CodeProtected, "", "Nobody can delete it before its time. Take the bucket out of the state (terraform state rm) if it is no longer to be managed."
	case status == http.StatusConflict && doing == creating:
		return cloud.CodeNameTaken, "name", "The names of buckets are unique among all of the vendor's customers: rename it, or use another deployment."
	case status == http.StatusConflict && doing == deleting:
		return cloud.CodeInUse, "force_destroy", "Delete the objects in it first, or set force_destroy = true and apply before it is removed."
	case status == http.StatusTooManyRequests, reason == "rateLimitExceeded", reason == "userRateLimitExceeded":
		return cloud.CodeRateLimited, "", "Cloud Storage's request rate is used up. Apply again in a few minutes."
	case strings.Contains(message, "KMS"), strings.Contains(message, "cryptoKey"):
		return cloud.CodeInvalid, "google.kms_key", "Let Cloud Storage's service agent use the key (roles/cloudkms.cryptoKeyEncrypterDecrypter), which has to be in the bucket's region."
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return cloud.CodeUnauthorized, "", "The credentials need the role roles/storage.admin in the project, or the permission that the message names."
	case status == http.StatusPreconditionFailed:
		return cloud.CodeConflict, "", "The bucket changed in the meantime. Apply again."
	case status >= http.StatusInternalServerError && status != http.StatusNotImplemented:
		return cloud.CodeUnavailable, "", "The vendor's API failed. Apply again; https://status.cloud.google.com tells of known disturbances."
	case status == http.StatusNotImplemented:
		return cloud.CodeUnsupported, "", ""
	default:
		return codeOfStatus(status), "", ""
	}
}
