package google

import (
	"errors"
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/machines"
)

// networkMTU is the size of packets in a network unless it says otherwise, in bytes
// (https://cloud.google.com/vpc/docs/mtu).
const networkMTU = 1460

// MachineKey is the key of an instance among machines, DiskKey that of a disk.
func MachineKey(instance int64) string { return Cloud + "/" + strconv.FormatInt(instance, 10) }

// DiskKey is the key of a disk, boot disks included.
func DiskKey(disk int64) string { return Cloud + "-disk/" + strconv.FormatInt(disk, 10) }

// Machines are the instances as machines, and the keys of all disks. What stands in
// a zone that is lost has no power.
func (a *API) Machines() (found []machines.Machine, volumes []string, err error) {
	err = a.eng.Do(func(*engine.Tx) error { return nil }) // what is due ends first
	if err != nil {
		return nil, nil, err
	}
	for _, r := range a.eng.Records(diskKind) {
		volumes = append(volumes, DiskKey(r.Base().ID))
	}
	for _, r := range a.eng.Records(instanceKind) {
		err = errors.Join(err, a.eng.Do(func(tx *engine.Tx) error {
			if i := instances.kind.Get(tx, r.Base().Project, r.Base().ID); i != nil && i.Ready {
				found = append(found, a.machine(tx, i))
			}
			return nil
		}))
	}
	return found, volumes, err
}

// MachineStopped notes that a machine switched itself off in its boot of that name.
func (a *API) MachineStopped(key, boots string) error {
	id, err := strconv.ParseInt(strings.TrimPrefix(key, Cloud+"/"), 10, 64)
	if err != nil {
		return fmt.Errorf("%q is no instance: %w", key, err)
	}
	for _, r := range a.eng.Records(instanceKind) {
		if r.Base().ID != id {
			continue
		}
		return a.eng.Do(func(tx *engine.Tx) error {
			if i := instances.kind.Get(tx, r.Base().Project, id); i != nil && i.Status == vmRunning && strconv.Itoa(i.Boots) == boots {
				wasStopped(tx, instances.kind.Edit(tx, i.Project, id), powered{})
			}
			return nil
		})
	}
	return nil
}

func (a *API) machine(tx *engine.Tx, i *Instance) machines.Machine {
	zone := path.Base(i.Scope)
	m := machines.Machine{Key: MachineKey(i.ID), Name: i.Name, Boots: strconv.Itoa(i.Boots), CPUs: 1, MemoryMB: 1024,
		On: i.Status == vmRunning && a.faults.Lost(zone) == nil,
		// A stop presses the button, a reset pulls the plug.
		Asked:    i.Status != vmRunning,
		Identity: machines.Identity{Manufacturer: "Google", Product: "Google Compute Engine", Serial: fmt.Sprintf("GoogleCloud-%032X", i.number())},
		UEFI:     true, Metadata: a.metadataOf(i.Project, i.ID)}
	if t := a.cat.machineType(zone, i.MachineType); t != nil {
		m.CPUs, m.MemoryMB = t.VCPUs, t.MemoryMB
	}
	for _, at := range i.Disks {
		d := disks.kind.Get(tx, i.Project, at.Disk)
		switch {
		case d == nil:
		case at.Boot:
			m.Root, m.RootGB, m.Image = DiskKey(d.ID), int(d.SizeGB), path.Base(d.SourceImage)
		default:
			m.Disks = append(m.Disks, machines.Disk{Key: DiskKey(d.ID), SizeGB: int(d.SizeGB), Vendor: "Google", Product: "PersistentDisk", Serial: at.DeviceName})
		}
	}
	for n := range i.NICs {
		m.Cards = append(m.Cards, cardOf(tx, i, n))
	}
	m.Inbound = inboundOf(tx, i)
	return m
}

func cardOf(tx *engine.Tx, i *Instance, n int) machines.Card {
	nic := i.NICs[n]
	card := machines.Card{MAC: nicMAC(i.ID, n), Default: n == 0, Filtered: true, MTU: networkMTU, Network: Cloud + "-network/" + strconv.FormatInt(nic.Network, 10)}
	card.Address, _ = netip.ParseAddr(nic.IP)
	if s := subnetworks.kind.Get(tx, i.Project, nic.Subnetwork); s != nil {
		if whole, err := netip.ParsePrefix(s.Range); err == nil {
			card.Gateway = whole.Masked().Addr().Next()
		}
	}
	for _, ac := range nic.AccessConfigs {
		if ac.NatIP != "" {
			card.Public = netip.MustParseAddr(ac.NatIP)
		}
	}
	for _, s := range subnetworks.kind.All(tx, i.Project) {
		if whole, err := netip.ParsePrefix(s.Range); err == nil && s.Network == nic.Network {
			card.Routes = append(card.Routes, whole)
		}
	}
	return card
}

// nicMAC is an address of the form that the vendor's cards have.
func nicMAC(instance int64, n int) string {
	return fmt.Sprintf("42:01:%02x:%02x:%02x:%02x", byte(n), byte(instance>>16), byte(instance>>8), byte(instance))
}

// inboundOf are the rules of the first interface's network that hold for an
// instance, in the order in which they decide: by priority, and of equals what denies
// before what allows. What no rule names stays out.
func inboundOf(tx *engine.Tx, i *Instance) []machines.Rule {
	if len(i.NICs) == 0 {
		return nil
	}
	var hold []*Firewall
	for _, f := range firewalls.kind.All(tx, i.Project) {
		aimed := len(f.TargetTags)+len(f.TargetAccts) == 0 || slices.ContainsFunc(f.TargetTags, func(tag string) bool { return slices.Contains(i.Tags, tag) }) ||
			slices.ContainsFunc(i.ServiceAccounts, func(a serviceAccount) bool { return slices.Contains(f.TargetAccts, a.Email) })
		if f.Ready && f.Network == i.NICs[0].Network && f.Direction == "INGRESS" && !f.Disabled && aimed {
			hold = append(hold, f)
		}
	}
	slices.SortStableFunc(hold, func(a, b *Firewall) int {
		if a.Priority != b.Priority {
			return a.Priority - b.Priority
		}
		return len(b.Denied) - len(a.Denied)
	})
	var rules []machines.Rule
	for _, f := range hold {
		sources := sourcesOf(tx, f)
		for _, p := range slices.Concat(f.Denied, f.Allowed) {
			if !slices.Contains([]string{"tcp", "all", "6"}, strings.ToLower(p.Protocol)) {
				continue
			}
			ports := p.Ports
			if len(ports) == 0 {
				ports = []string{"1-65535"}
			}
			for _, text := range ports {
				from, to, ranged := strings.Cut(text, "-")
				if !ranged {
					to = from
				}
				rules = append(rules, machines.Rule{From: portOf(from), To: portOf(to), Sources: sources, Deny: len(f.Denied) > 0})
			}
		}
	}
	return rules
}

// sourcesOf are the addresses that a rule is about: its ranges, and those of the
// instances that carry its source tags.
func sourcesOf(tx *engine.Tx, f *Firewall) []netip.Prefix {
	var sources []netip.Prefix
	for _, text := range f.Sources {
		if p, err := netip.ParsePrefix(text); err == nil {
			sources = append(sources, p)
		} else if a, err := netip.ParseAddr(text); err == nil {
			sources = append(sources, netip.PrefixFrom(a, a.BitLen()))
		}
	}
	if len(f.SourceTags) > 0 {
		for _, other := range instances.kind.All(tx, f.Project) {
			if !slices.ContainsFunc(f.SourceTags, func(tag string) bool { return slices.Contains(other.Tags, tag) }) {
				continue
			}
			for _, nic := range other.NICs {
				if a, err := netip.ParseAddr(nic.IP); err == nil && nic.Network == f.Network {
					sources = append(sources, netip.PrefixFrom(a, a.BitLen()))
				}
			}
		}
	}
	if len(f.Sources)+len(f.SourceTags)+len(f.SourceAccts) == 0 {
		sources = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}
	}
	return sources
}

func portOf(text string) uint16 {
	n, _ := strconv.ParseUint(text, 10, 16) // checked when the rule was made
	return uint16(n)
}
