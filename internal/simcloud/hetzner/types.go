package hetzner

import (
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// The stored records. What two objects know of each other is stored once, on
// the side named here; the other side is computed (links.go):
//
//	volume → server            Volume.Server
//	server → networks          Server.PrivateNets
//	server → placement group   Server.PlacementGroup
//	firewall → servers         Firewall.Servers, Firewall.Selectors
//	primary IP → server        PrimaryIP.AssigneeID
//	floating IP → server       FloatingIP.Server
//
// Locations and server types are stored by name, ISOs by id: they are catalogue
// entries, not records. A link of 0 or "" means none.

// SSHKey is a stored SSH key.
type SSHKey struct {
	engine.Meta
	Fingerprint string `json:"fingerprint"`
	PublicKey   string `json:"public_key"`
}

// Image is a snapshot or a backup, and also the form of the catalogue's images.
type Image struct {
	engine.Meta
	Type         string     `json:"type"`   // system, snapshot, backup
	Status       string     `json:"status"` // available, creating
	Description  string     `json:"description"`
	ImageSize    *float64   `json:"image_size"` // GB
	DiskSize     float64    `json:"disk_size"`  // GB
	FromID       int64      `json:"from_id,omitempty"`
	FromName     string     `json:"from_name,omitempty"`
	BoundTo      int64      `json:"bound_to,omitempty"`
	OSFlavor     string     `json:"os_flavor"`
	OSVersion    string     `json:"os_version,omitempty"`
	RapidDeploy  bool       `json:"rapid_deploy,omitempty"`
	Architecture string     `json:"architecture"`
	Deprecated   *time.Time `json:"deprecated,omitempty"`
	Protected    bool       `json:"protected,omitempty"`
}

// Volume is a stored volume.
type Volume struct {
	engine.Meta
	Server    int64  `json:"server,omitempty"`
	Location  string `json:"location"`
	Size      int    `json:"size"` // GB
	Format    string `json:"format,omitempty"`
	Status    string `json:"status"` // creating, available
	Protected bool   `json:"protected,omitempty"`
}

// Server is a stored server.
type Server struct {
	engine.Meta
	Status         string       `json:"status"`
	Type           string       `json:"type"`
	Location       string       `json:"location"`
	Image          *Image       `json:"image,omitempty"` // as it was when the server was made from it
	DiskSize       int          `json:"disk_size"`       // GB
	PrivateNets    []PrivateNet `json:"private_nets,omitempty"`
	PlacementGroup int64        `json:"placement_group,omitempty"`
	ISO            int64        `json:"iso,omitempty"`
	Rescue         bool         `json:"rescue,omitempty"`
	RescueUntil    time.Time    `json:"rescue_until,omitzero"`
	BackupWindow   string       `json:"backup_window,omitempty"`
	ProtectDelete  bool         `json:"protect_delete,omitempty"`
	ProtectRebuild bool         `json:"protect_rebuild,omitempty"`
	UserData       string       `json:"user_data,omitempty"`
	SSHKeys        []int64      `json:"ssh_keys,omitempty"`
	Started        time.Time    `json:"started,omitzero"` // when it last began to run
	Asked          bool         `json:"asked,omitempty"`  // the last stop or restart was asked of its system, and did not cut its power
}

// PrivateNet is a server's interface to a network.
type PrivateNet struct {
	Network  int64    `json:"network"`
	IP       string   `json:"ip"`
	AliasIPs []string `json:"alias_ips,omitempty"`
	MAC      string   `json:"mac"`
}

// Network is a stored network.
type Network struct {
	engine.Meta
	IPRange      string   `json:"ip_range"`
	Subnets      []Subnet `json:"subnets,omitempty"`
	Routes       []Route  `json:"routes,omitempty"`
	ExposeRoutes bool     `json:"expose_routes_to_vswitch,omitempty"`
	Protected    bool     `json:"protected,omitempty"`
}

// Subnet is a part of a network in one network zone.
type Subnet struct {
	Type        string `json:"type"` // cloud, server, vswitch
	IPRange     string `json:"ip_range"`
	NetworkZone string `json:"network_zone"`
	Gateway     string `json:"gateway"`
	VSwitchID   int64  `json:"vswitch_id,omitempty"`
}

// Route is a static route of a network.
type Route struct {
	Destination string `json:"destination"`
	Gateway     string `json:"gateway"`
}

// Firewall is a stored firewall.
type Firewall struct {
	engine.Meta
	Rules     []FirewallRule `json:"rules,omitempty"`
	Servers   []int64        `json:"servers,omitempty"`   // applied to directly
	Selectors []string       `json:"selectors,omitempty"` // applied to by label, as they were given
}

// FirewallRule is a rule in the vendor's own form.
type FirewallRule struct {
	Description    *string  `json:"description"`
	Direction      string   `json:"direction"`
	SourceIPs      []string `json:"source_ips"`
	DestinationIPs []string `json:"destination_ips"`
	Protocol       string   `json:"protocol"`
	Port           *string  `json:"port"`
}

// PlacementGroup is a stored placement group.
type PlacementGroup struct {
	engine.Meta
	Type string `json:"type"` // spread
}

// PrimaryIP is a stored primary IP.
type PrimaryIP struct {
	engine.Meta
	IP         string   `json:"ip"` // an IPv4 address, or an IPv6 /64 network
	Type       string   `json:"type"`
	Location   string   `json:"location"`
	AssigneeID int64    `json:"assignee_id,omitempty"`
	AutoDelete bool     `json:"auto_delete,omitempty"`
	Protected  bool     `json:"protected,omitempty"`
	DNSPtr     []DNSPtr `json:"dns_ptr,omitempty"`
}

// FloatingIP is a stored floating IP.
type FloatingIP struct {
	engine.Meta
	Description  string   `json:"description,omitempty"`
	IP           string   `json:"ip"`
	Type         string   `json:"type"`
	HomeLocation string   `json:"home_location"`
	Server       int64    `json:"server,omitempty"`
	Protected    bool     `json:"protected,omitempty"`
	DNSPtr       []DNSPtr `json:"dns_ptr,omitempty"`
}

// DNSPtr is a reverse DNS entry, in the vendor's own form.
type DNSPtr struct {
	IP     string `json:"ip"`
	DNSPtr string `json:"dns_ptr"`
}

// Links tells the store what the volume is attached to.
func (v *Volume) Links() []engine.Ref { return []engine.Ref{serverRef(v.Server)} }

// Links tells the store the server's networks and placement group.
func (s *Server) Links() []engine.Ref {
	out := []engine.Ref{groupRef(s.PlacementGroup)}
	for _, p := range s.PrivateNets {
		out = append(out, networkRef(p.Network))
	}
	return out
}

// anyServer is what a firewall with label selectors points at.
var anyServer = engine.Ref{Type: "any server", ID: 1}

// Links tells the store the servers that the firewall may hold for.
func (f *Firewall) Links() []engine.Ref {
	var out []engine.Ref
	for _, id := range f.Servers {
		out = append(out, serverRef(id))
	}
	if len(f.Selectors) > 0 {
		out = append(out, anyServer)
	}
	return out
}

// Links tells the store what the address is assigned to.
func (p *PrimaryIP) Links() []engine.Ref { return []engine.Ref{serverRef(p.AssigneeID)} }

// Links tells the store what the address is assigned to.
func (f *FloatingIP) Links() []engine.Ref { return []engine.Ref{serverRef(f.Server)} }

// The kinds of records; their names are also the vendor's resource types.
var (
	sshKeys         = engine.NewKind[SSHKey]("ssh_key")
	images          = engine.NewKind[Image]("image")
	volumes         = engine.NewKind[Volume]("volume")
	servers         = engine.NewKind[Server]("server")
	networks        = engine.NewKind[Network]("network")
	firewalls       = engine.NewKind[Firewall]("firewall")
	placementGroups = engine.NewKind[PlacementGroup]("placement_group")
	primaryIPs      = engine.NewKind[PrimaryIP]("primary_ip")
	floatingIPs     = engine.NewKind[FloatingIP]("floating_ip")
)

func allKinds() []engine.AnyKind {
	return []engine.AnyKind{sshKeys, images, volumes, servers, networks, firewalls, placementGroups, primaryIPs, floatingIPs}
}
