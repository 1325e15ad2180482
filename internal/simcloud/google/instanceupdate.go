package google

import (
	"fmt"
	"reflect"
	"slices"
)

// The actions that update may need, from the mildest on
// (https://cloud.google.com/compute/docs/instances/update-instance-properties).
var updateActions = []string{"NO_EFFECT", "REFRESH", "RESTART"}

// updateInstance sets the updatable properties of an instance to what the body
// says; the body is a whole instance. A property that the instance has to be
// restarted for needs the permission to do so.
func updateInstance(c *call) (any, error) {
	i, err := instances.free(c)
	if err != nil {
		return nil, err
	}
	var in instanceRequest
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	if in.Fingerprint == "" {
		return nil, required("resource.fingerprint")
	}
	if in.Fingerprint != i.fingerprint() {
		return nil, conditionNotMet("Supplied fingerprint does not match current instance fingerprint.")
	}
	p, need, err := c.updates(i, &in)
	if err != nil {
		return nil, err
	}
	least, most := c.query().Get("minimalAction"), c.query().Get("mostDisruptiveAllowedAction")
	if err := oneOf("minimalAction", least, updateActions...); err != nil {
		return nil, err
	}
	if err := oneOf("mostDisruptiveAllowedAction", most, updateActions...); err != nil {
		return nil, err
	}
	need = max(need, slices.Index(updateActions, least), 0)
	if most != "" && need > slices.Index(updateActions, most) && i.Status != vmTerminated {
		return nil, badRequest("The update requires the action %s, which is more disruptive than the allowed %s.", updateActions[need], most)
	}
	p.Restart = updateActions[need] == "RESTART"
	return instances.start(c, "update", i, p)
}

// updates are the changes that lead from the instance to the request, and the
// index of the action that they need.
func (c *call) updates(i *Instance, in *instanceRequest) (p instanceChange, need int, err error) {
	refresh, restart := 1, 2
	if err := in.checkPlain(); err != nil {
		return p, 0, err
	}
	if err := c.unchanged(i, in); err != nil {
		return p, 0, err
	}
	if in.Name != "" && in.Name != i.Name {
		return p, 0, invalid("resource.name", in.Name, "The name must be the instance's.")
	}
	if in.MachineType != "" {
		m, err := c.newMachineType("resource.machineType", in.MachineType, i)
		if err != nil {
			return p, 0, err
		}
		if m.MachineType != i.MachineType {
			p.MachineType, p.VCPUs, need = m.MachineType, m.VCPUs, restart
		}
	}
	p.SetLabels, p.Labels = true, in.Labels
	p.SetTags, p.Tags = true, in.Tags.Items
	if in.Metadata != nil {
		p.Metadata = &Metadata{Items: in.Metadata.Items}
	} else {
		p.Metadata = &Metadata{}
	}
	p.Description, p.DeletionProtection = &in.Description, &in.DeletionProtection
	if in.CanIPForward != i.CanIPForward {
		p.CanIPForward, need = &in.CanIPForward, max(need, refresh)
	}
	if in.Scheduling != nil {
		s, err := checkScheduling(in.Scheduling)
		if err != nil {
			return p, 0, err
		}
		p.Scheduling = &s
	}
	if in.Shielded != nil && !reflect.DeepEqual(in.Shielded, i.Shielded) {
		boot := i.bootDisk(c.tx)
		s, err := checkShielded(in.Shielded, boot != nil && boot.has("UEFI_COMPATIBLE"))
		if err != nil {
			return p, 0, err
		}
		p.Shielded, need = s, restart
	}
	accounts, err := checkServiceAccounts(c.project, in.ServiceAccounts)
	if err != nil {
		return p, 0, err
	}
	if !reflect.DeepEqual(accounts, i.ServiceAccounts) {
		p.SetServiceAccounts, p.ServiceAccounts, need = true, accounts, restart
	}
	if in.Display != nil && in.Display.Enable != i.Display {
		p.Display, need = &in.Display.Enable, restart
	}
	return p, need, nil
}

// unchanged refuses other disks and interfaces than the instance has: those have
// methods of their own.
func (c *call) unchanged(i *Instance, in *instanceRequest) error {
	if len(in.Disks) != len(i.Disks) {
		return invalid("resource.disks", "", "Disks cannot be attached or detached by update.")
	}
	for k, d := range in.Disks {
		if d.DeviceName != i.Disks[k].DeviceName {
			return invalid(fmt.Sprintf("resource.disks[%d].deviceName", k), d.DeviceName, "Disks cannot be attached or detached by update.")
		}
	}
	if len(in.NetworkInterfaces) != len(i.NICs) {
		return invalid("resource.networkInterfaces", "", "Network interfaces cannot be added or removed by update.")
	}
	for k, n := range in.NetworkInterfaces {
		if n.NetworkIP != "" && n.NetworkIP != i.NICs[k].IP {
			return invalid(fmt.Sprintf("resource.networkInterfaces[%d].networkIP", k), n.NetworkIP, "Network interfaces are changed by updateNetworkInterface.")
		}
	}
	return nil
}
