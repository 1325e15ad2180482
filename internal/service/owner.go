package service

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/policy"
)

// Owner finds out whose the object of a kind is that an attribute of something in a
// location refers to: its tenant, empty if it has none. What this run has
// created or read is known already; anything else is read with get if ask is
// set, and stays unknown otherwise. An object that does not exist is reported
// on the attribute.
func (e *Env) Owner(kind cloud.Kind, attribute string, reference policy.Opt[string], location cloud.Location, ask bool, get func(cloud.ID) (cloud.Meta, error), diags *diag.Diagnostics) policy.Opt[string] {
	text, _ := reference.Get()
	id, err := cloud.ParseID(text)
	if err != nil || id.Location != location {
		return policy.Unknown[string]() // not known yet, or judged without its owner
	}
	if meta, ok := e.Known(kind, id); ok {
		return policy.Known(meta.Tenant)
	}
	if !ask {
		return policy.Unknown[string]()
	}
	meta, err := get(id)
	switch {
	case err == nil:
		meta.Location = id.Location
		e.Learn(kind, id, meta)
		return policy.Known(meta.Tenant)
	case cloud.IsNotFound(err):
		diags.AddAttributeError(path.Root(attribute), "No such object",
			fmt.Sprintf("%s does not exist. Refer to the id of an object that does, for example of a resource in this configuration.", id))
	case errors.Is(err, context.Canceled):
		diags.AddError("Interrupted", "The check of "+attribute+" was interrupted.")
	default:
		explained := Explain(err, "find out whose "+id.String()+" is", nil)
		diags.AddAttributeError(path.Root(attribute), explained.Summary(), explained.Detail())
	}
	return policy.Unknown[string]()
}

// OptText gives a text to package policy; absent is known to be empty.
func OptText(value interface {
	IsUnknown() bool
	ValueString() string
}) policy.Opt[string] {
	if value.IsUnknown() {
		return policy.Unknown[string]()
	}
	return policy.Known(value.ValueString())
}
