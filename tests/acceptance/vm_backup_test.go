package acceptance

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

const withoutBackups = "Tenant's data without backups (BAK-1)"

// dataVM is a VM of acme that holds a volume, with an expression for its backup
// plan, or none if that is empty.
func dataVM(plan string) string {
	return estate + volume("data", "hetzner/fsn1", 10, `tenant = "acme"`) + vm(attrs{"volume_ids": "[holdfast_volume.data.id]", "backup_plan_id": plan})
}

// A VM with data is made with its plan in one apply, changes it without a
// request, and does not pass without; what is known late is judged late.
func TestVMBackupPlan(t *testing.T) {
	v := newVaults(t)
	locals := fmt.Sprintf("locals { key = %q }\n", publicKey)
	plans := backups("hetzner/fsn1", good(), "") + `
resource "holdfast_backup_plan" "more" {
  count    = 2
  name     = "more-${count.index}"
  schedule = "03:30"
  protects = ["hetzner/fsn1"]
  buckets  = holdfast_backup_plan.standard.buckets
}
`
	late := func(value string) string {
		return "resource \"terraform_data\" \"late\" { input = " + value + " }\n" + dataVM("terraform_data.late.output")
	}
	is := func(plan string) resource.TestCheckFunc {
		return resource.TestCheckResourceAttr(webVM, "backup_plan_id", plan)
	}
	quiet := func(*terraform.State) error {
		for route, n := range v.Counts().Routes {
			if !strings.HasPrefix(route, "GET ") && !strings.HasPrefix(route, "HEAD ") {
				return fmt.Errorf("%d of %s", n, route)
			}
		}
		return nil
	}
	v.test(t,
		resource.TestStep{Config: v.config(locals + dataVM("")), PlanOnly: true, ExpectError: says(withoutBackups, "holdfast_backup_plan")},
		// Known when all else is made: nothing is ordered for the VM.
		resource.TestStep{Config: v.config(locals + late("null")), ExpectError: says(withoutBackups, "backup_plan_id =")},
		resource.TestStep{PreConfig: func() {
			if n := v.Inventory()["server"]; n != 0 {
				t.Errorf("%d servers", n)
			}
		}, Config: v.config(locals + plans + dataVM(`holdfast_backup_plan.more[1].id`)), Check: is("more-1")},
		resource.TestStep{PreConfig: v.ResetRequests, Config: v.config(locals + plans + dataVM("holdfast_backup_plan.standard.id")), Check: all(is("standard"), quiet)},
		resource.TestStep{Config: v.config(locals + plans + dataVM("")), ExpectError: says(withoutBackups)},
		resource.TestStep{Config: v.config(locals + plans + strings.Replace(late(`"standard"`), "terraform_data.late.output", `coalesce(terraform_data.late.output, "x")`, 1)), Check: is("standard")},
	)
}

// Where the VM stands and where backups are held are lost together: the plan
// that the VM names is in the state, its buckets stay there unasked, and the
// failover goes on.
func TestVMBackupPlanInAFailover(t *testing.T) {
	v := newVaults(t)
	buckets := map[string]int{"hetzner/nbg1": 93, "google/europe-west3-a": 0, "google/us-central1-a": 0}
	region := fmt.Sprintf("locals { key = %q }\n", publicKey) + backups("hetzner/fsn1", buckets, "") + tenant
	region = strings.Replace(region, `"standard"
  lifecycle`, `holdfast_backup_plan.standard.id
  lifecycle`, 1)
	stands := func(where string) resource.TestCheckFunc {
		return all(resource.TestCheckResourceAttr("holdfast_vm.acme", "location", where), resource.TestCheckResourceAttr("holdfast_vm.acme", "backup_plan_id", "standard"))
	}
	v.test(t,
		resource.TestStep{Config: v.config(region), Check: stands("hetzner/fsn1")},
		resource.TestStep{
			PreConfig: v.ResetRequests, Config: v.config(region, "hetzner/fsn1", "google/*"),
			Check: all(stands("hetzner/hel1"), func(*terraform.State) error {
				if n := v.RequestsOf(simcloud.GCS).Total; n > 0 {
					return fmt.Errorf("%d requests to the lost vendor's object store", n)
				}
				return nil
			}),
		},
		resource.TestStep{Config: v.config(unguarded(region), "hetzner/fsn1")},
		resource.TestStep{Config: v.config(unguarded(region)), Check: stands("hetzner/fsn1")},
	)
}

// Without a state, a bucket in a lost location cannot be found again: it is
// refused, and so is what refers to it. The plan's name as text leads past it,
// and back.
func TestVMBackupPlanWithoutAState(t *testing.T) {
	v := newVaults(t)
	locals := fmt.Sprintf("locals { key = %q }\n", publicKey)
	declared := v.config(locals+backups("hetzner/fsn1", map[string]int{"hetzner/nbg1": 93, "google/europe-west3-a": 0, "google/us-central1-a": 0}, "")+dataVM("holdfast_backup_plan.standard.id"), "google/*")
	var id string
	v.test(t,
		resource.TestStep{Config: declared, ExpectError: says("Lost location", "location =")},
		resource.TestStep{Config: v.config(locals+dataVM(`"standard"`), "google/*"), Check: remember(webVM, &id)},
		resource.TestStep{
			PreConfig: v.ResetRequests, Config: strings.Replace(declared, `lost_locations = ["google/*"]`, "lost_locations = []", 1),
			Check: all(stays(webVM, &id), resource.TestCheckResourceAttr(planName, "buckets.#", "3"), func(*terraform.State) error {
				for route, n := range v.RequestsOf(simcloud.Hetzner).Routes {
					if !strings.HasPrefix(route, "GET ") {
						return fmt.Errorf("%d of %s", n, route)
					}
				}
				return nil
			}),
		},
	)
}

// A VM with data and no plan, as an import or an older version leaves it, can
// be imported, refreshed and destroyed; only a plan that would keep it so is
// refused.
func testDataWithoutPlan(s *shell) {
	s.write(dataVM(`"standard"`) + "output \"id\" { value = " + webVM + ".id }\n")
	s.must("apply", "-auto-approve")
	id := s.must("output", "-raw", "id")
	s.write(dataVM(""))
	s.must("validate")
	s.refuses([]string{"Error: " + withoutBackups, "holdfast_backup_plan.standard.id"}, "plan")
	s.must("state", "rm", webVM)
	s.prints(s.must("import", webVM, id), "Import successful!")
	s.must("apply", "-refresh-only", "-auto-approve")
	s.refuses([]string{"Error: " + withoutBackups, "holdfast_backup_plan.standard.id"}, "plan")
	// Terraform plans before it destroys, unless it does not refresh.
	s.refuses([]string{"Error: " + withoutBackups, "terraform destroy -refresh=false"}, "destroy", "-auto-approve")
	s.must("destroy", "-auto-approve", "-refresh=false")
	for kind, left := range s.Inventory() {
		if left != 0 {
			s.t.Errorf("%d objects of kind %s are left", left, kind)
		}
	}
}
