package google_test

import (
	"net/http"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// A VM that somebody has suspended is off, and comes back by being resumed:
// the vendor starts only what is stopped.
func TestASuspendedVMRunsAgain(t *testing.T) {
	w := newWorld(t, 0)
	d := w.connect(t)
	if err := create(t, d.SSHKeys(), keySpec()); err != nil {
		t.Fatal(err)
	}
	if err := create(t, d.Networks(), tenantNetwork("one")); err != nil {
		t.Fatal(err)
	}
	if err := create(t, d.Firewalls(), tenantFirewall("one", "one-"+zone)); err != nil {
		t.Fatal(err)
	}
	spec := tenantVM("one")
	spec.Volumes = nil
	if err := create(t, d.VMs(), spec); err != nil {
		t.Fatal(err)
	}
	suspend := func() cloud.VM {
		t.Helper()
		response, err := client(t).Post(w.url+"/compute/v1/projects/"+project+"/zones/"+zone+"/instances/one-"+zone+"/suspend", "application/json", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		vm, err := d.VMs().Get(t.Context(), "one-"+zone)
		if err != nil || vm.Status != "SUSPENDED" || vm.Power != cloud.PowerStopped {
			t.Fatalf("%+v, %v", vm, err)
		}
		return vm
	}
	for name, change := range map[string]func(*cloud.VMSpec){
		"resumed":  func(*cloud.VMSpec) {},
		"rescaled": func(s *cloud.VMSpec) { s.ServerType = largeType },
	} {
		want := spec
		change(&want)
		if _, err := d.VMs().Update(t.Context(), suspend(), want); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		vm, err := d.VMs().Get(t.Context(), "one-"+zone)
		if err != nil || vm.Status != "RUNNING" || vm.ServerType != want.ServerType {
			t.Errorf("%s: %s, %s, %v", name, vm.Status, vm.ServerType, err)
		}
	}
}
