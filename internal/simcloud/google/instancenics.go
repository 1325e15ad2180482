package google

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// buildNICs makes the interfaces of a new instance. conflict is the error with
// which the operation has to end: a taken address shows only then.
func (c *call) buildNICs(i *Instance, in []interfaceRequest) (conflict *engine.ActionError, err error) {
	if len(in) == 0 {
		return nil, invalid("resource.networkInterfaces", "", "At least one network interface is required.")
	}
	if len(in) > 8 { // https://cloud.google.com/vpc/docs/create-use-multiple-interfaces
		return nil, invalid("resource.networkInterfaces", "", "At most 8 network interfaces are allowed.")
	}
	for k := range in {
		n, taken, err := c.buildNIC(i, k, &in[k])
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(i.NICs, func(o NIC) bool { return o.Network == n.Network }) {
			return nil, invalid(fmt.Sprintf("resource.networkInterfaces[%d]", k), "", "Networks must be distinct for NICs attached to a VM.")
		}
		if conflict == nil {
			conflict = taken
		}
		i.NICs = append(i.NICs, *n)
	}
	return conflict, nil
}

func (c *call) buildNIC(i *Instance, k int, in *interfaceRequest) (*NIC, *engine.ActionError, error) {
	field := fmt.Sprintf("resource.networkInterfaces[%d]", k)
	n := &NIC{Name: fmt.Sprintf("nic%d", k), NICType: in.NICType, QueueCount: in.QueueCount, StackType: in.StackType}
	if n.NICType != "" && n.NICType != "GVNIC" && n.NICType != "VIRTIO_NET" && n.NICType != "IDPF" {
		return nil, nil, invalid(field+".nicType", n.NICType, "The NIC type is not supported.")
	}
	sub, err := c.nicSubnetwork(field, in)
	if err != nil {
		return nil, nil, err
	}
	n.Network, n.Subnetwork = sub.Network, sub.ID
	if err := c.setStack(field, n, sub, in.IPv6AccessConfigs); err != nil {
		return nil, nil, err
	}
	taken, err := c.chooseIP(field, i, n, sub, in.NetworkIP)
	if err != nil {
		return nil, nil, err
	}
	if err := c.checkAliasRanges(field, n, sub, in.AliasIPRanges); err != nil {
		return nil, nil, err
	}
	if len(in.AccessConfigs) > 1 {
		return nil, nil, invalid(field, "", "Multiple access configs are not supported.")
	}
	for _, ac := range in.AccessConfigs {
		ac, err := c.publicAddress(field+".accessConfigs[0]", ac)
		if err != nil {
			return nil, nil, err
		}
		n.AccessConfigs = append(n.AccessConfigs, ac)
	}
	return n, taken, nil
}

// nicSubnetwork finds the subnetwork that an interface is to be in.
func (c *call) nicSubnetwork(field string, in *interfaceRequest) (*Subnetwork, error) {
	region := c.region()
	var net *Network
	if in.Network != "" || in.Subnetwork == "" {
		ref := in.Network
		if ref == "" {
			ref = "global/networks/default"
		}
		var err error
		if net, err = resolve(c, networks, field+".network", ref); err != nil {
			return nil, err
		}
	}
	if in.Subnetwork != "" {
		sub, err := resolve(c, subnetworks, field+".subnetwork", in.Subnetwork)
		if err != nil {
			return nil, err
		}
		switch {
		case net != nil && sub.Network != net.ID:
			return nil, invalid(field, "", "Subnetwork '%s' is not in network '%s'.", sub.Name, net.Name)
		case sub.region() != region:
			return nil, invalid(field+".subnetwork", in.Subnetwork, "Subnetwork must be in the same region '%s' as the instance.", region)
		}
		return sub, nil
	}
	if !net.Auto {
		return nil, invalid(field, "", "Subnetwork should be specified for custom subnetmode network")
	}
	for _, s := range subnetworks.kind.To(c.tx, c.project, networks.ref(net)) {
		if s.region() == region {
			return s, nil
		}
	}
	return nil, invalid(field, "", "Network '%s' has no subnetwork in region '%s'.", net.Name, region)
}

// setStack decides which protocols an interface speaks, and gives it its IPv6
// addresses: a /96 of the subnetwork's /64.
func (c *call) setStack(field string, n *NIC, sub *Subnetwork, public []accessConfig) error {
	dual := sub.StackType == "IPV4_IPV6"
	switch n.StackType {
	case "":
		n.StackType = "IPV4_ONLY"
		if len(public) > 0 {
			n.StackType = "IPV4_IPV6"
		}
	case "IPV4_ONLY", "IPV4_IPV6":
	default:
		return invalid(field+".stackType", n.StackType, "The stack type is not supported.")
	}
	if n.StackType == "IPV4_ONLY" {
		n.IPv6, n.IPv6AccessConfigs = "", nil
		if len(public) > 0 {
			return invalid(field+".ipv6AccessConfigs", "", "IPv6 access configs require the stack type IPV4_IPV6.")
		}
		return nil
	}
	if !dual {
		return invalid(field+".stackType", n.StackType, "The stack type IPV4_IPV6 requires a subnetwork of the same stack type; '%s' is %s.", sub.Name, sub.StackType)
	}
	if len(public) > 1 {
		return invalid(field, "", "Multiple IPv6 access configs are not supported.")
	}
	if sub.IPv6Access == "INTERNAL" {
		if len(public) > 0 {
			return invalid(field+".ipv6AccessConfigs", "", "IPv6 access configs are not allowed in a subnetwork with internal IPv6 addresses.")
		}
		ip, err := c.freeIPv6(sub, sub.IPv6Range)
		n.IPv6 = ip
		return err
	}
	ac := accessConfig{}
	if len(public) == 1 {
		ac = public[0]
	}
	if ac.Type != "" && ac.Type != "DIRECT_IPV6" {
		return invalid(field+".ipv6AccessConfigs[0].type", ac.Type, "The type must be DIRECT_IPV6.")
	}
	if ac.NetworkTier != "" && ac.NetworkTier != "PREMIUM" {
		return invalid(field+".ipv6AccessConfigs[0].networkTier", ac.NetworkTier, "IPv6 addresses are of the network tier PREMIUM.")
	}
	ip, err := c.freeIPv6(sub, sub.IPv6Range)
	if err != nil {
		return err
	}
	ac.Kind, ac.Type, ac.NetworkTier = "compute#accessConfig", "DIRECT_IPV6", "PREMIUM"
	ac.ExternalIPv6, ac.ExternalIPv6Length = ip, 96
	if ac.Name == "" {
		ac.Name = "external-ipv6"
	}
	n.IPv6, n.IPv6AccessConfigs = "", []accessConfig{ac}
	return nil
}

// freeIPv6 is the first address of the next free /96 of a prefix.
func (c *call) freeIPv6(sub *Subnetwork, prefix string) (string, error) {
	p, err := netip.ParsePrefix(prefix)
	if err != nil {
		return "", invalid("resource.networkInterfaces", "", "Subnetwork '%s' has no IPv6 range.", sub.Name)
	}
	used := map[string]bool{}
	for _, i := range instances.kind.To(c.tx, c.project, subnetworks.ref(sub)) {
		for _, n := range i.NICs {
			used[n.IPv6] = true
			for _, ac := range n.IPv6AccessConfigs {
				used[ac.ExternalIPv6] = true
			}
		}
	}
	b := p.Masked().Addr().As16()
	for k := uint32(0); ; k++ {
		b[8], b[9], b[10], b[11] = byte(k>>24), byte(k>>16), byte(k>>8), byte(k)
		if ip := netip.AddrFrom16(b).String(); !used[ip] {
			return ip, nil
		}
	}
}

// chooseIP gives an interface an internal IPv4 address of the subnetwork's
// primary range, or checks the one that was asked for. The first two and the
// last two addresses are the vendor's
// (https://cloud.google.com/vpc/docs/subnets#unusable-ip-addresses-in-every-subnet).
func (c *call) chooseIP(field string, i *Instance, n *NIC, sub *Subnetwork, asked string) (*engine.ActionError, error) {
	p, err := netip.ParsePrefix(sub.Range)
	if err != nil {
		return nil, invalid(field+".subnetwork", linkTo(sub), "The subnetwork has no IPv4 range.")
	}
	p = p.Masked()
	used := c.usedIPs(sub)
	last := lastAddr(p)
	reserved := func(ip netip.Addr) bool {
		return ip == p.Addr() || ip == p.Addr().Next() || ip == last || ip == last.Prev()
	}
	if asked != "" {
		field += ".networkIP"
		ip, err := c.askedIP(field, asked)
		if err != nil {
			return nil, err
		}
		switch {
		case !p.Contains(ip):
			return nil, invalid(field, asked, "Requested internal IP is outside the subnetwork CIDR range.")
		case reserved(ip):
			return nil, invalid(field, asked, "Requested internal IP is reserved by the subnetwork.")
		case used[ip]:
			return &engine.ActionError{Code: "IP_IN_USE_BY_ANOTHER_RESOURCE",
				Message: fmt.Sprintf("IP '%s' is already being used by another resource.", ip)}, nil
		}
		n.IP = ip.String()
		return nil, nil
	}
	for ip := p.Addr().Next().Next(); p.Contains(ip) && ip != last.Prev(); ip = ip.Next() {
		if !used[ip] && !slices.ContainsFunc(i.NICs, func(o NIC) bool { return o.Subnetwork == sub.ID && o.IP == ip.String() }) {
			n.IP = ip.String()
			return nil, nil
		}
	}
	return &engine.ActionError{Code: "IP_SPACE_EXHAUSTED_WITH_DETAILS", Message: fmt.Sprintf("IP space of '%s' is exhausted. "+
		"Insufficient free IP addresses in the IP range '%s'. Consider expanding the current IP range or selecting an alternative IP range. "+
		"If this is a secondary range, consider adding an additional secondary range.", pathOf(sub), sub.Range)}, nil
}

func (c *call) askedIP(field, asked string) (netip.Addr, error) {
	ip, err := netip.ParseAddr(asked)
	if err != nil || !ip.Is4() {
		return ip, invalid(field, asked, "Must be a valid IPv4 address.")
	}
	return ip, nil
}

// usedIPs are the internal IPv4 addresses of a subnetwork that are taken.
func (c *call) usedIPs(sub *Subnetwork) map[netip.Addr]bool {
	used := map[netip.Addr]bool{}
	for _, i := range instances.kind.To(c.tx, c.project, subnetworks.ref(sub)) {
		for _, n := range i.NICs {
			if ip, err := netip.ParseAddr(n.IP); err == nil && n.Subnetwork == sub.ID {
				used[ip] = true
			}
		}
	}
	return used
}

func lastAddr(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().As4()
	for k := p.Bits(); k < 32; k++ {
		b[k/8] |= 1 << (7 - k%8)
	}
	return netip.AddrFrom4(b)
}

func (c *call) checkAliasRanges(field string, n *NIC, sub *Subnetwork, in []aliasRange) error {
	for k, a := range in {
		f := fmt.Sprintf("%s.aliasIpRanges[%d]", field, k)
		within := sub.Range
		if a.SubnetworkRangeName != "" {
			k := slices.IndexFunc(sub.Secondary, func(r SecondaryRange) bool { return r.Name == a.SubnetworkRangeName })
			if k < 0 {
				return invalid(f+".subnetworkRangeName", a.SubnetworkRangeName, "The secondary range does not exist in the subnetwork.")
			}
			within = sub.Secondary[k].Range
		}
		text := a.IPCIDRRange
		if !strings.Contains(text, "/") {
			text += "/32"
		}
		r, err := netip.ParsePrefix(text)
		p, perr := netip.ParsePrefix(within)
		switch {
		case err != nil || perr != nil || !r.Addr().Is4():
			return invalid(f+".ipCidrRange", a.IPCIDRRange, "Must be an IPv4 CIDR range.")
		case r.Masked() != r || !p.Contains(r.Addr()) || r.Bits() < p.Bits():
			return invalid(f+".ipCidrRange", a.IPCIDRRange, "Alias IP range must be within the range '%s' of the subnetwork.", within)
		}
	}
	n.AliasIPRanges = in
	return nil
}
