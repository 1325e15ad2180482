package hetzner

import (
	"fmt"
	"strconv"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// planVM gives the steps from what was observed to what is wanted, in an
// order that is safe: firewalls are applied before others are removed, so
// that the VM is never without one (NET-1), and the power is only off for
// what needs it off.
func planVM(current cloud.VM, want cloud.VMSpec) ([]step, error) {
	if err := checkOptions(want.Options); err != nil {
		return nil, err
	}
	if err := checkFixed(current, want); err != nil {
		return nil, err
	}
	refs := &references{}
	var apply, remove []step
	for _, id := range refs.all(missing(current.Firewalls, want.Firewalls), "firewall_ids") {
		apply = append(apply, applyFirewall{id})
	}
	for _, id := range refs.all(missing(want.Firewalls, current.Firewalls), "firewall_ids") {
		remove = append(remove, removeFirewall{id})
	}
	var steps []step
	declared := privateOnly(want) && len(apply)+len(remove) > 0
	if declared || !sameLabels(cloud.KindVM, current.NativeName, current.Meta, want.Meta) {
		steps = append(steps, relabel{Kind: cloud.KindVM, Name: nativeName(cloud.KindVM, want.Meta), Labels: vmLabelsOf(want)})
	}
	if !declared {
		steps = append(append(steps, apply...), remove...)
	}
	steps = append(steps, networkSteps(current, want, refs)...)
	for _, id := range refs.all(missing(want.Volumes, current.Volumes), "volume_ids") {
		steps = append(steps, detachVolume{id})
	}
	for _, id := range refs.all(missing(current.Volumes, want.Volumes), "volume_ids") {
		steps = append(steps, attachVolume{id})
	}
	steps = append(steps, powerSteps(current, want, refs)...)
	steps = append(steps, protectIfNeeded(cloud.KindVM, current.Meta, want.Meta)...)
	if refs.err != nil {
		return nil, refs.err
	}
	return steps, nil
}

// checkFixed refuses changes that need a replacement. Image ids and names of
// the same image cannot be told apart here, so only names are compared.
func checkFixed(current cloud.VM, want cloud.VMSpec) error {
	refuse := func(field, message string) error {
		return unsupported(cloud.KindVM, current.ID.Native, field, message)
	}
	switch {
	case current.Location.Name != want.Location.Name:
		return refuse("location", "a VM cannot move to another location")
	case isName(current.Image) && isName(want.Image) && current.Image != want.Image:
		return refuse("image", fmt.Sprintf("the VM was made from %s; another image erases its disk", current.Image))
	case current.PublicIPv4 != want.PublicIPv4:
		return refuse("public_ipv4", "public addresses are chosen when a VM is made")
	case current.PublicIPv6 != want.PublicIPv6:
		return refuse("public_ipv6", "public addresses are chosen when a VM is made")
	}
	return nil
}

func isName(image string) bool {
	_, err := strconv.ParseInt(image, 10, 64)
	return image != "" && err != nil
}

// networkSteps: an address cannot change while attached.
func networkSteps(current cloud.VM, want cloud.VMSpec, refs *references) []step {
	if current.Network == want.Network && (!want.PrivateIP.IsValid() || current.PrivateIP == want.PrivateIP) {
		return nil
	}
	var steps []step
	if current.Network != "" {
		steps = append(steps, detachNetwork{refs.one(current.Network, "network_id")})
	}
	if want.Network != "" {
		steps = append(steps, attachNetwork{refs.one(want.Network, "network_id"), want.PrivateIP})
	}
	return steps
}

// powerSteps gives what needs the VM off, between a stop and a start where
// they are needed, and the wanted power state.
func powerSteps(current cloud.VM, want cloud.VMSpec, refs *references) []step {
	var offline, steps []step
	if current.ServerType != want.ServerType {
		offline = append(offline, changeType{Type: want.ServerType, GrowDisk: !keepsDisk(want.Options)})
	}
	group, wantGroup := current.Options[optionPlacementGroup], want.Options[optionPlacementGroup]
	if group != wantGroup && group != "" {
		// Leaving a group works while the VM runs; only joining does not.
		steps = append(steps, leavePlacementGroup{})
	}
	if group != wantGroup && wantGroup != "" {
		offline = append(offline, joinPlacementGroup{refs.one(wantGroup, "hetzner.placement_group_id")})
	}
	power, wantPower := current.Power, want.Power
	if wantPower == "" {
		wantPower = current.Power
	}
	if power == cloud.PowerRunning && (len(offline) > 0 || wantPower == cloud.PowerStopped) {
		steps = append(steps, stop{})
		power = cloud.PowerStopped
	}
	steps = append(steps, offline...)
	if power == cloud.PowerStopped && wantPower == cloud.PowerRunning {
		steps = append(steps, start{})
	}
	return steps
}
