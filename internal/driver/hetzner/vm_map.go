package hetzner

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// The keys of VMSpec.Options; see the package comment.
const (
	optionPlacementGroup = "placement_group_id"
	optionKeepDisk       = "keep_disk"
)

func wantsPower(spec cloud.VMSpec) cloud.PowerState {
	if spec.Power == cloud.PowerStopped {
		return cloud.PowerStopped
	}
	return cloud.PowerRunning
}

// attachesLater tells whether the network cannot go inline: POST /servers
// takes no private address.
func attachesLater(spec cloud.VMSpec) bool { return spec.Network != "" && spec.PrivateIP.IsValid() }

// startsLater tells whether the VM must not start before it is attached to
// its network: without a public address it would boot with no network at all.
// A VM with a public address boots meanwhile, and its private interface is
// plugged in, as the vendor's images expect: that saves a request.
func startsLater(spec cloud.VMSpec) bool { return attachesLater(spec) && privateOnly(spec) }

// privateOnly tells whether a VM has no public address.
func privateOnly(spec cloud.VMSpec) bool { return !spec.PublicIPv4 && !spec.PublicIPv6 }

func startsInline(spec cloud.VMSpec) bool {
	return wantsPower(spec) == cloud.PowerRunning && !startsLater(spec)
}

// serverOpts translates a spec into the one request that makes it.
func serverOpts(spec cloud.VMSpec) (hcloud.ServerCreateOpts, error) {
	if err := checkOptions(spec.Options); err != nil {
		return hcloud.ServerCreateOpts{}, err
	}
	start, automount := startsInline(spec), false
	options := hcloud.ServerCreateOpts{
		Name:             nativeName(cloud.KindVM, spec.Meta),
		ServerType:       &hcloud.ServerType{Name: spec.ServerType},
		Image:            imageOf(spec.Image),
		Location:         &hcloud.Location{Name: spec.Location.Name},
		UserData:         spec.UserData,
		Labels:           vmLabelsOf(spec),
		StartAfterCreate: &start,
		PublicNet:        &hcloud.ServerCreatePublicNet{EnableIPv4: spec.PublicIPv4, EnableIPv6: spec.PublicIPv6},
	}
	refs := references{}
	for _, id := range refs.all(spec.SSHKeys, "ssh_key_ids") {
		options.SSHKeys = append(options.SSHKeys, &hcloud.SSHKey{ID: id})
	}
	for _, id := range refs.all(spec.Firewalls, "firewall_ids") {
		if !privateOnly(spec) {
			options.Firewalls = append(options.Firewalls, &hcloud.ServerCreateFirewall{Firewall: hcloud.Firewall{ID: id}})
		}
	}
	for _, id := range refs.all(spec.Volumes, "volume_ids") {
		options.Volumes = append(options.Volumes, &hcloud.Volume{ID: id})
		// Volumes hold LUKS: the vendor's automount would see nothing, or
		// worse, a file system that is not meant for it.
		options.Automount = &automount
	}
	if spec.Network != "" {
		if id := refs.one(spec.Network, "network_id"); !attachesLater(spec) {
			options.Networks = []*hcloud.Network{{ID: id}}
		}
	}
	if group := spec.Options[optionPlacementGroup]; group != "" {
		options.PlacementGroup = &hcloud.PlacementGroup{ID: refs.one(group, "hetzner.placement_group_id")}
	}
	return options, refs.err
}

// imageOf takes the name of a stock image or the id of any.
func imageOf(text string) *hcloud.Image {
	if id, err := strconv.ParseInt(text, 10, 64); err == nil {
		return &hcloud.Image{ID: id}
	}
	return &hcloud.Image{Name: text}
}

// references reads native ids and keeps the first error.
type references struct{ err error }

func (r *references) one(text, field string) int64 {
	id, err := parseNative(text, cloud.KindVM, field)
	if err != nil && r.err == nil {
		r.err = err
	}
	return id
}

func (r *references) all(texts []string, field string) []int64 {
	ids := make([]int64, 0, len(texts))
	for _, text := range texts {
		ids = append(ids, r.one(text, field))
	}
	return ids
}

func checkOptions(options map[string]string) error {
	for key, value := range options {
		switch key {
		case optionPlacementGroup:
		case optionKeepDisk:
			if _, err := strconv.ParseBool(value); err != nil && value != "" {
				return &cloud.Error{Code: cloud.CodeInvalid, Cloud: Name, Kind: cloud.KindVM, Field: "hetzner." + key, Message: key + " is \"true\" or \"false\", not \"" + value + "\""}
			}
		default:
			return &cloud.Error{Code: cloud.CodeInvalid, Cloud: Name, Kind: cloud.KindVM, Field: "hetzner." + key, Message: "Hetzner Cloud knows no option " + key}
		}
	}
	return nil
}

// keepsDisk is true unless the option says otherwise.
func keepsDisk(options map[string]string) bool {
	keep, err := strconv.ParseBool(options[optionKeepDisk])
	return err != nil || keep
}

// vmFrom translates what the API says of a server.
func vmFrom(have *hcloud.Server) cloud.VM {
	var vm cloud.VM
	location := ""
	if have.Location != nil {
		location = have.Location.Name
	}
	vm.Meta = metaOf(cloud.KindVM, have.Name, location, have.Labels, have.Protection.Delete)
	vm.Object = objectOf(have.ID, have.Name, vm.Meta, have.Labels)
	vm.Created = have.Created
	vm.Status = string(have.Status)
	vm.Power = powerOf(have.Status)
	if t := have.ServerType; t != nil {
		vm.ServerType, vm.CPUs, vm.MemoryGB = t.Name, int64(t.Cores), float64(t.Memory)
		vm.Architecture = cloud.Architecture(t.Architecture)
	}
	vm.DiskGB = int64(have.PrimaryDiskSize)
	if have.Image != nil {
		vm.Image = have.Image.Name
		if vm.Image == "" { // snapshots and backups have no name
			vm.Image = native(have.Image.ID)
		}
	}
	if len(have.PrivateNet) > 0 {
		vm.Network, vm.PrivateIP = native(have.PrivateNet[0].Network.ID), addr(have.PrivateNet[0].IP)
	}
	for _, firewall := range have.PublicNet.Firewalls {
		vm.Firewalls = append(vm.Firewalls, native(firewall.Firewall.ID))
	}
	for _, volume := range have.Volumes {
		vm.Volumes = append(vm.Volumes, native(volume.ID))
	}
	if !have.PublicNet.IPv4.IsUnspecified() {
		vm.PublicIPv4, vm.IPv4 = true, addr(have.PublicNet.IPv4.IP)
	}
	if !have.PublicNet.IPv6.IsUnspecified() && have.PublicNet.IPv6.Network != nil {
		vm.PublicIPv6, vm.IPv6 = true, prefix(have.PublicNet.IPv6.Network)
	}
	if declared := have.Labels[labelFirewalls]; declared != "" && privateOnly(vm.VMSpec) {
		vm.Firewalls = strings.Split(declared, "_")
	}
	if have.PlacementGroup != nil {
		vm.Options = map[string]string{optionPlacementGroup: native(have.PlacementGroup.ID)}
	}
	return vm
}

// powerOf tells what a status leads to: a machine that is being made or moved
// will run.
func powerOf(status hcloud.ServerStatus) cloud.PowerState {
	switch status {
	case hcloud.ServerStatusOff, hcloud.ServerStatusStopping:
		return cloud.PowerStopped
	default:
		return cloud.PowerRunning
	}
}

// madeVM adds to the answer of a create what its actions will have done when
// they end: the answer shows the server before they began.
func madeVM(vm cloud.VM, spec cloud.VMSpec) cloud.VM {
	vm.Power = cloud.PowerStopped
	if startsInline(spec) {
		vm.Power = cloud.PowerRunning
	}
	vm.Firewalls, vm.Volumes = slices.Clone(spec.Firewalls), slices.Clone(spec.Volumes)
	if attachesLater(spec) {
		vm.Network, vm.PrivateIP = "", netip.Addr{}
	} else if vm.Network != spec.Network {
		vm.Network, vm.PrivateIP = spec.Network, netip.Addr{}
	}
	vm.Options = nil
	if group := spec.Options[optionPlacementGroup]; group != "" {
		vm.Options = map[string]string{optionPlacementGroup: group}
	}
	return vm
}

// mergedVM is a VM after its plan. What nobody told (a private address that
// the vendor chooses) stays invalid.
func mergedVM(vm cloud.VM, want cloud.VMSpec) cloud.VM {
	vm.Object, vm.Meta = mergedMeta(cloud.KindVM, vm.Object, want.Meta)
	vm.ServerType = want.ServerType
	vm.Firewalls, vm.Volumes = slices.Clone(want.Firewalls), slices.Clone(want.Volumes)
	if vm.Network != want.Network {
		vm.Network, vm.PrivateIP = want.Network, netip.Addr{}
	}
	if want.PrivateIP.IsValid() {
		vm.PrivateIP = want.PrivateIP
	}
	if want.Power != "" {
		vm.Power = want.Power
	}
	vm.Status = string(hcloud.ServerStatusRunning)
	if vm.Power == cloud.PowerStopped {
		vm.Status = string(hcloud.ServerStatusOff)
	}
	vm.Options = nil
	if group := want.Options[optionPlacementGroup]; group != "" {
		vm.Options = map[string]string{optionPlacementGroup: group}
	}
	return vm
}
