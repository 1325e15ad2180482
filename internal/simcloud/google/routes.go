package google

import (
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// Route is a stored route. Where it leads is one of the next hops.
type Route struct {
	Resource
	Network    int64    `json:"network"`
	Dest       string   `json:"dest"`
	Priority   int64    `json:"priority"`
	Tags       []string `json:"tags,omitempty"`
	Gateway    bool     `json:"gateway,omitempty"` // the internet gateway
	NextHopIP  string   `json:"next_hop_ip,omitempty"`
	OfNetwork  bool     `json:"of_network,omitempty"` // to the network itself
	Subnetwork int64    `json:"subnetwork,omitempty"` // whose route it is
}

// Collection is "routes".
func (r *Route) Collection() string { return "routes" }

// Links are the network, and the name. A subnetwork's own route goes with it, so
// it is no use of it.
func (r *Route) Links() []engine.Ref {
	return []engine.Ref{nameLink(r), {Type: networks.kind.KindName(), ID: r.Network}}
}

var vpcRoutes = noun[Route]{kind: engine.NewKind[Route]("google_route"), name: "route", collection: "routes", variable: "route",
	levels: []string{global}}

// internetGateway is the next hop of a default route.
const internetGateway = "global/gateways/default-internet-gateway"

func viewRoute(c *call, r *Route) any {
	dest := r.Dest
	if s := byRef(c.tx, subnetworks, r.Project, r.Subnetwork); s != nil {
		dest = s.Range // which may have been expanded
	}
	v := map[string]any{"kind": "compute#route", "id": uintString(r.number()), "creationTimestamp": stamp(r.Created), "name": r.Name,
		"description": r.Description, "network": linkByID(c, networks, r.Network), "destRange": dest, "priority": r.Priority,
		"selfLink": linkTo(r)}
	if len(r.Tags) > 0 {
		v["tags"] = r.Tags
	}
	switch {
	case r.Gateway:
		v["nextHopGateway"] = base + "projects/" + r.Project + "/" + internetGateway
	case r.OfNetwork:
		v["nextHopNetwork"] = linkByID(c, networks, r.Network)
	default:
		v["nextHopIp"] = r.NextHopIP
	}
	if r.Subnetwork != 0 {
		v["routeType"] = "SUBNET"
	} else {
		v["routeType"] = "STATIC"
	}
	return v
}

func routeModule() module {
	return module{
		kinds: []engine.AnyKind{vpcRoutes.kind},
		routes: routes(vpcRoutes.reads(viewRoute), []*route{
			{method: http.MethodPost, path: "projects/{project}/global/routes", do: insertRoute},
			{method: http.MethodDelete, path: "projects/{project}/global/routes/{route}", do: deleteRoute},
		}),
		completions: map[string]engine.Completion{"routes.insert": inserted(vpcRoutes, nil), "routes.delete": deleted(vpcRoutes)},
		// Assumed: see module.
		durations: map[string]time.Duration{"routes.insert": 8 * time.Second, "routes.delete": 8 * time.Second},
		usage:     map[string]func(*engine.Tx, string, string) float64{"ROUTES": staticRoutes},
	}
}

// staticRoutes counts the routes that the quota is about: subnetworks' own are
// free.
func staticRoutes(tx *engine.Tx, project, _ string) float64 {
	n := 0
	for _, r := range vpcRoutes.kind.All(tx, project) {
		if !r.OfNetwork {
			n++
		}
	}
	return float64(n)
}

func insertRoute(c *call) (any, error) {
	var in struct {
		Name           string   `json:"name"`
		Description    string   `json:"description"`
		Network        string   `json:"network"`
		DestRange      string   `json:"destRange"`
		Priority       *int64   `json:"priority"`
		Tags           []string `json:"tags"`
		NextHopGateway string   `json:"nextHopGateway"`
		NextHopIP      string   `json:"nextHopIp"`
	}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	if err := checkDescription(in.Description); err != nil {
		return nil, err
	}
	if in.Network == "" {
		return nil, required("resource.network")
	}
	if in.DestRange == "" {
		return nil, required("resource.destRange")
	}
	n, err := resolve(c, networks, "resource.network", in.Network)
	if err != nil {
		return nil, err
	}
	r := &Route{Network: n.ID, Dest: in.DestRange, Priority: 1000, Tags: in.Tags, NextHopIP: in.NextHopIP}
	r.Name, r.Description = in.Name, in.Description
	set(&r.Priority, in.Priority)
	if r.Priority < 0 || r.Priority > 65535 {
		return nil, invalid("resource.priority", strconv.FormatInt(r.Priority, 10), "Must be between 0 and 65535, inclusive.")
	}
	if _, ok := cleanPrefix(in.DestRange); !ok {
		return nil, invalid("resource.destRange", in.DestRange, "Must be a valid CIDR range.")
	}
	for i, tag := range in.Tags {
		if err := checkTag(fmt.Sprintf("resource.tags[%d]", i), tag); err != nil {
			return nil, err
		}
	}
	switch {
	case (in.NextHopGateway == "") == (in.NextHopIP == ""):
		return nil, badRequest("Exactly one of the following next hop fields must be set: nextHopGateway, nextHopIp.")
	case in.NextHopGateway != "":
		if !strings.HasSuffix(in.NextHopGateway, internetGateway) {
			return nil, invalid("resource.nextHopGateway", in.NextHopGateway, "The URL is malformed.")
		}
		r.Gateway = true
	default:
		if _, err := netip.ParseAddr(in.NextHopIP); err != nil {
			return nil, invalid("resource.nextHopIp", in.NextHopIP, "Must be a valid IP address.")
		}
	}
	if err := c.room("ROUTES", "", 1); err != nil {
		return nil, err
	}
	return vpcRoutes.insert(c, r, nil)
}

// deleteRoute deletes a static route. The vendor refuses it for those of
// subnetworks, which end with them.
func deleteRoute(c *call) (any, error) {
	r, err := vpcRoutes.free(c)
	if err != nil {
		return nil, err
	}
	if r.OfNetwork {
		return nil, badRequest("The local route cannot be deleted.")
	}
	return vpcRoutes.start(c, "delete", r, nil)
}

// ownRoute tells whether a resource is a route that the vendor made itself: it
// goes when its network goes.
func ownRoute(r resource) bool {
	route, ok := r.(*Route)
	return ok && strings.HasPrefix(route.Name, "default-route-")
}

// defaultRoute makes a route as the vendor does by itself, ready at once.
func defaultRoute(tx *engine.Tx, n *Network, make func(*Route)) {
	r := &Route{Network: n.ID}
	r.Project, r.Scope, r.Ready = n.Project, global, true
	make(r)
	serial := uint64(tx.Next("google_default_route"))
	r.Name = fmt.Sprintf("default-route-%016x", serial*0x9e3779b97f4a7c15)
	vpcRoutes.kind.Insert(tx, r)
}

// networkParams are what the insertion of a network needs at its end.
type networkParams struct {
	Regions []string `json:"regions,omitempty"` // that get an automatic subnetwork
}

// networkInserted gives a network its way to the internet, and one in auto mode
// a subnetwork in each region, of 10.128.0.0/9. The vendor has a table of which
// region has which /20; here they are in the order of the regions.
func networkInserted(tx *engine.Tx, a *engine.Action, n *Network) *engine.ActionError {
	var p networkParams
	if err := a.Decode(&p); err != nil {
		return &engine.ActionError{Code: "INTERNAL_ERROR", Message: err.Error()}
	}
	for i, region := range p.Regions {
		s := &Subnetwork{Network: n.ID, Range: fmt.Sprintf("10.%d.%d.0/20", 128+i/16, i%16*16), StackType: "IPV4_ONLY", Purpose: "PRIVATE"}
		s.Project, s.Name, s.Scope, s.Ready = n.Project, n.Name, inRegion(region), true
		if subnetworks.find(tx, s.Project, s.Scope, s.Name) != nil {
			return &engine.ActionError{Code: "RESOURCE_ALREADY_EXISTS", Message: "The resource '" + pathOf(s) + "' already exists"}
		}
		subnetworks.kind.Insert(tx, s)
		_ = subnetworkInserted(tx, a, s)
	}
	defaultRoute(tx, n, func(r *Route) {
		r.Dest, r.Priority, r.Gateway, r.Description = "0.0.0.0/0", 1000, true, "Default route to the Internet."
	})
	return nil
}

// networkDeleted takes away what the vendor made itself: routes, and the
// subnetworks of auto mode. Nothing else was there when the deletion began.
func networkDeleted(tx *engine.Tx, a *engine.Action) *engine.ActionError {
	for _, by := range users(tx, a.Project, a.Resources[0]) {
		switch by := by.(type) {
		case *Route:
			vpcRoutes.kind.Delete(tx, by.ID)
		case *Subnetwork:
			subnetworks.kind.Delete(tx, by.ID)
		}
	}
	networks.kind.Delete(tx, a.Resources[0].ID)
	return nil
}

// subnetworkInserted gives a subnetwork its route.
func subnetworkInserted(tx *engine.Tx, _ *engine.Action, s *Subnetwork) *engine.ActionError {
	n := byRef(tx, networks, s.Project, s.Network)
	if n == nil || s.Range == "" {
		return nil
	}
	defaultRoute(tx, n, func(r *Route) {
		r.Dest, r.OfNetwork, r.Subnetwork, r.Description = s.Range, true, s.ID, "Default local route to the subnetwork "+s.Range+"."
	})
	return nil
}

// subnetworkDeleted takes a subnetwork and its route away.
func subnetworkDeleted(tx *engine.Tx, a *engine.Action) *engine.ActionError {
	if s := byRef(tx, subnetworks, a.Project, a.Resources[0].ID); s != nil {
		for _, by := range users(tx, a.Project, engine.Ref{Type: networks.kind.KindName(), ID: s.Network}) {
			if r, ok := by.(*Route); ok && r.Subnetwork == s.ID {
				vpcRoutes.kind.Delete(tx, r.ID)
			}
		}
	}
	subnetworks.kind.Delete(tx, a.Resources[0].ID)
	return nil
}
