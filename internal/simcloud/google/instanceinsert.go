package google

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// newInstances is what the end of an insertion has to know: the instances and
// the disks that it makes, and the error with which it fails.
type newInstances struct {
	Instances []int64             `json:"instances"`
	Disks     []int64             `json:"disks,omitempty"`
	Fails     *engine.ActionError `json:"fails,omitempty"`
}

func insertInstance(c *call) (any, error) {
	for _, p := range []string{"sourceInstanceTemplate", "sourceMachineImage"} {
		if v := c.query().Get(p); v != "" { // there are none here
			return nil, invalid(p, v, "The referenced %s resource cannot be found.", map[string]string{
				"sourceInstanceTemplate": "instancetemplate", "sourceMachineImage": "machineimage"}[p])
		}
	}
	var in instanceRequest
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	p := newInstances{}
	i, err := c.addInstance(&in, &p)
	if err != nil {
		return nil, err
	}
	return c.viewOperation(c.startInsertion(i, p, "")), nil
}

// startInsertion begins the operation that makes an instance and its new disks
// ready.
func (c *call) startInsertion(i *Instance, p newInstances, group string) *Operation {
	locks := []engine.Ref{instanceRef(i.ID)}
	for _, d := range p.Disks {
		locks = append(locks, diskRef(d))
	}
	return c.begin(opSpec{Command: "instances.insert", Type: "insert", Scope: i.Scope, Target: pathOf(i), TargetID: i.number(),
		Resource: instanceRef(i.ID), Locks: locks, Params: p, Group: group})
}

// addInstance checks a request and stores the instance and its new disks, none
// of them ready. What only the operation can tell goes into p.
func (c *call) addInstance(in *instanceRequest, p *newInstances) (*Instance, error) {
	i, t, err := c.buildInstance(in)
	if err != nil {
		return nil, err
	}
	made, err := c.buildDisks(i, t, in.Disks)
	if err != nil {
		return nil, err
	}
	if err := c.secure(i, t, in, made); err != nil {
		return nil, err
	}
	conflict, err := c.buildNICs(i, in.NetworkInterfaces)
	if err != nil {
		return nil, err
	}
	if err := c.roomForInstance(i); err != nil {
		return nil, err
	}
	for k, d := range made {
		if d == nil {
			continue
		}
		if err := disks.add(c, d); err != nil {
			return nil, err
		}
		d.LastAttach = c.tx.Now()
		i.Disks[k].Disk = d.ID
		p.Disks = append(p.Disks, d.ID)
	}
	if err := instances.add(c, i); err != nil {
		return nil, err
	}
	p.Instances = append(p.Instances, i.ID)
	if p.Fails == nil {
		p.Fails = conflict
	}
	if p.Fails == nil {
		p.Fails = c.exhausted(t.Name)
	}
	return i, nil
}

// buildInstance makes the record of a new instance, without disks and
// interfaces.
func (c *call) buildInstance(in *instanceRequest) (*Instance, *machineType, error) {
	i := &Instance{Status: "PROVISIONING", Hostname: in.Hostname, MinCPUPlatform: in.MinCPUPlatform, Metadata: in.Metadata,
		Tags: in.Tags.Items, Confidential: orNone(in.Confidential), Advanced: orNone(in.Advanced),
		ReservationAffinity: orNone(in.ReservationAffinity), NetworkPerformance: orNone(in.NetworkPerformance), Display: in.Display != nil && in.Display.Enable, CanIPForward: in.CanIPForward,
		DeletionProtection: in.DeletionProtection, KeyRevocationActionType: in.KeyRevocationActionType,
		PrivateIPv6GoogleAccess: in.PrivateIPv6GoogleAccess}
	i.Project, i.Scope, i.Name, i.Description, i.Labels = c.project, c.scope, in.Name, in.Description, in.Labels
	if err := checkName("resource.name", in.Name); err != nil {
		return nil, nil, err
	}
	if instances.find(c.tx, c.project, c.scope, in.Name) != nil {
		return nil, nil, alreadyExists(pathOf(i))
	}
	if in.MachineType == "" {
		return nil, nil, invalid("resource.machineType", "", "The machine type must be specified.")
	}
	t, err := c.resolveMachineType("resource.machineType", in.MachineType)
	if err != nil {
		return nil, nil, err
	}
	i.MachineType, i.VCPUs = t.Name, t.VCPUs
	if err := in.checkPlain(); err != nil {
		return nil, nil, err
	}
	if i.ServiceAccounts, err = checkServiceAccounts(c.project, in.ServiceAccounts); err != nil {
		return nil, nil, err
	}
	if i.Scheduling, err = checkScheduling(in.Scheduling); err != nil {
		return nil, nil, err
	}
	if m := in.MinCPUPlatform; m != "" && !slices.Contains(c.api.cat.platforms(c.zone()), m) {
		return nil, nil, invalid("resource.minCpuPlatform", m, "CPU platform type with name '%s' does not exist in zone '%s'.", m, c.zone())
	}
	if len(in.Accelerators) > 0 {
		return nil, nil, invalid("resource.guestAccelerators[0].acceleratorType", in.Accelerators[0].Type, "The referenced acceleratortype resource cannot be found.")
	}
	if len(in.ResourcePolicies) > 0 {
		return nil, nil, invalid("resource.resourcePolicies[0]", in.ResourcePolicies[0], "The referenced resourcepolicy resource cannot be found.")
	}
	return i, t, nil
}

// orNone is nil for an object without any field, which says nothing: the vendor
// does not show it again.
func orNone[T any](v *T) *T {
	if v == nil || reflect.ValueOf(*v).IsZero() {
		return nil
	}
	return v
}

// checkPlain checks the fields that depend on nothing else.
func (in *instanceRequest) checkPlain() error {
	if err := checkDescription(in.Description); err != nil {
		return err
	}
	if err := checkLabels("resource.labels", in.Labels); err != nil {
		return err
	}
	if err := checkTags("resource.tags", in.Tags.Items); err != nil {
		return err
	}
	if in.Metadata != nil {
		if err := in.Metadata.check("resource.metadata"); err != nil {
			return err
		}
	}
	if h := in.Hostname; h != "" && (len(h) > 253 || !hostnamePattern.MatchString(h)) {
		return invalid("resource.hostname", h, "The hostname must be a fully qualified domain name as of RFC 1035.")
	}
	if err := oneOf("resource.keyRevocationActionType", in.KeyRevocationActionType, "KEY_REVOCATION_ACTION_TYPE_UNSPECIFIED", "NONE", "STOP"); err != nil {
		return err
	}
	return oneOf("resource.privateIpv6GoogleAccess", in.PrivateIPv6GoogleAccess,
		"INHERIT_FROM_SUBNETWORK", "ENABLE_OUTBOUND_VM_ACCESS_TO_GOOGLE", "ENABLE_BIDIRECTIONAL_ACCESS_TO_GOOGLE")
}

// secure checks what the boot disk has to be for the machine type and for
// Shielded VM, and sets the latter's options.
func (c *call) secure(i *Instance, t *machineType, in *instanceRequest, made []*Disk) error {
	boot := made[0]
	if boot == nil {
		boot = i.bootDisk(c.tx)
	}
	if boot == nil {
		return invalid("resource.disks[0]", "", "The boot disk must be a persistent disk.")
	}
	if a := boot.Architecture; a != "" && a != "ARCHITECTURE_UNSPECIFIED" && a != t.Architecture {
		return fail(http.StatusBadRequest, "invalidResourceUsage",
			"Invalid resource usage: 'Requested boot disk architecture (%s) is not compatible with machine type architecture (%s).'.", a, t.Architecture)
	}
	uefi := boot.has("UEFI_COMPATIBLE")
	var err error
	if i.Shielded, err = checkShielded(in.Shielded, uefi); err != nil || !uefi {
		return err
	}
	i.Integrity = &integrityPolicy{UpdateAutoLearnPolicy: ptr(true)}
	if in.IntegrityPolicy != nil && in.IntegrityPolicy.UpdateAutoLearnPolicy != nil {
		i.Integrity = in.IntegrityPolicy
	}
	return nil
}

// roomForInstance checks the quotas that an instance counts against.
func (c *call) roomForInstance(i *Instance) error {
	if err := c.room("INSTANCES", c.region(), 1); err != nil {
		return err
	}
	if err := c.roomForVCPUs(i.MachineType, i.VCPUs); err != nil {
		return err
	}
	return c.room("IN_USE_ADDRESSES", c.region(), float64(i.publicIPs()))
}

func (c *call) roomForVCPUs(machineType string, vcpus int) error {
	if err := c.room("CPUS_ALL_REGIONS", "", float64(vcpus)); err != nil {
		return err
	}
	return c.room(vcpuQuota(seriesOf(machineType)), c.region(), float64(vcpus))
}

// publicIPs is how many external IPv4 addresses the instance has.
func (i *Instance) publicIPs() int {
	n := 0
	for _, nic := range i.NICs {
		for _, ac := range nic.AccessConfigs {
			if ac.NatIP != "" {
				n++
			}
		}
	}
	return n
}

// exhausted is the error of an operation that finds no machine of a type in the
// request's zone, because of a fault; otherwise nil.
func (c *call) exhausted(machineType string) *engine.ActionError {
	f := c.api.faults.Capacity(machineType, c.zone())
	if f == nil {
		return nil
	}
	e := &engine.ActionError{Code: f.Code, Message: f.Message}
	if e.Code == "" {
		e.Code = "ZONE_RESOURCE_POOL_EXHAUSTED"
	}
	if e.Message == "" {
		e.Message = fmt.Sprintf("The zone 'projects/%s/zones/%s' does not have enough resources available to fulfill the request.  ", c.project, c.zone())
		if e.Code == "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS" {
			e.Message += "'(resource type:compute)'."
		} else {
			e.Message += "Try a different zone, or try again later."
		}
	}
	e.Details = unavailableDetails(machineType, c.zone())
	return e
}

// unavailableDetails are those of both codes, as users of the vendor's tools
// report them (github.com/kubernetes/k8s.io/issues/9834).
func unavailableDetails(machineType, zone string) []map[string]any {
	return []map[string]any{
		{"help": map[string]any{"links": []map[string]string{{"description": "Troubleshooting documentation", "url": "https://cloud.google.com/compute/docs/resource-error"}}}},
		{"localizedMessage": map[string]string{"locale": "en-US", "message": fmt.Sprintf("A %s VM instance is currently unavailable in the %s zone. "+
			"Alternatively, you can try your request again with a different VM hardware configuration or at a later time. For more information, see the troubleshooting documentation.", machineType, zone)}},
		{"errorInfo": map[string]any{"domain": "compute.googleapis.com", "reason": "resource_availability",
			"metadatas": map[string]string{"vmType": machineType, "zone": zone, "attachment": "", "zonesAvailable": ""}}},
	}
}

// instanceInserted ends an insertion: the instances run, or they and their new
// disks are gone.
var instanceInserted = engine.Completion{
	OK: func(tx *engine.Tx, a *engine.Action) *engine.ActionError {
		p, err := decoded[newInstances](a)
		if err != nil || p.Fails != nil {
			return cmpError(err, p.Fails)
		}
		for _, id := range p.Disks {
			if d := disks.kind.Edit(tx, a.Project, id); d != nil {
				d.Ready = true
			}
		}
		for _, id := range p.Instances {
			if i := instances.kind.Edit(tx, a.Project, id); i != nil {
				i.Ready = true
				i.run(tx)
				bootGuest(tx, i)
			}
		}
		return nil
	},
	Failed: func(tx *engine.Tx, a *engine.Action) {
		p, err := decoded[newInstances](a)
		if err != nil {
			return
		}
		for _, id := range p.Instances {
			instances.kind.Delete(tx, id)
		}
		for _, id := range p.Disks {
			disks.kind.Delete(tx, id)
		}
	},
}

// run lets the instance, a private copy, have booted.
func (i *Instance) run(tx *engine.Tx) {
	i.Status, i.LastStart = vmRunning, tx.Now()
	i.Boots++
}

// decoded are the parameters of an operation.
func decoded[P any](a *engine.Action) (p P, _ *engine.ActionError) {
	if len(a.Params) > 0 {
		if err := a.Decode(&p); err != nil {
			return p, &engine.ActionError{Code: "INTERNAL_ERROR", Message: err.Error()}
		}
	}
	return p, nil
}

func cmpError(errs ...*engine.ActionError) *engine.ActionError {
	for _, e := range errs {
		if e != nil {
			return e
		}
	}
	return nil
}
