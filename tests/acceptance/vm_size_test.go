package acceptance

import (
	"context"
	"fmt"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

// named is a VM of an explicit server type.
func named(serverType string) attrs {
	return attrs{"cpus": "", "memory_gb": "", "server_type": fmt.Sprintf("%q", serverType)}
}

// typeIs wants the only server to run as a type with a disk of its own.
func (w *world) typeIs(t *testing.T, serverType string, disk int) resource.TestCheckFunc {
	return all(
		holds(webVM, map[string]string{"server_type": serverType, "disk_gb": fmt.Sprint(disk), "power_state": "running", "status": "running"}),
		w.serverIs(t, fmt.Sprintf("a running %s with a disk of %d GB", serverType, disk), func(s *hcloud.Server) bool {
			return runs(s) && s.ServerType.Name == serverType && s.PrimaryDiskSize == disk
		}))
}

// meanwhile does something after the plan and before the apply.
type meanwhile func()

func (m meanwhile) CheckPlan(context.Context, plancheck.CheckPlanRequest, *plancheck.CheckPlanResponse) {
	m()
}

func TestVMRescale(t *testing.T) {
	w := newWorld(t)
	var id string
	update := planned(webVM, plancheck.ResourceActionUpdate)
	lists := map[string]int{"GET /v1/servers": 1, "GET /v1/ssh_keys": 1, "GET /v1/networks": 1, "GET /v1/firewalls": 1}
	with := func(more map[string]int) map[string]int {
		for route, n := range lists {
			more[route] += n
		}
		return more
	}
	w.test(t,
		resource.TestStep{Config: w.onEstate(nil), Check: all(remember(webVM, &id), w.typeIs(t, "cx23", 40))},
		resource.TestStep{
			// Larger: stopped, changed, looked at, started.
			PreConfig: w.ResetRequests, Config: w.onEstate(attrs{"cpus": "4"}), ConfigPlanChecks: update,
			Check: all(w.asked(with(map[string]int{"GET /v1/server_types": 2, "POST /v1/servers/{id}/actions/shutdown": 1,
				"POST /v1/servers/{id}/actions/change_type": 1, "POST /v1/servers/{id}/actions/poweron": 1, "GET /v1/servers/{id}": 2})),
				stays(webVM, &id), w.typeIs(t, "cx33", 40)),
		},
		resource.TestStep{
			// The disk was kept, so that it can become smaller again.
			Config: w.onEstate(nil), ConfigPlanChecks: update, Check: all(stays(webVM, &id), w.typeIs(t, "cx23", 40)),
		},
		resource.TestStep{
			// By the name that it has already: nothing to do, nothing to ask.
			PreConfig: w.ResetRequests, Config: w.onEstate(named("cx23")), ConfigPlanChecks: update,
			Check: all(w.asked(lists), stays(webVM, &id), w.typeIs(t, "cx23", 40)),
		},
		resource.TestStep{
			Config: w.onEstate(named("cpx22").with(attrs{"+": "hetzner { keep_disk = false }"})), ConfigPlanChecks: update,
			Check: all(stays(webVM, &id), w.typeIs(t, "cpx22", 80)),
		},
		resource.TestStep{
			PreConfig: w.ResetRequests, Config: w.onEstate(named("cx23")),
			ExpectError: says("Cannot choose a server type", "server_type =", "a disk of 80 GB, which cannot shrink", "cx23 comes with 40 GB", "terraform taint"),
		},
		resource.TestStep{
			PreConfig: func() {
				if _, writes, _ := w.Counts().Split(); writes > 0 {
					t.Errorf("a refused plan took writes: %v", w.Counts().Routes)
				}
			},
			// A size chooses with the disk in mind: cx33 is the cheapest that has it.
			Config: w.onEstate(attrs{"cpus": "1"}), Check: all(stays(webVM, &id), w.typeIs(t, "cpx22", 80)),
		},
		resource.TestStep{
			Config: w.onEstate(attrs{"cpus": "4"}), ConfigPlanChecks: update, Check: all(stays(webVM, &id), w.typeIs(t, "cx33", 80)),
		},
		resource.TestStep{
			// Another image makes another machine, with a disk of its own.
			Config:           w.onEstate(named("cx23").with(attrs{"image": `"debian-13"`})),
			ConfigPlanChecks: planned(webVM, plancheck.ResourceActionDestroyBeforeCreate),
			Check:            all(moved(webVM, &id), w.typeIs(t, "cx23", 40)),
		},
		resource.TestStep{
			Config: w.onEstate(named("cx23").with(attrs{"image": `"debian-13"`, "power_state": `"stopped"`})), ConfigPlanChecks: update,
		},
		resource.TestStep{
			// The vendor starts what it has rescaled: a machine that shall be off is
			// looked at, and shut down.
			PreConfig: w.ResetRequests,
			Config:    w.onEstate(named("cx33").with(attrs{"image": `"debian-13"`, "power_state": `"stopped"`})), ConfigPlanChecks: update,
			Check: all(w.asked(with(map[string]int{"GET /v1/server_types": 2, "POST /v1/servers/{id}/actions/change_type": 1,
				"POST /v1/servers/{id}/actions/shutdown": 1, "GET /v1/servers/{id}": 2})),
				w.serverIs(t, "off and a cx33", func(s *hcloud.Server) bool { return isOff(s) && s.ServerType.Name == "cx33" })),
		},
	)
}

func TestVMArchitecture(t *testing.T) {
	w := newWorld(t)
	var id string
	w.test(t,
		resource.TestStep{
			Config: w.onEstate(attrs{"architecture": `"arm"`}),
			Check: all(remember(webVM, &id), w.typeIs(t, "cax11", 40), holds(webVM, map[string]string{"architecture": "arm"}),
				w.serverIs(t, "made from the image for arm", func(s *hcloud.Server) bool { return s.Image.Architecture == hcloud.ArchitectureARM })),
		},
		resource.TestStep{
			// Once it is arm it stays arm, although x86 is cheaper.
			Config: w.onEstate(nil), ConfigPlanChecks: nothingPlanned(),
		},
		resource.TestStep{
			Config: w.onEstate(attrs{"cpus": "4"}), ConfigPlanChecks: planned(webVM, plancheck.ResourceActionUpdate),
			Check: all(stays(webVM, &id), w.typeIs(t, "cax21", 40)),
		},
		resource.TestStep{
			Config: w.onEstate(attrs{"architecture": `"x86"`}), ConfigPlanChecks: planned(webVM, plancheck.ResourceActionDestroyBeforeCreate),
			Check: all(moved(webVM, &id), remember(webVM, &id), w.typeIs(t, "cx23", 40)),
		},
		resource.TestStep{
			Config: w.onEstate(named("cax11")), ConfigPlanChecks: planned(webVM, plancheck.ResourceActionDestroyBeforeCreate),
			Check: all(moved(webVM, &id), w.typeIs(t, "cax11", 40), holds(webVM, map[string]string{"architecture": "arm"})),
		},
	)
}

// What is sold may change between a saved plan and its apply: the plan is
// applied all the same. (The test framework saves each plan, and applies it in
// another process of the provider.)
func TestVMSavedPlan(t *testing.T) {
	w := newWorld(t)
	var id string
	during := func(action plancheck.ResourceActionType, do func()) resource.ConfigPlanChecks {
		return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(webVM, action), meanwhile(do)}}
	}
	sellsOut := func(serverType string) func() {
		return func() {
			if _, err := w.AddFault(simcloud.Fault{Kind: simcloud.FaultCapacity, ServerType: serverType, Location: "fsn1"}); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.test(t,
		resource.TestStep{
			Config: w.onEstate(nil), ConfigPlanChecks: during(plancheck.ResourceActionCreate, sellsOut("cx23")),
			Check: all(remember(webVM, &id), w.typeIs(t, "cx33", 80)),
		},
		resource.TestStep{
			// It keeps the type when the cheaper one is sold again.
			PreConfig: w.ClearFaults, Config: w.onEstate(nil), ConfigPlanChecks: nothingPlanned(),
		},
		resource.TestStep{
			Config: w.onEstate(attrs{"cpus": "8"}), ConfigPlanChecks: during(plancheck.ResourceActionUpdate, sellsOut("cx43")),
			Check: all(stays(webVM, &id), w.typeIs(t, "cx53", 80)),
		},
		resource.TestStep{
			PreConfig: sellsOut("cx23"), Config: w.onEstate(attrs{"image": `"debian-13"`}),
			ConfigPlanChecks: during(plancheck.ResourceActionDestroyBeforeCreate, w.ClearFaults),
			Check:            all(moved(webVM, &id), w.typeIs(t, "cx23", 40)),
		},
	)
}

// The price list offers what the vendor then refuses: the next type is taken
// where the configuration leaves it open, and named where it does not.
func TestVMCapacity(t *testing.T) {
	w := newWorld(t)
	var id string
	refusesOnce := func(serverType string) func() {
		return func() {
			if _, err := w.AddFault(simcloud.Fault{Kind: simcloud.FaultCapacity, ServerType: serverType, Location: "fsn1", Count: 1}); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.test(t,
		resource.TestStep{
			PreConfig: refusesOnce("cx23"), Config: w.onEstate(named("cx23")),
			ExpectError: says(`Cannot create VM "web"`, "server_type =", "error during placement (resource_unavailable)", "Name another server_type that hetzner/fsn1 sells (cx33"),
		},
		resource.TestStep{PreConfig: refusesOnce("cx23"), Config: w.onEstate(nil), Check: all(remember(webVM, &id), w.typeIs(t, "cx33", 80))},
		resource.TestStep{
			// A VM that was stopped for a type that is sold out runs again.
			PreConfig: refusesOnce("ccx23"), Config: w.onEstate(named("ccx23")),
			ExpectError: says(`Cannot change VM "web"`, "resource_unavailable", "Name another server_type"),
		},
		resource.TestStep{
			Config: w.onEstate(nil), ConfigPlanChecks: nothingPlanned(), Check: all(stays(webVM, &id), w.typeIs(t, "cx33", 80)),
		},
		resource.TestStep{
			// Nothing at all is sold: the plan knows.
			PreConfig: func() {
				if _, err := w.AddFault(simcloud.Fault{Kind: simcloud.FaultCapacity, Location: "fsn1"}); err != nil {
					t.Fatal(err)
				}
			},
			Config:      w.onEstate(attrs{"cpus": "8"}),
			ExpectError: says("Cannot choose a server type", "sells no server type with at least 8 CPUs", "another location or architecture"),
		},
		resource.TestStep{
			PreConfig: w.ClearFaults, Config: w.onEstate(nil), ConfigPlanChecks: nothingPlanned(),
			Check: all(stays(webVM, &id), w.typeIs(t, "cx33", 80)),
		},
	)
}
