package network

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/policy"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
)

// NewResource makes holdfast_network.
func NewResource() resource.Resource {
	return service.NewResource[Model, cloud.NetworkSpec, cloud.Network](service.Definition[Model, cloud.NetworkSpec, cloud.Network]{
		Kind:       cloud.KindNetwork,
		Noun:       "network",
		Schema:     resourceSchema,
		Store:      cloud.Driver.Networks,
		Check:      check,
		Replaces:   replaces,
		Review:     review,
		Lacks:      lacks,
		ToSpec:     toSpec,
		FromObject: fromObject,
		Observed:   func(n cloud.Network) (cloud.Object, cloud.Meta) { return n.Object, n.Meta },
		Subnets:    subnets,
		Rebuild: func(_ *Model, object cloud.Object, spec cloud.NetworkSpec) cloud.Network {
			return cloud.Network{Object: object, NetworkSpec: spec}
		},
	})
}

func resourceSchema(context.Context) schema.Schema {
	attributes := service.TenancyAttributes("network")
	attributes["tenant"] = schema.StringAttribute{
		Optional: true,
		MarkdownDescription: "The tenant whose network this is; VMs of other tenants are refused in it (ISO-2). " +
			"A network without a tenant gets one in place; changing or removing it replaces the network.",
	}
	attributes["cidr"] = schema.StringAttribute{
		Required: true,
		MarkdownDescription: "The whole range, a private IPv4 network (RFC 1918) from /8 to /24, such as `10.0.0.0/16`. " +
			"It grows in place while its first address stays; any other change replaces the network.",
	}
	attributes["subnets"] = schema.SetAttribute{
		Optional: true, Computed: true, ElementType: types.StringType,
		MarkdownDescription: "Ranges within `cidr`, up to /29, from which VMs take their addresses. Changed in place; a subnet that a VM uses cannot go. " +
			"Default: one subnet, the `cidr` that the network began with.",
	}
	attributes["routes"] = schema.SetNestedAttribute{
		Optional: true,
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			// Not Required: the framework would refuse a route that is unknown as a
			// whole, such as a variable in `terraform validate`. The check does it.
			"destination": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Required. The private network to reach, or `0.0.0.0/0` for everything that has no better route.",
			},
			"gateway": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Required. Private address of the machine of this network that forwards.",
			},
		}},
		MarkdownDescription: "Routes through machines of the network. Changed in place.",
	}
	return schema.Schema{
		MarkdownDescription: "A private network, with its subnets and routes. Every tenant has one of its own: there is no way from one tenant's network to another's (promise ISO-2).",
		Attributes:          attributes,
	}
}

// check judges what is known of the ranges (ISO-2).
func check(_ context.Context, m *Model, diags *diag.Diagnostics) {
	spec, findings := known(m)
	findings = append(findings, policy.CheckNetwork(spec)...)
	service.Report(diags, service.OnSets(findings, "subnets", "routes")...)
}

// replaces lets a network grow, and take its first tenant, in place.
func replaces(prior, plan *Model) []string {
	var names []string
	if !prior.Tenant.IsNull() && !plan.Tenant.Equal(prior.Tenant) {
		names = append(names, "tenant")
	}
	if plan.CIDR.IsUnknown() || !grows(prior.CIDR.ValueString(), plan.CIDR.ValueString()) {
		names = append(names, "cidr")
	}
	return names
}

// grows tells whether a range becomes the other, or stays, in place.
func grows(from, to string) bool {
	have, errHave := policy.ParsePrefix(from)
	want, errWant := policy.ParsePrefix(to)
	if errHave != nil || errWant != nil {
		return from == to
	}
	return have.Addr() == want.Addr() && want.Bits() <= have.Bits()
}

// lacks tells of a network that has no subnet, as when the apply that made it
// ended too early.
func lacks(state map[string]tftypes.Value) bool {
	var subnets []tftypes.Value
	return state["subnets"].As(&subnets) == nil && len(subnets) == 0
}

// review fills in the default subnet: the range of a new network, or of one that
// has no subnet yet. An existing network keeps the subnets that it has, since VMs
// may be using them. What is filled in is judged as if it had been written.
func review(ctx context.Context, r *service.Review[Model]) {
	if !r.Config.Subnets.IsNull() {
		return
	}
	switch {
	case r.Prior != nil && len(r.Prior.Subnets.Elements()) > 0 && r.Prior.Location.Equal(r.Plan.Location) && len(replaces(r.Prior, r.Plan)) == 0:
		r.Plan.Subnets = r.Prior.Subnets
	case r.Plan.CIDR.IsUnknown():
		r.Plan.Subnets = types.SetUnknown(types.StringType)
	default:
		r.Plan.Subnets = service.StringSet(types.SetNull(types.StringType), []string{r.Plan.CIDR.ValueString()})
	}
	check(ctx, r.Plan, r.Diags)
}
