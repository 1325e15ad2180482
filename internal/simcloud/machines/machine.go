package machines

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
)

// MaxPorts is how many ports of a machine are opened on the host at most.
const MaxPorts = 64

// Machine is a machine as it should be.
type Machine struct {
	// Key names it among all machines, for good: "hetzner/4711".
	Key string
	// Name is what people call it.
	Name string
	// On tells that it should run.
	On bool
	// Boots changes whenever it was started, also while it ran.
	Boots string
	// Asked tells that the last stop, or restart, was asked of its system and did
	// not cut its power.
	Asked bool
	CPUs  int
	// MemoryMB is its memory in MiB.
	MemoryMB int
	// RootGB is the size of its system disk in GiB; less than the image is as large
	// as the image.
	RootGB int
	// Image is the vendor's name of the image that the system disk began as.
	Image string
	// Root names the system disk: another one is another disk, made of Image. Empty
	// is the machine's own.
	Root     string
	Identity Identity
	// UEFI boots it by UEFI instead of BIOS.
	UEFI  bool
	Cards []Card
	Disks []Disk
	// Metadata answers at 169.254.169.254.
	Metadata http.Handler
	// Inbound is what the firewall lets in; Open tells that there is none, so that
	// everything is.
	Inbound []Rule
	Open    bool
}

// Identity is what the firmware says of the machine (SMBIOS type 1): cloud-init
// finds out by it where it is.
type Identity struct{ Manufacturer, Product, Serial string }

// Card is a network card.
type Card struct {
	MAC     string
	Address netip.Addr
	Gateway netip.Addr
	// Public is the address by which the Internet knows the machine, if this card
	// has one; it may be Address itself.
	Public netip.Addr
	// Default tells that everything goes this way that no other card's Routes name.
	Default bool
	// Network names what it is plugged into: cards reach each other by Address in
	// networks of the same name. Empty for the Internet alone.
	Network string
	// Routes are the network's addresses.
	Routes []netip.Prefix
	// Filtered tells that the cloud's firewall stands before this card.
	Filtered bool
	// MTU in bytes; 0 is 1500.
	MTU int
}

// Disk is a volume.
type Disk struct {
	// Key names it among all disks, for good; its contents are kept by it.
	Key    string
	SizeGB int
	// Vendor, Product and Serial make its name in the machine:
	// /dev/disk/by-id/scsi-0<Vendor>_<Product>_<Serial>.
	Vendor, Product, Serial string
}

// Rule lets TCP connections in, or keeps them out: the first that matches decides,
// and what none matches stays out.
type Rule struct {
	From, To uint16
	Sources  []netip.Prefix
	Deny     bool
}

// ports are those that are opened on the host, sorted.
func (m Machine) ports(open []uint16) []uint16 {
	if m.Open {
		return open
	}
	var ports []uint16
	for _, r := range m.Inbound {
		if r.Deny {
			continue
		}
		for p := int(r.From); p <= int(r.To) && len(ports) < MaxPorts; p++ {
			ports = append(ports, uint16(p))
		}
	}
	slices.Sort(ports)
	return slices.Compact(ports)
}

// admits tells whether the firewall lets a connection in.
func (m Machine) admits(from netip.Addr, port uint16) bool {
	i := slices.IndexFunc(m.Inbound, func(r Rule) bool {
		return r.From <= port && port <= r.To && slices.ContainsFunc(r.Sources, func(p netip.Prefix) bool { return p.Contains(from) })
	})
	return m.Open || i >= 0 && !m.Inbound[i].Deny
}

// public is the machine's address in the Internet; invalid if it has none.
func (m Machine) public() netip.Addr {
	for _, c := range m.Cards {
		if c.Public.IsValid() {
			return c.Public
		}
	}
	return netip.Addr{}
}

func (m Machine) check() error {
	switch {
	case m.Key == "" || m.CPUs < 1 || m.MemoryMB < 1:
		return fmt.Errorf("machine %q: %d processors and %d MiB of memory", m.Key, m.CPUs, m.MemoryMB)
	case len(m.Cards) == 0:
		return fmt.Errorf("machine %q has no network card", m.Key)
	}
	return nil
}

// Outside is where an address of the Internet is found on the host, and the other
// way round: 198.b.c.d is 127.b.c.d.
func Outside(a netip.Addr) netip.Addr { return swapFirst(a, 198, 127) }

func inside(a netip.Addr) netip.Addr { return swapFirst(a, 127, 198) }

func swapFirst(a netip.Addr, from, to byte) netip.Addr {
	a = a.Unmap()
	if !a.Is4() || a.As4()[0] != from {
		return a
	}
	b := a.As4()
	b[0] = to
	return netip.AddrFrom4(b)
}
