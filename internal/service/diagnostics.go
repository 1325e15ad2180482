package service

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/policy"
)

// Explain turns a driver's error into a diagnostic: what was attempted, what
// the API answered in its own words, and what to do; on the attribute at
// fault if that is known and has is true for it. doing is a verb phrase such
// as `create volume "data" in hetzner/fsn1`.
func Explain(err error, doing string, has func(attribute string) bool) diag.Diagnostic {
	summary := "Cannot " + doing
	var e *cloud.Error
	if !errors.As(err, &e) {
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			return diag.NewErrorDiagnostic(summary, "It was not done within the time allowed by `timeouts`. What was begun is kept in the state; run apply again.")
		case errors.Is(err, context.Canceled):
			return diag.NewErrorDiagnostic(summary, "It was interrupted. Run apply again.")
		}
		return diag.NewErrorDiagnostic(summary, err.Error())
	}
	var detail strings.Builder
	message := e.Message
	if message == "" && e.Err != nil {
		message = e.Err.Error()
	}
	if message == "" {
		message = string(e.Code)
	}
	if e.Cloud != "" && e.VendorCode != "" {
		fmt.Fprintf(&detail, "%s answered: ", e.Cloud)
	}
	detail.WriteString(message)
	if e.VendorCode != "" {
		fmt.Fprintf(&detail, " (%s)", e.VendorCode)
	}
	if e.Doing != "" {
		fmt.Fprintf(&detail, ", when trying to %s", strings.TrimSpace(e.Doing+" "+e.ID))
	}
	remedy := e.Remedy
	if remedy == "" {
		remedy = remedies[e.Code]
	}
	if remedy != "" {
		detail.WriteString("\n\n" + remedy)
	}
	if attribute, ok := ParsePath(e.Field); ok && has != nil && has(rootOf(e.Field)) {
		return diag.NewAttributeErrorDiagnostic(attribute, summary, detail.String())
	}
	return diag.NewErrorDiagnostic(summary, detail.String())
}

// noAccess says on the attribute why a cloud's driver could not be made.
func noAccess(attribute path.Path, location cloud.Location, err error) diag.Diagnostic {
	why := Explain(err, "reach "+location.Cloud, nil)
	return diag.NewAttributeErrorDiagnostic(attribute, why.Summary(), why.Detail())
}

// remedies say what to do where a driver did not know better.
var remedies = map[cloud.Code]string{
	cloud.CodeNameTaken:       "An object that this deployment does not own has the name. Choose another name, or import the object.",
	cloud.CodeConflict:        "Another change is under way on the object. Run apply again when it is done.",
	cloud.CodeInUse:           "Another object still needs it. Remove that one first.",
	cloud.CodeProtected:       "The cloud's own deletion protection is on. Set deletion_protection = false, apply, then remove the object.",
	cloud.CodeCapacity:        "The location has no room for this now. Try again later, or choose another server type or location.",
	cloud.CodeQuota:           "The account's limit is reached. Ask the vendor to raise it, or remove what is not needed.",
	cloud.CodeRateLimited:     "The account's request limit is used up, perhaps by others. Run apply again later; what was done is kept.",
	cloud.CodeUnavailable:     "The cloud's API could not be reached or failed. Run apply again; if the location is lost for good, add it to lost_locations.",
	cloud.CodeUnauthorized:    "Check the credentials in the provider's configuration; they need permission to write.",
	cloud.CodeOperationFailed: "The cloud began the work and gave it up. Run apply again.",
	cloud.CodeUnfinished:      "What it still lacks is done by the next apply.",
}

// indexed matches the path of what stands in a list. Terraform shows the line
// of a whole block for it, so the message says which element is meant.
var indexed = regexp.MustCompile(`\[\d+\]`)

// Report adds broken rules to the diagnostics: each on its attribute, its
// summary ending with the promise, its detail with the remedy.
func Report(diags *diag.Diagnostics, findings ...policy.Finding) {
	for _, f := range findings {
		summary, detail := f.Summary, f.Detail
		if f.Promise != "" {
			summary += " (" + f.Promise + ")"
		}
		if f.Remedy != "" {
			detail = strings.TrimSpace(detail + "\n\n" + f.Remedy)
		}
		if indexed.MatchString(f.Field) {
			detail = "In " + f.Field + ": " + detail
		}
		if attribute, ok := ParsePath(f.Field); ok {
			diags.AddAttributeError(attribute, summary, detail)
		} else {
			diags.AddError(summary, detail)
		}
	}
}

// ParsePath reads an attribute path in the dotted form of policy.ParseField:
// `rules[2].networks`. Elements of sets have no index; name the set.
func ParsePath(field string) (path.Path, bool) {
	steps, err := policy.ParseField(field)
	if err != nil || len(steps) == 0 {
		return path.Path{}, false
	}
	p := path.Empty()
	for _, step := range steps {
		switch step := step.(type) {
		case policy.Name:
			p = p.AtName(string(step))
		case policy.Index:
			p = p.AtListIndex(int(step))
		case policy.MapKey:
			p = p.AtMapKey(string(step))
		}
	}
	return p, true
}

// rootOf gives the attribute that a dotted path begins with.
func rootOf(field string) string {
	if i := strings.IndexAny(field, ".["); i >= 0 {
		return field[:i]
	}
	return field
}
