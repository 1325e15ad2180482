package google_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/driver/google"
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

// A volume that another VM holds is waited for once, as long as a VM takes to
// let one go, and then the holder is named.
func TestAHeldVolumeIsWaitedForOnce(t *testing.T) {
	w := newWorld(t, 0)
	var waited time.Duration
	d := w.connectWith(t, func(options *google.Options) {
		options.Sleep = func(ctx context.Context, pause time.Duration) error {
			waited += pause
			return ctx.Err()
		}
	})
	if err := create(t, d.SSHKeys(), keySpec()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"one", "two"} {
		spec := tenantVM(name)
		spec.Volumes = []string{name + "-" + zone}
		for _, err := range []error{create(t, d.Networks(), tenantNetwork(name)), create(t, d.Firewalls(), tenantFirewall(name, name+"-"+zone)),
			create(t, d.Volumes(), cloud.VolumeSpec{Meta: regionMeta(name), SizeGB: 10}), create(t, d.VMs(), spec)} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	two, err := d.VMs().Get(t.Context(), "two-"+zone)
	if err != nil {
		t.Fatal(err)
	}
	want := tenantVM("two")
	want.Volumes = append(want.Volumes, "one-"+zone)
	waited = 0
	_, err = d.VMs().Update(t.Context(), two, want)
	var failed *cloud.Error
	if !errors.As(err, &failed) || failed.Code != cloud.CodeInUse || failed.Field != "volume_ids" || !strings.Contains(failed.Message, "VM one-"+zone+" holds volume one-"+zone) {
		t.Errorf("%v", err)
	}
	if waited < time.Minute || waited > 90*time.Second {
		t.Errorf("waited for %s, want once, for up to 90 s", waited)
	}
}
