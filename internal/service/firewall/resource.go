package firewall

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/policy"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
)

// NewResource makes holdfast_firewall.
func NewResource() resource.Resource {
	return service.NewResource[Model, cloud.FirewallSpec, cloud.Firewall](service.Definition[Model, cloud.FirewallSpec, cloud.Firewall]{
		Kind:       cloud.KindFirewall,
		Noun:       "firewall",
		Schema:     resourceSchema,
		Store:      cloud.Driver.Firewalls,
		Check:      check,
		Review:     review,
		ToSpec:     toSpec,
		FromObject: fromObject,
		Observed:   func(f cloud.Firewall) (cloud.Object, cloud.Meta) { return f.Object, f.Meta },
		Rebuild: func(_ *Model, object cloud.Object, spec cloud.FirewallSpec) cloud.Firewall {
			return cloud.Firewall{Object: object, FirewallSpec: spec}
		},
	})
}

func resourceSchema(context.Context) schema.Schema {
	attributes := service.TenancyAttributes("firewall")
	attributes["tenant"] = schema.StringAttribute{
		Optional:            true,
		MarkdownDescription: "The tenant whose firewall this is; without one it is shared. Changed in place.",
	}
	attributes["network_id"] = schema.StringAttribute{
		Optional: true,
		MarkdownDescription: "The `id` of the `holdfast_network` that the rules stand in, of the same tenant (ISO-2). Google Cloud keeps rules in networks: a firewall that names its network stands there alone; " +
			"one that does not is copied into the network of each VM that uses it, so that VMs of many networks can share it. Changing it replaces the firewall there. " +
			"On Hetzner Cloud firewalls stand in no network: it is checked and kept, and has no effect.",
	}
	attributes["rules"] = schema.ListNestedAttribute{
		Optional: true,
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"direction": schema.StringAttribute{
				Optional: true, Computed: true, Default: stringdefault.StaticString(string(cloud.Inbound)),
				MarkdownDescription: "`in` (to the VM) or `out` (from it). Default `in`.",
			},
			// Not Required: the framework would refuse a rule that is unknown as a
			// whole, such as a variable in `terraform validate`. The check does it.
			"protocol": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Required. `tcp`, `udp`, `icmp`, `esp` or `gre`.",
			},
			"port": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "One port, such as `\"443\"`, or a range, such as `\"8000-8010\"`; for `tcp` and `udp` only.",
			},
			"networks": schema.SetAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "Required. Networks in CIDR notation: the sources of inbound, the destinations of outbound rules. " +
					"The whole internet (`0.0.0.0/0`, `::/0`, or anything that adds up to more than an IPv4 /8 or an IPv6 /16) may come in by tcp 80, tcp 443 and udp 443 only (NET-1).",
			},
			"description": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "What the rule is for, up to 255 characters.",
			},
		}},
		MarkdownDescription: "What may pass. Inbound, everything else is dropped. Outbound traffic is free while there is no `out` rule, and limited to the `out` rules once there is one. Changed in place, in one request.",
	}
	return schema.Schema{
		MarkdownDescription: "A firewall: deny by default, with rules for what may pass (promise NET-1). It takes effect on the VMs that name it in `firewall_ids`; every VM needs at least one.",
		Attributes:          attributes,
	}
}

// review judges whose network the rules stand in (ISO-2). What this run has
// created or read costs no request.
func review(ctx context.Context, r *service.Review[Model]) {
	location, err := cloud.ParseLocation(r.Plan.Location.ValueString())
	if err != nil || r.Plan.NetworkID.IsNull() {
		return
	}
	driver, err := r.Env.Clouds.Driver(location.Cloud)
	if err != nil {
		return // reported where all objects are judged, or not known yet
	}
	ctx = cloud.WithPriority(ctx, cloud.PriorityPaid)
	network := policy.Ref{ID: service.OptText(r.Plan.NetworkID)}
	ask := r.Prior == nil || !r.Plan.Tenant.Equal(r.Prior.Tenant) || !r.Plan.NetworkID.Equal(r.Prior.NetworkID)
	network.Tenant = r.Env.Owner(cloud.KindNetwork, "network_id", network.ID, location, ask, func(id cloud.ID) (cloud.Meta, error) {
		found, err := driver.Networks().Get(ctx, id.Native)
		return found.Meta, err
	}, r.Diags)
	findings, _ := policy.CheckFirewallNetwork(policy.Known(location), service.OptText(r.Plan.Tenant), network, driver.Capabilities())
	service.Report(r.Diags, findings...)
}

// check judges what is known of the rules (NET-1).
func check(_ context.Context, m *Model, diags *diag.Diagnostics) {
	rules, findings, whole := known(m)
	for _, f := range policy.CheckFirewall(rules) {
		// A rule that is not wholly known, or that could not be read, is
		// judged only by what it opens.
		if i, ok := ruleOf(f.Field); ok && !whole[i] && f.Promise == "" {
			continue
		}
		findings = append(findings, f)
	}
	service.Report(diags, service.OnSets(findings, "rules[%d].networks")...)
}
