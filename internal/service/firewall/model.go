package firewall

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/policy"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
)

// Model is the state of holdfast_firewall.
type Model struct {
	service.Common
	service.Tenancy
	NetworkID types.String `tfsdk:"network_id"`
	Rules     types.List   `tfsdk:"rules"`
}

func ruleType() types.ObjectType {
	return types.ObjectType{AttrTypes: map[string]attr.Type{
		"direction": types.StringType, "protocol": types.StringType, "port": types.StringType,
		"networks": types.SetType{ElemType: types.StringType}, "description": types.StringType,
	}}
}

// known reads what is known of the rules, one for each element, so that
// indexes stay. What cannot be read is a finding; whole tells for each rule
// whether it is all there.
func known(m *Model) (rules []cloud.FirewallRule, findings []policy.Finding, whole []bool) {
	for i, element := range m.Rules.Elements() {
		object, ok := element.(types.Object)
		if !ok || object.IsUnknown() || object.IsNull() {
			rules, whole = append(rules, cloud.FirewallRule{}), append(whole, false)
			continue
		}
		r := reader{field: fmt.Sprintf("rules[%d]", i), attributes: object.Attributes(), whole: true}
		rules = append(rules, r.rule())
		findings, whole = append(findings, r.findings...), append(whole, r.whole)
	}
	return rules, findings, whole
}

// reader reads one rule.
type reader struct {
	field      string
	attributes map[string]attr.Value
	findings   []policy.Finding
	whole      bool
}

func (r *reader) rule() cloud.FirewallRule {
	rule := cloud.FirewallRule{
		Direction:   cloud.Direction(r.text("direction")),
		Protocol:    r.text("protocol"),
		Description: r.text("description"),
	}
	if rule.Direction == "" && !r.attributes["direction"].IsUnknown() {
		rule.Direction = cloud.Inbound // the default, which validation has not filled in yet
	}
	if r.attributes["protocol"].IsNull() {
		r.wrong("protocol", policy.Finding{Summary: "Protocol missing", Detail: "The rule names no protocol.", Remedy: "Write tcp, udp, icmp, esp or gre."})
	}
	if port := r.text("port"); port != "" {
		from, to, err := policy.ParsePorts(port)
		if err != nil {
			r.wrong("port", err)
		}
		rule.FromPort, rule.ToPort = from, to
	}
	networks, ok := r.attributes["networks"].(types.Set)
	if !ok {
		r.whole = false
		return rule
	}
	texts, complete := service.KnownStrings(networks)
	r.whole = r.whole && complete
	for _, text := range texts {
		network, err := policy.ParsePrefix(text)
		if err != nil {
			r.wrong("networks", err)
			continue
		}
		rule.Networks = append(rule.Networks, network)
	}
	slices.SortFunc(rule.Networks, netip.Prefix.Compare)
	return rule
}

func (r *reader) text(name string) string {
	text, ok := r.attributes[name].(types.String)
	if !ok || text.IsUnknown() {
		r.whole = false
		return ""
	}
	return text.ValueString()
}

func (r *reader) wrong(name string, err error) {
	r.whole = false
	r.findings = append(r.findings, service.At(r.field+"."+name, err))
}

// ruleOf gives the index of the rule that a field belongs to.
func ruleOf(field string) (int, bool) {
	var i int
	n, err := fmt.Sscanf(field, "rules[%d]", &i)
	return i, n == 1 && err == nil
}

func toSpec(_ context.Context, m *Model, meta cloud.Meta) (cloud.FirewallSpec, diag.Diagnostics) {
	var diags diag.Diagnostics
	rules, findings, _ := known(m)
	service.Report(&diags, findings...)
	spec := cloud.FirewallSpec{Meta: meta, Rules: rules}
	if id, err := cloud.ParseID(m.NetworkID.ValueString()); err == nil {
		spec.Network = id.Native
	}
	return spec, diags
}

// fromObject keeps the rules as the user wrote them while the cloud has the
// same ones: their order means nothing. A network that the cloud does not tell
// stays too: most clouds' firewalls stand in none.
func fromObject(_ context.Context, m *Model, observed cloud.Firewall) diag.Diagnostics {
	location, err := cloud.ParseLocation(m.Location.ValueString())
	if err != nil {
		return diag.Diagnostics{diag.NewAttributeErrorDiagnostic(path.Root("location"), "Not a location", err.Error())}
	}
	had, _ := cloud.ParseID(m.NetworkID.ValueString())
	switch {
	case observed.Network != "" && observed.Network != had.Native:
		m.NetworkID = types.StringValue(cloud.ID{Location: location, Native: observed.Network}.String())
	case m.NetworkID.IsUnknown():
		m.NetworkID = types.StringNull()
	}
	if rules, _, _ := known(m); !m.Rules.IsUnknown() && sameRules(rules, observed.Rules) {
		return nil
	}
	elements := make([]attr.Value, 0, len(observed.Rules))
	for _, rule := range observed.Rules {
		networks := make([]string, 0, len(rule.Networks))
		for _, network := range rule.Networks {
			networks = append(networks, network.String())
		}
		object, diags := types.ObjectValue(ruleType().AttrTypes, map[string]attr.Value{
			"direction":   types.StringValue(string(rule.Direction)),
			"protocol":    types.StringValue(rule.Protocol),
			"port":        service.OptionalString(policy.FormatPorts(rule.FromPort, rule.ToPort)),
			"networks":    service.StringSet(types.SetValueMust(types.StringType, nil), networks),
			"description": service.OptionalString(rule.Description),
		})
		if diags.HasError() {
			return diags
		}
		elements = append(elements, object)
	}
	list, diags := types.ListValue(ruleType(), elements)
	m.Rules = list
	return diags
}

// sameRules compares rules whatever their order and that of their networks.
func sameRules(a, b []cloud.FirewallRule) bool {
	return slices.EqualFunc(sorted(a), sorted(b), func(x, y cloud.FirewallRule) bool { return compare(x, y) == 0 })
}

func sorted(rules []cloud.FirewallRule) []cloud.FirewallRule {
	out := slices.Clone(rules)
	for i := range out {
		out[i].Networks = slices.SortedFunc(slices.Values(out[i].Networks), netip.Prefix.Compare)
	}
	slices.SortFunc(out, compare)
	return out
}

func compare(x, y cloud.FirewallRule) int {
	return cmp.Or(cmp.Compare(x.Direction, y.Direction), cmp.Compare(x.Protocol, y.Protocol),
		cmp.Compare(x.FromPort, y.FromPort), cmp.Compare(x.ToPort, y.ToPort),
		slices.CompareFunc(x.Networks, y.Networks, netip.Prefix.Compare), cmp.Compare(x.Description, y.Description))
}
