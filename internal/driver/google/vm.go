package google

import (
	"context"
	"fmt"
	"slices"

	compute "cloud.google.com/go/compute/apiv1"
	"cloud.google.com/go/compute/apiv1/computepb"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// vms is the noun VM: instances.
type vms struct{ d *Driver }

var _ noun[cloud.VMSpec, *computepb.Instance, cloud.VM] = vms{}

func (vms) kind() cloud.Kind                              { return cloud.KindVM }
func (vms) specMeta(spec cloud.VMSpec) cloud.Meta         { return spec.Meta }
func (vms) object(vm cloud.VM) (cloud.Object, cloud.Meta) { return vm.Object, vm.Meta }
func (vms) observe(have *computepb.Instance) cloud.VM     { return vmFrom(have) }

func (vms) at(vm cloud.VM, location cloud.Location) cloud.VM {
	vm.ID.Location = location
	return vm
}

// create sends instances.insert with everything inline: the boot disk, the
// volumes, the address, the keys, the firewalls' tags, the protection. What
// must stand before it (rules in the VM's network, a subnetwork with IPv6) is
// known to the run, as a rule, without a request.
func (n vms) create(ctx context.Context, spec cloud.VMSpec) (cloud.VM, []cloud.Operation, error) {
	var none cloud.VM
	if err := checkVM(spec); err != nil {
		return none, nil, err
	}
	if err := n.d.grants.check(ctx, cloud.KindVM, spec.Options[optionKMSKey]); err != nil {
		return none, nil, err
	}
	if err := n.d.checkGateway(spec); err != nil {
		return none, nil, err
	}
	if err := n.d.checkDisks(ctx, spec); err != nil {
		return none, nil, err
	}
	subnetwork, err := n.d.subnetworkFor(ctx, spec.Network, spec.Location, spec.PrivateIP, spec.PublicIPv6)
	if err != nil {
		return none, nil, err
	}
	logins, err := n.d.loginsFor(ctx, spec.SSHKeys)
	if err != nil {
		return none, nil, err
	}
	instance, err := n.d.instanceOf(spec, parts{subnetwork: subnetwork, logins: logins})
	if err != nil {
		return none, nil, err
	}
	if err := n.d.ensureFirewalls(ctx, spec.Network, spec.Location, spec.Firewalls); err != nil {
		return none, nil, err
	}
	operations, err := n.d.write(ctx, func(request *string) (*compute.Operation, error) {
		return n.d.api.instances.Insert(ctx, &computepb.InsertInstanceRequest{Project: n.d.project, Zone: spec.Location.Name, InstanceResource: instance, RequestId: request})
	})
	if err != nil {
		return none, nil, err
	}
	made := madeVM(spec)
	n.d.noteTags(made.ID, spec.Firewalls)
	return made, operations, nil
}

// loginsFor gives the lines of the metadata entry ssh-keys. Many VMs that begin
// at once, in a run that does not know the keys yet, ask for them once.
func (d *Driver) loginsFor(ctx context.Context, keys []string) ([]string, error) {
	unknown := slices.ContainsFunc(keys, func(native string) bool {
		_, ok := d.metadata.known(keyItemPrefix + native)
		return !ok
	})
	if unknown {
		result := d.shared.DoChan("keys", func() (any, error) {
			_, _, err := d.metadata.read(context.WithoutCancel(ctx))
			return nil, err
		})
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case outcome := <-result:
			if outcome.Err != nil {
				return nil, d.fail(outcome.Err, cloud.KindSSHKey, "", "read SSH keys")
			}
		}
	}
	// A key that the shared answer came too early for is asked about again.
	found, err := d.publicKeys(ctx, keys)
	if err != nil {
		return nil, err
	}
	lines := make([]string, len(found))
	for i, key := range found {
		lines[i] = key.User + ":" + key.PublicKey
	}
	return lines, nil
}

// checkVM refuses what the API would refuse with less clear words.
func checkVM(spec cloud.VMSpec) error {
	if err := checkVMOptions(spec.Options); err != nil {
		return err
	}
	if len(spec.UserData) > maxUserDataBytes {
		return invalid(cloud.KindVM, "user_data", fmt.Sprintf("the user data has %d bytes, a metadata entry holds %d", len(spec.UserData), maxUserDataBytes), "Shorten it, or compress it.")
	}
	for i, native := range slices.Concat(spec.Firewalls, spec.Volumes) {
		if nativePattern.MatchString(native) {
			continue
		}
		field := "firewall_ids"
		if i >= len(spec.Firewalls) {
			field = "volume_ids"
		}
		return invalid(cloud.KindVM, field, fmt.Sprintf("%q is not the name of a Compute Engine resource", native), "")
	}
	return nil
}

func (n vms) read(ctx context.Context, id cloud.ID) (*computepb.Instance, bool, error) {
	if zone := zoneOf(id); zone != "" {
		have, err := n.d.api.instances.Get(ctx, &computepb.GetInstanceRequest{Project: n.d.project, Zone: zone, Instance: id.Native})
		return have, err == nil, err
	}
	// Somebody else gave it a name that does not tell its zone.
	found, err := n.search(ctx, equal("name", id.Native))
	if err != nil || len(found) == 0 {
		return nil, false, err
	}
	return found[0], true, nil
}

// zoneOf gives the zone in which an object with this id stands; empty if the
// id does not tell.
func zoneOf(id cloud.ID) string {
	if id.Location.Name != "" {
		return id.Location.Name
	}
	return zoneIn(id.Native)
}

func (n vms) list(ctx context.Context, filter cloud.Filter) ([]*computepb.Instance, error) {
	return n.search(ctx, labelFilter(filter))
}

// search reads the instances of all zones that an expression selects.
func (n vms) search(ctx context.Context, expression string) ([]*computepb.Instance, error) {
	request := &computepb.AggregatedListInstancesRequest{Project: n.d.project, MaxResults: new(uint32(maxResults))}
	if expression != "" {
		request.Filter = &expression
	}
	list := n.d.api.instances.AggregatedList(ctx, request)
	missed := scopes{d: n.d}
	pairs, err := every[*computepb.InstanceAggregatedList](&missed, list.Next, func() any { return list.Response })
	if err != nil {
		return nil, err
	}
	var found []*computepb.Instance
	for _, pair := range pairs {
		missed.note(pair.Key, pair.Value.GetWarning().GetCode())
		found = append(found, pair.Value.GetInstances()...)
	}
	return found, missed.err()
}

// adoptable compares what the VM was made from. A VM without the label was not
// made by this driver: then nobody knows.
func (vms) adoptable(have *computepb.Instance, spec cloud.VMSpec) error {
	if origin, ok := have.GetLabels()[labelOrigin]; ok && origin != originOf(spec) {
		return &cloud.Error{Code: cloud.CodeUnsupported, Cloud: Name, Kind: cloud.KindVM, Field: "user_data",
			Message: "an earlier attempt of this deployment made the VM from another image, other SSH keys or other user data, which cannot change afterwards",
			Remedy:  "Import the VM and replace it, choose another name, or undo the change."}
	}
	return nil
}

// healthy: a VM that runs is in order. One that is off may have failed to
// start, unless that is wanted.
func (vms) healthy(have cloud.VM, spec cloud.VMSpec) bool {
	return have.Status == statusRunning || (spec.Power == cloud.PowerStopped && have.Status == statusTerminated)
}

func (vms) plan(current cloud.VM, want cloud.VMSpec) ([]step, error) { return planVM(current, want) }

func (vms) merge(current cloud.VM, want cloud.VMSpec) cloud.VM { return mergedVM(current, want) }

// remove deletes the VM with its boot disk; its volumes stay.
func (n vms) remove(ctx context.Context, native string) error {
	zone := zoneIn(native)
	if zone == "" {
		have, exists, err := n.read(ctx, cloud.ID{Native: native})
		if err != nil || !exists {
			return err
		}
		zone = lastPart(have.GetZone())
	}
	err := n.d.done(ctx, func(request *string) (*compute.Operation, error) {
		return n.d.api.instances.Delete(ctx, &computepb.DeleteInstanceRequest{Project: n.d.project, Zone: zone, Instance: native, RequestId: request})
	})
	if isProtected(err) {
		return &cloud.Error{Code: cloud.CodeProtected, Cloud: Name, Kind: cloud.KindVM, ID: native, Field: "deletion_protection", Err: err,
			Message: "the VM is protected against deletion",
			Remedy:  "Set deletion_protection = false and apply, then remove the VM. Protection that was set in the Google Cloud Console is taken off there."}
	}
	if err == nil || isNotFound(err) {
		n.d.forgetVM(native)
	}
	return err
}

// noteTags remembers which firewalls protect a VM, so that a run that has made
// the VM need not ask before it deletes a firewall.
func (d *Driver) noteTags(id cloud.ID, firewalls []string) {
	d.tagged.put(&computepb.Instance{Name: &id.Native, Zone: &id.Location.Name, Tags: &computepb.Tags{Items: firewalls}})
}
