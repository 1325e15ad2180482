package google

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// planVM gives the steps from what was observed to what is wanted, in an
// order that is safe: the rules of new firewalls stand in the network before
// the VM carries their tags, all tags change in one request, so that the VM is
// never without a firewall (NET-1), and the power is only off for what needs
// it off.
func planVM(current cloud.VM, want cloud.VMSpec) ([]step, error) {
	if err := checkVMOptions(want.Options); err != nil {
		return nil, err
	}
	if err := checkFixed(current, want); err != nil {
		return nil, err
	}
	var steps []step
	if !sameLabels(cloud.KindVM, current.Meta, want.Meta) {
		steps = append(steps, labelVM{Labels: vmLabelsOf(want)})
	}
	if len(missing(current.Firewalls, want.Firewalls))+len(missing(want.Firewalls, current.Firewalls)) > 0 {
		steps = append(steps, tagVM{Network: current.Network, Firewalls: want.Firewalls})
	}
	for _, volume := range missing(want.Volumes, current.Volumes) {
		steps = append(steps, detachVolume{volume})
	}
	for _, volume := range missing(current.Volumes, want.Volumes) {
		steps = append(steps, attachVolume{volume})
	}
	steps = append(steps, powerSteps(current, want)...)
	if current.Protected != want.Protected {
		steps = append(steps, protectVM{want.Protected})
	}
	return steps, nil
}

// checkFixed refuses changes that need a replacement. An image that is not
// known (somebody else made the VM) is not compared.
func checkFixed(current cloud.VM, want cloud.VMSpec) error {
	refuse := func(field, message string) error {
		return unsupported(cloud.KindVM, current.ID.Native, field, message)
	}
	changed := func(option string) bool {
		return want.Options[option] != "" && want.Options[option] != current.Options[option]
	}
	switch {
	case current.Location.Name != want.Location.Name:
		return refuse("location", "a VM cannot move to another location")
	case want.Network == "":
		return refuse("network_id", "Google Cloud has no VM without a network")
	case current.Image != "" && want.Image != "" && current.Image != want.Image:
		return refuse("image", fmt.Sprintf("the VM was made from %s; another image erases its disk", current.Image))
	case current.PublicIPv4 != want.PublicIPv4:
		return refuse("public_ipv4", "public addresses are chosen when a VM is made")
	case current.PublicIPv6 != want.PublicIPv6:
		return refuse("public_ipv6", "public addresses are chosen when a VM is made")
	case changed(optionKMSKey):
		return refuse(blockOf(optionKMSKey), "a disk keeps the key that it was made with")
	case changed(optionServiceAccount):
		return refuse(blockOf(optionServiceAccount), "the service account is chosen when a VM is made")
	}
	return nil
}

// moves tells whether the network interface has to change.
func moves(current cloud.VM, want cloud.VMSpec) bool {
	return current.Network != want.Network || (want.PrivateIP.IsValid() && current.PrivateIP != want.PrivateIP)
}

// powerSteps gives what needs the VM off, between a stop and a start where
// they are needed, and the wanted power state.
func powerSteps(current cloud.VM, want cloud.VMSpec) []step {
	var offline, steps []step
	if moves(current, want) {
		ip := want.PrivateIP
		if !ip.IsValid() {
			ip = netip.Addr{}
		}
		offline = append(offline, moveVM{Network: want.Network, IP: ip, IPv6: want.PublicIPv6, Firewalls: want.Firewalls})
	}
	if current.ServerType != want.ServerType {
		offline = append(offline, changeType{Type: want.ServerType})
	}
	power, wantPower := current.Power, want.Power
	if wantPower == "" {
		wantPower = current.Power
	}
	// A suspended VM is off, but keeps its memory, and with it its shape.
	suspended := slices.Contains(suspension, current.Status)
	if power == cloud.PowerRunning && (len(offline) > 0 || wantPower == cloud.PowerStopped) || suspended && len(offline) > 0 {
		steps = append(steps, stopVM{})
		power, suspended = cloud.PowerStopped, false
	}
	steps = append(steps, offline...)
	switch {
	case power != cloud.PowerStopped || wantPower != cloud.PowerRunning:
	case suspended:
		steps = append(steps, resumeVM{})
	default:
		steps = append(steps, startVM{})
	}
	return steps
}
