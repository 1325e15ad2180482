package hetzner

import (
	"net/http"
	"net/netip"
	"slices"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

type networkView struct {
	ID            int64             `json:"id"`
	Name          string            `json:"name"`
	IPRange       string            `json:"ip_range"`
	Subnets       []subnetView      `json:"subnets"`
	Routes        []Route           `json:"routes"`
	Servers       []int64           `json:"servers"`
	LoadBalancers []int64           `json:"load_balancers"`
	Protection    protectionView    `json:"protection"`
	Labels        map[string]string `json:"labels"`
	Created       timestamp         `json:"created"`
	ExposeRoutes  bool              `json:"expose_routes_to_vswitch"`
}

type subnetView struct {
	Type        string `json:"type"`
	IPRange     string `json:"ip_range"`
	NetworkZone string `json:"network_zone"`
	Gateway     string `json:"gateway"`
	VSwitchID   *int64 `json:"vswitch_id"`
}

func (c *call) viewNetwork(n *Network) networkView {
	v := networkView{ID: n.ID, Name: n.Name, IPRange: n.IPRange, Subnets: []subnetView{}, Routes: list(n.Routes),
		Servers: []int64{}, LoadBalancers: []int64{}, Protection: protectionView{Delete: n.Protected},
		Labels: labelsOf(n.Labels), Created: timestamp(n.Created), ExposeRoutes: n.ExposeRoutes}
	for _, s := range n.Subnets {
		v.Subnets = append(v.Subnets, subnetView{Type: s.Type, IPRange: s.IPRange, NetworkZone: s.NetworkZone,
			Gateway: s.Gateway, VSwitchID: orNull(s.VSwitchID)})
	}
	for _, s := range serversIn(c.tx, n.Project, n.ID) {
		if c.tx.Holder(attachingRef(n.ID, s.ID), 0) == nil { // not before the server shows it
			v.Servers = append(v.Servers, s.ID)
		}
	}
	return v
}

func (a *API) networkRoutes() []*route {
	post := func(action string, do func(*call) (any, error)) *route {
		return &route{method: http.MethodPost, path: "/networks/{id}/actions/" + action, do: do}
	}
	return append([]*route{
		{method: http.MethodGet, path: "/networks", do: listNetworks},
		{method: http.MethodPost, path: "/networks", do: createNetwork},
		{method: http.MethodGet, path: "/networks/{id}", do: getNetwork},
		{method: http.MethodPut, path: "/networks/{id}", do: updateNetwork},
		{method: http.MethodDelete, path: "/networks/{id}", do: deleteNetwork},
		{method: http.MethodGet, path: "/networks/{id}/members", do: listNetworkMembers},
		post("add_subnet", addSubnet), post("delete_subnet", deleteSubnet),
		post("add_route", addRoute), post("delete_route", deleteRoute),
		post("change_ip_range", changeIPRange), post("change_protection", protectNetwork),
	}, resourceActionRoutes("networks", networks)...)
}

func listNetworks(c *call) (any, error) {
	rows, err := filtered(c, networks.All(c.tx, c.project))
	if err != nil {
		return nil, err
	}
	return page(c, "networks", rows, recordOrders[Network]("id", "name", "created"), c.viewNetwork)
}

func getNetwork(c *call) (any, error) {
	n, err := mustGet(c, networks)
	if err != nil {
		return nil, err
	}
	return map[string]any{"network": c.viewNetwork(n)}, nil
}

// calmNetwork is a private copy of the network in the path, unless a change of
// it is under way: the vendor answers conflict then, and not locked.
func (c *call) calmNetwork() (*Network, error) {
	n, err := mustGet(c, networks)
	if err != nil {
		return nil, err
	}
	if c.tx.Holder(networkRef(n.ID), 0) != nil {
		return nil, fail("conflict", "network with ID '%d' is being changed", n.ID)
	}
	return networks.Edit(c.tx, c.project, n.ID), nil
}

func createNetwork(c *call) (any, error) {
	var in struct {
		Name         string            `json:"name"`
		IPRange      string            `json:"ip_range"`
		Labels       map[string]string `json:"labels"`
		Subnets      []subnetRequest   `json:"subnets"`
		Routes       []Route           `json:"routes"`
		ExposeRoutes bool              `json:"expose_routes_to_vswitch"`
	}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	var v fields
	v.name(in.Name, 128)
	v.labels(in.Labels)
	r, ok := privateRange(in.IPRange)
	if !ok {
		v.add("ip_range", "must be a private IPv4 range (RFC1918) of at least /%d in CIDR notation", maxNetworkBits)
	}
	if err := v.err(); err != nil {
		return nil, err
	}
	n := &Network{IPRange: r.String(), ExposeRoutes: in.ExposeRoutes}
	n.Project, n.Name, n.Labels = c.project, in.Name, in.Labels
	for _, s := range in.Subnets {
		sub, err := c.newSubnet(n, s, "subnets[].")
		if err != nil {
			return nil, err
		}
		n.Subnets = append(n.Subnets, sub)
	}
	for _, r := range in.Routes {
		if err := n.checkRoute(r, "routes[]."); err != nil {
			return nil, err
		}
		n.Routes = append(n.Routes, r)
	}
	if err := uniqueName(c, networks, in.Name, 0); err != nil {
		return nil, err
	}
	if err := room(c, networks); err != nil {
		return nil, err
	}
	networks.Insert(c.tx, n)
	return map[string]any{"network": c.viewNetwork(n)}, nil
}

func updateNetwork(c *call) (any, error) {
	n, err := c.calmNetwork()
	if err != nil {
		return nil, err
	}
	var in struct {
		Name         *string            `json:"name"`
		Labels       *map[string]string `json:"labels"`
		ExposeRoutes *bool              `json:"expose_routes_to_vswitch"`
	}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	if err := rename(c, networks, &n.Meta, in.Name, in.Labels); err != nil {
		return nil, err
	}
	if in.ExposeRoutes != nil {
		n.ExposeRoutes = *in.ExposeRoutes
	}
	return map[string]any{"network": c.viewNetwork(n)}, nil
}

// rename changes what every noun's update can change: the name, which has to be
// unique, and the labels. meta belongs to a private copy.
func rename[T any](c *call, k engine.Kind[T], meta *engine.Meta, name *string, labels *map[string]string) error {
	var v fields
	if name != nil {
		v.name(*name, 128)
	}
	if labels != nil {
		v.labels(*labels)
	}
	if err := v.err(); err != nil {
		return err
	}
	if name != nil {
		if err := uniqueName(c, k, *name, meta.ID); err != nil {
			return err
		}
		meta.Name = *name
	}
	if labels != nil {
		meta.Labels = *labels
	}
	return nil
}

// deleteNetwork detaches the servers at once. The vendor does it in the
// background, which nobody can observe: the network is gone already.
func deleteNetwork(c *call) (any, error) {
	n, err := c.calmNetwork()
	switch {
	case err != nil:
		return nil, err
	case n.Protected:
		return nil, fail("protected", "network is delete protected")
	}
	for _, s := range serversIn(c.tx, c.project, n.ID) {
		detachFromNetwork(servers.Edit(c.tx, c.project, s.ID), n.ID)
	}
	networks.Delete(c.tx, n.ID)
	return nil, nil
}

func protectNetwork(c *call) (any, error) {
	n, err := c.calmNetwork()
	if err != nil {
		return nil, err
	}
	var in struct {
		Delete *bool `json:"delete"`
	}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	if in.Delete != nil {
		n.Protected = *in.Delete
	}
	return c.actionAnswer(c.instant("change_protection", nil, networkRef(n.ID)))
}

type memberView struct {
	Type     string   `json:"type"`
	ID       int64    `json:"id"`
	IP       string   `json:"ip"`
	Status   string   `json:"status"`
	AliasIPs []string `json:"alias_ips"`
	Subnet   string   `json:"subnet"`
}

// listNetworkMembers is younger than most of the API: hcloud-go has it since
// v2.49.0, from whose schema and options this form comes.
func listNetworkMembers(c *call) (any, error) {
	n, err := mustGet(c, networks)
	if err != nil {
		return nil, err
	}
	types, err := c.allowed("type", "server", "load_balancer")
	if err != nil {
		return nil, err
	}
	status, err := c.allowed("status", "ok", "attaching", "detaching", "updating", "error")
	if err != nil {
		return nil, err
	}
	subnets := c.query()["subnet"]
	var rows []memberView
	for _, s := range serversIn(c.tx, c.project, n.ID) {
		m := c.member(n, s)
		if (len(types) == 0 || slices.Contains(types, m.Type)) && (len(status) == 0 || slices.Contains(status, m.Status)) &&
			(len(subnets) == 0 || slices.Contains(subnets, m.Subnet)) {
			rows = append(rows, m)
		}
	}
	orders := map[string]order[memberView]{
		"id": by(func(m memberView) int64 { return m.ID }),
		"ip": func(a, b memberView) int { return addrOf(a.IP).Compare(addrOf(b.IP)) },
	}
	return page(c, "members", rows, orders, func(m memberView) memberView { return m })
}

func (c *call) member(n *Network, s *Server) memberView {
	p := s.netOf(n.ID)
	m := memberView{Type: "server", ID: s.ID, IP: p.IP, Status: "ok", AliasIPs: list(p.AliasIPs)}
	if a := c.tx.Holder(serverRef(s.ID), 0); a != nil && slices.Contains(a.Resources, networkRef(n.ID)) {
		m.Status = map[string]string{"attach_to_network": "attaching", "detach_from_network": "detaching"}[a.Command]
		if m.Status == "" {
			m.Status = "updating"
		}
	}
	for _, sub := range n.Subnets {
		if r, err := netip.ParsePrefix(sub.IPRange); err == nil && r.Contains(addrOf(p.IP)) {
			m.Subnet = sub.IPRange
		}
	}
	return m
}

// addrOf parses an address that was checked when it was stored.
func addrOf(s string) netip.Addr {
	a, _ := netip.ParseAddr(s)
	return a
}
