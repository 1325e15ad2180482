package google

import (
	"net/http"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// powered is what operations on the state of an instance have to know.
type powered struct {
	Fails *engine.ActionError `json:"fails,omitempty"`
}

// powerVerb is a method that changes the state of an instance.
type powerVerb struct {
	verb string
	from []string // states in which there is something to do
	idle []string // states in which there is nothing to do, which is fine
	to   string
}

var powerVerbs = []powerVerb{
	{verb: "start", from: []string{vmTerminated}, idle: []string{vmRunning}, to: vmRunning},
	{verb: "startWithEncryptionKey", from: []string{vmTerminated}, idle: []string{vmRunning}, to: vmRunning},
	{verb: "stop", from: []string{vmRunning, vmSuspended}, idle: []string{vmTerminated}, to: vmTerminated},
	{verb: "reset", from: []string{vmRunning}, to: vmRunning},
	{verb: "suspend", from: []string{vmRunning}, idle: []string{vmSuspended}, to: vmSuspended},
	{verb: "resume", from: []string{vmSuspended}, idle: []string{vmRunning}, to: vmRunning},
}

// command is the engine's name of the operation: both ways to start are one.
func (v powerVerb) command() string {
	if v.verb == "startWithEncryptionKey" {
		return "instances.start"
	}
	return "instances." + v.verb
}

func in(states []string, state string) bool {
	for _, s := range states {
		if s == state {
			return true
		}
	}
	return false
}

func (v powerVerb) do(c *call) (any, error) {
	i, err := instances.free(c)
	if err != nil {
		return nil, err
	}
	if _, err := c.boolParam("discardLocalSsd"); err != nil {
		return nil, err
	}
	work := in(v.from, i.Status)
	if !work && !in(v.idle, i.Status) {
		return nil, notReady(i)
	}
	if v.verb == "startWithEncryptionKey" {
		if err := c.unlockForStart(i); err != nil {
			return nil, err
		}
	} else if v.verb == "start" {
		if err := c.keysAreHeld(i); err != nil {
			return nil, err
		}
	}
	var p powered
	if work && v.to == vmRunning && v.verb != "reset" {
		if err := c.roomForVCPUs(i.MachineType, i.VCPUs); err != nil {
			return nil, err
		}
		p.Fails = c.exhausted(i.MachineType)
	}
	s := opSpec{Command: v.command(), Type: v.verb, Scope: i.Scope, Target: pathOf(i), TargetID: i.number(),
		Resource: instanceRef(i.ID), Params: p}
	if work {
		s.Locks = []engine.Ref{instanceRef(i.ID)}
	}
	return c.operate(s), nil
}

// keysAreHeld refuses to start an instance with disks under customer-supplied
// keys: the vendor does not keep those.
func (c *call) keysAreHeld(i *Instance) error {
	for _, a := range i.Disks {
		if d := disks.kind.Get(c.tx, c.project, a.Disk); d != nil {
			if err := d.unlockable("resource.disks", nil); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *call) unlockForStart(i *Instance) error {
	var body struct {
		Disks []struct {
			Source            string         `json:"source"`
			DiskEncryptionKey *encryptionKey `json:"diskEncryptionKey"`
		} `json:"disks"`
	}
	if err := c.bind(&body); err != nil {
		return err
	}
	keys := map[int64]*encryptionKey{}
	for _, k := range body.Disks {
		d, err := resolve(c, disks, "resource.disks.source", k.Source)
		if err != nil {
			return err
		}
		keys[d.ID] = k.DiskEncryptionKey
	}
	for _, a := range i.Disks {
		if d := disks.kind.Get(c.tx, c.project, a.Disk); d != nil {
			if err := d.unlockable("resource.disks", keys[d.ID]); err != nil {
				return err
			}
		}
	}
	return nil
}

// The ends of the operations.

func wasStarted(tx *engine.Tx, i *Instance, p powered) *engine.ActionError {
	if p.Fails != nil {
		return p.Fails
	}
	if i.Status == vmTerminated {
		for n := range i.NICs { // ephemeral addresses were given back
			for k := range i.NICs[n].AccessConfigs {
				if ac := &i.NICs[n].AccessConfigs[k]; ac.NatIP == "" {
					ac.NatIP = newPublicIP(tx)
				}
			}
		}
	}
	if i.Status != vmRunning {
		i.run(tx)
		bootGuest(tx, i)
	}
	return nil
}

func wasStopped(tx *engine.Tx, i *Instance, _ powered) *engine.ActionError {
	if i.Status == vmTerminated {
		return nil
	}
	i.Status, i.LastStop = vmTerminated, tx.Now()
	for n := range i.NICs {
		for k := range i.NICs[n].AccessConfigs {
			i.NICs[n].AccessConfigs[k].NatIP = ""
		}
	}
	return nil
}

func wasSuspended(tx *engine.Tx, i *Instance, _ powered) *engine.ActionError {
	if i.Status == vmRunning {
		i.Status, i.LastSuspended = vmSuspended, tx.Now()
	}
	return nil
}

func wasReset(_ *engine.Tx, i *Instance, _ powered) *engine.ActionError {
	i.Boots++
	return nil
}

// deleteInstance begins a deletion. What the vendor does while the instance is
// still being made is not documented; here it is not ready, as for all changes.
func deleteInstance(c *call) (any, error) {
	i, err := instances.free(c)
	if err != nil {
		return nil, err
	}
	if i.DeletionProtection {
		return nil, fail(http.StatusBadRequest, "invalidResourceUsage",
			"Invalid resource usage: 'Resource cannot be deleted if it's protected against deletion.'.")
	}
	// Routes name instances as their next hop, but do not hold them.
	return instances.start(c, "delete", i, nil)
}

// instanceDeleted removes the instance and the disks that go with it.
var instanceDeleted = engine.Completion{OK: func(tx *engine.Tx, a *engine.Action) *engine.ActionError {
	i := instances.kind.Get(tx, a.Project, a.Resources[0].ID)
	if i == nil {
		return nil
	}
	instances.kind.Delete(tx, i.ID)
	for _, at := range i.Disks {
		d := disks.kind.Get(tx, a.Project, at.Disk)
		switch {
		case d == nil:
		case at.AutoDelete && len(users(tx, a.Project, diskRef(d.ID))) == 0:
			disks.kind.Delete(tx, d.ID)
		default:
			disks.kind.Edit(tx, a.Project, d.ID).LastDetach = tx.Now()
		}
	}
	return nil
}}
