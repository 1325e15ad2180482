package hetzner

import (
	"context"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// vms is the noun VM: /servers.
type vms struct{ d *Driver }

var _ noun[cloud.VMSpec, *hcloud.Server, cloud.VM] = vms{}

func (vms) kind() cloud.Kind                              { return cloud.KindVM }
func (vms) specMeta(spec cloud.VMSpec) cloud.Meta         { return spec.Meta }
func (vms) object(vm cloud.VM) (cloud.Object, cloud.Meta) { return vm.Object, vm.Meta }
func (vms) observe(have *hcloud.Server) cloud.VM          { return vmFrom(have) }

func (vms) at(vm cloud.VM, location cloud.Location) cloud.VM {
	vm.ID.Location = location
	return vm
}

// create sends POST /servers with everything that it takes inline.
func (n vms) create(ctx context.Context, spec cloud.VMSpec) (cloud.VM, []*hcloud.Action, error) {
	options, err := serverOpts(spec)
	if err != nil {
		return cloud.VM{}, nil, err
	}
	result, resp, err := n.d.client.Server.Create(ctx, options)
	if hcloud.IsError(err, hcloud.ErrorCodeResourceUnavailable) {
		n.d.types.refuse(spec.ServerType, spec.Location.Name)
	}
	if err != nil {
		return cloud.VM{}, nil, answered(resp, err)
	}
	made := madeVM(n.at(n.observe(result.Server), spec.Location), spec)
	return made, append([]*hcloud.Action{result.Action}, result.NextActions...), nil
}

func (n vms) read(ctx context.Context, id int64) (*hcloud.Server, bool, error) {
	have, resp, err := n.d.client.Server.GetByID(ctx, id)
	return have, have != nil, answered(resp, err)
}

func (n vms) page(ctx context.Context, options hcloud.ListOpts, name string) ([]*hcloud.Server, *hcloud.Response, error) {
	return n.d.client.Server.List(ctx, hcloud.ServerListOpts{ListOpts: options, Name: name, Sort: byID()})
}

func (n vms) running(ctx context.Context, id int64) ([]*hcloud.Action, error) {
	return many(n.d.client.Server.Action.ListFor(ctx, &hcloud.Server{ID: id}, runningActions()))
}

func (n vms) rivals(ctx context.Context, spec cloud.VMSpec) ([]*hcloud.Server, error) {
	found, resp, err := n.page(ctx, hcloud.ListOpts{PerPage: 1}, nativeName(cloud.KindVM, spec.Meta))
	return found, answered(resp, err)
}

// adoptable compares what the VM was made from, which the API does not tell.
// A VM without the label was not made by this driver, or not by this version:
// then nobody knows.
func (vms) adoptable(have *hcloud.Server, spec cloud.VMSpec) error {
	if origin, ok := have.Labels[labelOrigin]; ok && origin != originOf(spec) {
		return &cloud.Error{Code: cloud.CodeUnsupported, Kind: cloud.KindVM, Field: "user_data",
			Message: "an earlier attempt of this deployment made the VM from another image, other SSH keys or other user data, which cannot change afterwards",
			Remedy:  "Import the VM and replace it, choose another name, or undo the change."}
	}
	return nil
}

func (vms) quiet(have *hcloud.Server) bool {
	return !have.Locked && (have.Status == hcloud.ServerStatusRunning || have.Status == hcloud.ServerStatusOff) && firewallsApplied(have)
}

// healthy: a VM is in order if it runs or is off as the spec wants it.
func (vms) healthy(have cloud.VM, spec cloud.VMSpec) bool {
	if wantsPower(spec) == cloud.PowerStopped {
		return have.Status == string(hcloud.ServerStatusOff)
	}
	return have.Status == string(hcloud.ServerStatusRunning)
}

func (vms) plan(current cloud.VM, want cloud.VMSpec) ([]step, error) { return planVM(current, want) }

func (vms) merge(current cloud.VM, want cloud.VMSpec) cloud.VM { return mergedVM(current, want) }

// remove deletes the server; the vendor detaches its volumes, firewalls and
// networks by itself.
func (n vms) remove(ctx context.Context, id int64) error {
	var result *hcloud.ServerDeleteResult
	err := n.d.whileBusy(ctx, func() error {
		var (
			resp *hcloud.Response
			err  error
		)
		result, resp, err = n.d.client.Server.DeleteWithResult(ctx, &hcloud.Server{ID: id})
		return answered(resp, err)
	})
	if err != nil {
		return err
	}
	return n.d.wait(ctx, []*hcloud.Action{result.Action})
}
