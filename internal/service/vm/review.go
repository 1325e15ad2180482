package vm

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/policy"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
)

// review fills in what a plan can foresee, and judges what needs the
// environment: the machine's size, whose network and volumes it gets.
func review(ctx context.Context, r *service.Review[model]) {
	if judgeBackups(r); r.Diags.HasError() {
		return // nobody is asked for what is refused anyway
	}
	location, err := cloud.ParseLocation(r.Plan.Location.ValueString())
	if err != nil {
		return // judged once it is known
	}
	driver, err := r.Env.Clouds.Driver(location.Cloud)
	if err != nil {
		return // reported where all objects are judged, or not known yet
	}
	// Others wait for these few reads.
	ctx = cloud.WithPriority(ctx, cloud.PriorityPaid)
	image := reviewImage(ctx, r, driver, location)
	sizes(ctx, r, driver, location, image)
	if !r.Final {
		planComputed(r)
	}
	vm := facts(r.Plan)
	if r.Config.PrivateIP.IsNull() {
		vm.PrivateIP = policy.Known(netip.Addr{}) // the cloud's choice is not the user's to mend
	}
	reviewOwners(ctx, r, driver, location, &vm)
	judge(r.Plan, vm, driver.Capabilities(), r.Diags)
	reviewGuest(ctx, r, driver, location)
}

// sizes decides on the server type. A plan tells it only where the
// configuration names it or the machine keeps the one it has: Terraform plans
// every change a second time when it applies it, with nothing to remember the
// first answer by, and refuses another; but prices and availability may have
// changed meanwhile, in particular under a saved plan. So what is to be chosen
// is chosen right before it is ordered. That something fits is found out by
// the plan all the same.
//
// image is what the machine is made from, as far as it is known: a type whose
// disk is too small for it is none to choose.
func sizes(ctx context.Context, r *service.Review[model], driver cloud.Driver, location cloud.Location, image cloud.Image) {
	c := r.Config
	if c.ServerType.IsUnknown() || c.CPUs.IsUnknown() || c.MemoryGB.IsUnknown() || c.Architecture.IsUnknown() {
		return // the framework has marked what is computed as unknown
	}
	if r.Final && !r.Plan.ServerType.IsUnknown() {
		return
	}
	want := sizing{explicit: c.ServerType.ValueString(), size: cloud.Size{
		CPUs: c.CPUs.ValueInt64(), MemoryGB: c.MemoryGB.ValueFloat64(), Architecture: cloud.Architecture(c.Architecture.ValueString())}}
	had := was(r)
	if had != nil && settled(want, *had) {
		setSize(r, choice{serverType: had.serverType, architecture: had.size.Architecture, kept: true})
		return
	}
	list, err := driver.ServerTypes(ctx, location)
	if suited := suiting(list, had, image); want.explicit == "" {
		list = suited
	} else if find(list, want.explicit) != nil && find(suited, want.explicit) == nil {
		r.Diags.AddAttributeError(path.Root("server_type"), "Server type and image do not go together",
			fmt.Sprintf("The image %s is for %s and needs a disk of %d GB, which %s does not have. Name one of %s; or give cpus and memory_gb, and the cheapest that suits is chosen.",
				image.ID, image.Architecture, image.MinDiskGB, want.explicit, strings.Join(sold(suited, nil), ", ")))
		return
	}
	if err == nil {
		var decided choice
		if decided, err = choose(list, want, had, location); err == nil {
			setSize(r, decided)
			if decided.warning != "" && !r.Final {
				r.Diags.AddAttributeWarning(path.Root("server_type"), "Not the server type to expect", decided.warning)
			}
			return
		}
	}
	r.Diags.Append(service.Explain(err, fmt.Sprintf("choose a server type for VM %q", r.Plan.Name.ValueString()),
		func(string) bool { return true }))
}

// was gives the existing machine's size, nil if there is none that stays. (The
// planned architecture is not known yet, so it counts as staying here.)
func was(r *service.Review[model]) *before {
	if r.Prior == nil || !r.Prior.Location.Equal(r.Plan.Location) || len(replaces(r.Prior, r.Plan)) > 0 {
		return nil
	}
	return &before{serverType: r.Prior.ServerType.ValueString(), diskGB: r.Prior.DiskGB.ValueInt64(), size: cloud.Size{
		CPUs: r.Prior.CPUs.ValueInt64(), MemoryGB: r.Prior.MemoryGB.ValueFloat64(),
		Architecture: cloud.Architecture(r.Prior.Architecture.ValueString())}}
}

// setSize plans or orders a type, where the configuration leaves it open.
func setSize(r *service.Review[model], decided choice) {
	if r.Config.Architecture.IsNull() && decided.architecture != "" {
		r.Plan.Architecture = types.StringValue(string(decided.architecture))
	}
	switch {
	case !r.Config.ServerType.IsNull():
	case decided.kept || r.Final:
		r.Plan.ServerType = types.StringValue(decided.serverType)
		r.Plan.alternatives = decided.alternatives
	default:
		r.Plan.ServerType = types.StringUnknown()
	}
}

// planComputed keeps what the change does not touch, so that the plan shows
// only what does change.
func planComputed(r *service.Review[model]) {
	if v4 := r.Plan.PublicIPv4; !v4.IsUnknown() && !v4.ValueBool() {
		r.Plan.IPv4Address = types.StringNull()
	}
	if v6 := r.Plan.PublicIPv6; !v6.IsUnknown() && !v6.ValueBool() {
		r.Plan.IPv6Address, r.Plan.IPv6Network = types.StringNull(), types.StringNull()
	}
	if r.Prior == nil {
		return
	}
	if r.Plan.PrivateIP.IsUnknown() && r.Config.PrivateIP.IsNull() && !r.Prior.PrivateIP.IsNull() && r.Plan.NetworkID.Equal(r.Prior.NetworkID) {
		r.Plan.PrivateIP = r.Prior.PrivateIP
	}
	sameType := r.Plan.ServerType.Equal(r.Prior.ServerType)
	if r.Plan.Status.IsUnknown() && r.Plan.PowerState.Equal(r.Prior.PowerState) && sameType {
		r.Plan.Status = r.Prior.Status
	}
	if r.Plan.DiskGB.IsUnknown() && !r.Prior.DiskGB.IsNull() && (sameType || keepsDisk(r.Plan)) {
		r.Plan.DiskGB = r.Prior.DiskGB
	}
}

// reviewOwners finds out whose network and volumes these are (ISO-2), and which
// addresses the network has. What this run has created or read is known
// already; only references that are new to the machine are worth asking the
// cloud for.
func reviewOwners(ctx context.Context, r *service.Review[model], driver cloud.Driver, location cloud.Location, vm *policy.VM) {
	moved := r.Prior == nil || !r.Plan.Tenant.Equal(r.Prior.Tenant)
	ask := moved || !r.Plan.NetworkID.Equal(r.Prior.NetworkID) || !r.Plan.PrivateIP.Equal(r.Prior.PrivateIP)
	vm.Network.Tenant = r.Env.Owner(cloud.KindNetwork, "network_id", vm.Network.ID, location, ask, func(id cloud.ID) (cloud.Meta, error) {
		network, err := driver.Networks().Get(ctx, id.Native)
		r.Env.LearnSubnets(id, network.Subnets, err == nil)
		return network.Meta, err
	}, r.Diags)
	if id, err := cloud.ParseID(r.Plan.NetworkID.ValueString()); err == nil {
		if subnets, known := r.Env.Subnets(id); known {
			vm.Subnets = policy.Known(subnets)
		}
	}
	list, _ := vm.Volumes.Get()
	ask = moved || !r.Plan.VolumeIDs.Equal(r.Prior.VolumeIDs)
	for i := range list {
		list[i].Tenant = r.Env.Owner(cloud.KindVolume, "volume_ids", list[i].ID, location, ask, func(id cloud.ID) (cloud.Meta, error) {
			volume, err := driver.Volumes().Get(ctx, id.Native)
			return volume.Meta, err
		}, r.Diags)
	}
}
