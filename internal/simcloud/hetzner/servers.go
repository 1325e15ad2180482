package hetzner

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// The states of a server.
const (
	initializing = "initializing"
	starting     = "starting"
	running      = "running"
	stopping     = "stopping"
	off          = "off"
	deleting     = "deleting"
	migrating    = "migrating"
	rebuilding   = "rebuilding"
)

type serverView struct {
	ID              int64                `json:"id"`
	Name            string               `json:"name"`
	Status          string               `json:"status"`
	Created         timestamp            `json:"created"`
	PublicNet       publicNetView        `json:"public_net"`
	PrivateNet      []privateNetView     `json:"private_net"`
	ServerType      serverTypeView       `json:"server_type"`
	Datacenter      any                  `json:"datacenter,omitempty"`
	Location        locationView         `json:"location"`
	Image           *imageView           `json:"image"`
	ISO             *isoView             `json:"iso"`
	RescueEnabled   bool                 `json:"rescue_enabled"`
	Locked          bool                 `json:"locked"`
	BackupWindow    *string              `json:"backup_window"`
	OutgoingTraffic *int64               `json:"outgoing_traffic"`
	IngoingTraffic  *int64               `json:"ingoing_traffic"`
	IncludedTraffic int64                `json:"included_traffic"`
	Protection      serverProtection     `json:"protection"`
	Labels          map[string]string    `json:"labels"`
	Volumes         []int64              `json:"volumes"`
	LoadBalancers   []int64              `json:"load_balancers"`
	PrimaryDiskSize int                  `json:"primary_disk_size"`
	PlacementGroup  *serverPlacementView `json:"placement_group"`
}

type serverProtection struct {
	Delete  bool `json:"delete"`
	Rebuild bool `json:"rebuild"`
}

type publicNetView struct {
	IPv4        *publicIPv4View   `json:"ipv4"`
	IPv6        *publicIPv6View   `json:"ipv6"`
	FloatingIPs []int64           `json:"floating_ips"`
	Firewalls   []appliedFirewall `json:"firewalls"`
}

type publicIPv4View struct {
	ID      int64  `json:"id"`
	IP      string `json:"ip"`
	Blocked bool   `json:"blocked"`
	DNSPtr  string `json:"dns_ptr"`
}

type publicIPv6View struct {
	ID      int64    `json:"id"`
	IP      string   `json:"ip"`
	Blocked bool     `json:"blocked"`
	DNSPtr  []DNSPtr `json:"dns_ptr"`
}

type privateNetView struct {
	Network    int64    `json:"network"`
	IP         string   `json:"ip"`
	AliasIPs   []string `json:"alias_ips"`
	MACAddress string   `json:"mac_address"`
}

type serverPlacementView struct {
	ID      int64             `json:"id"`
	Name    string            `json:"name"`
	Labels  map[string]string `json:"labels"`
	Type    string            `json:"type"`
	Created timestamp         `json:"created"`
	Servers []int64           `json:"servers"`
}

func (c *call) viewServer(s *Server) serverView {
	t := c.api.cat.serverType(idOrName(s.Type))
	v := serverView{ID: s.ID, Name: s.Name, Status: s.Status, Created: timestamp(s.Created),
		PublicNet: c.viewPublicNet(s), PrivateNet: []privateNetView{}, ServerType: c.viewServerType(t),
		Datacenter: c.datacenterOf(s.Location), Location: c.locationNamed(s.Location),
		RescueEnabled: s.rescued(c.tx), Locked: c.tx.Holder(serverRef(s.ID), 0) != nil, BackupWindow: orNull(s.BackupWindow),
		OutgoingTraffic: new(int64), IngoingTraffic: new(int64), IncludedTraffic: int64(t.TrafficTB[s.Location] * bytesPerTB),
		Protection: serverProtection{Delete: s.ProtectDelete, Rebuild: s.ProtectRebuild}, Labels: labelsOf(s.Labels),
		Volumes: list(volumesOf(c.tx, s.Project, s.ID)), LoadBalancers: []int64{}, PrimaryDiskSize: s.DiskSize}
	for _, p := range s.PrivateNets {
		if c.tx.Holder(attachingRef(p.Network, s.ID), 0) == nil { // still being attached: not shown yet
			v.PrivateNet = append(v.PrivateNet, privateNetView{Network: p.Network, IP: p.IP, AliasIPs: list(p.AliasIPs), MACAddress: p.MAC})
		}
	}
	if s.Image != nil {
		v.Image = ptr(viewImage(s.Image))
	}
	if i := slices.IndexFunc(c.api.cat.isos, func(i *iso) bool { return i.ID == s.ISO }); i >= 0 {
		v.ISO = ptr(viewISO(c.api.cat.isos[i]))
	}
	if g := placementGroups.Get(c.tx, s.Project, s.PlacementGroup); g != nil {
		v.PlacementGroup = &serverPlacementView{ID: g.ID, Name: g.Name, Labels: labelsOf(g.Labels), Type: g.Type,
			Created: timestamp(g.Created), Servers: list(serversOfGroup(c.tx, s.Project, g.ID))}
	}
	return v
}

func (c *call) viewPublicNet(s *Server) publicNetView {
	v := publicNetView{FloatingIPs: list(floatingIPsOf(c.tx, s.Project, s.ID)), Firewalls: list(firewallsOf(c.tx, s))}
	if p := primaryIPOf(c.tx, s.Project, s.ID, "ipv4"); p != nil {
		v.IPv4 = &publicIPv4View{ID: p.ID, IP: p.IP}
		if len(p.DNSPtr) > 0 {
			v.IPv4.DNSPtr = p.DNSPtr[0].DNSPtr
		}
	}
	if p := primaryIPOf(c.tx, s.Project, s.ID, "ipv6"); p != nil {
		v.IPv6 = &publicIPv6View{ID: p.ID, IP: p.IP, DNSPtr: list(p.DNSPtr)}
	}
	return v
}

func (a *API) serverRoutes() []*route {
	post := func(action string, do func(*call) (any, error)) *route {
		return &route{method: http.MethodPost, path: "/servers/{id}/actions/" + action, do: do}
	}
	return append([]*route{
		{method: http.MethodGet, path: "/servers", do: listServers},
		{method: http.MethodPost, path: "/servers", do: createServer},
		{method: http.MethodGet, path: "/servers/{id}", do: getServer},
		{method: http.MethodPut, path: "/servers/{id}", do: updateServer},
		{method: http.MethodDelete, path: "/servers/{id}", do: deleteServer, status: http.StatusOK},
		{method: http.MethodGet, path: "/servers/{id}/metrics", do: serverMetrics},
		post("poweron", powerOn), post("poweroff", powerOff), post("shutdown", shutDown),
		post("reboot", reboot), post("reset", resetServer), post("reset_password", resetPassword),
		post("enable_rescue", enableRescue), post("disable_rescue", disableRescue),
		post("request_console", requestConsole),
		post("rebuild", rebuildServer), post("change_type", changeType), post("create_image", createImage),
		post("enable_backup", enableBackup), post("disable_backup", disableBackup),
		post("attach_iso", attachISO), post("detach_iso", detachISO),
		post("change_dns_ptr", changeServerDNSPtr), post("change_protection", protectServer),
		post("attach_to_network", attachServerToNetwork), post("detach_from_network", detachServerFromNetwork),
		post("change_alias_ips", changeAliasIPs),
		post("add_to_placement_group", addToPlacementGroup), post("remove_from_placement_group", removeFromPlacementGroup),
	}, resourceActionRoutes("servers", servers)...)
}

func listServers(c *call) (any, error) {
	status, err := c.allowed("status", running, initializing, starting, stopping, off, deleting, migrating, rebuilding, "unknown")
	if err != nil {
		return nil, err
	}
	rows, err := filtered(c, servers.All(c.tx, c.project))
	if err != nil {
		return nil, err
	}
	if len(status) > 0 {
		rows = slices.DeleteFunc(slices.Clone(rows), func(s *Server) bool { return !slices.Contains(status, s.Status) })
	}
	return page(c, "servers", rows, recordOrders[Server]("id", "name", "created"), c.viewServer)
}

// server is the server in the path, in a location that can be reached.
func (c *call) server() (*Server, error) {
	s, err := mustGet(c, servers)
	if err != nil {
		return nil, err
	}
	return s, c.reach(s.Location)
}

// freeServer is a private copy of the server in the path when nothing locks it.
func (c *call) freeServer() (*Server, error) {
	s, err := c.server()
	if err != nil {
		return nil, err
	}
	if err := c.unlocked("server", s.ID); err != nil {
		return nil, err
	}
	return servers.Edit(c.tx, c.project, s.ID), nil
}

func getServer(c *call) (any, error) {
	s, err := c.server()
	if err != nil {
		return nil, err
	}
	return map[string]any{"server": c.viewServer(s)}, nil
}

func updateServer(c *call) (any, error) {
	if _, err := c.server(); err != nil {
		return nil, err
	}
	var in struct {
		Name   *string            `json:"name"`
		Labels *map[string]string `json:"labels"`
	}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	var v fields
	if in.Name != nil {
		v.hostname(*in.Name)
	}
	if in.Labels != nil {
		v.labels(*in.Labels)
	}
	if err := v.err(); err != nil {
		return nil, err
	}
	s := servers.Edit(c.tx, c.project, c.id())
	if in.Name != nil {
		if err := uniqueName(c, servers, *in.Name, s.ID); err != nil {
			return nil, err
		}
		s.Name = *in.Name
	}
	if in.Labels != nil {
		s.Labels = *in.Labels
	}
	return map[string]any{"server": c.viewServer(s)}, nil
}

func deleteServer(c *call) (any, error) {
	s, err := c.server()
	switch {
	case err != nil:
		return nil, err
	case s.ProtectDelete:
		return nil, fail("protected", "server deletion is protected")
	}
	if s, err = c.freeServer(); err != nil {
		return nil, err
	}
	was := s.Status
	s.Status = deleting
	return c.actionAnswer(c.start("delete_server", serverParams{Server: s.ID, Status: was}, serverRef(s.ID)))
}

// serverParams are what the completions of a server's actions need.
type serverParams struct {
	Server  int64    `json:"server"`
	Status  string   `json:"status,omitempty"` // to go to, or back to when it fails
	Start   bool     `json:"start,omitempty"`
	Started string   `json:"started,omitempty"`
	Type    string   `json:"type,omitempty"`
	Disk    int      `json:"disk,omitempty"`
	Image   *Image   `json:"image,omitempty"`
	NewID   int64    `json:"new_id,omitempty"` // of the image that is made
	ISO     int64    `json:"iso,omitempty"`
	Network int64    `json:"network,omitempty"`
	Aliases []string `json:"aliases,omitempty"`
	Group   int64    `json:"group,omitempty"`
}

// onServer makes a completion that changes the server when its action ends.
func onServer(ok func(*engine.Tx, *Server, serverParams) *engine.ActionError, failed func(*engine.Tx, *Server, serverParams)) engine.Completion {
	find := func(tx *engine.Tx, a *engine.Action) (*Server, serverParams) {
		var p serverParams
		if err := a.Decode(&p); err != nil {
			panic(fmt.Sprintf("hetzner: parameters of action %d: %v", a.ID, err))
		}
		return servers.Edit(tx, a.Project, p.Server), p
	}
	out := engine.Completion{OK: func(tx *engine.Tx, a *engine.Action) *engine.ActionError {
		s, p := find(tx, a)
		if s == nil {
			return actionFailed("server %d does not exist anymore", p.Server)
		}
		if ok == nil {
			return nil
		}
		return ok(tx, s, p)
	}}
	if failed != nil {
		out.Failed = func(tx *engine.Tx, a *engine.Action) {
			if s, p := find(tx, a); s != nil {
				failed(tx, s, p)
			}
		}
	}
	return out
}

// goBack is what a failed action does that had changed only the status.
func goBack(_ *engine.Tx, s *Server, p serverParams) { s.Status = p.Status }

// removeServer is the end of a deletion: everything that was attached is free.
func removeServer(tx *engine.Tx, s *Server, _ serverParams) *engine.ActionError {
	for _, id := range volumesOf(tx, s.Project, s.ID) {
		volumes.Edit(tx, s.Project, id).Server = 0
	}
	removeFirewalls(tx, s.Project, s.ID)
	releasePrimaryIPs(tx, s.Project, s.ID)
	releaseFloatingIPs(tx, s.Project, s.ID)
	removeBackups(tx, s)
	servers.Delete(tx, s.ID)
	return nil
}
