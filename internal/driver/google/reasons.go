package google

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// What the vendor's reasons mean. Requests are refused with reasons
// ("resourceNotReady"), operations end with codes ("RESOURCE_NOT_READY"):
// normal makes one of both.

// normal takes case and underscores out of a reason.
func normal(reason string) string {
	return strings.ToLower(strings.ReplaceAll(reason, "_", ""))
}

// classify translates a reason or code. It answers false for what it does not
// know.
func classify(reason, message string) (cloud.Code, bool) {
	if keyDenied.MatchString(message) {
		return cloud.CodeUnauthorized, true
	}
	// Route and peering changes of one network are refused while another is
	// under way, with reasons as vague as "badRequest".
	if strings.Contains(message, "operation in progress") {
		return cloud.CodeConflict, true
	}
	reason = normal(reason)
	switch {
	case strings.HasPrefix(reason, "zoneresourcepoolexhausted"), strings.HasPrefix(reason, "regionresourcepoolexhausted"), strings.HasPrefix(reason, "stockout"):
		return cloud.CodeCapacity, true
	case strings.HasPrefix(reason, "ipspaceexhausted"):
		return cloud.CodeQuota, true
	}
	switch reason {
	case "notfound", "resourcenotfound":
		return cloud.CodeNotFound, true
	case "alreadyexists", "resourcealreadyexists", "duplicate":
		return cloud.CodeNameTaken, true
	case "resourceinusebyanotherresource", "resourceinuse":
		return cloud.CodeInUse, true
	case "resourcenotready", "conditionnotmet", "operationinprogress":
		return cloud.CodeConflict, true
	case "quotaexceeded", "limitexceeded":
		return cloud.CodeQuota, true
	case "ratelimitexceeded", "userratelimitexceeded", "resourceoperationrateexceeded", "concurrentoperationsquotaexceeded":
		return cloud.CodeRateLimited, true
	case "autherror", "required_login", "forbidden", "insufficientpermissions", "permissionsdenied", "permissionserror", "accessnotconfigured", "permissiondenied":
		return cloud.CodeUnauthorized, true
	case "invalid", "invalidparameter", "invalidfieldvalue", "invalidusage", "required", "requiredfield", "badrequest", "parseerror", "invalidresourceusage":
		return cloud.CodeInvalid, true
	case "unsupportedoperation", "notimplemented":
		return cloud.CodeUnsupported, true
	case "backenderror", "internalerror", "serviceunavailable":
		return cloud.CodeUnavailable, true
	}
	return "", false
}

// explain fills in the code, the attribute at fault and what to do. status is
// that of HTTP, 0 for the error of an operation.
func (d *Driver) explain(failed *cloud.Error, status int) {
	code, known := classify(failed.VendorCode, failed.Message)
	switch {
	case known:
	case status != 0:
		code = codeOfStatus(status)
	default:
		code = cloud.CodeOperationFailed
	}
	if status == 0 && code == cloud.CodeUnavailable {
		// What the vendor has given up does not end well by waiting.
		code = cloud.CodeOperationFailed
	}
	failed.Code = code
	failed.Field = fieldIn(failed.Kind, failed.Message)
	switch code {
	case cloud.CodeInvalid:
		if unlike.MatchString(failed.Message) {
			failed.Field = "server_type"
			failed.Remedy = `Machines of newer series take Hyperdisk only, older ones Persistent Disk (pd-…) only. Name a server type of another series, or give the volumes google { type = "hyperdisk-balanced" }.`
		}
	case cloud.CodeNameTaken:
		failed.Field = "name"
	case cloud.CodeConflict:
		failed.Remedy = "Another change of the same object, or of its network, is still running. Apply again when it has ended."
	case cloud.CodeInUse:
		failed.Remedy = "Take it away from what still uses it, then apply again."
	case cloud.CodeCapacity:
		failed.Field = "server_type"
		failed.Remedy = "The zone has none to sell right now. Choose another server type or location, or apply again later."
	case cloud.CodeQuota:
		if strings.HasPrefix(normal(failed.VendorCode), "ipspaceexhausted") {
			failed.Field = "network_id"
			failed.Remedy = "The subnet has no free address left. Grow it, or name an address in another subnet of the network as private_ip."
			return
		}
		failed.Remedy = "Ask for a higher quota in the Google Cloud Console (IAM & Admin, Quotas), or delete what is not needed."
	case cloud.CodeRateLimited:
		failed.Remedy = "The project's request rate for Compute Engine is used up. Apply again in a few minutes; see who else uses the project."
	case cloud.CodeUnauthorized:
		d.explainDenied(failed, status)
	case cloud.CodeUnavailable:
		failed.Remedy = "The vendor's API failed. Apply again; https://status.cloud.google.com tells of known disturbances."
	}
}

var (
	// keyDenied finds refusals that Cloud KMS gave to Compute Engine, which
	// come with the reasons of ordinary bad requests.
	keyDenied = regexp.MustCompile(`(?i)cloud ?kms|cloudkms\.`)
	keyPath   = regexp.MustCompile(`projects/([^/\s']+)/locations/([^/\s']+)/keyRings/([^/\s']+)/cryptoKeys/([A-Za-z0-9_-]+)`)
	// missingPermission finds what a refusal names.
	missingPermission = regexp.MustCompile(`'([a-z]+\.[A-Za-z]+\.[A-Za-z]+)' permission|[Pp]ermission '([a-z]+\.[A-Za-z]+\.[A-Za-z]+)'`)
	serviceAgent      = regexp.MustCompile(`service-[0-9]+@compute-system\.iam\.gserviceaccount\.com`)
	// unlike finds the refusal of a disk type that a machine type does not take.
	unlike = regexp.MustCompile(`features are not compatible for creating instance`)
	// faultyField finds the field that a refusal names: Invalid value for
	// field 'resource.machineType'.
	faultyField = regexp.MustCompile(`field '(?:resource\.|)([A-Za-z.]+)`)
)

func (d *Driver) explainDenied(failed *cloud.Error, status int) {
	switch {
	case keyDenied.MatchString(failed.Message):
		failed.Field = blockOf(optionKMSKey)
		failed.Remedy = "Let Compute Engine use the key, then apply again: " + d.keyGrant(failed.Message)
	case normal(failed.VendorCode) == "accessnotconfigured":
		failed.Remedy = fmt.Sprintf("Switch the API on, then apply again: gcloud services enable compute.googleapis.com --project %s", d.project)
	case status == 401 || normal(failed.VendorCode) == "autherror":
		failed.Field = "credentials"
		failed.Remedy = "The API does not accept the credentials. Set GOOGLE_APPLICATION_CREDENTIALS, or credentials in the provider's google block, to a key that is valid; an access token lives for an hour."
	default:
		failed.Field = "project"
		failed.Remedy = fmt.Sprintf("Give the account that applies the role roles/compute.admin in the project %s.", d.project)
		if found := missingPermission.FindStringSubmatch(failed.Message); found != nil {
			failed.Remedy = fmt.Sprintf("The account that applies lacks the permission %s: give it a role that has it (roles/compute.admin has) in the project %s.", found[1]+found[2], d.project)
		}
	}
}

// keyGrant writes the command that lets Compute Engine's service agent use the
// key which a message names.
func (d *Driver) keyGrant(message string) string {
	agent := serviceAgent.FindString(message)
	if agent == "" {
		agent = fmt.Sprintf("service-$(gcloud projects describe %s --format='value(projectNumber)')@compute-system.iam.gserviceaccount.com", d.project)
	}
	project, location, ring, key := "KEY_PROJECT", "LOCATION", "KEY_RING", "KEY"
	if found := keyPath.FindStringSubmatch(message); found != nil {
		project, location, ring, key = found[1], found[2], found[3], found[4]
	}
	return fmt.Sprintf(`gcloud kms keys add-iam-policy-binding %s --keyring %s --location %s --project %s --member "serviceAccount:%s" --role %s`,
		key, ring, location, project, agent, keyRole)
}

// fieldIn finds the attribute of the neutral schema that a message is about;
// empty if it names none.
func fieldIn(kind cloud.Kind, message string) string {
	found := faultyField.FindStringSubmatch(message)
	if found == nil {
		return ""
	}
	return attributeOf(kind, found[1])
}

// attributeOf translates a field of the vendor's requests.
func attributeOf(kind cloud.Kind, field string) string {
	top, rest, _ := strings.Cut(field, ".")
	switch top {
	case "name", "labels":
		return top
	case "description":
		return "labels"
	case "machineType":
		return "server_type"
	case "zone", "region":
		return "location"
	case "disks", "disk":
		if strings.Contains(rest, "sourceImage") {
			return "image"
		}
		if strings.Contains(rest, "kms") {
			return blockOf(optionKMSKey)
		}
		return "volume_ids"
	case "diskEncryptionKey":
		return blockOf(optionKMSKey)
	case "sizeGb":
		return "size_gb"
	case "networkInterfaces", "network":
		if strings.Contains(rest, "networkIP") {
			return "private_ip"
		}
		return "network_id"
	case "tags":
		return "firewall_ids"
	case "metadata":
		return "user_data"
	case "ipCidrRange":
		return "subnets"
	case "destRange", "nextHopIp":
		return "routes"
	case "allowed", "denied", "sourceRanges", "destinationRanges", "priority":
		if kind == cloud.KindFirewall {
			return "rules"
		}
	}
	return ""
}
