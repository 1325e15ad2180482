package google

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
	suspended := func(v *cloud.VM) { v.Status, v.Power = "SUSPENDED", powerOf("SUSPENDED") }
	const net, other, web, ssh, data = "acme-europe-west3-a", "other-europe-west3-a", "web-europe-west3-a", "ssh-europe-west3-a", "data-europe-west3-a"
	for name, test := range map[string]struct {
		current func(*cloud.VM)
		want    func(*cloud.VMSpec)
		steps   []step
	}{
		"nothing":         {},
		"order and twice": {current: func(v *cloud.VM) { v.Firewalls = []string{ssh, web} }, want: func(s *cloud.VMSpec) { s.Firewalls = []string{web, ssh, web} }},
		"rename":          {want: func(s *cloud.VMSpec) { s.Meta = acme("sql") }, steps: []step{labelVM{vmLabelsOf(renamed)}}},
		"another firewall": {want: func(s *cloud.VMSpec) { s.Firewalls = []string{ssh} },
			steps: []step{tagVM{net, []string{ssh}}}},
		"another volume": {want: func(s *cloud.VMSpec) { s.Volumes = []string{"new-europe-west3-a"} },
			steps: []step{detachVolume{data}, attachVolume{"new-europe-west3-a"}}},
		"another network": {want: func(s *cloud.VMSpec) { s.Network = other },
			steps: []step{stopVM{}, moveVM{Network: other, Firewalls: []string{web}}, startVM{}}},
		"another network and firewall": {want: func(s *cloud.VMSpec) { s.Network, s.Firewalls = other, []string{ssh} },
			steps: []step{tagVM{net, []string{ssh}}, stopVM{}, moveVM{Network: other, Firewalls: []string{ssh}}, startVM{}}},
		"another address": {want: func(s *cloud.VMSpec) { s.PrivateIP = ip },
			steps: []step{stopVM{}, moveVM{Network: net, IP: ip, Firewalls: []string{web}}, startVM{}}},
		"same address":   {current: func(v *cloud.VM) { v.PrivateIP = ip }, want: func(s *cloud.VMSpec) { s.PrivateIP = ip }},
		"stop":           {want: func(s *cloud.VMSpec) { s.Power = cloud.PowerStopped }, steps: []step{stopVM{}}},
		"start":          {current: func(v *cloud.VM) { v.Power = cloud.PowerStopped }, steps: []step{startVM{}}},
		"resume":         {current: suspended, steps: []step{resumeVM{}}},
		"left suspended": {current: suspended, want: func(s *cloud.VMSpec) { s.Power = cloud.PowerStopped }},
		"rescale what is suspended": {current: suspended, want: func(s *cloud.VMSpec) { s.ServerType = "e2-standard-4" },
			steps: []step{stopVM{}, changeType{"e2-standard-4"}, startVM{}}},
		"rescale what is left suspended": {current: suspended, want: func(s *cloud.VMSpec) { s.ServerType, s.Power = "e2-standard-4", cloud.PowerStopped },
			steps: []step{stopVM{}, changeType{"e2-standard-4"}}},
		"no power wanted": {current: func(v *cloud.VM) { v.Power = cloud.PowerStopped }, want: func(s *cloud.VMSpec) { s.Power = "" }},
		"rescale": {want: func(s *cloud.VMSpec) { s.ServerType = "e2-standard-4" },
			steps: []step{stopVM{}, changeType{"e2-standard-4"}, startVM{}}},
		"rescale what is off": {current: func(v *cloud.VM) { v.Power = cloud.PowerStopped },
			want:  func(s *cloud.VMSpec) { s.ServerType, s.Power = "e2-standard-4", cloud.PowerStopped },
			steps: []step{changeType{"e2-standard-4"}}},
		"protect":         {want: func(s *cloud.VMSpec) { s.Protected = true }, steps: []step{protectVM{true}}},
		"unprotect":       {current: func(v *cloud.VM) { v.Protected = true }, steps: []step{protectVM{false}}},
		"image not known": {current: func(v *cloud.VM) { v.Image = "" }},
		"everything": {
			want: func(s *cloud.VMSpec) {
				s.Firewalls, s.Volumes, s.Network, s.PrivateIP = []string{ssh}, nil, other, ip
				s.ServerType, s.Protected = "e2-standard-4", true
			},
			steps: []step{tagVM{net, []string{ssh}}, detachVolume{data}, stopVM{}, moveVM{Network: other, IP: ip, Firewalls: []string{ssh}},
				changeType{"e2-standard-4"}, startVM{}, protectVM{true}}},
	} {
		t.Run(name, func(t *testing.T) {
			current, want := madeVM(vmSpec()), vmSpec()
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
		"location":       func(s *cloud.VMSpec) { s.Location.Name = "europe-west3-b" },
		"image":          func(s *cloud.VMSpec) { s.Image = "debian-13" },
		"network_id":     func(s *cloud.VMSpec) { s.Network = "" },
		"public_ipv4":    func(s *cloud.VMSpec) { s.PublicIPv4 = true },
		"public_ipv6":    func(s *cloud.VMSpec) { s.PublicIPv6 = true },
		"google.kms_key": func(s *cloud.VMSpec) { s.Options = map[string]string{optionKMSKey: someKey} },
		"google.service_account": func(s *cloud.VMSpec) {
			s.Options = map[string]string{optionServiceAccount: "a@b.iam.gserviceaccount.com"}
		},
	} {
		want := vmSpec()
		change(&want)
		_, err := planVM(madeVM(vmSpec()), want)
		var failed *cloud.Error
		if !errors.As(err, &failed) || failed.Code != cloud.CodeUnsupported || failed.Field != field || failed.Remedy == "" {
			t.Errorf("%s: got %v", field, err)
		}
	}
}

// Every VM is made running; one that shall be off is stopped afterwards.
func TestWhatIsLeftAfterACreate(t *testing.T) {
	spec := vmSpec()
	spec.Protected, spec.PrivateIP = true, netip.MustParseAddr("10.1.0.9")
	if steps, err := planVM(madeVM(spec), spec); err != nil || len(steps) > 0 {
		t.Errorf("left %v, %v", steps, err)
	}
	spec.Power = cloud.PowerStopped
	if steps, err := planVM(madeVM(spec), spec); err != nil || !cmp.Equal([]step{stopVM{}}, steps) {
		t.Errorf("left %v, %v", steps, err)
	}
}

// What is planned for a VM whose power does not change is the status that it
// has: a suspended one is not called stopped.
func TestMergedVMKeepsItsStatus(t *testing.T) {
	current, want := madeVM(vmSpec()), vmSpec()
	current.Status, current.Power, want.Power = "SUSPENDED", cloud.PowerStopped, cloud.PowerStopped
	if got := mergedVM(current, want).Status; got != "SUSPENDED" {
		t.Errorf("a VM that is left suspended is %s", got)
	}
	want.ServerType = "e2-standard-4"
	if got := mergedVM(current, want).Status; got != statusTerminated {
		t.Errorf("a VM that was suspended and rescaled is %s", got)
	}
	want.Power = cloud.PowerRunning
	if got := mergedVM(current, want).Status; got != statusRunning {
		t.Errorf("a VM that was resumed is %s", got)
	}
}

func TestMergedVMKnowsNoAddressThatTheVendorChooses(t *testing.T) {
	current := madeVM(vmSpec())
	current.PrivateIP, current.IPv4 = netip.MustParseAddr("10.1.0.2"), netip.MustParseAddr("203.0.113.7")
	moved := vmSpec()
	moved.Network = "other-europe-west3-a"
	if got := mergedVM(current, moved); got.PrivateIP.IsValid() {
		t.Errorf("the address %s is the old network's", got.PrivateIP)
	}
	stopped := vmSpec()
	stopped.Power = cloud.PowerStopped
	if got := mergedVM(current, stopped); got.IPv4.IsValid() || got.Status != statusTerminated || !got.PrivateIP.IsValid() {
		t.Errorf("a stopped VM is %+v", got)
	}
}
