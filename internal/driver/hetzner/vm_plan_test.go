package hetzner

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

func TestPlanVM(t *testing.T) {
	ip := netip.MustParseAddr("10.1.0.9")
	renamed := vmSpec()
	renamed.Meta = acme("sql")
	renamedLabels := labelsOf(cloud.KindVM, renamed.Meta)
	renamedLabels[labelOrigin] = originOf(renamed)
	inner := vmSpec()
	inner.PublicIPv4, inner.PublicIPv6, inner.Firewalls = false, false, []string{"31", "30"}
	group := func(id string) map[string]string { return map[string]string{optionPlacementGroup: id} }
	for name, test := range map[string]struct {
		current func(*cloud.VM)
		want    func(*cloud.VMSpec)
		steps   []step
	}{
		"nothing":          {},
		"order and twice":  {current: func(v *cloud.VM) { v.Firewalls = []string{"31", "30"} }, want: func(s *cloud.VMSpec) { s.Firewalls = []string{"30", "31", "30"} }},
		"rename":           {want: func(s *cloud.VMSpec) { s.Meta = acme("sql") }, steps: []step{relabel{cloud.KindVM, "sql-fsn1", renamedLabels}}},
		"another firewall": {want: func(s *cloud.VMSpec) { s.Firewalls = []string{"31"} }, steps: []step{applyFirewall{31}, removeFirewall{30}}},
		"another firewall without a public address": {
			current: func(v *cloud.VM) { v.PublicIPv4, v.PublicIPv6 = false, false },
			want:    func(s *cloud.VMSpec) { *s = inner },
			steps:   []step{relabel{cloud.KindVM, "db-fsn1", vmLabelsOf(inner)}}},
		"another volume":  {want: func(s *cloud.VMSpec) { s.Volumes = []string{"41"} }, steps: []step{detachVolume{40}, attachVolume{41}}},
		"another network": {want: func(s *cloud.VMSpec) { s.Network = "21" }, steps: []step{detachNetwork{20}, attachNetwork{Network: 21}}},
		"no network":      {want: func(s *cloud.VMSpec) { s.Network = "" }, steps: []step{detachNetwork{20}}},
		"another address": {want: func(s *cloud.VMSpec) { s.PrivateIP = ip }, steps: []step{detachNetwork{20}, attachNetwork{20, ip}}},
		"same address":    {current: func(v *cloud.VM) { v.PrivateIP = ip }, want: func(s *cloud.VMSpec) { s.PrivateIP = ip }},
		"stop":            {want: func(s *cloud.VMSpec) { s.Power = cloud.PowerStopped }, steps: []step{stop{}}},
		"start":           {current: func(v *cloud.VM) { v.Power = cloud.PowerStopped }, steps: []step{start{}}},
		"no power wanted": {current: func(v *cloud.VM) { v.Power = cloud.PowerStopped }, want: func(s *cloud.VMSpec) { s.Power = "" }},
		"rescale":         {want: func(s *cloud.VMSpec) { s.ServerType = "cx32" }, steps: []step{stop{}, changeType{Type: "cx32"}, start{}}},
		"rescale with disk": {
			want:  func(s *cloud.VMSpec) { s.ServerType, s.Options = "cx32", map[string]string{optionKeepDisk: "false"} },
			steps: []step{stop{}, changeType{Type: "cx32", GrowDisk: true}, start{}}},
		"rescale what is off": {
			current: func(v *cloud.VM) { v.Power = cloud.PowerStopped },
			want:    func(s *cloud.VMSpec) { s.ServerType, s.Power = "cx32", cloud.PowerStopped },
			steps:   []step{changeType{Type: "cx32"}}},
		"rescale and stay off": {want: func(s *cloud.VMSpec) { s.ServerType, s.Power = "cx32", cloud.PowerStopped }, steps: []step{stop{}, changeType{Type: "cx32"}}},
		"join a group":         {want: func(s *cloud.VMSpec) { s.Options = group("50") }, steps: []step{stop{}, joinPlacementGroup{50}, start{}}},
		"leave a group":        {current: func(v *cloud.VM) { v.Options = group("50") }, steps: []step{leavePlacementGroup{}}},
		"change groups": {
			current: func(v *cloud.VM) { v.Options = group("50") }, want: func(s *cloud.VMSpec) { s.Options = group("51") },
			steps: []step{leavePlacementGroup{}, stop{}, joinPlacementGroup{51}, start{}}},
		"unprotect": {current: func(v *cloud.VM) { v.Protected = true }, steps: []step{protect{cloud.KindVM, false}}},
		"everything": {
			want: func(s *cloud.VMSpec) {
				s.Firewalls, s.Volumes, s.Network, s.PrivateIP = []string{"31"}, []string{"41"}, "21", ip
				s.ServerType, s.Options, s.Protected = "cx32", group("50"), true
			},
			steps: []step{applyFirewall{31}, removeFirewall{30}, detachNetwork{20}, attachNetwork{21, ip}, detachVolume{40}, attachVolume{41},
				stop{}, changeType{Type: "cx32"}, joinPlacementGroup{50}, start{}, protect{cloud.KindVM, true}}},
	} {
		t.Run(name, func(t *testing.T) {
			current, want := observedVM(vmSpec()), vmSpec()
			if test.current != nil {
				test.current(&current)
			}
			if test.want != nil {
				test.want(&want)
			}
			got, err := planVM(current, want)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.steps, got, addresses, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
			if rest, err := planVM(mergedVM(current, want), want); err != nil || len(rest) > 0 {
				t.Errorf("after the plan there is still %v, %v", rest, err)
			}
		})
	}
}

func TestPlanVMRefusesWhatNeedsAReplacement(t *testing.T) {
	for field, change := range map[string]func(*cloud.VMSpec){
		"location":    func(s *cloud.VMSpec) { s.Location.Name = "hel1" },
		"image":       func(s *cloud.VMSpec) { s.Image = "debian-12" },
		"public_ipv4": func(s *cloud.VMSpec) { s.PublicIPv4 = false },
		"public_ipv6": func(s *cloud.VMSpec) { s.PublicIPv6 = false },
	} {
		want := vmSpec()
		change(&want)
		_, err := planVM(observedVM(vmSpec()), want)
		var failed *cloud.Error
		if !errors.As(err, &failed) || failed.Code != cloud.CodeUnsupported || failed.Field != field {
			t.Errorf("%s: got %v", field, err)
		}
	}
	byID := vmSpec()
	byID.Image = "114690387"
	if _, err := planVM(observedVM(vmSpec()), byID); err != nil {
		t.Errorf("an image named by its id is refused: %v", err)
	}
}

func TestMergedVMKnowsNoAddressThatTheVendorChooses(t *testing.T) {
	moved := vmSpec()
	moved.Network = "21"
	if got := mergedVM(observedVM(vmSpec()), moved); got.PrivateIP.IsValid() {
		t.Errorf("the address %s is the old network's", got.PrivateIP)
	}
	if got := mergedVM(observedVM(vmSpec()), vmSpec()); !got.PrivateIP.IsValid() {
		t.Error("the known address is lost")
	}
}
