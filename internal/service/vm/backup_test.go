package vm

import (
	"strings"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/servicetest"
)

// No cloud keeps the plan: it is set, changed and taken away in place, and
// stays over a refresh.
func TestBackupPlan(t *testing.T) {
	w := start(t)
	made := w.Create(w.basic())
	for _, value := range []any{"standard", "other", nil} {
		config := w.basic().With("backup_plan_id", value)
		plan := w.Plan(made, config)
		if len(plan.Replaces) > 0 || plan.IsNoOp() {
			t.Fatalf("%v: replaces %v, empty %v, %v", value, plan.Replaces, plan.IsNoOp(), plan.Diags.Errors())
		}
		var diags servicetest.Diags
		if made, diags = w.Apply(plan); len(diags) > 0 || made.Get(t, "backup_plan_id") != value {
			t.Fatalf("%v: %v, %v", value, made.Get(t, "backup_plan_id"), diags)
		}
		made, _ = w.Refresh(made)
		if again := w.Plan(made, config); !again.IsNoOp() {
			t.Errorf("%v: the next plan is not empty: %v", value, again.Planned)
		}
	}
	problems := w.Plan(servicetest.Instance{}, w.basic().With("backup_plan_id", "hetzner/fsn1/4711")).Diags.Errors()
	if len(problems) != 1 || !strings.Contains(problems[0], "backup_plan_id: Invalid name") {
		t.Errorf("%q", problems)
	}
}
