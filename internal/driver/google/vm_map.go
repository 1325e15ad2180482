package google

import (
	"maps"
	"net/netip"
	"slices"
	"strings"

	"cloud.google.com/go/compute/apiv1/computepb"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

const (
	// labelOrigin carries the digest of a VM's image, SSH keys and user data:
	// what cannot change afterwards.
	labelOrigin = cloud.LabelPrefix + "origin"
	// labelBoot marks a boot disk with its VM's native name: it belongs to the
	// VM and is no volume.
	labelBoot = cloud.LabelPrefix + "boot"
	// metadataImage keeps the image's name as the spec has it: an instance
	// does not tell what its boot disk was made from.
	metadataImage = cloud.LabelPrefix + "image"
)

// The vendor's statuses of an instance (field `status`).
const (
	statusRunning    = "RUNNING"
	statusTerminated = "TERMINATED"
)

// suspension are the statuses of a VM whose memory is kept while it is off.
var suspension = []string{"SUSPENDING", "SUSPENDED"}

// interfaceName is the first network interface's name, which the vendor gives.
const interfaceName = "nic0"

// parts are what a spec refers to and the request needs in full.
type parts struct {
	// subnetwork is the path of the subnetwork for the network interface.
	subnetwork string
	// logins are lines of the metadata entry ssh-keys: <user>:<public key>.
	logins []string
}

// instanceOf translates a spec into the one request that makes it.
func (d *Driver) instanceOf(spec cloud.VMSpec, refs parts) (*computepb.Instance, error) {
	architecture, bootType := architectureOf(spec.ServerType)
	source, err := d.resolveImage(spec.Image, architecture)
	if err != nil {
		return nil, err
	}
	zone, name := spec.Location.Name, nativeName(cloud.KindVM, spec.Meta)
	instance := &computepb.Instance{
		Name:               &name,
		MachineType:        new(d.zoneURL(zone, "machineTypes", spec.ServerType)),
		Labels:             vmLabelsOf(spec),
		Tags:               &computepb.Tags{Items: slices.Clone(spec.Firewalls)},
		Metadata:           &computepb.Metadata{Items: metadataOf(spec, refs.logins)},
		Disks:              []*computepb.AttachedDisk{d.bootDisk(spec, source, bootType)},
		NetworkInterfaces:  []*computepb.NetworkInterface{d.interfaceOf(spec, refs.subnetwork)},
		DeletionProtection: new(spec.Protected),
		CanIpForward:       new(set(spec.Options, optionIPForwarding, false)),
		ShieldedInstanceConfig: &computepb.ShieldedInstanceConfig{
			EnableVtpm:                new(true),
			EnableIntegrityMonitoring: new(true),
			EnableSecureBoot:          new(set(spec.Options, optionSecureBoot, source.secureBoot)),
		},
	}
	for _, volume := range spec.Volumes {
		instance.Disks = append(instance.Disks, d.attachment(zone, volume))
	}
	if account := spec.Options[optionServiceAccount]; account != "" {
		// What the account may do is decided by its roles, as the vendor
		// advises, not by scopes.
		instance.ServiceAccounts = []*computepb.ServiceAccount{{Email: &account, Scopes: []string{"https://www.googleapis.com/auth/cloud-platform"}}}
	}
	return instance, nil
}

// bootDisk is made and deleted with the VM.
func (d *Driver) bootDisk(spec cloud.VMSpec, source image, diskType string) *computepb.AttachedDisk {
	name := nativeName(cloud.KindVM, spec.Meta)
	if wanted := spec.Options[optionBootDiskType]; wanted != "" {
		diskType = wanted
	}
	labels := map[string]string{labelBoot: name}
	if spec.Deployment != "" {
		labels[cloud.LabelDeployment] = spec.Deployment
	}
	boot := &computepb.AttachedDisk{
		Boot:       new(true),
		AutoDelete: new(true),
		InitializeParams: &computepb.AttachedDiskInitializeParams{
			DiskName:    new(childName(name, "boot")),
			DiskType:    new(d.zoneURL(spec.Location.Name, "diskTypes", diskType)),
			SourceImage: &source.source,
			Labels:      labels,
		},
		DiskEncryptionKey: encryption(spec.Options),
	}
	if size := bootDiskGB(spec.Options); size > 0 {
		boot.InitializeParams.DiskSizeGb = &size
	}
	return boot
}

// encryption asks for a customer-managed key; without one the vendor encrypts
// with its own.
func encryption(options map[string]string) *computepb.CustomerEncryptionKey {
	if key := options[optionKMSKey]; key != "" {
		return &computepb.CustomerEncryptionKey{KmsKeyName: &key}
	}
	return nil
}

// attachment gives a volume to a VM. The device name is the volume's own, so
// that the guest finds it under deviceOf.
func (d *Driver) attachment(zone, volume string) *computepb.AttachedDisk {
	return &computepb.AttachedDisk{
		Source:     new(d.zoneURL(zone, "disks", volume)),
		DeviceName: &volume,
		Mode:       new("READ_WRITE"),
		AutoDelete: new(false),
	}
}

// interfaceOf gives a VM its place in the network, and public addresses only
// if the spec asks for them.
func (d *Driver) interfaceOf(spec cloud.VMSpec, subnetwork string) *computepb.NetworkInterface {
	nic := &computepb.NetworkInterface{
		Network:    new(d.globalURL("networks", spec.Network)),
		Subnetwork: &subnetwork,
		StackType:  new("IPV4_ONLY"),
	}
	if spec.PrivateIP.IsValid() {
		nic.NetworkIP = new(spec.PrivateIP.String())
	}
	if spec.PublicIPv4 {
		nic.AccessConfigs = []*computepb.AccessConfig{{Name: new("External NAT"), Type: new("ONE_TO_ONE_NAT"), NetworkTier: new("PREMIUM")}}
	}
	if spec.PublicIPv6 {
		nic.StackType, nic.Ipv6AccessConfigs = new(stackDual), externalIPv6()
	}
	return nic
}

// externalIPv6 asks for a public IPv6 range of the vendor's choice, under the
// name that the API recommends.
func externalIPv6() []*computepb.AccessConfig {
	return []*computepb.AccessConfig{{Name: new("external-ipv6"), Type: new("DIRECT_IPV6"), NetworkTier: new("PREMIUM")}}
}

// metadataOf gives what the machine can read about itself, and how it may be
// reached (SYS-3): with the spec's keys only, by no serial console, and not by
// accounts of the vendor's IAM.
func metadataOf(spec cloud.VMSpec, logins []string) []*computepb.Items {
	pairs := map[string]string{
		"block-project-ssh-keys": "TRUE",
		"serial-port-enable":     "FALSE",
		"enable-oslogin":         "FALSE",
		metadataImage:            spec.Image,
	}
	if len(logins) > 0 {
		pairs["ssh-keys"] = strings.Join(logins, "\n")
	}
	if spec.UserData != "" {
		pairs["user-data"] = spec.UserData
		if spec.Labels[cloud.LabelBuilds] != "" {
			// The vendor's stock Debian has no cloud-init: its own agent runs this.
			pairs["startup-script"] = spec.UserData
		}
	}
	items := make([]*computepb.Items, 0, len(pairs))
	for _, key := range slices.Sorted(maps.Keys(pairs)) {
		items = append(items, &computepb.Items{Key: &key, Value: new(pairs[key])})
	}
	return items
}

// vmLabelsOf gives all labels of a VM.
func vmLabelsOf(spec cloud.VMSpec) map[string]string {
	labels := labelsOf(cloud.KindVM, spec.Meta)
	labels[labelOrigin] = originOf(spec)
	return labels
}

// originOf digests what a VM is made from: 100 bits.
func originOf(spec cloud.VMSpec) string {
	return digest(20, append([]string{spec.Image, spec.Origin()}, slices.Sorted(slices.Values(spec.SSHKeys))...)...)
}

// vmFrom translates what the API says of an instance.
func vmFrom(have *computepb.Instance) cloud.VM {
	var vm cloud.VM
	vm.Meta = metaOf(have.GetName(), lastPart(have.GetZone()), have.GetLabels(), have.GetDeletionProtection())
	vm.Object = objectOf(have.GetName(), have.GetCreationTimestamp(), vm.Meta, have.GetLabels())
	vm.Status = have.GetStatus()
	vm.Power = powerOf(vm.Status)
	vm = sized(vm, lastPart(have.GetMachineType()))
	vm.Image = metadataValue(have, metadataImage)
	vm.Firewalls = slices.Clone(have.GetTags().GetItems())
	for _, disk := range have.GetDisks() {
		if !disk.GetBoot() {
			vm.Volumes = append(vm.Volumes, lastPart(disk.GetSource()))
			continue
		}
		vm.DiskGB = disk.GetDiskSizeGb()
		if key := keyVersion.ReplaceAllString(disk.GetDiskEncryptionKey().GetKmsKeyName(), ""); key != "" {
			vm.Options = map[string]string{optionKMSKey: key}
		}
	}
	if accounts := have.GetServiceAccounts(); len(accounts) > 0 {
		if vm.Options == nil {
			vm.Options = map[string]string{}
		}
		vm.Options[optionServiceAccount] = accounts[0].GetEmail()
	}
	if nics := have.GetNetworkInterfaces(); len(nics) > 0 {
		observeInterface(&vm, nics[0])
	}
	return vm
}

func observeInterface(vm *cloud.VM, nic *computepb.NetworkInterface) {
	vm.Network = lastPart(nic.GetNetwork())
	vm.PrivateIP = address(nic.GetNetworkIP())
	if configs := nic.GetAccessConfigs(); len(configs) > 0 {
		vm.PublicIPv4, vm.IPv4 = true, address(configs[0].GetNatIP())
	}
	if configs := nic.GetIpv6AccessConfigs(); len(configs) > 0 {
		vm.PublicIPv6 = true
		// The interface has a /96, of which the vendor gives the guest the
		// first address by DHCP: that one, and no other, answers.
		if ip := address(configs[0].GetExternalIpv6()); ip.IsValid() {
			vm.IPv6 = netip.PrefixFrom(ip, ip.BitLen())
		}
	}
}

// address reads an IP address; invalid if there is none, which is so for the
// public ones of a VM that is off.
func address(text string) netip.Addr {
	ip, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}
	}
	return ip
}

func metadataValue(have *computepb.Instance, key string) string {
	for _, item := range have.GetMetadata().GetItems() {
		if item.GetKey() == key {
			return item.GetValue()
		}
	}
	return ""
}

// sized gives a VM its machine type and what the list of types knows of it.
func sized(vm cloud.VM, machineType string) cloud.VM {
	vm.ServerType = machineType
	vm.CPUs, vm.MemoryGB, vm.Architecture = 0, 0, ""
	if list, err := knownTypes(); err == nil {
		if t, ok := list[machineType]; ok {
			vm.CPUs, vm.MemoryGB, vm.Architecture = t.CPUs, t.MemoryGB, t.family.Architecture
		}
	}
	return vm
}

// powerOf tells what a status leads to: a machine that is being made or
// repaired will run.
func powerOf(status string) cloud.PowerState {
	switch status {
	case statusTerminated, "STOPPING", "SUSPENDING", "SUSPENDED", "STOPPED":
		return cloud.PowerStopped
	default:
		return cloud.PowerRunning
	}
}

// madeVM is what is known of a VM when its creation has ended: all but the
// addresses that the vendor chooses. Every VM is made running.
func madeVM(spec cloud.VMSpec) cloud.VM {
	native := nativeName(cloud.KindVM, spec.Meta)
	vm := cloud.VM{Object: objectOf(native, "", spec.Meta, nil), VMSpec: spec, Status: statusRunning, DiskGB: bootDiskGB(spec.Options)}
	vm.Labels = maps.Clone(spec.Labels)
	vm.SSHKeys, vm.UserData, vm.UserDataOrigin, vm.Alternatives = nil, "", "", nil
	vm.Power = cloud.PowerRunning
	vm.Firewalls, vm.Volumes = slices.Clone(spec.Firewalls), slices.Clone(spec.Volumes)
	vm.Options = given(spec.Options, optionKMSKey, optionServiceAccount)
	return sized(vm, spec.ServerType)
}

// mergedVM is a VM after its plan. An address that the vendor chooses in
// another network stays invalid: nobody told it.
func mergedVM(vm cloud.VM, want cloud.VMSpec) cloud.VM {
	suspended := slices.Contains(suspension, vm.Status) && vm.ServerType == want.ServerType && !moves(vm, want)
	vm.Object, vm.Meta = mergedMeta(vm.Object, want.Meta)
	if vm.ServerType != want.ServerType || vm.CPUs == 0 {
		vm = sized(vm, want.ServerType)
	}
	vm.Firewalls, vm.Volumes = slices.Clone(want.Firewalls), slices.Clone(want.Volumes)
	if vm.Network != want.Network {
		vm.Network, vm.PrivateIP = want.Network, netip.Addr{}
	}
	if want.PrivateIP.IsValid() {
		vm.PrivateIP = want.PrivateIP
	}
	power := want.Power
	if power == "" {
		power = vm.Power
	}
	if power == cloud.PowerStopped && vm.Power != power {
		// An address that is not reserved is given back.
		vm.IPv4 = netip.Addr{}
	}
	status := statusRunning
	if power == cloud.PowerStopped {
		status = statusTerminated
		if suspended {
			status = vm.Status
		}
	}
	vm.Power, vm.Status = power, status
	return vm
}
