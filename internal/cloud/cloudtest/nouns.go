package cloudtest

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// publicKey makes an Ed25519 public key that belongs to a name, in OpenSSH's
// format (RFC 8709 and RFC 4253, section 6.6).
func publicKey(name string) string {
	seed := sha256.Sum256([]byte(name))
	// The private key's second half is the public one.
	public := ed25519.NewKeyFromSeed(seed[:])[ed25519.SeedSize:]
	var blob []byte
	for _, part := range [][]byte{[]byte("ssh-ed25519"), public} {
		blob = binary.BigEndian.AppendUint32(blob, uint32(len(part)))
		blob = append(blob, part...)
	}
	return "ssh-ed25519 " + base64.StdEncoding.EncodeToString(blob) + " " + name
}

func sshKeys() noun[cloud.SSHKeySpec, cloud.SSHKey] {
	return noun[cloud.SSHKeySpec, cloud.SSHKey]{
		kind:  cloud.KindSSHKey,
		store: func(d cloud.Driver) cloud.Store[cloud.SSHKeySpec, cloud.SSHKey] { return d.SSHKeys() },
		spec: func(_ *testing.T, _ *env, meta cloud.Meta) cloud.SSHKeySpec {
			return cloud.SSHKeySpec{Meta: meta, PublicKey: publicKey(meta.Deployment + meta.Name)}
		},
		meta:     func(s *cloud.SSHKeySpec) *cloud.Meta { return &s.Meta },
		object:   func(o cloud.SSHKey) cloud.Object { return o.Object },
		observed: func(o cloud.SSHKey) cloud.SSHKeySpec { return o.SSHKeySpec },
		change:   func(*cloud.SSHKeySpec) {},
		readable: func(s cloud.SSHKeySpec) cloud.SSHKeySpec {
			// Comments may be lost.
			s.PublicKey = strings.Join(strings.Fields(s.PublicKey)[:2], " ")
			return s
		},
	}
}

func networks() noun[cloud.NetworkSpec, cloud.Network] {
	return noun[cloud.NetworkSpec, cloud.Network]{
		kind:  cloud.KindNetwork,
		store: func(d cloud.Driver) cloud.Store[cloud.NetworkSpec, cloud.Network] { return d.Networks() },
		spec: func(_ *testing.T, _ *env, meta cloud.Meta) cloud.NetworkSpec {
			return cloud.NetworkSpec{Meta: meta, CIDR: netip.MustParsePrefix("10.20.0.0/16"),
				Subnets: []netip.Prefix{netip.MustParsePrefix("10.20.0.0/24"), netip.MustParsePrefix("10.20.1.0/24")},
				Routes:  []cloud.Route{{Destination: netip.MustParsePrefix("192.168.7.0/24"), Gateway: netip.MustParseAddr("10.20.0.5")}}}
		},
		meta:     func(s *cloud.NetworkSpec) *cloud.Meta { return &s.Meta },
		object:   func(o cloud.Network) cloud.Object { return o.Object },
		observed: func(o cloud.Network) cloud.NetworkSpec { return o.NetworkSpec },
		change: func(s *cloud.NetworkSpec) {
			s.Subnets = []netip.Prefix{s.Subnets[0], netip.MustParsePrefix("10.20.8.0/22")}
			s.Routes = []cloud.Route{{Destination: netip.MustParsePrefix("192.168.8.0/24"), Gateway: netip.MustParseAddr("10.20.0.6")}}
		},
		readable: func(s cloud.NetworkSpec) cloud.NetworkSpec { return s },
	}
}

func firewalls() noun[cloud.FirewallSpec, cloud.Firewall] {
	return noun[cloud.FirewallSpec, cloud.Firewall]{
		kind:  cloud.KindFirewall,
		store: func(d cloud.Driver) cloud.Store[cloud.FirewallSpec, cloud.Firewall] { return d.Firewalls() },
		spec: func(_ *testing.T, _ *env, meta cloud.Meta) cloud.FirewallSpec {
			return cloud.FirewallSpec{Meta: meta, Rules: []cloud.FirewallRule{
				{Direction: cloud.Inbound, Protocol: "tcp", FromPort: 443, ToPort: 443, Description: "web",
					Networks: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}},
				{Direction: cloud.Inbound, Protocol: "icmp", Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}},
			}}
		},
		meta:     func(s *cloud.FirewallSpec) *cloud.Meta { return &s.Meta },
		object:   func(o cloud.Firewall) cloud.Object { return o.Object },
		observed: func(o cloud.Firewall) cloud.FirewallSpec { return o.FirewallSpec },
		change: func(s *cloud.FirewallSpec) {
			s.Rules = append(s.Rules[:1:1], cloud.FirewallRule{Direction: cloud.Outbound, Protocol: "udp", FromPort: 4000, ToPort: 4010,
				Networks: []netip.Prefix{netip.MustParsePrefix("2001:db8::/32")}})
		},
		readable: func(s cloud.FirewallSpec) cloud.FirewallSpec { return s },
	}
}

func volumes() noun[cloud.VolumeSpec, cloud.Volume] {
	return noun[cloud.VolumeSpec, cloud.Volume]{
		kind:  cloud.KindVolume,
		store: func(d cloud.Driver) cloud.Store[cloud.VolumeSpec, cloud.Volume] { return d.Volumes() },
		spec: func(_ *testing.T, e *env, meta cloud.Meta) cloud.VolumeSpec {
			return cloud.VolumeSpec{Meta: meta, SizeGB: e.driver.Capabilities().MinVolumeGB}
		},
		meta:     func(s *cloud.VolumeSpec) *cloud.Meta { return &s.Meta },
		object:   func(o cloud.Volume) cloud.Object { return o.Object },
		observed: func(o cloud.Volume) cloud.VolumeSpec { return o.VolumeSpec },
		change:   func(s *cloud.VolumeSpec) { s.SizeGB += 5 },
		readable: func(s cloud.VolumeSpec) cloud.VolumeSpec { return s },
	}
}

func vms() noun[cloud.VMSpec, cloud.VM] {
	return noun[cloud.VMSpec, cloud.VM]{
		kind:  cloud.KindVM,
		store: func(d cloud.Driver) cloud.Store[cloud.VMSpec, cloud.VM] { return d.VMs() },
		spec: func(t *testing.T, e *env, meta cloud.Meta) cloud.VMSpec {
			e.furnish(t)
			return cloud.VMSpec{Meta: meta, ServerType: e.ServerType, Image: e.Image, SSHKeys: []string{e.key}, Network: e.network,
				Firewalls: []string{e.firewall}, UserData: "#cloud-config\n{}\n", Power: cloud.PowerRunning, PublicIPv4: true, PublicIPv6: true}
		},
		meta:     func(s *cloud.VMSpec) *cloud.Meta { return &s.Meta },
		object:   func(o cloud.VM) cloud.Object { return o.Object },
		observed: func(o cloud.VM) cloud.VMSpec { return o.VMSpec },
		change:   func(s *cloud.VMSpec) { s.Power = cloud.PowerStopped },
		readable: func(s cloud.VMSpec) cloud.VMSpec {
			s.UserData, s.SSHKeys, s.PrivateIP = "", nil, netip.Addr{}
			return s
		},
	}
}

// furnish makes, once, what the suite's VMs refer to.
func (e *env) furnish(t *testing.T) {
	t.Helper()
	if e.key != "" {
		return
	}
	// Two deployments of one test share what is furnished.
	meta := func(kind cloud.Kind) cloud.Meta {
		m := e.meta("shared-" + strings.ReplaceAll(string(kind), "_", "-"))
		m.Deployment = "conformance-shared"
		return m
	}
	keys, nets, walls, disks := sshKeys(), networks(), firewalls(), volumes()
	e.key = keys.create(t, e, keys.spec(t, e, meta(cloud.KindSSHKey))).ID.Native
	// More VMs than the largest page of any cloud have to find an address.
	roomy := nets.spec(t, e, meta(cloud.KindNetwork))
	roomy.Subnets = []netip.Prefix{netip.MustParsePrefix("10.20.0.0/20")}
	e.network = nets.create(t, e, roomy).ID.Native
	e.firewall = walls.create(t, e, walls.spec(t, e, meta(cloud.KindFirewall))).ID.Native
	e.volume = disks.create(t, e, disks.spec(t, e, meta(cloud.KindVolume))).ID.Native
}

// numbered gives names that differ.
func numbered(i int) string { return fmt.Sprintf("object-%03d", i) }
