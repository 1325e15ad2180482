package hetzner

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// statusError keeps the HTTP status beside the SDK's error, which loses it
// when the answer had no error body.
type statusError struct {
	status int
	err    error
}

func (e *statusError) Error() string { return e.err.Error() }
func (e *statusError) Unwrap() error { return e.err }

// answered joins what an SDK call returned into one error.
func answered(resp *hcloud.Response, err error) error {
	if err == nil || resp == nil || resp.Response == nil {
		return err
	}
	return &statusError{status: resp.StatusCode, err: err}
}

// fail makes a cloud.Error of whatever went wrong: an answer of the API, a
// broken connection, an ended context, or a cloud.Error from below, of which
// the empty fields are filled in. It is the only place that knows the vendor's
// error codes.
func fail(err error, kind cloud.Kind, id, doing string) error {
	if err == nil {
		return nil
	}
	failed := &cloud.Error{Cloud: Name, Kind: kind, ID: id, Doing: doing, Err: err}
	var (
		known    *cloud.Error
		api      hcloud.Error
		argument hcloud.ArgumentError
		status   *statusError
	)
	switch {
	case errors.As(err, &known):
		return cloud.Completed(err, *failed)
	case errors.As(err, &api):
		failed.VendorCode, failed.Message = string(api.Code), api.Message
		failed.Code, failed.Field, failed.Remedy = classify(api.Code)
		if failed.Code == cloud.CodeUnknown && errors.As(err, &status) {
			failed.Code = codeOfStatus(status.status)
		}
		if details, ok := api.Details.(hcloud.ErrorDetailsInvalidInput); ok {
			describeInput(failed, kind, details)
		}
	case errors.As(err, &argument):
		failed.Code, failed.Message = cloud.CodeInvalid, argument.Error()
	case errors.Is(err, context.Canceled):
		failed.Code, failed.Message = cloud.CodeUnavailable, "interrupted"
	case errors.Is(err, context.DeadlineExceeded):
		failed.Code, failed.Message = cloud.CodeUnavailable, "the time allowed for it ran out"
	case errors.As(err, &status) && status.status >= 400:
		failed.Code = codeOfStatus(status.status)
		failed.Message = "the API answered " + http.StatusText(status.status) + " without a reason"
	default:
		failed.Code = cloud.CodeUnavailable
	}
	return failed
}

// classify translates the vendor's error code into a neutral code, the
// attribute that is at fault where the code tells it, and what to do.
func classify(code hcloud.ErrorCode) (neutral cloud.Code, field, remedy string) {
	switch code {
	case hcloud.ErrorCodeNotFound:
		return cloud.CodeNotFound, "", ""
	case hcloud.ErrorCodeFirewallResourceNotFound:
		return cloud.CodeNotFound, "firewall_ids", ""
	case hcloud.ErrorCodeUniquenessError:
		return cloud.CodeNameTaken, "name", ""
	case hcloud.ErrorCodeLocked, hcloud.ErrorCodeConflict:
		return cloud.CodeConflict, "", "Another change of the same object is still running. Apply again when it has ended."
	case hcloud.ErrorCodeServerAlreadyAttached, hcloud.ErrorCodeFirewallAlreadyApplied, hcloud.ErrorCodeServerNotStopped, "already_in_placement_group":
		return cloud.CodeConflict, "", "The object changed in the meantime. Apply again."
	case hcloud.ErrorCodeResourceInUse, hcloud.ErrorCodePrimaryIPAssigned, hcloud.ErrorCodePrimaryIPAlreadyAssigned:
		return cloud.CodeInUse, "", "Detach it from what still uses it, then apply again."
	case hcloud.ErrorCodeVolumeAlreadyAttached:
		return cloud.CodeInUse, "volume_ids", "Take the volume away from the VM that holds it, then apply again."
	case hcloud.ErrorCodeProtected:
		return cloud.CodeProtected, "deletion_protection",
			"Set deletion_protection = false and apply, then remove the object. Protection that was set in the Hetzner Cloud Console is taken off there."
	case hcloud.ErrorCodeResourceUnavailable, hcloud.ErrorCodePlacementError:
		return cloud.CodeCapacity, "server_type",
			"The location has none to sell right now. Choose another server type or location, or apply again later."
	case hcloud.ErrorCodeNoSpaceLeftInLocation:
		return cloud.CodeCapacity, "location", "The location has no room for volumes right now. Choose another location, or apply again later."
	case hcloud.ErrorCodeResourceLimitExceeded:
		return cloud.CodeQuota, "", "Ask for a higher limit in the Hetzner Cloud Console (project, Limits), or delete what is not needed."
	case hcloud.ErrorCodeRateLimitExceeded:
		return cloud.CodeRateLimited, "", "The project's request limit (3,600 an hour, one more each second) is used up. Apply again in a few minutes; see who else uses the project."
	case hcloud.ErrorCodeUnauthorized:
		return cloud.CodeUnauthorized, "token", "The API does not know the token. Set HCLOUD_TOKEN, or token in the provider's hetzner block, to a token of this project."
	case hcloud.ErrorCodeForbidden, "token_readonly":
		return cloud.CodeUnauthorized, "token", "The token may only read. Make one with read and write permission in the Hetzner Cloud Console (project, Security, API tokens)."
	case hcloud.ErrorCodeInvalidServerType:
		return cloud.CodeInvalid, "server_type", "The new type's disk must be at least as large as the present one and its architecture the same."
	case hcloud.ErrorCodeIPNotAvailable:
		return cloud.CodeInvalid, "private_ip", "Choose a free address within one of the network's subnets; the first address of a subnet is its gateway."
	case hcloud.ErrorCodeNoSubnetAvailable:
		return cloud.CodeInvalid, "network_id", "Add a subnet to the network, in the network zone of the VM's location, with free addresses."
	case hcloud.ErrorCodeNetworksOverlap:
		return cloud.CodeInvalid, "network_id", "The network's range overlaps with another network of the VM."
	case hcloud.ErrorCodePrivateNetOnlyServer:
		return cloud.CodeInvalid, "firewall_ids", "Hetzner's firewalls work on public addresses only, and this VM has none."
	case hcloud.ErrorCodeInvalidInput, hcloud.ErrorCodeJSONError:
		return cloud.CodeInvalid, "", ""
	case hcloud.ErrorUnsupportedError, hcloud.ErrorDeprecatedAPIEndpoint, "method_not_allowed":
		return cloud.CodeUnsupported, "", ""
	case hcloud.ErrorCodeServiceError, hcloud.ErrorCodeServerError, hcloud.ErrorCodeBadGateway, hcloud.ErrorCodeTimeout,
		hcloud.ErrorCodeMaintenance, "unavailable":
		return cloud.CodeUnavailable, "", "The vendor's API failed. Apply again; https://status.hetzner.com tells of known disturbances."
	case hcloud.ErrorCodeResourceLocked:
		return cloud.CodeUnsupported, "", "The vendor has locked this object. Only its support can unlock it."
	default:
		return cloud.CodeUnknown, "", ""
	}
}

// codeOfStatus classifies an answer that carried no error code known here.
func codeOfStatus(status int) cloud.Code {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return cloud.CodeUnauthorized
	case status == http.StatusNotFound:
		return cloud.CodeNotFound
	case status == http.StatusConflict, status == http.StatusLocked:
		return cloud.CodeConflict
	case status == http.StatusTooManyRequests:
		return cloud.CodeRateLimited
	case status >= 500:
		return cloud.CodeUnavailable
	case status >= 400:
		return cloud.CodeInvalid
	default:
		return cloud.CodeUnavailable
	}
}

// describeInput adds the fields that the API found fault with.
func describeInput(failed *cloud.Error, kind cloud.Kind, details hcloud.ErrorDetailsInvalidInput) {
	var extra []string
	for _, field := range details.Fields {
		if failed.Field == "" {
			failed.Field = attributeOf(kind, field.Name)
		}
		for _, message := range field.Messages {
			if !strings.Contains(failed.Message, message) {
				extra = append(extra, field.Name+": "+message)
			}
		}
	}
	if len(extra) > 0 {
		failed.Message += " (" + strings.Join(extra, "; ") + ")"
	}
}

// attributeOf translates a field of the vendor's requests into an attribute
// of the neutral schema; empty if there is none.
func attributeOf(kind cloud.Kind, field string) string {
	// The API writes list elements as "rules.2.port" or "rules[2].port".
	top := field
	if i := strings.IndexAny(field, ".["); i > 0 {
		top = field[:i]
	}
	switch top {
	case "name", "location", "server_type", "image", "user_data", "public_key", "labels", "subnets", "routes", "rules":
		return top
	case "ssh_keys":
		return "ssh_key_ids"
	case "firewalls":
		return "firewall_ids"
	case "volumes":
		return "volume_ids"
	case "networks", "network":
		return "network_id"
	case "ip":
		return "private_ip"
	case "ip_range":
		return "cidr"
	case "size":
		return "size_gb"
	case "placement_group":
		return "hetzner.placement_group_id"
	case "public_net":
		return "public_ipv4"
	case "network_zone":
		return "location"
	case "volume", "server":
		if kind == cloud.KindVM {
			return "volume_ids"
		}
	}
	return ""
}

// unsupported says that an attribute cannot change in place.
func unsupported(kind cloud.Kind, id, field, message string) error {
	return cloud.Unsupported(Name, kind, id, field, message)
}
