package service

import (
	"context"
	"net/netip"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// Model is a resource's model: a struct that embeds Common.
type Model[M any] interface {
	*M
	Base() *Common
}

// Definition is what a noun says about itself; Resource does the rest. M is
// the model, S the neutral spec, T the observed object.
type Definition[M, S, T any] struct {
	Kind cloud.Kind
	// Noun is how messages call the object ("SSH key").
	Noun string
	// Schema describes the resource and its own attributes; those of
	// CommonAttributes are added where the noun does not override them.
	Schema func(ctx context.Context) schema.Schema
	// Store picks the noun's part of a driver.
	Store func(cloud.Driver) cloud.Store[S, T]
	// Check judges what is known of the model by itself; what is unknown it
	// passes over, since it is called again when everything is known: at
	// validation, at plan, and before the first request. It must be pure.
	Check func(ctx context.Context, model *M, diags *diag.Diagnostics)
	// Replaces names the attributes of its own whose change replaces the
	// object. A planned value that is unknown counts as changed, as Terraform
	// counts it. The location always replaces, unless the object moves.
	Replaces func(prior, plan *M) []string
	// Review may fill in computed values of the plan, and judges what needs
	// the environment or the prior state; nil if there is nothing.
	Review func(ctx context.Context, review *Review[M])
	// Lacks tells of a state's attributes whether Review may have something to
	// fill in or to refuse although the configuration asks for no change; nil:
	// never.
	Lacks func(state map[string]tftypes.Value) bool
	// ToSpec maps a model whose values are all known.
	ToSpec func(ctx context.Context, model *M, meta cloud.Meta) (S, diag.Diagnostics)
	// FromObject writes what was observed into the noun's own attributes. What
	// a cloud cannot tell stays as it is; what is unknown or partly observed
	// may be null.
	FromObject func(ctx context.Context, model *M, observed T) diag.Diagnostics
	// Observed gives the common parts of an observed object.
	Observed func(T) (cloud.Object, cloud.Meta)
	// Rebuild makes the observed object again that a state was read from, so
	// that an update needs no read.
	Rebuild func(model *M, object cloud.Object, spec S) T
	// Healthy tells whether an object whose creation was cut short can be
	// brought to its spec by an update; nil if any that exists can.
	Healthy func(observed T) bool
	// Moves tells that some vendors keep one such object for all their
	// locations, so that another location of the same vendor gives it another
	// id and nothing more.
	Moves bool
	// Fixed tells whether a change of an attribute that the vendor does not
	// change in place (cloud.Capabilities.Replaces) is one that replaces; nil:
	// every change is.
	Fixed func(attribute string, prior, plan *M) bool
	// BeforeDelete does what has to be done before the object can be deleted;
	// nil if nothing has.
	BeforeDelete func(ctx context.Context, driver cloud.Driver, model *M, id cloud.ID) error
	// Stays tells that an object whose location is lost stays in the state as
	// it was last seen, because it has no stand-by elsewhere: it is one of
	// several that are declared side by side, and what it holds is wanted once
	// the location is back.
	Stays bool
	// Subnets gives the ranges from which machines in the object take
	// addresses, false while they are unknown; nil for what is no network.
	Subnets func(model *M) ([]netip.Prefix, bool)
}

// Review is what Definition.Review is given.
type Review[M any] struct {
	Env *Env
	// Config is what the user wrote, with unknown and null values.
	Config *M
	// Prior is the state, nil when the object is created.
	Prior *M
	// Plan may be changed at plan time, but only where the configuration
	// leaves a value to be computed.
	Plan *M
	// Final tells that the object is about to be written: everything is
	// known, and changes of Plan have no effect.
	Final bool
	Diags *diag.Diagnostics
}

// Driver gives the driver of a location's cloud, or nil after reporting on
// the attribute why there is none.
func (r *Review[M]) Driver(location cloud.Location, attribute path.Path) cloud.Driver {
	driver, err := r.Env.Clouds.Driver(location.Cloud)
	if err != nil {
		r.Diags.Append(noAccess(attribute, location, err))
		return nil
	}
	return driver
}
