package vm

import (
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/policy"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
)

// judgeBackups reports a machine that holds a tenant's data and names no backup
// plan (BAK-1), as far as that is known: at the latest before the first request
// of an apply.
//
// It is part of a plan and not of a validation, because Terraform validates
// before it refreshes, too, and a machine from an import or an older version
// must not be shut in. Before it destroys it even plans, unless it is told to
// leave the refresh out. Lost locations make no difference: a plan's id is its
// name, known at every plan with nothing to create or to reach for it, so that
// no failover stops half way.
func judgeBackups(r *service.Review[model]) {
	m := r.Plan
	findings, _ := policy.CheckVMBackup(policy.VMBackup{
		Tenant: service.OptText(m.Tenant), Volumes: refs(m.VolumeIDs), Plan: service.OptText(m.BackupPlanID)})
	if r.Prior != nil {
		for i := range findings {
			findings[i].Remedy += " To destroy the machine as it is, take its block out of the configuration, or use terraform destroy -refresh=false."
		}
	}
	service.Report(r.Diags, findings...)
}

// lacksBackups tells of a state whether judgeBackups may refuse it, so that a
// plan which would keep it as it is gets judged.
func lacksBackups(state map[string]tftypes.Value) bool {
	var volumes []tftypes.Value
	return state["backup_plan_id"].IsNull() && state["volume_ids"].As(&volumes) == nil && len(volumes) > 0
}
