package cli

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/backup/inventory"
)

// backupPlans is what the backup plans of states say.
type backupPlans struct {
	buckets []inventory.Bucket
	// rpo is the shortest objective; 0 without a plan.
	rpo time.Duration
	// tenants have a VM that names one of the plans.
	tenants map[string]bool
}

// stateBackups are the attributes of a holdfast_backup_plan and a holdfast_vm
// that matter here.
type stateBackups struct {
	ID       string `json:"id"`
	RPOHours int64  `json:"rpo_hours"`
	Buckets  []struct {
		ID            string `json:"id"`
		ImmutableDays int64  `json:"immutable_days"`
	} `json:"buckets"`
	Deployment string `json:"deployment"`
	Tenant     string `json:"tenant"`
	PlanID     string `json:"backup_plan_id"`
}

// read adds what a state says; name selects one plan, empty is all of them. A
// state of another deployment is refused: its tenants are not to be found.
func (p *backupPlans) read(text []byte, deployment, name string) error {
	file, err := parseState(text)
	if err != nil {
		return err
	}
	for _, resource := range file.Resources {
		isPlan := resource.Type == typePrefix+planKind
		if resource.Mode != "managed" || !isPlan && resource.Type != typePrefix+string(cloud.KindVM) {
			continue
		}
		for _, instance := range resource.Instances {
			var a stateBackups
			address := resource.Type + "." + resource.Name
			if err := json.Unmarshal(instance.Attributes, &a); err != nil {
				return fmt.Errorf("%s: %w", address, err)
			}
			if a.Deployment != "" && a.Deployment != deployment {
				return fmt.Errorf("%s (%s) belongs to the deployment %q, and backups of %q are looked for", address, a.ID, a.Deployment, deployment)
			}
			switch {
			case isPlan && (name == "" || a.ID == name):
				if err := p.add(a); err != nil {
					return fmt.Errorf("%s: %w", address, err)
				}
			case !isPlan && a.PlanID != "" && (name == "" || a.PlanID == name):
				if p.tenants == nil {
					p.tenants = map[string]bool{}
				}
				p.tenants[a.Tenant] = true
			}
		}
	}
	return nil
}

// add takes one plan.
func (p *backupPlans) add(a stateBackups) error {
	for _, b := range a.Buckets {
		id, err := cloud.ParseID(b.ID)
		if err != nil {
			return err
		}
		p.buckets = append(p.buckets, inventory.Bucket{ID: id, Immutable: b.ImmutableDays > 0})
	}
	if objective := time.Duration(a.RPOHours) * time.Hour; objective > 0 && (p.rpo == 0 || objective < p.rpo) {
		p.rpo = objective
	}
	return nil
}

// ofTenants lists the tenants, sorted.
func (p *backupPlans) ofTenants() []string { return slices.Sorted(maps.Keys(p.tenants)) }
