package vm

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/servicetest"
)

// named is basic with an explicit server type.
func (w *world) named(serverType string) servicetest.Config {
	return w.basic().With("cpus", nil).With("memory_gb", nil).With("server_type", serverType)
}

// planned gives a value of a plan.
func planned(t *testing.T, plan servicetest.Plan, attribute string) any {
	t.Helper()
	return servicetest.Instance{State: plan.Planned}.Get(t, attribute)
}

// sellsOut lets the cloud refuse types that the price list still offers.
func (w *world) sellsOut(names ...string) { w.refused = names }

// stingy is a cloud that refuses some types: a machine that is to become one
// was stopped for that.
type stingy struct {
	cloud.Driver
	w *world
}

func (s stingy) VMs() cloud.VMs { return stingyVMs{s.Driver.VMs(), s.w} }

// Images implements cloud.ImageDriver.
func (s stingy) Images() cloud.Images { return s.Driver.(cloud.ImageDriver).Images() }

type stingyVMs struct {
	cloud.VMs
	w *world
}

func (s stingyVMs) refuses(spec cloud.VMSpec) error {
	if !slices.Contains(s.w.refused, spec.ServerType) {
		return nil
	}
	return &cloud.Error{Code: cloud.CodeCapacity, Cloud: "hetzner", VendorCode: "resource_unavailable", Message: "no room", Field: "server_type"}
}

func (s stingyVMs) Create(ctx context.Context, spec cloud.VMSpec, saved func(cloud.VM)) (cloud.VM, error) {
	err := s.refuses(spec)
	switch {
	case err == nil:
		return s.VMs.Create(ctx, spec, saved)
	case !s.w.refusesLate:
		return cloud.VM{}, err
	}
	// The work has begun, and fails: nothing is left of the machine.
	vm, _ := s.VMs.Create(ctx, spec, saved)
	s.w.VMStore.Remove(vm.ID.Native)
	return vm, err
}

func (s stingyVMs) Update(ctx context.Context, current cloud.VM, want cloud.VMSpec) (cloud.VM, error) {
	if err := s.refuses(want); err != nil && want.ServerType != current.ServerType {
		s.w.VMStore.Change(current.ID.Native, func(vm *cloud.VM) { vm.Power, vm.Status = cloud.PowerStopped, "off" })
		return current, err
	}
	return s.VMs.Update(ctx, current, want)
}

// Terraform plans a change again when it applies it, and refuses another
// answer, while what is sold may have changed: so the type of a new machine,
// or of one that is rescaled, is not part of the plan.
func TestSavedPlan(t *testing.T) {
	for _, test := range []struct {
		name  string
		until func(w *world) (servicetest.Instance, servicetest.Config)
		want  string
	}{
		{"new", func(w *world) (servicetest.Instance, servicetest.Config) { return servicetest.Instance{}, w.basic() }, "small-dear"},
		{"rescaled", func(w *world) (servicetest.Instance, servicetest.Config) {
			return w.Create(w.basic().With("cpus", 1).With("memory_gb", 1.0)), w.basic().With("cpus", 3)
		}, "large"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := start(t)
			prior, config := test.until(w)
			plan := w.Plan(prior, config)
			if got := planned(t, plan, "server_type"); got != servicetest.Unknown {
				t.Errorf("the plan fixes the server type %v", got)
			}
			if got := planned(t, plan, "architecture"); got != "x86" {
				t.Errorf("the plan has the architecture %v, which no price decides", got)
			}
			for i := range w.Types { // sold out after the plan
				if name := w.Types[i].Name; name == "small" || name == "medium" {
					w.Types[i].Available = false
				}
			}
			again := w.Plan(prior, config)
			if !again.Planned.Equal(plan.Planned) {
				t.Errorf("inconsistent final plan:\nfirst  %v\nsecond %v", plan.Planned, again.Planned)
			}
			made, diags := w.Apply(plan)
			if len(diags.Errors()) > 0 || made.Get(t, "server_type") != test.want {
				t.Errorf("made is %v %v", made.State, diags.Errors())
			}
			refreshed, _ := w.Refresh(made)
			if plan := w.Plan(refreshed, config); !plan.IsNoOp() {
				t.Errorf("the next plan is not empty: %v", plan.Planned)
			}
		})
	}
}

// What the list offered and the cloud then refuses is replaced by the next
// that satisfies the configuration; a type that was named is not.
func TestSoldOut(t *testing.T) {
	w := start(t)
	w.sellsOut("small", "medium")
	if got := w.Create(w.basic()).Get(t, "server_type"); got != "small-dear" {
		t.Errorf("the VM has the type %v, want small-dear", got)
	}

	w = start(t)
	w.sellsOut("small", "medium")
	w.refusesLate = true
	if got := w.Create(w.basic()).Get(t, "server_type"); got != "small-dear" || len(w.VMStore.All()) != 1 {
		t.Errorf("the VM has the type %v, want small-dear, and there are %d", got, len(w.VMStore.All()))
	}

	w = start(t)
	w.sellsOut("small")
	plan := w.Plan(servicetest.Instance{}, w.named("small"))
	_, diags := w.Apply(plan)
	expect(t, diags.Errors(), "server_type: ", "no room", "resource_unavailable", "Name another server_type", "medium, small-dear, large")

	w = start(t)
	w.sellsOut("small", "medium", "small-dear", "large")
	plan = w.Plan(servicetest.Instance{}, w.basic())
	_, diags = w.Apply(plan)
	expect(t, diags.Errors(), "server_type: ", "no room (tried small, medium, small-dear, large)", "another location")
	if n := len(w.VMStore.All()); n != 0 {
		t.Errorf("%d VMs", n)
	}
}

// A VM is stopped to be rescaled: when every type turns out to be sold out, it
// runs again as it was, and the next plan still wants the change.
func TestRescaleFindsNothing(t *testing.T) {
	w := start(t)
	made := w.Create(w.basic())
	w.sellsOut("medium", "large")
	bigger := w.basic().With("cpus", 4)
	_, diags := w.Apply(w.Plan(made, bigger))
	expect(t, diags.Errors(), "server_type: ", "no room (tried medium, large)")
	if vm := w.only(t); vm.Power != cloud.PowerRunning || vm.ServerType != "small" {
		t.Errorf("the VM is left %s as %s", vm.Power, vm.ServerType)
	}
	w.sellsOut()
	refreshed, _ := w.Refresh(made)
	if got := w.Change(refreshed, bigger).Get(t, "server_type"); got != "medium" {
		t.Errorf("then the VM gets %v", got)
	}

	w = start(t)
	made = w.Create(w.basic())
	w.sellsOut("medium")
	if got := w.Change(made, bigger).Get(t, "server_type"); got != "large" {
		t.Errorf("the next type that is sold is large, the VM gets %v", got)
	}
	if vm := w.only(t); vm.Power != cloud.PowerRunning {
		t.Errorf("the VM is left %s", vm.Power)
	}

	w = start(t)
	made = w.Create(w.basic().With("power_state", "stopped"))
	w.sellsOut("medium", "large")
	_, diags = w.Apply(w.Plan(made, bigger.With("power_state", "stopped")))
	expect(t, diags.Errors(), "no room")
	if vm := w.only(t); vm.Power != cloud.PowerStopped {
		t.Errorf("a VM that shall be stopped is %s", vm.Power)
	}
}

// A disk never shrinks: a type with a smaller one is refused by the plan where
// it is named, and no choice where it is not.
func TestDiskDecides(t *testing.T) {
	w := start(t)
	made := w.Create(w.named("medium"))
	if disk := made.Get(t, "disk_gb"); disk != int64(80) {
		t.Fatalf("the disk has %v GB", disk)
	}
	expect(t, w.Plan(made, w.named("small")).Diags.Errors(), "server_type: ", "a disk of 80 GB", "small comes with 40 GB", "large, medium, small-dear", "terraform taint")
	if plan := w.Plan(made, w.named("small").With("image", "debian-13")); len(plan.Diags.Errors()) > 0 {
		t.Errorf("a machine that is replaced has another disk: %v", plan.Diags.Errors())
	}
	if plan := w.Plan(made, w.named("arm-small")); len(plan.Diags.Errors()) > 0 {
		t.Errorf("a machine of another architecture has another disk: %v", plan.Diags.Errors())
	}
	tainted := made
	tainted.Tainted = true
	if plan := w.Plan(tainted, w.named("small")); len(plan.Diags.Errors()) > 0 {
		t.Errorf("the way out: %v", plan.Diags.Errors())
	}

	sized := w.Change(made, w.basic().With("cpus", 4).With("memory_gb", 8.0))
	plan := w.Plan(sized, w.basic())
	if warnings := plan.Diags.Warnings(); planned(t, plan, "server_type") != "medium" || len(warnings) != 1 || !strings.Contains(warnings[0], "disk of 80 GB cannot shrink") {
		t.Errorf("less with a disk in the way: %v %v", planned(t, plan, "server_type"), plan.Diags)
	}
	grown := w.Change(sized, w.basic().With("cpus", 8))
	if got := w.only(t); grown.Get(t, "disk_gb") != int64(80) || got.ServerType != "large" || got.DiskGB != 80 {
		t.Errorf("the disk is kept unless asked otherwise: %v", got)
	}
	if got := w.Change(grown, w.basic().With("cpus", 4)).Get(t, "server_type"); got != "medium" {
		t.Errorf("so that the VM can become smaller again: %v", got)
	}
}

// keep_disk = false grows the disk, which the plan cannot know.
func TestDiskGrows(t *testing.T) {
	w := start(t)
	grows := w.named("small").With("hetzner", map[string]any{"keep_disk": false})
	made := w.Create(grows)
	plan := w.Plan(made, grows.With("server_type", "large"))
	if got := planned(t, plan, "disk_gb"); got != servicetest.Unknown {
		t.Errorf("the plan has a disk of %v GB", got)
	}
	if grown, _ := w.Apply(plan); grown.Get(t, "disk_gb") != int64(160) {
		t.Errorf("the disk has %v GB", grown.Get(t, "disk_gb"))
	}
}

func TestExplicitServerType(t *testing.T) {
	w := start(t)
	made := w.Create(w.named("small"))
	if plan := w.Plan(made, w.named("large")); len(plan.Replaces) > 0 || len(plan.Diags.Errors()) > 0 || planned(t, plan, "server_type") != "large" {
		t.Errorf("rescaling: %v %v", plan.Replaces, plan.Diags.Errors())
	}
	if plan := w.Plan(made, w.named("arm-small")); !slices.Equal(plan.Replaces, []string{"architecture"}) {
		t.Errorf("to another architecture: %v %v", plan.Replaces, plan.Diags.Errors())
	}
	if plan := w.Plan(made, w.basic()); planned(t, plan, "server_type") != "small" || len(plan.Replaces) > 0 {
		t.Errorf("from a type to the size it has: %v", plan.Planned)
	}
	sold := w.Plan(made, w.named("sold-out"))
	if warnings := sold.Diags.Warnings(); len(warnings) != 1 || !strings.Contains(warnings[0], "does not sell the server type sold-out") {
		t.Errorf("sold out: %v", warnings)
	}
}

// A price list that changes between two plans changes no machine; one that is
// too small for what is asked for is rescaled.
func TestServerTypeIsSticky(t *testing.T) {
	w := start(t)
	made := w.Create(w.basic())
	for i := range w.Types {
		if w.Types[i].Name == "small" {
			w.Types[i].PriceMonthly = 99
			w.Types[i].Deprecated = true
		}
	}
	if plan := w.Plan(made, w.basic()); !plan.IsNoOp() {
		t.Errorf("a price changed the machine: %v", plan.Planned)
	}
	w.VMStore.Change("5", func(vm *cloud.VM) { vm.ServerType, vm.CPUs, vm.MemoryGB = "tiny", 1, 1 })
	shrunk, _ := w.Refresh(made)
	if got := w.Change(shrunk, w.basic()).Get(t, "server_type"); got != "medium" {
		t.Errorf("a machine that is too small gets %v, want medium", got)
	}
	w.VMStore.Change("5", func(vm *cloud.VM) { vm.ServerType, vm.CPUs, vm.MemoryGB = "large", 8, 16 })
	grown, _ := w.Refresh(made)
	if plan := w.Plan(grown, w.basic()); !plan.IsNoOp() {
		t.Errorf("a larger machine is not left alone: %v", plan.Planned)
	}
}
