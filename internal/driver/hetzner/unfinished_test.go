package hetzner_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

// A VM that runs is not given up because a part of it cannot be had now: an
// update gets it later.
func TestAPartThatKeepsFailingDoesNotSpoilAVM(t *testing.T) {
	for _, command := range []string{"attach_volume", "attach_to_network"} {
		s := newTenant(t)
		released := s.vmSpec()
		released.Volumes = nil
		if _, err := s.d.VMs().Update(t.Context(), s.vm, released); err != nil {
			t.Fatal(err)
		}
		spec := s.vmSpec()
		spec.Name = "limping"
		s.w.fault(t, simcloud.Fault{Kind: simcloud.FaultActionFailed, Command: command})
		vm, err := s.d.VMs().Create(t.Context(), spec, func(cloud.VM) {})
		if cloud.CodeOf(err) != cloud.CodeUnfinished || !strings.Contains(err.Error(), command) {
			t.Errorf("%s: %v", command, err)
		}
		have, err := s.d.VMs().Get(t.Context(), vm.ID.Native)
		if err != nil || have.Power != cloud.PowerRunning {
			t.Fatalf("%s: the VM is %+v, %v", command, have, err)
		}
		s.w.sim.ClearFaults()
		if now, err := s.d.VMs().Update(t.Context(), have, spec); err != nil || !slices.Equal(now.Volumes, spec.Volumes) || now.Network != spec.Network {
			t.Errorf("%s: the VM has become %+v, %v", command, now, err)
		}
	}
}

// An adopted VM is older than this create: it is no failure of its own either.
func TestAPartThatFailsDoesNotSpoilAnAdoptedVM(t *testing.T) {
	s := newTenant(t)
	released := s.vmSpec()
	released.Volumes = nil
	if _, err := s.d.VMs().Update(t.Context(), s.vm, released); err != nil {
		t.Fatal(err)
	}
	s.w.fault(t, simcloud.Fault{Kind: simcloud.FaultActionFailed, Command: "attach_volume"})
	vm, err := s.d.VMs().Create(t.Context(), s.vmSpec(), func(cloud.VM) {})
	if cloud.CodeOf(err) != cloud.CodeUnfinished || vm.ID.Native != s.vm.ID.Native {
		t.Errorf("%+v, %v", vm.ID, err)
	}
}
