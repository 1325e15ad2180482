package google

import (
	"net/netip"
	"slices"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// publicAddress completes an access config of IPv4: its address is ephemeral,
// unless it names one, which would have to be a reserved address of the region.
// There are none here.
func (c *call) publicAddress(field string, ac accessConfig) (accessConfig, error) {
	if err := oneOf(field+".type", ac.Type, "ONE_TO_ONE_NAT"); err != nil {
		return ac, err
	}
	if err := oneOf(field+".networkTier", ac.NetworkTier, "PREMIUM", "STANDARD"); err != nil {
		return ac, err
	}
	if ac.NatIP != "" {
		return ac, invalid(field+".natIP", ac.NatIP, "The specified external IP address '%s' was not found in region '%s'.", ac.NatIP, c.region())
	}
	ac.Kind, ac.Type = "compute#accessConfig", "ONE_TO_ONE_NAT"
	if ac.Name == "" {
		ac.Name = "External NAT"
	}
	if ac.NetworkTier == "" {
		ac.NetworkTier = "PREMIUM"
	}
	ac.NatIP = newPublicIP(c.tx)
	return ac, nil
}

// newPublicIP is a fresh external IPv4 address, from the range that RFC 2544
// sets aside for benchmarks, so that nothing that is done with it ever reaches a
// stranger.
func newPublicIP(tx *engine.Tx) string {
	n := uint16(tx.Next("google_ipv4"))
	return netip.AddrFrom4([4]byte{198, 19, byte(n >> 8), byte(n)}).String()
}

// onNIC is an instance and the interface that the request's networkInterface
// names.
func (c *call) onNIC() (*Instance, int, error) {
	i, err := instances.free(c)
	if err != nil {
		return nil, 0, err
	}
	name := c.query().Get("networkInterface")
	if name == "" {
		return nil, 0, required("networkInterface")
	}
	k := i.nic(name)
	if k < 0 {
		return nil, 0, invalid("networkInterface", name, "The specified network interface does not exist.")
	}
	return i, k, nil
}

// nicChange is what operations on an interface change.
type nicChange struct {
	NIC string `json:"nic"`
	// The names of configs to be removed, and those to be added.
	Remove string        `json:"remove,omitempty"`
	Add    *accessConfig `json:"add,omitempty"`
	// Replace is the whole interface as it is to be.
	Replace *NIC `json:"replace,omitempty"`
}

func addAccessConfig(c *call) (any, error) {
	i, k, err := c.onNIC()
	if err != nil {
		return nil, err
	}
	var ac accessConfig
	if err := c.bind(&ac); err != nil {
		return nil, err
	}
	if ac.Type == "DIRECT_IPV6" {
		return c.addIPv6(i, k, ac)
	}
	if len(i.NICs[k].AccessConfigs) > 0 {
		return nil, badRequest("At most one access config currently supported.")
	}
	if err := c.room("IN_USE_ADDRESSES", c.region(), 1); err != nil {
		return nil, err
	}
	if ac, err = c.publicAddress("resource", ac); err != nil {
		return nil, err
	}
	return c.change(i, "addAccessConfig", nicChange{NIC: i.NICs[k].Name, Add: &ac})
}

func (c *call) addIPv6(i *Instance, k int, ac accessConfig) (any, error) {
	if len(i.NICs[k].IPv6AccessConfigs) > 0 {
		return nil, badRequest("At most one IPv6 access config currently supported.")
	}
	n, sub := i.NICs[k], byRef(c.tx, subnetworks, c.project, i.NICs[k].Subnetwork)
	if sub == nil {
		return nil, badRequest("The network interface has no subnetwork.")
	}
	n.StackType = "IPV4_IPV6"
	if err := c.setStack("resource", &n, sub, []accessConfig{ac}); err != nil {
		return nil, err
	}
	return c.change(i, "addAccessConfig", nicChange{NIC: n.Name, Replace: &n})
}

func deleteAccessConfig(c *call) (any, error) {
	i, k, err := c.onNIC()
	if err != nil {
		return nil, err
	}
	name := c.query().Get("accessConfig")
	if name == "" {
		return nil, required("accessConfig")
	}
	if !slices.ContainsFunc(slices.Concat(i.NICs[k].AccessConfigs, i.NICs[k].IPv6AccessConfigs),
		func(a accessConfig) bool { return a.Name == name }) {
		return nil, invalid("accessConfig", name, "The specified access config does not exist.")
	}
	return c.change(i, "deleteAccessConfig", nicChange{NIC: i.NICs[k].Name, Remove: name})
}

// updateAccessConfig sets the public name of an interface's address, the one
// thing that can change without another address.
func updateAccessConfig(c *call) (any, error) {
	i, k, err := c.onNIC()
	if err != nil {
		return nil, err
	}
	var in accessConfig
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	n := clone(i.NICs[k])
	at := slices.IndexFunc(n.AccessConfigs, func(a accessConfig) bool { return a.Name == in.Name || in.Name == "" })
	if at < 0 {
		return nil, invalid("resource.name", in.Name, "The specified access config does not exist.")
	}
	ac := &n.AccessConfigs[at]
	if in.NatIP != "" && in.NatIP != ac.NatIP {
		return nil, invalid("resource.natIP", in.NatIP, "The address of an access config cannot be updated.")
	}
	if in.PublicPTRDomainName != "" && !isTrue(in.SetPublicPTR) {
		return nil, invalid("resource.publicPtrDomainName", in.PublicPTRDomainName, "setPublicPtr must be true.")
	}
	ac.SetPublicPTR, ac.PublicPTRDomainName = in.SetPublicPTR, in.PublicPTRDomainName
	return c.change(i, "updateAccessConfig", nicChange{NIC: n.Name, Replace: &n})
}

// updateNIC has the semantics of a patch. Alias ranges and the stack type can
// change while the instance runs, the network and the address only when it does
// not (https://cloud.google.com/vpc/docs/migrate-vm-interface).
func updateNIC(c *call) (any, error) {
	i, k, err := c.onNIC()
	if err != nil {
		return nil, err
	}
	var in interfaceRequest
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	old := i.NICs[k]
	if in.Fingerprint == "" {
		return nil, required("resource.fingerprint")
	}
	if in.Fingerprint != fingerprint(old) {
		return nil, conditionNotMet("Supplied fingerprint does not match current network interface fingerprint.")
	}
	n := old
	sub := byRef(c.tx, subnetworks, c.project, n.Subnetwork)
	if in.Network != "" || in.Subnetwork != "" {
		to, err := c.nicSubnetwork("resource", &in)
		if err != nil {
			return nil, err
		}
		if to.ID != n.Subnetwork {
			sub, n.Network, n.Subnetwork, n.IP = to, to.Network, to.ID, ""
		}
	}
	moved := n.Subnetwork != old.Subnetwork || (in.NetworkIP != "" && in.NetworkIP != old.IP)
	if moved {
		if err := i.stopped("The network interface can be migrated only when the instance is stopped."); err != nil {
			return nil, err
		}
		conflict, err := c.chooseIP("resource", i, &n, sub, in.NetworkIP)
		if err != nil {
			return nil, err
		}
		if conflict != nil {
			return nil, fail(400, "invalid", "%s", conflict.Message)
		}
	}
	if c.has("aliasIpRanges") || moved {
		if err := c.checkAliasRanges("resource", &n, sub, in.AliasIPRanges); err != nil {
			return nil, err
		}
	}
	if (in.StackType != "" && in.StackType != n.StackType) || (moved && n.StackType == "IPV4_IPV6") {
		if in.StackType != "" {
			n.StackType = in.StackType
		}
		if err := c.setStack("resource", &n, sub, in.IPv6AccessConfigs); err != nil {
			return nil, err
		}
	}
	return c.change(i, "updateNetworkInterface", nicChange{NIC: n.Name, Replace: &n})
}

func nicChanged(_ *engine.Tx, i *Instance, p nicChange) *engine.ActionError {
	k := i.nic(p.NIC)
	if k < 0 {
		return nil
	}
	n := &i.NICs[k]
	switch {
	case p.Replace != nil:
		*n = *p.Replace
	case p.Add != nil:
		if len(n.AccessConfigs) > 0 {
			return &engine.ActionError{Code: "INVALID_USAGE", Message: "At most one access config currently supported."}
		}
		if i.Status == vmTerminated { // it gets an address when it starts
			p.Add.NatIP = ""
		}
		n.AccessConfigs = append(n.AccessConfigs, *p.Add)
	default:
		named := func(a accessConfig) bool { return a.Name == p.Remove }
		n.AccessConfigs = slices.DeleteFunc(n.AccessConfigs, named)
		n.IPv6AccessConfigs = slices.DeleteFunc(n.IPv6AccessConfigs, named)
	}
	return nil
}
