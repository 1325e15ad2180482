package google

import (
	"slices"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// The states of an instance at rest. What it is in between follows from the
// operation that is under way: see Instance.state.
const (
	vmRunning    = "RUNNING"
	vmTerminated = "TERMINATED"
	vmSuspended  = "SUSPENDED"
)

// Instance is a stored virtual machine.
type Instance struct {
	Resource
	Status                  string               `json:"status"` // at rest
	Hostname                string               `json:"hostname,omitempty"`
	MachineType             string               `json:"machine_type"` // its name
	VCPUs                   int                  `json:"vcpus"`
	MinCPUPlatform          string               `json:"min_cpu_platform,omitempty"`
	Disks                   []AttachedDisk       `json:"disks"`
	NICs                    []NIC                `json:"nics"`
	Metadata                *Metadata            `json:"metadata,omitempty"`
	Tags                    []string             `json:"tags,omitempty"`
	ServiceAccounts         []serviceAccount     `json:"service_accounts,omitempty"`
	Scheduling              scheduling           `json:"scheduling"`
	Shielded                *shieldedConfig      `json:"shielded,omitempty"`
	Integrity               *integrityPolicy     `json:"integrity,omitempty"`
	Confidential            *confidentialConfig  `json:"confidential,omitempty"`
	Advanced                *advancedFeatures    `json:"advanced,omitempty"`
	ReservationAffinity     *reservationAffinity `json:"reservation_affinity,omitempty"`
	NetworkPerformance      *networkPerformance  `json:"network_performance,omitempty"`
	Display                 bool                 `json:"display,omitempty"`
	CanIPForward            bool                 `json:"can_ip_forward,omitempty"`
	DeletionProtection      bool                 `json:"deletion_protection,omitempty"`
	KeyRevocationActionType string               `json:"key_revocation_action_type,omitempty"`
	PrivateIPv6GoogleAccess string               `json:"private_ipv6_google_access,omitempty"`
	LastStart               time.Time            `json:"last_start,omitzero"`
	LastStop                time.Time            `json:"last_stop,omitzero"`
	LastSuspended           time.Time            `json:"last_suspended,omitzero"`
	Boots                   int                  `json:"boots,omitempty"`
	IdentityKeys            []string             `json:"identity_keys,omitempty"` // public, PEM: encryption, signing
}

// AttachedDisk is a disk of an instance; Disk 0 is local SSD ("SCRATCH").
type AttachedDisk struct {
	Disk       int64  `json:"disk,omitempty"`
	DeviceName string `json:"device_name"`
	Boot       bool   `json:"boot,omitempty"`
	AutoDelete bool   `json:"auto_delete,omitempty"`
	Mode       string `json:"mode"`
	Interface  string `json:"interface"`
	SizeGB     int64  `json:"size_gb,omitempty"` // of local SSD only
}

// NIC is a network interface of an instance.
type NIC struct {
	Name              string         `json:"name"`
	Network           int64          `json:"network"`
	Subnetwork        int64          `json:"subnetwork,omitempty"`
	IP                string         `json:"ip,omitempty"`
	IPv6              string         `json:"ipv6,omitempty"` // internal
	StackType         string         `json:"stack_type"`
	NICType           string         `json:"nic_type,omitempty"`
	QueueCount        int            `json:"queue_count,omitempty"`
	AccessConfigs     []accessConfig `json:"access_configs,omitempty"`
	IPv6AccessConfigs []accessConfig `json:"ipv6_access_configs,omitempty"`
	AliasIPRanges     []aliasRange   `json:"alias_ip_ranges,omitempty"`
}

// Collection is "instances".
func (i *Instance) Collection() string { return "instances" }

// Links let an instance be found: by its name, its disks, networks and
// subnetworks.
func (i *Instance) Links() []engine.Ref {
	out := []engine.Ref{nameLink(i)}
	for _, d := range i.Disks {
		out = append(out, diskRef(d.Disk))
	}
	for _, n := range i.NICs {
		out = append(out, engine.Ref{Type: networks.kind.KindName(), ID: n.Network},
			engine.Ref{Type: subnetworks.kind.KindName(), ID: n.Subnetwork})
	}
	return out
}

var instances = noun[Instance]{kind: engine.NewKind[Instance](instanceKind), name: "instance", collection: "instances",
	variable: "instance", levels: []string{"zones"}, aggregated: true}

const instanceKind = "google_instance"

func instanceRef(id int64) engine.Ref { return engine.Ref{Type: instanceKind, ID: id} }

// attached is the index of the disk of that device name, or -1.
func (i *Instance) attached(device string) int {
	return slices.IndexFunc(i.Disks, func(d AttachedDisk) bool { return d.DeviceName == device })
}

// nic is the index of the interface of that name, or -1.
func (i *Instance) nic(name string) int {
	return slices.IndexFunc(i.NICs, func(n NIC) bool { return n.Name == name })
}

// bootDisk is the disk that the instance boots from, or nil.
func (i *Instance) bootDisk(tx *engine.Tx) *Disk {
	for _, a := range i.Disks {
		if a.Boot {
			return disks.kind.Get(tx, i.Project, a.Disk)
		}
	}
	return nil
}

// transitions are the states that an instance passes through while an operation
// of a command is under way, in equal parts of its time
// (https://cloud.google.com/compute/docs/instances/instance-lifecycle).
var transitions = map[string][]string{
	"instances.insert":     {"PROVISIONING", "STAGING"},
	"instances.bulkInsert": {"PROVISIONING", "STAGING"},
	"instances.start":      {"PROVISIONING", "STAGING"},
	"instances.resume":     {"PROVISIONING", "STAGING"},
	"instances.stop":       {"STOPPING"},
	"instances.suspend":    {"SUSPENDING"},
	"instances.delete":     {"STOPPING"},
}

// state is the instance's status at the present of the transaction.
func (i *Instance) state(tx *engine.Tx) string {
	a := tx.Holder(instanceRef(i.ID), 0)
	if a == nil {
		return i.Status
	}
	through := transitions[a.Command]
	if len(through) == 0 {
		return i.Status
	}
	return through[min(a.Progress(tx.Now())*len(through)/100, len(through)-1)]
}

// change begins an operation that leaves the instance's state alone, so that
// others of its sort may run beside it. locks are what it holds besides.
func (c *call) change(i *Instance, verb string, params any, locks ...engine.Ref) (any, error) {
	return c.operate(opSpec{Command: "instances." + verb, Type: verb, Scope: i.Scope, Target: pathOf(i), TargetID: i.number(),
		Resource: instanceRef(i.ID), Locks: locks, Params: params}), nil
}

// stopped refuses what the vendor does to stopped instances only.
func (i *Instance) stopped(message string) error {
	if i.Status != vmTerminated {
		return badRequest("%s", message)
	}
	return nil
}
