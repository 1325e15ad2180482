package google

import (
	"encoding/json"
	"slices"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// instanceChange is what the small changes of an instance set at their end; what
// is not named stays.
type instanceChange struct {
	SetLabels          bool              `json:"set_labels,omitempty"`
	Labels             map[string]string `json:"labels,omitempty"`
	SetTags            bool              `json:"set_tags,omitempty"`
	Tags               []string          `json:"tags,omitempty"`
	Metadata           *Metadata         `json:"metadata,omitempty"`
	MachineType        string            `json:"machine_type,omitempty"`
	VCPUs              int               `json:"vcpus,omitempty"`
	MinCPUPlatform     *string           `json:"min_cpu_platform,omitempty"`
	SetServiceAccounts bool              `json:"set_service_accounts,omitempty"`
	ServiceAccounts    []serviceAccount  `json:"service_accounts,omitempty"`
	Scheduling         *scheduling       `json:"scheduling,omitempty"`
	Shielded           *shieldedConfig   `json:"shielded,omitempty"`
	Integrity          *integrityPolicy  `json:"integrity,omitempty"`
	DeletionProtection *bool             `json:"deletion_protection,omitempty"`
	Display            *bool             `json:"display,omitempty"`
	CanIPForward       *bool             `json:"can_ip_forward,omitempty"`
	Description        *string           `json:"description,omitempty"`
	Name               string            `json:"name,omitempty"`
	Restart            bool              `json:"restart,omitempty"`
}

func applyInstance(tx *engine.Tx, i *Instance, p instanceChange) *engine.ActionError {
	if p.SetLabels {
		i.Labels = p.Labels
	}
	if p.SetTags {
		i.Tags = p.Tags
	}
	if p.Metadata != nil {
		i.Metadata = p.Metadata
	}
	if p.MachineType != "" {
		i.MachineType, i.VCPUs = p.MachineType, p.VCPUs
	}
	set(&i.MinCPUPlatform, p.MinCPUPlatform)
	set(&i.DeletionProtection, p.DeletionProtection)
	set(&i.Display, p.Display)
	set(&i.CanIPForward, p.CanIPForward)
	set(&i.Description, p.Description)
	set(&i.Scheduling, p.Scheduling)
	if p.SetServiceAccounts {
		i.ServiceAccounts = p.ServiceAccounts
	}
	if p.Shielded != nil {
		i.Shielded = p.Shielded
	}
	if p.Integrity != nil {
		i.Integrity = p.Integrity
	}
	if p.Name != "" {
		i.Name = p.Name
	}
	if p.Restart && i.Status == vmRunning {
		i.run(tx)
	}
	return nil
}

// setter is a method that checks its body and begins a change. locked changes
// hold the instance.
func setter(verb string, locked bool, check func(c *call, i *Instance) (instanceChange, error)) func(*call) (any, error) {
	return func(c *call) (any, error) {
		i, err := instances.free(c)
		if err != nil {
			return nil, err
		}
		p, err := check(c, i)
		if err != nil {
			return nil, err
		}
		if locked {
			return instances.start(c, verb, i, p)
		}
		return c.change(i, verb, p)
	}
}

func checkSetLabels(c *call, i *Instance) (instanceChange, error) {
	labels, err := c.newLabels(i.Labels)
	return instanceChange{SetLabels: true, Labels: labels}, err
}

func checkSetTags(c *call, i *Instance) (instanceChange, error) {
	var in tagsRequest
	if err := c.bind(&in); err != nil {
		return instanceChange{}, err
	}
	if in.Fingerprint != fingerprint(i.Tags) {
		return instanceChange{}, conditionNotMet("Supplied fingerprint does not match current tags fingerprint.")
	}
	return instanceChange{SetTags: true, Tags: in.Items}, checkTags("tags", in.Items)
}

func checkSetMetadata(c *call, i *Instance) (instanceChange, error) {
	var in Metadata
	if err := c.bind(&in); err != nil {
		return instanceChange{}, err
	}
	if in.Fingerprint != i.Metadata.shown().Fingerprint {
		return instanceChange{}, conditionNotMet("Supplied fingerprint does not match current metadata fingerprint.")
	}
	return instanceChange{Metadata: &Metadata{Items: in.Items}}, in.check("metadata")
}

// newMachineType checks that the instance can become of another machine type.
func (c *call) newMachineType(field, value string, i *Instance) (instanceChange, error) {
	if value == "" {
		return instanceChange{}, required(field)
	}
	t, err := c.resolveMachineType(field, value)
	if err != nil {
		return instanceChange{}, err
	}
	var types []string
	for _, a := range i.Disks {
		if d := disks.kind.Get(c.tx, c.project, a.Disk); d != nil {
			types = append(types, d.Type)
			if a.Boot && d.Architecture != "" && d.Architecture != t.Architecture {
				return instanceChange{}, fail(400, "invalidResourceUsage",
					"Invalid resource usage: 'Requested boot disk architecture (%s) is not compatible with machine type architecture (%s).'.", d.Architecture, t.Architecture)
			}
		} else {
			types = append(types, "local-ssd")
		}
	}
	if len(types) > t.maxDisks() {
		return instanceChange{}, diskLimit(i, t)
	}
	return instanceChange{MachineType: t.Name, VCPUs: t.VCPUs}, t.compatible(types)
}

func checkSetMachineType(c *call, i *Instance) (instanceChange, error) {
	var in struct {
		MachineType string `json:"machineType"`
	}
	if err := c.bind(&in); err != nil {
		return instanceChange{}, err
	}
	if err := i.stopped("Machine type can only be changed while the instance is stopped."); err != nil {
		return instanceChange{}, err
	}
	return c.newMachineType("resource.machineType", in.MachineType, i)
}

func checkSetMinCPUPlatform(c *call, i *Instance) (instanceChange, error) {
	var in struct {
		Platform string `json:"minCpuPlatform"`
	}
	if err := c.bind(&in); err != nil {
		return instanceChange{}, err
	}
	if err := i.stopped("The instance must be stopped before the minimum CPU platform can be changed."); err != nil {
		return instanceChange{}, err
	}
	if in.Platform != "" && !slices.Contains(c.api.cat.platforms(c.zone()), in.Platform) {
		return instanceChange{}, invalid("resource.minCpuPlatform", in.Platform, "CPU platform type with name '%s' does not exist in zone '%s'.", in.Platform, c.zone())
	}
	return instanceChange{MinCPUPlatform: &in.Platform}, nil
}

func checkSetServiceAccount(c *call, i *Instance) (instanceChange, error) {
	var in serviceAccount
	if err := c.bind(&in); err != nil {
		return instanceChange{}, err
	}
	if err := i.stopped("The instance must be stopped before the service account can be changed."); err != nil {
		return instanceChange{}, err
	}
	p := instanceChange{SetServiceAccounts: true}
	if in.Email == "" && len(in.Scopes) == 0 { // takes it away
		return p, nil
	}
	var err error
	p.ServiceAccounts, err = checkServiceAccounts(c.project, []serviceAccount{in})
	return p, err
}

func checkSetScheduling(c *call, i *Instance) (instanceChange, error) {
	in := i.Scheduling
	if err := c.bind(&in); err != nil {
		return instanceChange{}, err
	}
	s, err := checkScheduling(&in)
	if err != nil {
		return instanceChange{}, err
	}
	if isTrue(s.Preemptible) != isTrue(i.Scheduling.Preemptible) || s.ProvisioningModel != i.Scheduling.ProvisioningModel ||
		s.MinNodeCPUs != i.Scheduling.MinNodeCPUs {
		err = i.stopped("The instance must be stopped before its provisioning model can be changed.")
	}
	return instanceChange{Scheduling: &s}, err
}

func checkUpdateShielded(c *call, i *Instance) (instanceChange, error) {
	boot := i.bootDisk(c.tx)
	uefi := boot != nil && boot.has("UEFI_COMPATIBLE")
	in := shieldedConfig{}
	if i.Shielded != nil {
		in = clone(*i.Shielded)
	}
	if err := c.bind(&in); err != nil {
		return instanceChange{}, err
	}
	if err := i.stopped("The instance must be stopped before its Shielded VM configuration can be changed."); err != nil {
		return instanceChange{}, err
	}
	s, err := checkShielded(&in, uefi)
	return instanceChange{Shielded: s}, err
}

func checkSetIntegrityPolicy(c *call, i *Instance) (instanceChange, error) {
	var in integrityPolicy
	if err := c.bind(&in); err != nil {
		return instanceChange{}, err
	}
	if i.Shielded == nil || !isTrue(i.Shielded.IntegrityMonitoring) {
		return instanceChange{}, badRequest("Integrity monitoring is not enabled on the instance.")
	}
	if in.UpdateAutoLearnPolicy == nil {
		in.UpdateAutoLearnPolicy = ptr(false)
	}
	return instanceChange{Integrity: &in}, nil
}

// checkSetDeletionProtection: without the parameter the vendor protects.
func checkSetDeletionProtection(c *call, _ *Instance) (instanceChange, error) {
	on := true
	if c.query().Get("deletionProtection") != "" {
		var err error
		if on, err = c.boolParam("deletionProtection"); err != nil {
			return instanceChange{}, err
		}
	}
	return instanceChange{DeletionProtection: &on}, nil
}

func checkUpdateDisplay(c *call, i *Instance) (instanceChange, error) {
	in := displayDevice{Enable: i.Display}
	if err := c.bind(&in); err != nil {
		return instanceChange{}, err
	}
	return instanceChange{Display: &in.Enable}, i.stopped("The instance must be stopped before its display device can be changed.")
}

func checkSetName(c *call, i *Instance) (instanceChange, error) {
	var in struct {
		Name    string `json:"name"`
		Current string `json:"currentName"`
	}
	if err := c.bind(&in); err != nil {
		return instanceChange{}, err
	}
	if err := checkName("resource.name", in.Name); err != nil {
		return instanceChange{}, err
	}
	if in.Current != i.Name {
		return instanceChange{}, conditionNotMet("The current name does not match.")
	}
	if instances.find(c.tx, c.project, c.scope, in.Name) != nil {
		return instanceChange{}, alreadyExists("projects/" + c.project + "/" + c.scope + "/instances/" + in.Name)
	}
	return instanceChange{Name: in.Name}, i.stopped("The instance must be stopped before it can be renamed.")
}

// clone copies a stored value deeply, so that a body can be read into it.
func clone[T any](v T) (out T) {
	b, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil { // it was stored this way
		panic("google: " + err.Error())
	}
	return out
}
