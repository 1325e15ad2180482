package hetzner

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/machines"
)

// privateMTU is the size of packets in private networks, in bytes
// (docs.hetzner.com, cloud, networks, FAQ).
const privateMTU = 1450

// MachineKey is the key of a server among machines, VolumeKey that of a volume.
func MachineKey(server int64) string { return Cloud + "/" + idText(server) }

// VolumeKey is the key of a volume's disk.
func VolumeKey(volume int64) string { return Cloud + "-volume/" + idText(volume) }

// Machines are the servers as machines, and the keys of all volumes. What stands in
// a location that is lost has no power.
func (a *API) Machines() (found []machines.Machine, disks []string, err error) {
	err = a.eng.Do(func(*engine.Tx) error { return nil }) // what is due ends first
	if err != nil {
		return nil, nil, err
	}
	for _, r := range a.eng.Records(volumes.KindName()) {
		disks = append(disks, VolumeKey(r.Base().ID))
	}
	for _, r := range a.eng.Records(servers.KindName()) {
		err = errors.Join(err, a.eng.Do(func(tx *engine.Tx) error {
			if s := servers.Get(tx, r.Base().Project, r.Base().ID); s != nil {
				found = append(found, a.machine(tx, s))
			}
			return nil
		}))
	}
	return found, disks, err
}

// MachineStopped notes that a machine switched itself off in its boot of that name.
func (a *API) MachineStopped(key, boots string) error {
	id, err := strconv.ParseInt(strings.TrimPrefix(key, Cloud+"/"), 10, 64)
	if err != nil {
		return fmt.Errorf("%q is no server: %w", key, err)
	}
	for _, r := range a.eng.Records(servers.KindName()) {
		if r.Base().ID != id {
			continue
		}
		return a.eng.Do(func(tx *engine.Tx) error {
			s := servers.Get(tx, r.Base().Project, id)
			if s != nil && s.Status == running && s.boots() == boots {
				e := servers.Edit(tx, s.Project, id)
				e.Status, e.Asked = off, true
			}
			return nil
		})
	}
	return nil
}

// boots names the server's current boot.
func (s *Server) boots() string { return strconv.FormatInt(s.Started.UnixNano(), 36) }

func (a *API) machine(tx *engine.Tx, s *Server) machines.Machine {
	t := a.cat.serverType(idOrName(s.Type))
	m := machines.Machine{Key: MachineKey(s.ID), Name: s.Name, Boots: s.boots(), Asked: s.Asked, CPUs: t.Cores, MemoryMB: int(t.Memory * 1024), RootGB: s.DiskSize,
		On:       slices.Contains([]string{running, stopping, migrating}, s.Status) && a.eng.Faults.In(Cloud).Lost(s.Location) == nil,
		Identity: machines.Identity{Manufacturer: "Hetzner", Product: "vServer", Serial: idText(s.ID)},
		Metadata: a.metadataOf(s.Project, s.ID)}
	if s.Image != nil {
		m.Image = imageText(s.Image)
		m.Root = fmt.Sprintf("%s-image-%d", m.Key, s.Image.ID)
	}
	public := machines.Card{MAC: publicMAC(s.ID), Gateway: publicGateway(), Default: true, Filtered: true}
	if p := primaryIPOf(tx, s.Project, s.ID, "ipv4"); p != nil {
		public.Address = netip.MustParseAddr(p.IP)
		public.Public = public.Address
		m.Cards = append(m.Cards, public)
	}
	for _, n := range s.PrivateNets {
		m.Cards = append(m.Cards, privateCard(tx, s.Project, n))
	}
	for _, v := range volumes.To(tx, s.Project, serverRef(s.ID)) {
		if v.Server == s.ID && tx.Holder(volumeRef(v.ID), 0) == nil {
			m.Disks = append(m.Disks, machines.Disk{Key: VolumeKey(v.ID), SizeGB: v.Size, Vendor: "HC", Product: "Volume", Serial: idText(v.ID)})
		}
	}
	m.Inbound, m.Open = inboundOf(tx, s)
	return m
}

// imageText is the name of an image: a system image has one, others their id.
func imageText(i *Image) string {
	if i.Type == "system" {
		return i.Name
	}
	return idText(i.ID)
}

// publicMAC is an address of the form that the vendor's public cards have.
func publicMAC(server int64) string {
	return fmt.Sprintf("96:00:%02x:%02x:%02x:%02x", byte(server>>24), byte(server>>16), byte(server>>8), byte(server))
}

func privateCard(tx *engine.Tx, project string, n PrivateNet) machines.Card {
	card := machines.Card{MAC: n.MAC, Address: netip.MustParseAddr(n.IP), Network: Cloud + "-network/" + idText(n.Network), MTU: privateMTU}
	network := networks.Get(tx, project, n.Network)
	if network == nil {
		return card
	}
	whole := netip.MustParsePrefix(network.IPRange)
	card.Routes = []netip.Prefix{whole}
	for _, r := range network.Routes {
		if to, err := netip.ParsePrefix(r.Destination); err == nil && to.Addr().Is4() {
			card.Routes = append(card.Routes, to)
		}
	}
	// The vendor's router is the first address of the network.
	card.Gateway = whole.Masked().Addr().Next()
	return card
}

// inboundOf are the rules of all firewalls of a server; open without any firewall.
func inboundOf(tx *engine.Tx, s *Server) (rules []machines.Rule, open bool) {
	applied := firewallsOf(tx, s)
	for _, f := range applied {
		for _, r := range firewalls.Get(tx, s.Project, f.ID).Rules {
			if r.Direction != "in" || r.Protocol != "tcp" {
				continue
			}
			rule := machines.Rule{From: 1, To: 65535}
			if r.Port != nil && *r.Port != "any" {
				from, to, ranged := strings.Cut(*r.Port, "-")
				if !ranged {
					to = from
				}
				rule.From, rule.To = portOf(from), portOf(to)
			}
			for _, text := range r.SourceIPs {
				if p, err := netip.ParsePrefix(text); err == nil {
					rule.Sources = append(rule.Sources, p)
				}
			}
			rules = append(rules, rule)
		}
	}
	return rules, len(applied) == 0
}

func portOf(text string) uint16 {
	n, _ := strconv.ParseUint(text, 10, 16) // checked when the rule was made
	return uint16(n)
}
