package hetzner

import (
	"errors"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

func vmSpec() cloud.VMSpec {
	return cloud.VMSpec{Meta: acme("db"), ServerType: "cx22", Image: "debian-13", SSHKeys: []string{"1"}, Network: "20",
		Firewalls: []string{"30"}, Volumes: []string{"40"}, UserData: "#cloud-config\n", Power: cloud.PowerRunning, PublicIPv4: true, PublicIPv6: true}
}

// observedVM is what the API would say of the spec's VM when it runs.
func observedVM(spec cloud.VMSpec) cloud.VM {
	vm := cloud.VM{VMSpec: spec, Status: "running"}
	vm.ID = cloud.ID{Location: spec.Location, Native: "7"}
	vm.NativeName = nativeName(cloud.KindVM, spec.Meta)
	vm.UserData, vm.SSHKeys = "", nil
	if spec.Network != "" && !spec.PrivateIP.IsValid() {
		vm.PrivateIP = netip.MustParseAddr("10.1.0.2")
	}
	return vm
}

func TestServerOptsCarryEverythingInline(t *testing.T) {
	spec := vmSpec()
	spec.Options = map[string]string{optionPlacementGroup: "50", optionKeepDisk: "true"}
	got, err := serverOpts(spec)
	if err != nil {
		t.Fatal(err)
	}
	labels := labelsOf(cloud.KindVM, spec.Meta)
	labels[labelOrigin] = originOf(spec)
	yes, no := true, false
	want := hcloud.ServerCreateOpts{Name: "db-fsn1", ServerType: &hcloud.ServerType{Name: "cx22"}, Image: &hcloud.Image{Name: "debian-13"},
		SSHKeys: []*hcloud.SSHKey{{ID: 1}}, Location: &hcloud.Location{Name: "fsn1"}, UserData: "#cloud-config\n", StartAfterCreate: &yes,
		Labels: labels, Automount: &no, Volumes: []*hcloud.Volume{{ID: 40}}, Networks: []*hcloud.Network{{ID: 20}},
		Firewalls:      []*hcloud.ServerCreateFirewall{{Firewall: hcloud.Firewall{ID: 30}}},
		PlacementGroup: &hcloud.PlacementGroup{ID: 50}, PublicNet: &hcloud.ServerCreatePublicNet{EnableIPv4: true, EnableIPv6: true}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestServerOptsOfSpecialCases(t *testing.T) {
	fixed := func(s *cloud.VMSpec) { s.PrivateIP = netip.MustParseAddr("10.1.0.9") }
	private := func(s *cloud.VMSpec) { s.PublicIPv4, s.PublicIPv6 = false, false }
	for name, test := range map[string]struct {
		change         []func(*cloud.VMSpec)
		starts, inline bool
		rest           []step
	}{
		"address by the vendor":                  {starts: true, inline: true},
		"no public address":                      {change: []func(*cloud.VMSpec){private}, starts: true, inline: true},
		"stopped":                                {change: []func(*cloud.VMSpec){func(s *cloud.VMSpec) { s.Power = cloud.PowerStopped }}, inline: true},
		"no power state means running":           {change: []func(*cloud.VMSpec){func(s *cloud.VMSpec) { s.Power = "" }}, starts: true, inline: true},
		"fixed address":                          {change: []func(*cloud.VMSpec){fixed}, starts: true, rest: []step{attachNetwork{20, netip.MustParseAddr("10.1.0.9")}}},
		"fixed address and no public address":    {change: []func(*cloud.VMSpec){fixed, private}, rest: []step{attachNetwork{20, netip.MustParseAddr("10.1.0.9")}, start{}}},
		"protected, which is a write of its own": {change: []func(*cloud.VMSpec){func(s *cloud.VMSpec) { s.Protected = true }}, starts: true, inline: true, rest: []step{protect{cloud.KindVM, true}}},
	} {
		t.Run(name, func(t *testing.T) {
			spec := vmSpec()
			for _, change := range test.change {
				change(&spec)
			}
			got, err := serverOpts(spec)
			if err != nil || *got.StartAfterCreate != test.starts || (len(got.Networks) == 1) != test.inline {
				t.Fatalf("starts %v, networks %v, %v", *got.StartAfterCreate, got.Networks, err)
			}
			// What the API answers shows nothing of what the actions will do.
			answer := vmFrom(&hcloud.Server{ID: 7, Name: got.Name, Labels: got.Labels, Status: hcloud.ServerStatusInitializing,
				Location: got.Location, ServerType: got.ServerType, Image: got.Image})
			answer.PublicIPv4, answer.PublicIPv6 = spec.PublicIPv4, spec.PublicIPv6
			if spec.Power == "" {
				spec.Power = cloud.PowerRunning
			}
			steps, err := planVM(madeVM(answer, spec), spec)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.rest, steps, addresses); diff != "" {
				t.Errorf("after the create there is left:\n%s", diff)
			}
		})
	}
}

func TestServerOptsRefuseWhatIsNoID(t *testing.T) {
	for field, change := range map[string]func(*cloud.VMSpec){
		"ssh_key_ids":                func(s *cloud.VMSpec) { s.SSHKeys = []string{"alice"} },
		"firewall_ids":               func(s *cloud.VMSpec) { s.Firewalls = []string{"-3"} },
		"volume_ids":                 func(s *cloud.VMSpec) { s.Volumes = []string{""} },
		"network_id":                 func(s *cloud.VMSpec) { s.Network = "0" },
		"hetzner.placement_group_id": func(s *cloud.VMSpec) { s.Options = map[string]string{optionPlacementGroup: "x"} },
		"hetzner.keep_disk":          func(s *cloud.VMSpec) { s.Options = map[string]string{optionKeepDisk: "maybe"} },
		"hetzner.kms_key":            func(s *cloud.VMSpec) { s.Options = map[string]string{"kms_key": "x"} },
	} {
		spec := vmSpec()
		change(&spec)
		_, err := serverOpts(spec)
		var failed *cloud.Error
		if !errors.As(err, &failed) || failed.Code != cloud.CodeInvalid || failed.Field != field {
			t.Errorf("%s: got %v", field, err)
		}
	}
}

func TestVMFrom(t *testing.T) {
	spec := vmSpec()
	spec.Options = map[string]string{optionPlacementGroup: "50"}
	have := &hcloud.Server{ID: 7, Name: "db-fsn1", Status: hcloud.ServerStatusRunning, Labels: labelsOf(cloud.KindVM, spec.Meta),
		Location: &hcloud.Location{Name: "fsn1"}, Image: &hcloud.Image{ID: 3, Name: "debian-13"},
		ServerType:      &hcloud.ServerType{Name: "cx22", Cores: 2, Memory: 4, Architecture: hcloud.ArchitectureX86},
		Volumes:         []*hcloud.Volume{{ID: 40}},
		PrimaryDiskSize: 80,
		PlacementGroup:  &hcloud.PlacementGroup{ID: 50},
		PrivateNet:      []hcloud.ServerPrivateNet{{Network: &hcloud.Network{ID: 20}, IP: netip.MustParseAddr("10.1.0.2").AsSlice()}},
		PublicNet: hcloud.ServerPublicNet{
			IPv4:      hcloud.ServerPublicNetIPv4{IP: netip.MustParseAddr("192.0.2.1").AsSlice()},
			IPv6:      hcloud.ServerPublicNetIPv6{IP: netip.MustParseAddr("2001:db8::").AsSlice(), Network: ipNet(cidr("2001:db8::/64"))},
			Firewalls: []*hcloud.ServerFirewallStatus{{Firewall: hcloud.Firewall{ID: 30}}}}}
	want := observedVM(spec)
	want.Key = keyOf(cloud.KindVM, spec.Meta)
	want.CPUs, want.MemoryGB, want.DiskGB, want.Architecture = 2, 4, 80, cloud.ArchX86
	want.IPv4, want.IPv6 = netip.MustParseAddr("192.0.2.1"), cidr("2001:db8::/64")
	if diff := cmp.Diff(want, vmFrom(have), addresses); diff != "" {
		t.Error(diff)
	}
	have.Image = &hcloud.Image{ID: 99}
	have.PublicNet = hcloud.ServerPublicNet{}
	have.Labels[labelFirewalls] = "30_31"
	if got := vmFrom(have); got.Image != "99" || got.PublicIPv4 || got.PublicIPv6 || got.IPv4.IsValid() || !slices.Equal(got.Firewalls, []string{"30", "31"}) {
		t.Errorf("a snapshot's server without public addresses is seen as %+v", got)
	}
	have.Image, have.PrivateNet, have.PlacementGroup, have.ServerType = nil, nil, nil, nil
	if got := vmFrom(have); got.Image != "" || got.Network != "" {
		t.Errorf("got %+v", got)
	}
}
