package cloud

import (
	"net/netip"
	"time"
)

// Meta is what every declared object has.
type Meta struct {
	// Name is the neutral name, unique among the objects of its kind in a
	// deployment and location.
	Name     string
	Location Location
	// Deployment owns the object. Empty on observed objects that nobody
	// labelled.
	Deployment string
	// Tenant and Tier are empty on what is shared.
	Tenant string
	Tier   Tier
	// Labels are the user's, without Holdfast's own.
	Labels map[string]string
	// Protected asks the vendor to refuse deletion, where it can.
	Protected bool
}

// Object is what every observed object has.
type Object struct {
	ID ID
	// NativeName is the vendor-side name.
	NativeName string
	// Created is when the vendor made it; zero if unknown.
	Created time.Time
	// Key is the LabelKey that it was observed with (see KeyIn); empty if it
	// has none that counts, and on what a write answers with.
	Key string
}

// Identity implements Identified.
func (o Object) Identity() ID { return o.ID }

// SSHKeySpec is a public key of a named engineer (SYS-3).
type SSHKeySpec struct {
	Meta
	// PublicKey is one line of OpenSSH authorized_keys format.
	PublicKey string
}

// SSHKey is an observed public key.
type SSHKey struct {
	Object
	SSHKeySpec
	// Fingerprint is the vendor's (Hetzner: MD5, colon separated).
	Fingerprint string
}

// NetworkSpec is a private network of one tenant (ISO-2).
type NetworkSpec struct {
	Meta
	// CIDR is the network's whole range, an RFC 1918 prefix.
	CIDR netip.Prefix
	// Subnets lie within CIDR; VMs take addresses from them.
	Subnets []netip.Prefix
	Routes  []Route
}

// Route sends traffic for Destination to a machine within the network.
type Route struct {
	Destination netip.Prefix
	Gateway     netip.Addr
}

// Network is an observed network.
type Network struct {
	Object
	NetworkSpec
}

// Direction of a firewall rule, as seen from the machine.
type Direction string

// The directions.
const (
	Inbound  Direction = "in"
	Outbound Direction = "out"
)

// FirewallRule lets traffic pass; everything inbound that no rule names is
// dropped (NET-1). Outbound traffic is free while no outbound rule exists,
// and limited to the outbound rules as soon as there is one.
type FirewallRule struct {
	Direction Direction
	// Protocol is tcp, udp, icmp, esp or gre.
	Protocol string
	// FromPort and ToPort are inclusive; both 0 for protocols without ports.
	FromPort, ToPort uint16
	// Networks are the sources of inbound, the destinations of outbound rules.
	Networks    []netip.Prefix
	Description string
}

// FirewallSpec is a set of rules.
type FirewallSpec struct {
	Meta
	// Network is the native id of the network that the rules belong to, where
	// the vendor keeps rules in networks (Google Cloud); empty for a firewall
	// that VMs of several networks share. A vendor whose firewalls stand for
	// themselves (Hetzner Cloud) has no use for it and observes it as empty.
	Network string
	Rules   []FirewallRule
}

// Firewall is an observed firewall.
type Firewall struct {
	Object
	FirewallSpec
}

// VolumeSpec is a data disk, encrypted at rest (ENC-1): by the guest (LUKS2)
// where the cloud does not do it, by the cloud where it does.
type VolumeSpec struct {
	Meta
	// SizeGB is in GB as the vendor counts them; it can only grow.
	SizeGB int64
	// Options are what only one vendor has; the driver's package comment
	// lists its keys.
	Options map[string]string
}

// Volume is an observed volume.
type Volume struct {
	Object
	VolumeSpec
	// AttachedTo is the native id of the VM that holds it, or empty.
	AttachedTo string
	// Device is the path at which a Linux guest finds it.
	Device string
}

// PowerState is whether a VM runs.
type PowerState string

// The power states that can be declared.
const (
	PowerRunning PowerState = "running"
	PowerStopped PowerState = "stopped"
)

// VMSpec is a virtual machine of one tenant (ISO-1).
type VMSpec struct {
	Meta
	// ServerType is the vendor's name of the size, already chosen.
	ServerType string
	// Alternatives are what to order instead when the location has no room
	// for ServerType, in this order. Drivers leave them to their callers.
	Alternatives []string
	// Image is the vendor's name of a stock image, or a native image id.
	Image string
	// SSHKeys, Network, Firewalls and Volumes hold native ids.
	SSHKeys   []string
	Network   string
	Firewalls []string
	Volumes   []string
	// PrivateIP is the address in the network; invalid lets the vendor choose.
	PrivateIP netip.Addr
	// UserData is handed to the machine at first boot (cloud-init).
	UserData string
	// UserDataOrigin is what UserData were made from, where they are not the same
	// each time (secrets are sealed anew): by it a creation that was cut short
	// finds its machine. Empty: UserData themselves.
	UserDataOrigin string
	Power          PowerState
	// PublicIPv4 and PublicIPv6 say whether the VM gets such an address.
	PublicIPv4, PublicIPv6 bool
	// Options are what only one vendor has; the driver's package comment
	// lists its keys.
	Options map[string]string
}

// Origin tells which user data a machine was made with, for comparison.
func (s VMSpec) Origin() string {
	if s.UserDataOrigin != "" {
		return s.UserDataOrigin
	}
	return s.UserData
}

// VM is an observed machine. UserData and SSHKeys cannot be read back from
// most clouds and are empty on observed objects.
type VM struct {
	Object
	VMSpec
	// Status is the vendor's word ("running", "initializing", "off").
	Status string
	// IPv4 is the public address; invalid if there is none.
	IPv4 netip.Addr
	// IPv6 is the public network; invalid if there is none.
	IPv6 netip.Prefix
	// Architecture of the server type: x86 or arm.
	Architecture Architecture
	// CPUs and MemoryGB of the server type.
	CPUs     int64
	MemoryGB float64
	// DiskGB is the machine's own disk, which may be smaller than the server
	// type's and cannot shrink; 0 if the vendor does not tell.
	DiskGB int64
}
