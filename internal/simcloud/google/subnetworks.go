package google

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// Subnetwork is a stored subnetwork.
type Subnetwork struct {
	Resource
	Network       int64            `json:"network"`
	Range         string           `json:"range,omitempty"`
	Secondary     []SecondaryRange `json:"secondary,omitempty"`
	PrivateGoogle bool             `json:"private_google,omitempty"`
	StackType     string           `json:"stack_type"`
	IPv6Access    string           `json:"ipv6_access,omitempty"` // EXTERNAL, INTERNAL
	IPv6Range     string           `json:"ipv6_range,omitempty"`  // /64
	Purpose       string           `json:"purpose"`
	FlowLog       *flowLog         `json:"flow_log,omitempty"`
}

// SecondaryRange is a further range of a subnetwork, for aliases.
type SecondaryRange struct {
	Name  string `json:"rangeName"`
	Range string `json:"ipCidrRange"`
}

// Collection is "subnetworks".
func (s *Subnetwork) Collection() string { return "subnetworks" }

// Links are the network, and the name.
func (s *Subnetwork) Links() []engine.Ref {
	return []engine.Ref{nameLink(s), {Type: networks.kind.KindName(), ID: s.Network}}
}

// prefixes are all IPv4 ranges.
func (s *Subnetwork) prefixes() []netip.Prefix {
	var out []netip.Prefix
	for _, r := range append([]SecondaryRange{{Range: s.Range}}, s.Secondary...) {
		if p, err := netip.ParsePrefix(r.Range); err == nil {
			out = append(out, p)
		}
	}
	return out
}

// gateway is the second address of the primary range.
func (s *Subnetwork) gateway() string {
	p, err := netip.ParsePrefix(s.Range)
	if err != nil {
		return ""
	}
	return p.Addr().Next().String()
}

func (s *Subnetwork) fingerprint() string {
	return fingerprint([]any{s.Range, s.Secondary, s.PrivateGoogle, s.StackType, s.IPv6Access, s.FlowLog})
}

var subnetworks = noun[Subnetwork]{kind: engine.NewKind[Subnetwork]("google_subnetwork"), name: "subnetwork",
	collection: "subnetworks", variable: "subnetwork", levels: []string{"regions"}, aggregated: true}

type subnetworkView struct {
	Kind                  string           `json:"kind"`
	ID                    uint64           `json:"id,string"`
	CreationTimestamp     string           `json:"creationTimestamp"`
	Name                  string           `json:"name"`
	Description           string           `json:"description,omitempty"`
	Network               string           `json:"network"`
	IPCidrRange           string           `json:"ipCidrRange,omitempty"`
	GatewayAddress        string           `json:"gatewayAddress,omitempty"`
	Region                string           `json:"region"`
	SelfLink              string           `json:"selfLink"`
	PrivateIPGoogleAccess bool             `json:"privateIpGoogleAccess"`
	SecondaryIPRanges     []SecondaryRange `json:"secondaryIpRanges,omitempty"`
	Fingerprint           string           `json:"fingerprint"`
	PrivateIPv6Google     string           `json:"privateIpv6GoogleAccess"`
	Purpose               string           `json:"purpose"`
	StackType             string           `json:"stackType"`
	IPv6AccessType        string           `json:"ipv6AccessType,omitempty"`
	IPv6CidrRange         string           `json:"ipv6CidrRange,omitempty"`
	ExternalIPv6Prefix    string           `json:"externalIpv6Prefix,omitempty"`
	InternalIPv6Prefix    string           `json:"internalIpv6Prefix,omitempty"`
	EnableFlowLogs        *bool            `json:"enableFlowLogs,omitempty"`
	LogConfig             *flowLog         `json:"logConfig,omitempty"`
}

func viewSubnetwork(c *call, s *Subnetwork) any {
	v := subnetworkView{Kind: "compute#subnetwork", ID: s.number(), CreationTimestamp: stamp(s.Created), Name: s.Name,
		Description: s.Description, Network: linkByID(c, networks, s.Network), IPCidrRange: s.Range, GatewayAddress: s.gateway(),
		Region: base + "projects/" + s.Project + "/" + s.Scope, SelfLink: linkTo(s), PrivateIPGoogleAccess: s.PrivateGoogle,
		SecondaryIPRanges: s.Secondary, Fingerprint: s.fingerprint(), PrivateIPv6Google: "DISABLE_GOOGLE_ACCESS", Purpose: s.Purpose,
		StackType: s.StackType, IPv6AccessType: s.IPv6Access, LogConfig: s.FlowLog}
	if s.FlowLog != nil {
		v.EnableFlowLogs = &s.FlowLog.Enable
	}
	switch s.IPv6Access {
	case "EXTERNAL":
		v.ExternalIPv6Prefix = s.IPv6Range
	case "INTERNAL":
		v.InternalIPv6Prefix, v.IPv6CidrRange = s.IPv6Range, s.IPv6Range
	}
	return v
}

// subnetworkBody is what clients send to insert or patch.
type subnetworkBody struct {
	Name                  string            `json:"name"`
	Description           string            `json:"description"`
	Network               string            `json:"network"`
	IPCidrRange           string            `json:"ipCidrRange"`
	PrivateIPGoogleAccess *bool             `json:"privateIpGoogleAccess"`
	SecondaryIPRanges     *[]SecondaryRange `json:"secondaryIpRanges"`
	StackType             string            `json:"stackType"`
	IPv6AccessType        string            `json:"ipv6AccessType"`
	Purpose               string            `json:"purpose"`
	Fingerprint           string            `json:"fingerprint"`
	EnableFlowLogs        *bool             `json:"enableFlowLogs"`
	LogConfig             *flowLog          `json:"logConfig"`
}

func subnetworkModule() module {
	at := "projects/{project}/regions/{region}/subnetworks"
	return module{
		kinds: []engine.AnyKind{subnetworks.kind},
		routes: routes(subnetworks.reads(viewSubnetwork), []*route{
			{method: http.MethodPost, path: at, do: insertSubnetwork},
			{method: http.MethodPatch, path: at + "/{subnetwork}", do: patchSubnetwork},
			{method: http.MethodDelete, path: at + "/{subnetwork}", do: deleteSubnetwork},
			{method: http.MethodPost, path: at + "/{subnetwork}/expandIpCidrRange", do: expandSubnetwork},
			{method: http.MethodPost, path: at + "/{subnetwork}/setPrivateIpGoogleAccess", do: setPrivateGoogle},
		}),
		completions: map[string]engine.Completion{
			"subnetworks.insert":                   inserted(subnetworks, subnetworkInserted),
			"subnetworks.patch":                    changed(subnetworks, replaceSubnetwork),
			"subnetworks.expandIpCidrRange":        changed(subnetworks, replaceSubnetwork),
			"subnetworks.setPrivateIpGoogleAccess": changed(subnetworks, replaceSubnetwork),
			"subnetworks.delete":                   {OK: subnetworkDeleted},
		},
		// Assumed: see module.
		durations: map[string]time.Duration{
			"subnetworks.insert": 10 * time.Second, "subnetworks.patch": 8 * time.Second,
			"subnetworks.expandIpCidrRange": 8 * time.Second, "subnetworks.setPrivateIpGoogleAccess": 6 * time.Second,
			"subnetworks.delete": 12 * time.Second,
		},
		usage: map[string]func(*engine.Tx, string, string) float64{"SUBNETWORKS": counted(subnetworks)},
	}
}

func insertSubnetwork(c *call) (any, error) {
	var in subnetworkBody
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	if err := checkDescription(in.Description); err != nil {
		return nil, err
	}
	if in.Network == "" {
		return nil, required("resource.network")
	}
	n, err := resolve(c, networks, "resource.network", in.Network)
	if err != nil {
		return nil, err
	}
	if err := oneOf("resource.purpose", in.Purpose, "PRIVATE"); err != nil {
		return nil, err
	}
	s := &Subnetwork{Network: n.ID, Range: in.IPCidrRange, StackType: "IPV4_ONLY", Purpose: "PRIVATE"}
	s.Project, s.Scope, s.Name, s.Description = c.project, c.scope, in.Name, in.Description
	if err := in.apply(c, s); err != nil {
		return nil, err
	}
	if s.StackType != "IPV6_ONLY" && in.IPCidrRange == "" {
		return nil, required("resource.ipCidrRange")
	}
	if err := s.checkRanges(c); err != nil {
		return nil, err
	}
	if err := c.room("SUBNETWORKS", "", 1); err != nil {
		return nil, err
	}
	return subnetworks.insert(c, s, nil)
}

// apply sets what insert and patch have in common.
func (in *subnetworkBody) apply(c *call, s *Subnetwork) error {
	if in.PrivateIPGoogleAccess != nil {
		s.PrivateGoogle = *in.PrivateIPGoogleAccess
	}
	if in.SecondaryIPRanges != nil {
		s.Secondary = *in.SecondaryIPRanges
	}
	if err := in.applyLogs(s); err != nil {
		return err
	}
	if err := oneOf("resource.stackType", in.StackType, "IPV4_ONLY", "IPV4_IPV6", "IPV6_ONLY"); err != nil {
		return err
	}
	if err := oneOf("resource.ipv6AccessType", in.IPv6AccessType, "EXTERNAL", "INTERNAL"); err != nil {
		return err
	}
	if in.StackType != "" {
		s.StackType = in.StackType
	}
	if s.StackType == "IPV4_ONLY" {
		if in.IPv6AccessType != "" {
			return invalid("resource.ipv6AccessType", in.IPv6AccessType, "IPv6 access type can only be set on a subnetwork with a stack type of IPv6.")
		}
		s.IPv6Access, s.IPv6Range = "", ""
		return nil
	}
	if in.IPv6AccessType != "" && s.IPv6Access != "" && in.IPv6AccessType != s.IPv6Access {
		return invalid("resource.ipv6AccessType", in.IPv6AccessType, "The IPv6 access type of a subnetwork cannot be changed.")
	}
	if in.IPv6AccessType != "" {
		s.IPv6Access = in.IPv6AccessType
	}
	if s.IPv6Access == "" {
		return required("resource.ipv6AccessType")
	}
	if s.IPv6Range != "" {
		return nil
	}
	n := byRef(c.tx, networks, c.project, s.Network)
	if n.Auto {
		return badRequest("IPv6 is not supported on subnetworks of auto mode networks.")
	}
	serial := c.tx.Next("google_ipv6")
	prefix := [16]byte{0x26, 0x00, 0x19, 0x00, byte(serial >> 24), byte(serial >> 16), byte(serial >> 8), byte(serial)}
	if s.IPv6Access == "INTERNAL" {
		if n.InternalIPv6 == "" {
			return badRequest("Network '%s' has no internal IPv6 range: enable ULA internal IPv6 first.", pathOf(n))
		}
		ula := netip.MustParsePrefix(n.InternalIPv6).Addr().As16()
		copy(prefix[:6], ula[:6])
	}
	s.IPv6Range = netip.PrefixFrom(netip.AddrFrom16(prefix), 64).String()
	return nil
}

// checkRanges refuses ranges that are malformed, too small, reserved
// (https://cloud.google.com/vpc/docs/subnets#ipv4-ranges), or overlap with one of
// the network's.
func (s *Subnetwork) checkRanges(c *call) error {
	var mine []netip.Prefix
	check := func(field, text string) error {
		p, ok := cleanPrefix(text)
		if !ok || !p.Addr().Is4() {
			return invalid(field, text, "Must be a CIDR address range that is contained in the VPC network's valid IPv4 ranges, with no host bits set.")
		}
		if p.Bits() < 4 || p.Bits() > 29 {
			return invalid(field, text, "The prefix length must be between 4 and 29, inclusive.")
		}
		for _, r := range []string{"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "255.255.255.255/32", "199.36.153.4/30", "199.36.153.8/30"} {
			if netip.MustParsePrefix(r).Overlaps(p) {
				return invalid(field, text, "The range is reserved.")
			}
		}
		for _, o := range mine {
			if o.Overlaps(p) {
				return invalid(field, text, "Invalid IPCidrRange: %s conflicts with existing range '%s' of the same subnetwork.", text, o)
			}
		}
		for _, by := range users(c.tx, c.project, engine.Ref{Type: networks.kind.KindName(), ID: s.Network}) {
			other, ok := by.(*Subnetwork)
			if !ok || other.ID == s.ID {
				continue
			}
			for _, o := range other.prefixes() {
				if o.Overlaps(p) {
					return invalid(field, text, "Invalid IPCidrRange: %s conflicts with existing subnetwork '%s' in region '%s'.", text, other.Name, other.region())
				}
			}
		}
		mine = append(mine, p)
		return nil
	}
	if s.Range != "" {
		if err := check("resource.ipCidrRange", s.Range); err != nil {
			return err
		}
	}
	var names []string
	for i, r := range s.Secondary {
		field := fmt.Sprintf("resource.secondaryIpRanges[%d]", i)
		if err := checkName(field+".rangeName", r.Name); err != nil {
			return err
		}
		if slices.Contains(names, r.Name) {
			return invalid(field+".rangeName", r.Name, "The name is used twice.")
		}
		names = append(names, r.Name)
		if err := check(field+".ipCidrRange", r.Range); err != nil {
			return err
		}
	}
	return nil
}

// replaceSubnetwork puts a changed subnetwork in the place of the stored one.
func replaceSubnetwork(_ *engine.Tx, s *Subnetwork, to Subnetwork) *engine.ActionError {
	*s = to
	return nil
}

func patchSubnetwork(c *call) (any, error) {
	s, err := subnetworks.free(c)
	if err != nil {
		return nil, err
	}
	var in subnetworkBody
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	// "The fingerprint must be provided to patch" (subnetworks.patch of the
	// vendor's description speaks of an up-to-date one).
	if in.Fingerprint == "" {
		return nil, required("resource.fingerprint")
	}
	if in.Fingerprint != s.fingerprint() {
		return nil, conditionNotMet("Invalid fingerprint.")
	}
	if in.IPCidrRange != "" && in.IPCidrRange != s.Range {
		return nil, badRequest("The ipCidrRange of a subnetwork can be changed by expandIpCidrRange only.")
	}
	to := *s
	if err := in.apply(c, &to); err != nil {
		return nil, err
	}
	if err := to.checkRanges(c); err != nil {
		return nil, err
	}
	return subnetworks.start(c, "patch", s, to)
}

func expandSubnetwork(c *call) (any, error) {
	s, err := subnetworks.free(c)
	if err != nil {
		return nil, err
	}
	var in struct {
		IPCidrRange string `json:"ipCidrRange"`
	}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	to := *s
	to.Range = in.IPCidrRange
	if err := to.checkRanges(c); err != nil {
		return nil, err
	}
	was, now := netip.MustParsePrefix(s.Range), netip.MustParsePrefix(to.Range)
	if now.Bits() >= was.Bits() || !now.Contains(was.Addr()) {
		return nil, invalid("ipCidrRange", in.IPCidrRange, "The new range must contain the present range '%s' and be larger.", s.Range)
	}
	return subnetworks.start(c, "expandIpCidrRange", s, to)
}

func setPrivateGoogle(c *call) (any, error) {
	s, err := subnetworks.free(c)
	if err != nil {
		return nil, err
	}
	var in struct {
		PrivateIPGoogleAccess bool `json:"privateIpGoogleAccess"`
	}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	to := *s
	to.PrivateGoogle = in.PrivateIPGoogleAccess
	return subnetworks.start(c, "setPrivateIpGoogleAccess", s, to)
}

func deleteSubnetwork(c *call) (any, error) {
	s, err := subnetworks.free(c)
	if err != nil {
		return nil, err
	}
	if n := byRef(c.tx, networks, c.project, s.Network); n != nil && n.made(s) {
		return nil, badRequest("Cannot delete auto subnetwork from an auto subnet mode network.")
	}
	if err := unused(c, subnetworks, s, nil); err != nil {
		return nil, err
	}
	return subnetworks.start(c, "delete", s, nil)
}
