package acceptance

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	tfjson "github.com/hashicorp/terraform-json"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest/status"
)

const allBackups = "data.holdfast_backups.all"

// checked wants the check block to have come out so.
type checked tfjson.CheckStatus

// CheckPlan implements plancheck.PlanCheck.
func (want checked) CheckPlan(_ context.Context, req plancheck.CheckPlanRequest, resp *plancheck.CheckPlanResponse) {
	for _, one := range req.Plan.Checks {
		if one.Address.ToDisplay == "check.backups" {
			if one.Status != tfjson.CheckStatus(want) {
				resp.Error = fmt.Errorf("%s: %s, want %s", one.Address.ToDisplay, one.Status, string(want))
			}
			return
		}
	}
	resp.Error = fmt.Errorf("there is no check of backups among %d", len(req.Plan.Checks))
}

// backedUp writes what a guest does: daily backups, the newest so many hours
// old, and the status that tells of them.
func (v vaults) backedUp(t *testing.T, place, name, tenant string, days, hours int) error {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Second)
	held := status.Bucket{Name: name, Location: place}
	for day := range days {
		one := status.Snapshot{ID: fmt.Sprintf("%064x", day+1), Time: now.Add(-time.Duration(hours+24*day) * time.Hour), Bytes: 4096, Classes: []cloud.BackupClass{cloud.BackupDaily}}
		held.Snapshots = append(held.Snapshots, one)
		if err := v.put(t.Context(), t, place, name, status.Prefix("acc", tenant)+"restic/snapshots/"+one.ID, "ciphertext"); err != nil {
			return err
		}
	}
	told := status.Status{Version: status.Version, Deployment: "acc", Tenant: tenant, Machine: tenant, WrittenAt: now, BootID: "0b1d6a4e-3c7f-4e21-9d55-2f6a0c9e7b13",
		System: status.System{OS: "Debian GNU/Linux 13 (trixie)", Kernel: "6.12.48", BootedAt: now, PatchedAt: now}, Backups: []status.Bucket{held}}
	text, err := told.Encode()
	if err != nil {
		return err
	}
	return v.put(t.Context(), t, place, name, status.Key("acc", tenant), string(text))
}

// Every attribute of the inventory, and a check block over it, on both clouds.
func TestBackupsInventory(t *testing.T) {
	onBoth(t, func(t *testing.T, v vaults, place string) {
		var name string
		body := func(extra string) string {
			return v.config(bucket(place, "force_destroy = true") + fmt.Sprintf(`
data "holdfast_backups" "all" {
  bucket_ids = [%s.id]
  %s
}
check "backups" {
  assert {
    condition     = data.holdfast_backups.all.ok
    error_message = "Backups are too old."
  }
}
`, bucketName, extra))
		}
		step := func(extra string, status tfjson.CheckStatus, wanted map[string]string) resource.TestStep {
			return resource.TestStep{Config: body(extra), Check: attributes(allBackups, wanted),
				ConfigPlanChecks: resource.ConfigPlanChecks{PostApplyPostRefresh: []plancheck.PlanCheck{checked(status)}}}
		}
		backUp := step(`tenants = ["acme", "late"]`, tfjson.CheckStatusFail, map[string]string{
			"ok": "false", "rpo_hours": "24", "broken.#": "1", "broken.0": "late", "degraded.#": "0", "inventory.#": "2",
			"inventory.0.tenant": "acme", "inventory.0.state": "ok", "inventory.0.age_hours": "10", "inventory.0.fresh_copies": "1", "inventory.0.missing_copies": "0",
			"inventory.0.copies.#": "1", "inventory.0.copies.0.state": "ok", "inventory.0.copies.0.newest_id": fmt.Sprintf("%064x", 1), "inventory.0.copies.0.age_hours": "10",
			"inventory.0.copies.0.backups": "3", "inventory.0.copies.0.daily": "3", "inventory.0.copies.0.weekly": "0", "inventory.0.copies.0.monthly": "0",
			"inventory.0.copies.0.bytes": "4096", "inventory.0.copies.0.told_by_guest": "true", "inventory.0.copies.0.problems.#": "0",
			"inventory.1.tenant": "late", "inventory.1.state": "broken", "inventory.1.age_hours": "30", "inventory.1.copies.0.state": "stale", "inventory.1.missing_copies": "1",
			"buckets.#": "1", "buckets.0.state": "read", "buckets.0.immutable_days": "0", "buckets.0.problem": "",
		})
		backUp.PreConfig = func() {
			for tenant, hours := range map[string]int{"acme": 10, "late": 30} {
				if err := v.backedUp(t, place, name, tenant, 3, hours); err != nil {
					t.Fatal(err)
				}
			}
		}
		backUp.Check = resource.ComposeAggregateTestCheckFunc(backUp.Check,
			resource.TestCheckResourceAttrPair(allBackups, "inventory.0.copies.0.bucket_id", bucketName, "id"), resource.TestCheckResourceAttrPair(allBackups, "buckets.0.bucket_id", bucketName, "id"),
			resource.TestCheckResourceAttrPair(allBackups, "inventory.0.newest", allBackups, "inventory.0.copies.0.newest"),
			resource.TestMatchResourceAttr(allBackups, "inventory.0.newest", regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`)))
		first := step(`tenants = ["acme"]`, tfjson.CheckStatusFail, map[string]string{"ok": "false", "broken.0": "acme", "inventory.0.newest": "", "inventory.0.age_hours": "",
			"inventory.0.copies.0.state": "missing", "inventory.0.copies.0.backups": "0"})
		first.Check = resource.ComposeAggregateTestCheckFunc(first.Check, func(state *terraform.State) error {
			name = state.RootModule().Resources[bucketName].Primary.Attributes["bucket"]
			return nil
		})
		v.test(t,
			first,
			backUp,
			step(``, tfjson.CheckStatusFail, map[string]string{"inventory.#": "2", "broken.#": "1"}),
			step(`tenants = ["acme"]`, tfjson.CheckStatusPass, map[string]string{"ok": "true", "inventory.#": "1", "broken.#": "0"}),
			step("tenants = [\"late\"]\n  rpo_hours = 48", tfjson.CheckStatusPass, map[string]string{"ok": "true", "rpo_hours": "48"}),
			step("tenants = [\"acme\"]\n  rpo_hours = 6", tfjson.CheckStatusFail, map[string]string{"broken.0": "acme"}),
			step(`tenants = []`, tfjson.CheckStatusPass, map[string]string{"ok": "true", "inventory.#": "0"}),
		)
	})
}

// What cannot be an inventory is refused, and what cannot be read is told.
func TestBackupsInventoryRefused(t *testing.T) {
	onBoth(t, func(t *testing.T, v vaults, place string) {
		var steps []resource.TestStep
		refused := func(body, text string) {
			steps = append(steps, resource.TestStep{Config: v.config("data \"holdfast_backups\" \"all\" {\n" + body + "\n}\n"), PlanOnly: true, ExpectError: spaced(text)})
		}
		refused(`bucket_ids = []`, "No bucket")
		refused(`bucket_ids = ["nbg1"]`, "Not a bucket's id")
		refused(`bucket_ids = ["`+place[:strings.Index(place, "/")]+`/nowhere9/b"]`, "nowhere9")
		refused("bucket_ids = [\""+place+"/nothing\"]\n tenants = [\"ACME\"]", "Invalid tenant")
		refused("bucket_ids = [\""+place+"/nothing\"]\n rpo_hours = 0", "Not an objective")
		refused(`bucket_ids = ["`+place+`/nothing"]`, "no bucket could be read")
		steps[len(steps)-1].PreConfig = func() { // all before is refused without a request
			if n := v.asked(); n != 0 {
				t.Errorf("%d requests", n)
			}
		}
		v.test(t, steps...)
	})
}
