package cli

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/backup/inventory"
)

// backupPlans is what the backup plans of states say.
type backupPlans struct {
	buckets []inventory.Bucket
	// names are the plans by the buckets that they name.
	names map[string][]string
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
			case !isPlan && a.Tenant != "" && a.PlanID != "" && (name == "" || a.PlanID == name):
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
	var ids []string
	for _, b := range a.Buckets {
		id, err := cloud.ParseID(b.ID)
		if err != nil {
			return err
		}
		p.buckets = append(p.buckets, inventory.Bucket{ID: id, Immutable: b.ImmutableDays > 0})
		ids = append(ids, b.ID)
	}
	if p.names == nil {
		p.names = map[string][]string{}
	}
	slices.Sort(ids)
	set := strings.Join(slices.Compact(ids), " ")
	p.names[set] = append(p.names[set], a.ID)
	if objective := time.Duration(a.RPOHours) * time.Hour; objective > 0 && (p.rpo == 0 || objective < p.rpo) {
		p.rpo = objective
	}
	return nil
}

// alike refuses plans with different buckets: an inventory expects each tenant
// in all buckets that it looks into.
func (p *backupPlans) alike() error {
	if len(p.names) < 2 {
		return nil
	}
	names := slices.Concat(slices.Collect(maps.Values(p.names))...)
	slices.Sort(names)
	return fmt.Errorf("the backup plans %s have different buckets; take one inventory of each, with --plan", strings.Join(names, ", "))
}

// ofTenants lists the tenants, sorted.
func (p *backupPlans) ofTenants() []string { return slices.Sorted(maps.Keys(p.tenants)) }
