package vm

import (
	"maps"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

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

// withData is a machine that holds a volume of its tenant.
func (w *world) withData() servicetest.Config { return w.basic().With("volume_ids", []any{w.volume}) }

const withoutBackups = "backup_plan_id: Tenant's data without backups (BAK-1)"

// A machine that holds a tenant's data names a backup plan (BAK-1), as far as
// that is known; what is not known waits.
func TestDataNeedsABackupPlan(t *testing.T) {
	w := start(t)
	u := servicetest.Unknown
	for _, test := range []struct {
		name    string
		config  servicetest.Config
		refused bool
	}{
		{"known", w.withData().With("backup_plan_id", "standard"), false},
		{"null", w.withData(), true},
		{"unknown", w.withData().With("backup_plan_id", u), false},
		{"a volume that is yet to be made", w.basic().With("volume_ids", []any{u}), true},
		{"two volumes", w.basic().With("volume_ids", []any{w.volume, u}), true},
		{"volumes unknown", w.basic().With("volume_ids", u), false},
		{"no volumes", w.basic().With("volume_ids", []any{}), false},
		{"volumes left out", w.basic(), false},
		{"tenant unknown", w.withData().With("tenant", u), false},
		{"location unknown", w.withData().With("location", u), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			tf := servicetest.NewTerraform(t, servicetest.NewEnv(t, w), NewResource)
			problems := tf.Plan(servicetest.Instance{}, test.config).Diags.Errors()
			if test.refused {
				expect(t, problems, withoutBackups, `the tenant "acme"`, "holdfast_backup_plan.standard.id", `"standard" as text`)
			} else if len(problems) > 0 {
				t.Error(problems)
			}
			// Terraform validates before it refreshes, too.
			if problems := tf.Validate(test.config).Errors(); len(problems) > 0 {
				t.Errorf("validate: %q", problems)
			}
		})
	}
	expect(t, w.Plan(servicetest.Instance{}, w.withData().With("backup_plan_id", "")).Diags.Errors(), "backup_plan_id: Invalid name")
	// A machine without a tenant is refused for that alone.
	expect(t, w.Plan(servicetest.Instance{}, w.withData().With("tenant", "")).Diags.Errors(), "tenant: ")
}

// What is unknown at plan is judged at apply, before the first request: for a
// new machine and for one that exists.
func TestBackupPlanKnownLate(t *testing.T) {
	for _, exists := range []bool{false, true} {
		for _, value := range []any{nil, "standard"} {
			w := start(t)
			var prior servicetest.Instance
			if exists {
				prior = w.Create(w.basic())
			}
			plan := w.Plan(prior, w.withData().With("backup_plan_id", servicetest.Unknown))
			if problems := plan.Diags.Errors(); len(problems) > 0 {
				t.Fatalf("the plan: %q", problems)
			}
			before := w.Calls()
			reached, diags := w.Apply(known(t, plan, "backup_plan_id", value))
			if value == nil {
				expect(t, diags.Errors(), withoutBackups)
				if w.Calls() != before {
					t.Errorf("%d requests before the verdict", w.Calls()-before)
				}
			} else if len(diags) > 0 || reached.Get(t, "backup_plan_id") != value {
				t.Errorf("%v", diags)
			}
		}
	}
}

// stateWith gives an instance with another text in its state.
func stateWith(t *testing.T, instance servicetest.Instance, name string, value any) servicetest.Instance {
	t.Helper()
	state := map[string]tftypes.Value{}
	if err := instance.State.As(&state); err != nil {
		t.Fatal(err)
	}
	state = maps.Clone(state)
	state[name] = tftypes.NewValue(tftypes.String, value)
	instance.State = tftypes.NewValue(instance.State.Type(), state)
	return instance
}

// known gives a plan in which a text that was unknown has turned out to be
// value, as when Terraform applies it.
func known(t *testing.T, plan servicetest.Plan, name string, value any) servicetest.Plan {
	t.Helper()
	planned := map[string]tftypes.Value{}
	if err := plan.Planned.As(&planned); err != nil || planned[name].IsKnown() {
		t.Fatalf("%s is not unknown: %v, %v", name, planned[name], err)
	}
	planned = maps.Clone(planned)
	planned[name] = tftypes.NewValue(tftypes.String, value)
	plan.Planned, plan.Config = tftypes.NewValue(plan.Planned.Type(), planned), plan.Config.With(name, value)
	return plan
}

// A machine that came by an import, or from an older version, is refused by
// the next plan, although nothing in it changes; reading it and deleting it
// are not.
func TestDataWithoutBackupPlanInTheState(t *testing.T) {
	w := start(t)
	named := w.withData().With("backup_plan_id", "standard")
	w.Create(named)
	imported, diags := w.Import(w.only(t).ID.String())
	if len(diags) > 0 || imported.Get(t, "backup_plan_id") != nil {
		t.Fatalf("import: %v, plan %v", diags, imported.Get(t, "backup_plan_id"))
	}
	refreshed, diags := w.Refresh(imported)
	if len(diags) > 0 {
		t.Fatalf("refresh: %v", diags)
	}
	expect(t, w.Plan(refreshed, w.withData()).Diags.Errors(), withoutBackups) // records keys and more
	older := stateWith(t, w.Create(named), "backup_plan_id", nil)
	expect(t, w.Plan(older, w.withData()).Diags.Errors(), withoutBackups, "destroy -refresh=false") // changes nothing
	mended, diags := w.Apply(w.Plan(refreshed, named))
	if len(diags) > 0 || mended.Get(t, "backup_plan_id") != "standard" {
		t.Errorf("mended: %v", diags)
	}
	gone, diags := w.Apply(w.Plan(refreshed, nil))
	if gone.Exists() || len(diags) > 0 || len(w.VMStore.All()) != 0 {
		t.Errorf("destroy: %v", diags)
	}
}

// Lost locations make no difference: an id is text, which needs nothing that
// could be lost with them.
func TestBackupPlanWhileLocationsAreLost(t *testing.T) {
	w := start(t)
	tf := servicetest.NewTerraform(t, servicetest.NewEnv(t, w, "hetzner/fsn1", "google/*"), NewResource)
	expect(t, tf.Plan(servicetest.Instance{}, w.withData()).Diags.Errors(), withoutBackups)
	if made, diags := tf.Apply(tf.Plan(servicetest.Instance{}, w.withData().With("backup_plan_id", "standard"))); len(diags) > 0 || !made.Exists() {
		t.Errorf("%v", diags)
	}
}
