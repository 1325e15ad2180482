package hetzner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

func response(status int) *hcloud.Response {
	return &hcloud.Response{Response: &http.Response{StatusCode: status}}
}

func TestErrorCodes(t *testing.T) {
	for vendor, want := range map[hcloud.ErrorCode]cloud.Code{
		hcloud.ErrorCodeNotFound:              cloud.CodeNotFound,
		hcloud.ErrorCodeUniquenessError:       cloud.CodeNameTaken,
		hcloud.ErrorCodeLocked:                cloud.CodeConflict,
		hcloud.ErrorCodeConflict:              cloud.CodeConflict,
		hcloud.ErrorCodeResourceInUse:         cloud.CodeInUse,
		hcloud.ErrorCodeVolumeAlreadyAttached: cloud.CodeInUse,
		hcloud.ErrorCodeProtected:             cloud.CodeProtected,
		hcloud.ErrorCodeResourceUnavailable:   cloud.CodeCapacity,
		hcloud.ErrorCodePlacementError:        cloud.CodeCapacity,
		hcloud.ErrorCodeNoSpaceLeftInLocation: cloud.CodeCapacity,
		hcloud.ErrorCodeResourceLimitExceeded: cloud.CodeQuota,
		hcloud.ErrorCodeRateLimitExceeded:     cloud.CodeRateLimited,
		hcloud.ErrorCodeUnauthorized:          cloud.CodeUnauthorized,
		hcloud.ErrorCodeForbidden:             cloud.CodeUnauthorized,
		"token_readonly":                      cloud.CodeUnauthorized,
		hcloud.ErrorCodeInvalidInput:          cloud.CodeInvalid,
		hcloud.ErrorCodeIPNotAvailable:        cloud.CodeInvalid,
		hcloud.ErrorCodeServerError:           cloud.CodeUnavailable,
		hcloud.ErrorCodeMaintenance:           cloud.CodeUnavailable,
		"unavailable":                         cloud.CodeUnavailable,
		hcloud.ErrorUnsupportedError:          cloud.CodeUnsupported,
		hcloud.ErrorDeprecatedAPIEndpoint:     cloud.CodeUnsupported,
	} {
		err := fail(hcloud.Error{Code: vendor, Message: "said so"}, cloud.KindVM, "7", "create VM")
		if got := cloud.CodeOf(err); got != want {
			t.Errorf("%s becomes %s, want %s", vendor, got, want)
		}
		if !strings.Contains(err.Error(), "hetzner: create VM 7: said so ("+string(vendor)+")") {
			t.Errorf("the message is %q", err)
		}
	}
}

func TestUnknownCodesFollowTheStatus(t *testing.T) {
	for status, want := range map[int]cloud.Code{
		401: cloud.CodeUnauthorized, 404: cloud.CodeNotFound, 409: cloud.CodeConflict, 418: cloud.CodeInvalid,
		423: cloud.CodeConflict, 429: cloud.CodeRateLimited, 500: cloud.CodeUnavailable, 503: cloud.CodeUnavailable,
	} {
		withCode := answered(response(status), hcloud.Error{Code: "brand_new", Message: "?"})
		withoutBody := answered(response(status), fmt.Errorf("hcloud: %w %d", hcloud.ErrStatusCode, status))
		for _, err := range []error{withCode, withoutBody} {
			if got := cloud.CodeOf(fail(err, cloud.KindVM, "", "read VM")); got != want {
				t.Errorf("%v with status %d becomes %s, want %s", err, status, got, want)
			}
		}
	}
}

func TestErrorsOfTheConnection(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want cloud.Code
	}{
		"broken connection": {io.ErrUnexpectedEOF, cloud.CodeUnavailable},
		"interrupted":       {context.Canceled, cloud.CodeUnavailable},
		"deadline":          {fmt.Errorf("waiting: %w", context.DeadlineExceeded), cloud.CodeUnavailable},
		"bad argument":      {hcloud.ArgumentError("missing field"), cloud.CodeInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			err := fail(test.err, cloud.KindNetwork, "", "create network")
			if got := cloud.CodeOf(err); got != test.want {
				t.Errorf("code %s, want %s", got, test.want)
			}
			if !errors.Is(err, test.err) {
				t.Error("the cause is lost")
			}
		})
	}
	if fail(nil, cloud.KindVM, "", "") != nil {
		t.Error("no error became one")
	}
}

func TestInvalidInputNamesOurAttribute(t *testing.T) {
	for field, want := range map[string]string{
		"server_type": "server_type", "ssh_keys": "ssh_key_ids", "firewalls": "firewall_ids", "volumes": "volume_ids",
		"networks": "network_id", "network": "network_id", "ip": "private_ip", "ip_range": "cidr", "size": "size_gb",
		"rules.0.port": "rules", "rules[2].source_ips": "rules", "user_data": "user_data", "placement_group": "hetzner.placement_group_id",
		"automount": "",
	} {
		api := hcloud.Error{Code: hcloud.ErrorCodeInvalidInput, Message: "invalid input", Details: hcloud.ErrorDetailsInvalidInput{
			Fields: []hcloud.ErrorDetailsInvalidInputField{{Name: field, Messages: []string{"is wrong"}}}}}
		var got *cloud.Error
		if !errors.As(fail(api, cloud.KindVM, "", "create VM"), &got) {
			t.Fatal("not a cloud.Error")
		}
		if got.Field != want {
			t.Errorf("%s is attributed to %q, want %q", field, got.Field, want)
		}
		if !strings.Contains(got.Message, field+": is wrong") {
			t.Errorf("the message %q does not say what is wrong", got.Message)
		}
	}
}

func TestInnerErrorIsCompletedNotReplaced(t *testing.T) {
	inner := &cloud.Error{Code: cloud.CodeInUse, Message: "VM 5 holds it", Field: "volume_ids"}
	var got *cloud.Error
	if !errors.As(fail(fmt.Errorf("step: %w", inner), cloud.KindVM, "9", "attach volume 3 to VM"), &got) {
		t.Fatal("not a cloud.Error")
	}
	if got.Code != cloud.CodeInUse || got.Field != "volume_ids" || got.ID != "9" || got.Kind != cloud.KindVM || got.Doing != "attach volume 3 to VM" {
		t.Errorf("got %+v", got)
	}
	if inner.ID != "" {
		t.Error("the inner error was changed")
	}
}

func TestTokenIsCheckedWithoutEcho(t *testing.T) {
	for _, token := range []string{"", "secret\n", "sec ret"} {
		_, err := New(Options{Token: token, HTTPClient: http.DefaultClient, NewWaiter: func(cloud.OperationPoller) cloud.Waiter { return nil }})
		if cloud.CodeOf(err) != cloud.CodeUnauthorized {
			t.Errorf("%q is refused with %v", token, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Error("the message holds the token")
		}
	}
}
