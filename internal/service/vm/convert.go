package vm

import (
	"cmp"
	"context"
	"net/netip"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
)

// toSpec maps a model whose values are all known and judged.
func toSpec(ctx context.Context, m *model, meta cloud.Meta) (cloud.VMSpec, diag.Diagnostics) {
	var diags diag.Diagnostics
	spec := cloud.VMSpec{
		Meta:           meta,
		ServerType:     m.ServerType.ValueString(),
		Alternatives:   m.alternatives,
		Image:          imageOf(m),
		SSHKeys:        natives(parseIDs(m.SSHKeyIDs)),
		Firewalls:      natives(parseIDs(m.FirewallIDs)),
		Volumes:        natives(parseIDs(m.VolumeIDs)),
		UserData:       cmp.Or(m.composed, m.UserData.ValueString()),
		UserDataOrigin: m.GuestHash.ValueString(),
		Power:          cloud.PowerState(m.PowerState.ValueString()),
		PublicIPv4:     m.PublicIPv4.ValueBool(),
		PublicIPv6:     m.PublicIPv6.ValueBool(),
		Options:        options(ctx, m, meta.Location, &diags),
	}
	if id, err := cloud.ParseID(m.NetworkID.ValueString()); err == nil {
		spec.Network = id.Native
	}
	if ip, err := netip.ParseAddr(m.PrivateIP.ValueString()); err == nil {
		spec.PrivateIP = ip
	}
	return spec, diags
}

// fromObject writes what was observed into the model. SSH keys and user data
// cannot be read back and stay as they are. The image stays too once it is
// known: what a machine was made from does not change, but the name that the
// vendor has for it may.
func fromObject(_ context.Context, m *model, vm cloud.VM) diag.Diagnostics {
	var diags diag.Diagnostics
	location, err := cloud.ParseLocation(m.Location.ValueString())
	if err != nil {
		diags.AddAttributeError(path.Root("location"), "Not a location", err.Error())
		return diags
	}
	m.ServerType = types.StringValue(vm.ServerType)
	observeSize(m, vm)
	m.DiskGB = types.Int64Null()
	if vm.DiskGB > 0 {
		m.DiskGB = types.Int64Value(vm.DiskGB)
	}
	if m.ImageID.IsNull() && (m.Image.IsNull() || m.Image.IsUnknown()) {
		m.Image = service.OptionalString(vm.Image)
	}
	before := m.NetworkID.ValueString()
	m.NetworkID, m.PrivateIP = types.StringNull(), types.StringNull()
	if vm.Network != "" {
		m.NetworkID = types.StringValue(idFor(vm.Network, []string{before}, location))
	}
	if vm.PrivateIP.IsValid() {
		m.PrivateIP = types.StringValue(vm.PrivateIP.String())
	}
	m.FirewallIDs = idSet(vm.Firewalls, m.FirewallIDs, location)
	m.VolumeIDs = idSet(vm.Volumes, m.VolumeIDs, location)
	if vm.Power != "" {
		m.PowerState = types.StringValue(string(vm.Power))
	}
	m.PublicIPv4 = types.BoolValue(vm.PublicIPv4)
	m.PublicIPv6 = types.BoolValue(vm.PublicIPv6)
	m.IPv4Address, m.IPv6Address, m.IPv6Network = addresses(vm)
	m.Status = service.OptionalString(vm.Status)
	keepGuest(m)
	observeHetzner(m, vm, location)
	observeGoogle(m, vm, location)
	return diags
}

// observeSize lets a machine that somebody made smaller than it was asked to
// be show up as a difference. A larger one satisfies what was asked for.
func observeSize(m *model, vm cloud.VM) {
	if !m.CPUs.IsNull() && vm.CPUs > 0 && vm.CPUs < m.CPUs.ValueInt64() {
		m.CPUs = types.Int64Value(vm.CPUs)
	}
	if !m.MemoryGB.IsNull() && vm.MemoryGB > 0 && vm.MemoryGB < m.MemoryGB.ValueFloat64() {
		m.MemoryGB = types.Float64Value(vm.MemoryGB)
	}
	if vm.Architecture != "" {
		m.Architecture = types.StringValue(string(vm.Architecture))
	}
}

// addresses gives the public addresses: the IPv6 address is the first of the
// machine's network, which is the one that clouds configure in the guest.
func addresses(vm cloud.VM) (ipv4, ipv6, network types.String) {
	ipv4, ipv6, network = types.StringNull(), types.StringNull(), types.StringNull()
	if vm.IPv4.IsValid() {
		ipv4 = types.StringValue(vm.IPv4.String())
	}
	if vm.IPv6.IsValid() {
		network = types.StringValue(vm.IPv6.Masked().String())
		ipv6 = types.StringValue(firstHost(vm.IPv6).String())
	}
	return ipv4, ipv6, network
}

// firstHost gives the network's first address after its own; a single
// address is its own host.
func firstHost(prefix netip.Prefix) netip.Addr {
	if prefix.IsSingleIP() {
		return prefix.Addr()
	}
	return prefix.Masked().Addr().Next()
}

// rebuild makes the observed machine again from a model that was read from
// it.
func rebuild(m *model, object cloud.Object, spec cloud.VMSpec) cloud.VM {
	// Keys and user data are not observed.
	spec.SSHKeys, spec.UserData = nil, ""
	vm := cloud.VM{Object: object, VMSpec: spec, Status: m.Status.ValueString(), DiskGB: m.DiskGB.ValueInt64()}
	if ip, err := netip.ParseAddr(m.IPv4Address.ValueString()); err == nil {
		vm.IPv4 = ip
	}
	if prefix, err := netip.ParsePrefix(m.IPv6Network.ValueString()); err == nil {
		vm.IPv6 = prefix
	}
	return vm
}
