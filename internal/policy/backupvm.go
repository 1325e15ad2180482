package policy

import "fmt"

// VMBackup is what is judged of a machine's backups.
type VMBackup struct {
	Tenant Opt[string]
	// Volumes are the data volumes; only their number matters.
	Volumes Opt[[]Ref]
	// Plan is a known empty text where no plan is named.
	Plan Opt[string]
}

// CheckVMBackup judges a machine: one that holds a tenant's data volumes has a
// backup plan (BAK-1). It is pending if the verdict waits for something
// unknown. Field: backup_plan_id.
func CheckVMBackup(vm VMBackup) (findings []Finding, pending bool) {
	if plan, known := vm.Plan.Get(); known && plan != "" {
		return nil, false
	}
	tenant, tenantKnown := vm.Tenant.Get()
	volumes, volumesKnown := vm.Volumes.Get()
	switch {
	case tenantKnown && tenant == "" || volumesKnown && len(volumes) == 0:
		return nil, false
	case !tenantKnown || !volumesKnown || !vm.Plan.IsKnown():
		return nil, true
	}
	data := "a data volume"
	if len(volumes) > 1 {
		data = fmt.Sprintf("%d data volumes", len(volumes))
	}
	return []Finding{{Promise: BAK1, Field: "backup_plan_id", Summary: "Tenant's data without backups",
		Detail: fmt.Sprintf("The machine holds %s of the tenant %s, and nothing says how they are backed up.", data, quote(tenant)),
		Remedy: "Give the id of a holdfast_backup_plan, which is the plan's name: backup_plan_id = holdfast_backup_plan.standard.id, or \"standard\" as text."}}, false
}
