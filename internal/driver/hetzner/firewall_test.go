package hetzner_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// Terraform deletes a firewall before it changes the VM that was behind it. A
// VM with another firewall is taken out of the one that goes; a VM with no
// other keeps it.
func TestFirewallThatGoes(t *testing.T) {
	s := newTenant(t)
	spec := firewallSpec()
	spec.Name = "ssh"
	ssh, err := s.d.Firewalls().Create(t.Context(), spec, func(cloud.Firewall) {})
	if err != nil {
		t.Fatal(err)
	}
	behind := func(want ...string) {
		t.Helper()
		have, err := s.d.VMs().Get(t.Context(), s.vm.ID.Native)
		if err != nil || !slices.Equal(have.Firewalls, want) {
			t.Errorf("the VM is behind %v, want %v (%v)", have.Firewalls, want, err)
		}
	}

	err = s.d.Firewalls().Delete(t.Context(), s.firewall.ID.Native)
	var refused *cloud.Error
	if !errors.As(err, &refused) || refused.Code != cloud.CodeInUse || !strings.Contains(refused.Message, "still protects VM "+s.vm.ID.Native) ||
		!strings.Contains(refused.Remedy, "NET-1") || !strings.Contains(refused.Remedy, "create_before_destroy") {
		t.Fatalf("deleting the VM's only firewall: %v", err)
	}
	behind(s.firewall.ID.Native)

	both := s.vmSpec()
	both.Firewalls = append(both.Firewalls, ssh.ID.Native)
	if s.vm, err = s.d.VMs().Update(t.Context(), s.vm, both); err != nil {
		t.Fatal(err)
	}
	if err := s.d.Firewalls().Delete(t.Context(), s.firewall.ID.Native); err != nil {
		t.Fatalf("deleting one of two: %v", err)
	}
	behind(ssh.ID.Native)

	// The VM's own change, which comes next, finds nothing left to do.
	last := s.vmSpec()
	last.Firewalls = []string{ssh.ID.Native}
	if _, err := s.d.VMs().Update(t.Context(), s.vm, last); err != nil {
		t.Error(err)
	}
	behind(ssh.ID.Native)
}
