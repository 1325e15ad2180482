package vm

import (
	"net/netip"
	"reflect"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
)

func ids(texts ...string) types.Set {
	values := []attr.Value{}
	for _, text := range texts {
		values = append(values, types.StringValue(text))
	}
	return types.SetValueMust(types.StringType, values)
}

func block(group, keep attr.Value) types.Object {
	return types.ObjectValueMust(hetznerTypes(), map[string]attr.Value{"placement_group_id": group, "keep_disk": keep})
}

func TestToSpec(t *testing.T) {
	meta := cloud.Meta{Name: "web", Location: hel1, Tenant: "acme"}
	m := &model{
		ServerType: types.StringValue("small"), Image: types.StringValue("debian-12"),
		SSHKeyIDs: ids("hetzner/hel1/9", "hetzner/fsn1/8"), NetworkID: types.StringValue("hetzner/hel1/3"),
		PrivateIP: types.StringValue("10.0.0.5"), FirewallIDs: ids("hetzner/hel1/4"), VolumeIDs: types.SetNull(types.StringType),
		UserData: types.StringValue("#!/bin/sh\n"), PowerState: types.StringValue("stopped"),
		PublicIPv4: types.BoolValue(true), PublicIPv6: types.BoolValue(false),
		Hetzner: block(types.StringValue("7"), types.BoolValue(false)),
	}
	want := cloud.VMSpec{Meta: meta, ServerType: "small", Image: "debian-12", SSHKeys: []string{"8", "9"}, Network: "3",
		PrivateIP: netip.MustParseAddr("10.0.0.5"), Firewalls: []string{"4"}, UserData: "#!/bin/sh\n",
		Power: cloud.PowerStopped, PublicIPv4: true,
		Options: map[string]string{"placement_group_id": "7", "keep_disk": "false"}}
	got, diags := toSpec(t.Context(), m, meta)
	if len(diags) > 0 || !reflect.DeepEqual(got, want) {
		t.Errorf("toSpec =\n%+v, want\n%+v (%v)", got, want, diags)
	}
	elsewhere := meta
	elsewhere.Location = cloud.Location{Cloud: "google", Name: "europe-west3-a"}
	if got, _ := toSpec(t.Context(), m, elsewhere); got.Options != nil {
		t.Errorf("another cloud is given Hetzner's options: %v", got.Options)
	}
	m.Hetzner, m.PrivateIP = types.ObjectNull(hetznerTypes()), types.StringUnknown()
	if got, _ := toSpec(t.Context(), m, meta); got.Options != nil || got.PrivateIP.IsValid() {
		t.Errorf("absent values became %v, %v", got.Options, got.PrivateIP)
	}
}

func TestFromObject(t *testing.T) {
	observed := cloud.VM{
		VMSpec: cloud.VMSpec{ServerType: "large", Image: "debian-12", Network: "3", PrivateIP: netip.MustParseAddr("10.0.0.5"),
			Firewalls: []string{"4", "5"}, Power: cloud.PowerRunning, PublicIPv6: true,
			Options: map[string]string{"placement_group_id": "7"}},
		Status: "running", Architecture: cloud.ArchX86, CPUs: 8, MemoryGB: 16,
		IPv6: netip.MustParsePrefix("2001:db8::1/64"),
	}
	fresh := func() *model {
		return &model{Common: service.Common{Location: types.StringValue("hetzner/hel1")}, Hetzner: types.ObjectNull(hetznerTypes())}
	}
	for _, test := range []struct {
		name   string
		change func(*model)
		value  func(*model) attr.Value
		want   attr.Value
	}{
		{"the id that the configuration uses stays", func(m *model) { m.FirewallIDs = ids("hetzner/fsn1/4") },
			func(m *model) attr.Value { return m.FirewallIDs }, ids("hetzner/fsn1/4", "hetzner/hel1/5")},
		{"no volumes stay absent", nil, func(m *model) attr.Value { return m.VolumeIDs }, types.SetNull(types.StringType)},
		{"no volumes stay an empty set", func(m *model) { m.VolumeIDs = ids() }, func(m *model) attr.Value { return m.VolumeIDs }, ids()},
		{"detached volumes show", func(m *model) { m.VolumeIDs = ids("hetzner/hel1/1") }, func(m *model) attr.Value { return m.VolumeIDs }, ids()},
		{"network", nil, func(m *model) attr.Value { return m.NetworkID }, types.StringValue("hetzner/hel1/3")},
		{"image of an import", nil, func(m *model) attr.Value { return m.Image }, types.StringValue("debian-12")},
		{"image stays", func(m *model) { m.Image = types.StringValue("114690387") }, func(m *model) attr.Value { return m.Image }, types.StringValue("114690387")},
		{"larger is enough", func(m *model) { m.CPUs = types.Int64Value(2) }, func(m *model) attr.Value { return m.CPUs }, types.Int64Value(2)},
		{"smaller shows", func(m *model) { m.MemoryGB = types.Float64Value(32) }, func(m *model) attr.Value { return m.MemoryGB }, types.Float64Value(16)},
		{"no size is not invented", nil, func(m *model) attr.Value { return m.CPUs }, types.Int64Null()},
		{"no IPv4", nil, func(m *model) attr.Value { return m.IPv4Address }, types.StringNull()},
		{"IPv6 address", nil, func(m *model) attr.Value { return m.IPv6Address }, types.StringValue("2001:db8::1")},
		{"IPv6 network", nil, func(m *model) attr.Value { return m.IPv6Network }, types.StringValue("2001:db8::/64")},
		{"the block is not invented", nil, func(m *model) attr.Value { return m.Hetzner }, types.ObjectNull(hetznerTypes())},
		{"the block shows drift", func(m *model) { m.Hetzner = block(types.StringValue("6"), types.BoolValue(true)) },
			func(m *model) attr.Value { return m.Hetzner }, block(types.StringValue("7"), types.BoolValue(true))},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := fresh()
			if test.change != nil {
				test.change(m)
			}
			if diags := fromObject(t.Context(), m, observed); len(diags) > 0 {
				t.Fatal(diags)
			}
			if got := test.value(m); !got.Equal(test.want) {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

// What an update starts from is the machine as the last read left it.
func TestRebuild(t *testing.T) {
	spec := cloud.VMSpec{SSHKeys: []string{"1"}, UserData: "x", Network: "3"}
	m := &model{Status: types.StringValue("running"), IPv4Address: types.StringValue("198.51.100.1"), IPv6Network: types.StringValue("2001:db8::/64")}
	vm := rebuild(m, cloud.Object{ID: cloud.ID{Location: hel1, Native: "5"}}, spec)
	if vm.SSHKeys != nil || vm.UserData != "" || vm.Network != "3" || vm.ID.Native != "5" ||
		vm.IPv4 != netip.MustParseAddr("198.51.100.1") || vm.IPv6 != netip.MustParsePrefix("2001:db8::/64") || vm.Status != "running" {
		t.Errorf("rebuild = %+v", vm)
	}
}
