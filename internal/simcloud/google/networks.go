package google

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// Network is a stored VPC network.
type Network struct {
	Resource
	Auto             bool   `json:"auto,omitempty"`
	MTU              int    `json:"mtu,omitempty"`
	RoutingMode      string `json:"routing_mode"`
	BestPath         string `json:"best_path"`
	EnforcementOrder string `json:"enforcement_order"`
	// InternalIPv6 is the ULA range (/48); empty when the network has none.
	InternalIPv6 string `json:"internal_ipv6,omitempty"`
}

// Collection is "networks".
func (n *Network) Collection() string { return "networks" }

// Links let a network be found.
func (n *Network) Links() []engine.Ref { return []engine.Ref{nameLink(n)} }

var networks = noun[Network]{kind: engine.NewKind[Network]("google_network"), name: "network", collection: "networks",
	variable: "network", levels: []string{global}}

type routingView struct {
	RoutingMode           string `json:"routingMode,omitempty"`
	BGPBestPathSelection  string `json:"bgpBestPathSelectionMode,omitempty"`
	BGPAlwaysCompareMED   *bool  `json:"bgpAlwaysCompareMed,omitempty"`
	BGPInterRegionCost    string `json:"bgpInterRegionCost,omitempty"`
	EffectiveInterRegion  string `json:"effectiveBgpInterRegionCost,omitempty"`
	EffectiveAlwaysCompar *bool  `json:"effectiveBgpAlwaysCompareMed,omitempty"`
}

type networkView struct {
	Kind                  string      `json:"kind"`
	ID                    uint64      `json:"id,string"`
	CreationTimestamp     string      `json:"creationTimestamp"`
	Name                  string      `json:"name"`
	Description           string      `json:"description,omitempty"`
	SelfLink              string      `json:"selfLink"`
	SelfLinkWithID        string      `json:"selfLinkWithId"`
	AutoCreateSubnetworks bool        `json:"autoCreateSubnetworks"`
	Subnetworks           []string    `json:"subnetworks,omitempty"`
	RoutingConfig         routingView `json:"routingConfig"`
	MTU                   int         `json:"mtu,omitempty"`
	EnforcementOrder      string      `json:"networkFirewallPolicyEnforcementOrder"`
	EnableULA             *bool       `json:"enableUlaInternalIpv6,omitempty"`
	InternalIPv6          string      `json:"internalIpv6Range,omitempty"`
}

func viewNetwork(c *call, n *Network) any {
	v := networkView{Kind: "compute#network", ID: n.number(), CreationTimestamp: stamp(n.Created), Name: n.Name,
		Description: n.Description, SelfLink: linkTo(n), AutoCreateSubnetworks: n.Auto, MTU: n.MTU,
		SelfLinkWithID: base + "projects/" + n.Project + "/global/networks/" + uintString(n.number()),
		RoutingConfig:  routingView{RoutingMode: n.RoutingMode, BGPBestPathSelection: n.BestPath}, EnforcementOrder: n.EnforcementOrder}
	for _, by := range users(c.tx, n.Project, networks.ref(n)) {
		if by.Collection() == "subnetworks" {
			v.Subnetworks = append(v.Subnetworks, linkTo(by))
		}
	}
	if n.InternalIPv6 != "" {
		v.EnableULA, v.InternalIPv6 = ptr(true), n.InternalIPv6
	}
	return v
}

// networkBody is what clients send to insert or patch.
type networkBody struct {
	Name                  string       `json:"name"`
	Description           string       `json:"description"`
	AutoCreateSubnetworks *bool        `json:"autoCreateSubnetworks"`
	IPv4Range             string       `json:"IPv4Range"`
	MTU                   *int32       `json:"mtu"`
	RoutingConfig         *routingView `json:"routingConfig"`
	EnforcementOrder      string       `json:"networkFirewallPolicyEnforcementOrder"`
	EnableULA             *bool        `json:"enableUlaInternalIpv6"`
	InternalIPv6          string       `json:"internalIpv6Range"`
	Fingerprint           string       `json:"fingerprint"`
}

// check refuses what the vendor's description rules out.
func (in *networkBody) check() error {
	if err := checkDescription(in.Description); err != nil {
		return err
	}
	if in.IPv4Range != "" {
		return badRequest("Legacy networks are no longer supported. Do not specify IPv4Range.")
	}
	if m := in.MTU; m != nil && *m != 0 && (*m < 1300 || *m > 8896) {
		return invalid("resource.mtu", uintString(uint64(max(*m, 0))), "Must be between 1300 and 8896, inclusive.")
	}
	if r := in.RoutingConfig; r != nil {
		if err := oneOf("resource.routingConfig.routingMode", r.RoutingMode, "REGIONAL", "GLOBAL"); err != nil {
			return err
		}
		if err := oneOf("resource.routingConfig.bgpBestPathSelectionMode", r.BGPBestPathSelection, "LEGACY", "STANDARD"); err != nil {
			return err
		}
	}
	if err := oneOf("resource.networkFirewallPolicyEnforcementOrder", in.EnforcementOrder, "AFTER_CLASSIC_FIREWALL", "BEFORE_CLASSIC_FIREWALL"); err != nil {
		return err
	}
	if s := in.InternalIPv6; s != "" {
		if p, ok := cleanPrefix(s); !ok || p.Bits() != 48 || !netip.MustParsePrefix("fd20::/20").Contains(p.Addr()) {
			return invalid("resource.internalIpv6Range", s, "Must be a /48 prefix within fd20::/20.")
		}
	}
	return nil
}

func networkModule() module {
	return module{
		kinds: []engine.AnyKind{networks.kind},
		routes: routes(networks.reads(viewNetwork), []*route{
			{method: http.MethodPost, path: "projects/{project}/global/networks", do: insertNetwork},
			{method: http.MethodPatch, path: "projects/{project}/global/networks/{network}", do: patchNetwork},
			{method: http.MethodPost, path: "projects/{project}/global/networks/{network}/switchToCustomMode", do: customMode},
			{method: http.MethodDelete, path: "projects/{project}/global/networks/{network}", do: deleteNetwork},
		}),
		completions: map[string]engine.Completion{
			"networks.insert": inserted(networks, networkInserted),
			"networks.patch": changed(networks, func(_ *engine.Tx, n *Network, in networkBody) *engine.ActionError {
				in.apply(n)
				return nil
			}),
			"networks.switchToCustomMode": changed(networks, func(_ *engine.Tx, n *Network, _ struct{}) *engine.ActionError {
				n.Auto = false
				return nil
			}),
			"networks.delete": {OK: networkDeleted},
		},
		// Assumed: see module.
		durations: map[string]time.Duration{
			"networks.insert": 15 * time.Second, "networks.patch": 10 * time.Second,
			"networks.switchToCustomMode": 10 * time.Second, "networks.delete": 15 * time.Second,
		},
		usage: map[string]func(tx *engine.Tx, project, region string) float64{"NETWORKS": counted(networks)},
	}
}

func insertNetwork(c *call) (any, error) {
	var in networkBody
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	if in.AutoCreateSubnetworks == nil {
		return nil, badRequest("Legacy networks are no longer supported. Set autoCreateSubnetworks to true or false.")
	}
	if err := c.room("NETWORKS", "", 1); err != nil {
		return nil, err
	}
	n := &Network{Auto: *in.AutoCreateSubnetworks, RoutingMode: "REGIONAL", BestPath: "LEGACY", EnforcementOrder: "AFTER_CLASSIC_FIREWALL"}
	n.Name, n.Description = in.Name, in.Description
	in.apply(n)
	if in.EnableULA != nil && *in.EnableULA {
		if n.InternalIPv6 = in.InternalIPv6; n.InternalIPv6 == "" {
			serial := c.tx.Next("google_ula")
			n.InternalIPv6 = netip.PrefixFrom(netip.AddrFrom16([16]byte{0xfd, 0x20, byte(serial >> 24), byte(serial >> 16),
				byte(serial >> 8), byte(serial)}), 48).String()
		}
	} else if in.InternalIPv6 != "" {
		return nil, invalid("resource.internalIpv6Range", in.InternalIPv6, "enableUlaInternalIpv6 must be true.")
	}
	p := networkParams{}
	if n.Auto {
		for _, r := range c.api.cat.Regions {
			p.Regions = append(p.Regions, r.Name)
		}
	}
	return networks.insert(c, n, p)
}

// apply sets what insert and patch have in common.
func (in *networkBody) apply(n *Network) {
	if in.MTU != nil {
		n.MTU = int(*in.MTU)
	}
	if r := in.RoutingConfig; r != nil {
		if r.RoutingMode != "" {
			n.RoutingMode = r.RoutingMode
		}
		if r.BGPBestPathSelection != "" {
			n.BestPath = r.BGPBestPathSelection
		}
	}
	if in.EnforcementOrder != "" {
		n.EnforcementOrder = in.EnforcementOrder
	}
}

// patchNetwork changes what of a network can be changed: routing, MTU and the
// order of policies. Its name, description and mode cannot.
func patchNetwork(c *call) (any, error) {
	n, err := networks.free(c)
	if err != nil {
		return nil, err
	}
	var in networkBody
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	if c.has("description") && in.Description != n.Description {
		return nil, badRequest("Network description cannot be updated.")
	}
	if in.AutoCreateSubnetworks != nil && *in.AutoCreateSubnetworks != n.Auto {
		return nil, badRequest("Network mode can be changed by switchToCustomMode only.")
	}
	return networks.start(c, "patch", n, in)
}

func customMode(c *call) (any, error) {
	n, err := networks.free(c)
	if err != nil {
		return nil, err
	}
	if !n.Auto {
		return nil, badRequest("The network is already in custom mode.")
	}
	return networks.start(c, "switchToCustomMode", n, nil)
}

// deleteNetwork refuses while something stands in the network; routes that the
// vendor made itself go with it.
// made tells whether a subnetwork is one that the network in auto mode has by
// itself, which has its name; users may add others.
func (n *Network) made(s *Subnetwork) bool { return n.Auto && s.Name == n.Name }

func deleteNetwork(c *call) (any, error) {
	n, err := networks.free(c)
	if err != nil {
		return nil, err
	}
	goes := func(by resource) bool { // with the network
		s, ok := by.(*Subnetwork)
		return ownRoute(by) || (ok && n.made(s) && len(users(c.tx, c.project, subnetworks.ref(s))) == 0)
	}
	if err := unused(c, networks, n, goes); err != nil {
		return nil, err
	}
	return networks.start(c, "delete", n, nil)
}
