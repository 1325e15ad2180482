package google

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"

	"cloud.google.com/go/compute/apiv1/computepb"
	"google.golang.org/api/googleapi"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

func refusal(status int, reason, message string) error {
	return &googleapi.Error{Code: status, Message: message, Errors: []googleapi.ErrorItem{{Reason: reason, Message: message}}}
}

func operationWith(code, message string) *computepb.Operation {
	return &computepb.Operation{Name: new("operation-1"), Status: new(computepb.Operation_DONE), HttpErrorStatusCode: new(int32(200)),
		SelfLink: new("https://www.googleapis.com/compute/v1/projects/acme-prod/zones/europe-west3-a/operations/operation-1"),
		Error:    &computepb.Error{Errors: []*computepb.Errors{{Code: &code, Message: &message}}}}
}

func TestErrorsInNeutralWords(t *testing.T) {
	d := &Driver{project: "acme-prod"}
	const kms = "Cloud KMS error when using key projects/keys/locations/europe-west3/keyRings/ring/cryptoKeys/disk: Permission 'cloudkms.cryptoKeyVersions.useToEncrypt' denied"
	for what, test := range map[string]struct {
		err           error
		code          cloud.Code
		field, remedy string
	}{
		"not found":              {refusal(404, "notFound", "gone"), cloud.CodeNotFound, "", ""},
		"taken":                  {refusal(409, "alreadyExists", "there"), cloud.CodeNameTaken, "name", ""},
		"in use":                 {refusal(400, "resourceInUseByAnotherResource", "used"), cloud.CodeInUse, "", "still uses it"},
		"not ready":              {refusal(400, "resourceNotReady", "wait"), cloud.CodeConflict, "", "still running"},
		"fingerprint":            {refusal(412, "conditionNotMet", "stale"), cloud.CodeConflict, "", ""},
		"route operation":        {refusal(400, "badRequest", "There is a route operation in progress on the local or peering network. Try again later."), cloud.CodeConflict, "", ""},
		"quota":                  {refusal(403, "quotaExceeded", "Quota 'NETWORKS' exceeded. Limit: 5.0 globally."), cloud.CodeQuota, "", "higher quota"},
		"rate":                   {refusal(403, "rateLimitExceeded", "slow down"), cloud.CodeRateLimited, "", "request rate"},
		"rate as 429":            {refusal(429, "", "slow down"), cloud.CodeRateLimited, "", "request rate"},
		"login":                  {refusal(401, "authError", "Invalid Credentials"), cloud.CodeUnauthorized, "credentials", "GOOGLE_APPLICATION_CREDENTIALS"},
		"permission":             {refusal(403, "forbidden", "Required 'compute.networks.create' permission for 'projects/acme-prod/global/networks/n'"), cloud.CodeUnauthorized, "project", "compute.networks.create"},
		"api off":                {refusal(403, "accessNotConfigured", "off"), cloud.CodeUnauthorized, "", "gcloud services enable"},
		"field":                  {refusal(400, "invalid", "Invalid value for field 'resource.machineType': 'x'. No."), cloud.CodeInvalid, "server_type", ""},
		"disk of another series": {refusal(400, "badRequest", "[c4a-standard-1, pd-balanced] features are not compatible for creating instance."), cloud.CodeInvalid, "server_type", "hyperdisk-balanced"},
		"key":                    {refusal(400, "badRequest", kms), cloud.CodeUnauthorized, "google.kms_key", "add-iam-policy-binding disk --keyring ring --location europe-west3 --project keys"},
		"key in operation":       {operationError(operationWith("INVALID_USAGE", kms)), cloud.CodeUnauthorized, "google.kms_key", "gcloud projects describe acme-prod"},
		"no room": {operationError(operationWith("ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS", "The zone does not have enough resources")),
			cloud.CodeCapacity, "server_type", "another server type"},
		"quota in operation":    {operationError(operationWith("QUOTA_EXCEEDED", "Quota 'CPUS' exceeded")), cloud.CodeQuota, "", ""},
		"in use in operation":   {operationError(operationWith("RESOURCE_IN_USE_BY_ANOTHER_RESOURCE", "used")), cloud.CodeInUse, "", ""},
		"internal in operation": {operationError(operationWith("INTERNAL_ERROR", "sorry")), cloud.CodeOperationFailed, "", ""},
		"unknown in operation":  {operationError(operationWith("NEVER_SEEN", "?")), cloud.CodeOperationFailed, "", ""},
		"broken":                {refusal(503, "backendError", "sorry"), cloud.CodeUnavailable, "", "status.cloud.google.com"},
		"broken without body":   {&googleapi.Error{Code: 502}, cloud.CodeUnavailable, "", ""},
		"no connection":         {&url.Error{Op: "Get", URL: "https://x", Err: errors.New("refused")}, cloud.CodeUnavailable, "", ""},
		"unknown reason":        {refusal(418, "teapot", "?"), cloud.CodeInvalid, "", ""},
		"cancelled":             {context.Canceled, cloud.CodeUnavailable, "", ""},
	} {
		t.Run(what, func(t *testing.T) {
			var failed *cloud.Error
			if !errors.As(d.fail(test.err, cloud.KindVM, "id", "create VM"), &failed) {
				t.Fatal("no cloud.Error")
			}
			if failed.Code != test.code || failed.Field != test.field || !strings.Contains(failed.Remedy, test.remedy) {
				t.Errorf("code %s, field %q, remedy %q", failed.Code, failed.Field, failed.Remedy)
			}
			if failed.Cloud != Name || failed.Kind != cloud.KindVM || failed.ID != "id" || failed.Doing == "" {
				t.Errorf("incomplete: %+v", failed)
			}
		})
	}
}

func TestStaleIsNotBusy(t *testing.T) {
	stale, busy := refusal(412, "conditionNotMet", ""), refusal(400, "resourceNotReady", "")
	if !isStale(stale) || isBusy(stale) || isStale(busy) || !isBusy(busy) {
		t.Error("a late fingerprint and a busy object are taken for each other")
	}
	if operationError(&computepb.Operation{Status: new(computepb.Operation_DONE)}) != nil {
		t.Error("an operation that ended well is an error")
	}
	if operationError(&computepb.Operation{Status: new(computepb.Operation_DONE), HttpErrorStatusCode: new(int32(409)), HttpErrorMessage: new("CONFLICT")}) == nil {
		t.Error("an operation with an HTTP error ended well")
	}
}
