package vm

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/policy"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
)

// check judges what is known of the model by itself: the promises that need
// nothing but the block, and the plain bad input.
func check(ctx context.Context, m *model, diags *diag.Diagnostics) {
	judge(m, facts(m), cloud.Capabilities{}, diags)
	checkSizing(m, diags)
	checkOneOf(m.PowerState, "power_state", diags, string(cloud.PowerRunning), string(cloud.PowerStopped))
	checkOneOf(m.Architecture, "architecture", diags, string(cloud.ArchX86), string(cloud.ArchARM))
	if ip := m.PrivateIP; !ip.IsNull() && !ip.IsUnknown() {
		if _, err := netip.ParseAddr(ip.ValueString()); err != nil {
			diags.AddAttributeError(path.Root("private_ip"), "Not an IP address",
				fmt.Sprintf("%q is not an IP address. Write one of the network's addresses, for example \"10.0.1.5\", or leave it out to let the cloud choose.", ip.ValueString()))
		}
	}
	if service.Known(m.BackupPlanID) {
		service.Report(diags, policy.CheckName("backup_plan_id", m.BackupPlanID.ValueString())...)
	}
	checkGuest(ctx, m, diags)
	checkImage(m, diags)
	checkHetzner(ctx, m, diags)
	checkGoogle(m, diags)
}

// facts gives to package policy what is known of a model; the tenants of
// other objects are not among it.
func facts(m *model) policy.VM {
	return policy.VM{
		Location:  knownLocation(m.Location),
		Tenant:    service.OptText(m.Tenant),
		Tier:      service.OptText(m.Tier),
		SSHKeys:   refs(m.SSHKeyIDs),
		Network:   policy.Ref{ID: service.OptText(m.NetworkID)},
		Firewalls: refs(m.FirewallIDs),
		Volumes:   refs(m.VolumeIDs),
		PrivateIP: address(m.PrivateIP),
		UserData:  service.OptText(m.UserData),
	}
}

// judge reports the promises that are broken. Elements of a set have no
// index in Terraform's eyes, so that findings about them go to the set.
func judge(m *model, vm policy.VM, capabilities cloud.Capabilities, diags *diag.Diagnostics) {
	findings, _ := policy.CheckVM(vm, capabilities)
	for _, f := range findings {
		// The form of names and tiers is judged where all objects are.
		if f.Field == "tier" || f.Field == "tenant" && m.Tenant.ValueString() != "" {
			continue
		}
		f.Field, _, _ = strings.Cut(f.Field, "[")
		service.Report(diags, f)
	}
}

func knownLocation(value types.String) policy.Opt[cloud.Location] {
	location, err := cloud.ParseLocation(value.ValueString())
	if err != nil {
		return policy.Unknown[cloud.Location]()
	}
	return policy.Known(location)
}

func address(value types.String) policy.Opt[netip.Addr] {
	if value.IsNull() {
		return policy.Known(netip.Addr{})
	}
	ip, err := netip.ParseAddr(value.ValueString())
	if err != nil {
		return policy.Unknown[netip.Addr]()
	}
	return policy.Known(ip)
}

// refs reads a set of ids, in a fixed order; its elements may be unknown.
func refs(set types.Set) policy.Opt[[]policy.Ref] {
	if set.IsUnknown() {
		return policy.Unknown[[]policy.Ref]()
	}
	elements := slices.SortedFunc(slices.Values(set.Elements()), func(a, b attr.Value) int { return strings.Compare(a.String(), b.String()) })
	list := make([]policy.Ref, 0, len(elements))
	for _, element := range elements {
		if id, ok := element.(types.String); ok {
			list = append(list, policy.Ref{ID: service.OptText(id)})
		}
	}
	return policy.Known(list)
}

func checkOneOf(value types.String, attribute string, diags *diag.Diagnostics, allowed ...string) {
	if value.IsNull() || value.IsUnknown() || slices.Contains(allowed, value.ValueString()) {
		return
	}
	diags.AddAttributeError(path.Root(attribute), "Not a value of "+attribute,
		fmt.Sprintf("%q is not possible. Write \"%s\".", value.ValueString(), strings.Join(allowed, `" or "`)))
}

// checkSizing judges how the size is named. Only a configuration is judged,
// which has no id: in a plan or state the chosen server type stands beside
// what it was chosen for.
func checkSizing(m *model, diags *diag.Diagnostics) {
	if cpus := m.CPUs; !cpus.IsNull() && !cpus.IsUnknown() && cpus.ValueInt64() < 1 {
		diags.AddAttributeError(path.Root("cpus"), "Too few CPUs", fmt.Sprintf("%d is not possible. Ask for 1 or more.", cpus.ValueInt64()))
	}
	if memory := m.MemoryGB; !memory.IsNull() && !memory.IsUnknown() && memory.ValueFloat64() <= 0 {
		diags.AddAttributeError(path.Root("memory_gb"), "Too little memory", fmt.Sprintf("%g GB is not possible. Ask for more than 0.", memory.ValueFloat64()))
	}
	if !m.ID.IsNull() {
		return
	}
	sized := !m.CPUs.IsNull() || !m.MemoryGB.IsNull()
	named := !m.ServerType.IsNull()
	switch {
	case !sized && !named:
		diags.AddAttributeError(path.Root("cpus"), "No size",
			"Say how large the VM is to be: give cpus and memory_gb (the cheapest server type that has at least this is chosen), or name a server_type.")
	case named && (sized || !m.Architecture.IsNull()):
		diags.AddAttributeError(path.Root("server_type"), "Two sizes",
			"server_type names the size, so cpus, memory_gb and architecture have nothing left to choose. Give either server_type, or the others.")
	}
	if named && !m.ServerType.IsUnknown() && strings.TrimSpace(m.ServerType.ValueString()) == "" {
		diags.AddAttributeError(path.Root("server_type"), "No server type", "The server type has no name. Leave server_type out and give cpus and memory_gb, or name one.")
	}
}
