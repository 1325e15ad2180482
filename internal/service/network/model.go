package network

import (
	"context"
	"net/netip"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/policy"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
)

// Model is the state of holdfast_network.
type Model struct {
	service.Common
	service.Tenancy
	CIDR    types.String `tfsdk:"cidr"`
	Subnets types.Set    `tfsdk:"subnets"`
	Routes  types.Set    `tfsdk:"routes"`
}

func routeType() types.ObjectType {
	return types.ObjectType{AttrTypes: map[string]attr.Type{"destination": types.StringType, "gateway": types.StringType}}
}

// known reads what is known of the ranges. What cannot be read is a finding.
func known(m *Model) (cloud.NetworkSpec, []policy.Finding) {
	var spec cloud.NetworkSpec
	var findings []policy.Finding
	read := func(field string, value attr.Value) netip.Prefix {
		text, ok := value.(types.String)
		if !ok || !service.Known(text) {
			return netip.Prefix{}
		}
		prefix, err := policy.ParsePrefix(text.ValueString())
		if err != nil {
			findings = append(findings, service.At(field, err))
		}
		return prefix
	}
	spec.CIDR = read("cidr", m.CIDR)
	for _, element := range m.Subnets.Elements() {
		if subnet := read("subnets", element); subnet.IsValid() {
			spec.Subnets = append(spec.Subnets, subnet)
		}
	}
	for _, element := range m.Routes.Elements() {
		object, ok := element.(types.Object)
		if !ok || object.IsUnknown() {
			continue
		}
		for _, name := range []string{"destination", "gateway"} {
			if object.IsNull() || object.Attributes()[name].IsNull() {
				findings = append(findings, policy.Finding{Field: "routes", Summary: "Route without a " + name,
					Detail: "A route needs a destination and a gateway.", Remedy: "Set " + name + "."})
			}
		}
		route := cloud.Route{Destination: read("routes", object.Attributes()["destination"])}
		if text, ok := object.Attributes()["gateway"].(types.String); ok && service.Known(text) {
			gateway, err := policy.ParseAddr(text.ValueString())
			if err != nil {
				findings = append(findings, service.At("routes", err))
			}
			route.Gateway = gateway
		}
		spec.Routes = append(spec.Routes, route)
	}
	return spec, findings
}

// subnets gives the ranges of a model, false while any is unknown.
func subnets(m *Model) ([]netip.Prefix, bool) {
	if _, complete := service.KnownStrings(m.Subnets); !complete {
		return nil, false
	}
	spec, findings := known(m)
	return spec.Subnets, len(findings) == 0
}

func toSpec(_ context.Context, m *Model, meta cloud.Meta) (cloud.NetworkSpec, diag.Diagnostics) {
	var diags diag.Diagnostics
	spec, findings := known(m)
	service.Report(&diags, findings...)
	spec.Meta = meta
	return spec, diags
}

func fromObject(_ context.Context, m *Model, observed cloud.Network) diag.Diagnostics {
	m.CIDR = types.StringNull() // where it is kept in labels, and they are gone
	if observed.CIDR.IsValid() {
		m.CIDR = types.StringValue(observed.CIDR.String())
	}
	subnets := make([]string, 0, len(observed.Subnets))
	for _, subnet := range observed.Subnets {
		subnets = append(subnets, subnet.String())
	}
	m.Subnets = service.StringSet(types.SetValueMust(types.StringType, nil), subnets)
	if len(observed.Routes) == 0 && m.Routes.IsNull() {
		m.Routes = types.SetNull(routeType())
		return nil
	}
	routes := make([]attr.Value, 0, len(observed.Routes))
	for _, route := range observed.Routes {
		object, diags := types.ObjectValue(routeType().AttrTypes, map[string]attr.Value{
			"destination": types.StringValue(route.Destination.String()),
			"gateway":     types.StringValue(route.Gateway.String()),
		})
		if diags.HasError() {
			return diags
		}
		routes = append(routes, object)
	}
	set, diags := types.SetValue(routeType(), routes)
	m.Routes = set
	return diags
}
