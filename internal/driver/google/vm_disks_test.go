package google_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// Machines of the newer series take Hyperdisk only: that is said before anything
// is made for the VM, whether this run made the volume or finds it.
func TestDisksThatAMachineDoesNotTake(t *testing.T) {
	w := newWorld(t, 0)
	d := w.connect(t)
	for _, err := range []error{create(t, d.SSHKeys(), keySpec()), create(t, d.Networks(), tenantNetwork("one")), create(t, d.Firewalls(), tenantFirewall("one", "one-"+zone)),
		create(t, d.Volumes(), cloud.VolumeSpec{Meta: regionMeta("old"), SizeGB: 10}),
		create(t, d.Volumes(), cloud.VolumeSpec{Meta: regionMeta("new"), SizeGB: 10, Options: map[string]string{"type": "hyperdisk-balanced"}})} {
		if err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	vm := func(volume string, options map[string]string) cloud.VMSpec {
		n++
		spec := tenantVM("one")
		spec.Meta.Name, spec.ServerType, spec.Image, spec.Volumes, spec.Options = fmt.Sprint("vm", n), "c4a-standard-1", "debian-12", nil, options
		if volume != "" {
			spec.Volumes = []string{volume + "-" + zone}
		}
		return spec
	}
	for name, driver := range map[string]cloud.Driver{"this run's": d, "an earlier run's": w.connect(t)} {
		for _, test := range []struct {
			spec         cloud.VMSpec
			field, words string
		}{
			{vm("old", nil), "volume_ids", "volume old-" + zone + " is of the type pd-balanced"},
			{vm("", map[string]string{"boot_disk_type": "pd-ssd"}), "google.boot_disk_type", "takes Hyperdisk only, not pd-ssd"},
		} {
			w.sim.ResetRequests()
			err := create(t, driver.VMs(), test.spec)
			var failed *cloud.Error
			if !errors.As(err, &failed) || failed.Code != cloud.CodeInvalid || failed.Field != test.field || !strings.Contains(failed.Message, test.words) || failed.Remedy == "" {
				t.Errorf("%s: %v, on %q", name, err, test.field)
			}
			for route := range w.spent() {
				if !strings.HasPrefix(route, "GET ") {
					t.Errorf("%s: %s was sent", name, route)
				}
			}
		}
	}
	if err := create(t, d.VMs(), vm("new", nil)); err != nil {
		t.Errorf("a volume that it takes: %v", err)
	}
}
