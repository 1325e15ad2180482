package hetzner

import (
	"slices"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// maxUserData is the vendor's bound of user data: 32 KiB.
const maxUserData = 32 << 10

// maxNetworksPerServer is the vendor's documented bound
// (https://docs.hetzner.com/cloud/networks/overview).
const maxNetworksPerServer = 3

type createServerRequest struct {
	Name             string            `json:"name"`
	Location         *idOrName         `json:"location"`
	Datacenter       *idOrName         `json:"datacenter"`
	ServerType       idOrName          `json:"server_type"`
	StartAfterCreate *bool             `json:"start_after_create"`
	Image            idOrName          `json:"image"`
	PlacementGroup   *int64            `json:"placement_group"`
	SSHKeys          []idOrName        `json:"ssh_keys"`
	Volumes          []int64           `json:"volumes"`
	Networks         []int64           `json:"networks"`
	Firewalls        []firewallRequest `json:"firewalls"`
	UserData         string            `json:"user_data"`
	Labels           map[string]string `json:"labels"`
	Automount        *bool             `json:"automount"`
	PublicNet        *struct {
		EnableIPv4 *bool  `json:"enable_ipv4"`
		EnableIPv6 *bool  `json:"enable_ipv6"`
		IPv4       *int64 `json:"ipv4"`
		IPv6       *int64 `json:"ipv6"`
	} `json:"public_net"`
}

type firewallRequest struct {
	Firewall int64 `json:"firewall"`
}

func (in *createServerRequest) validate() error {
	var v fields
	v.hostname(in.Name)
	if in.ServerType == "" {
		v.add("server_type", "missing data for required field")
	}
	if in.Image == "" {
		v.add("image", "missing data for required field")
	}
	if len(in.UserData) > maxUserData {
		v.add("user_data", "is too long (maximum %d bytes)", maxUserData)
	}
	v.labels(in.Labels)
	if in.Automount != nil && *in.Automount && len(in.Volumes) == 0 {
		v.add("automount", "volumes must be provided")
	}
	if in.Location != nil && in.Datacenter != nil {
		v.add("location", "only one of location and datacenter can be specified")
	}
	noDuplicates(&v, "networks", in.Networks)
	noDuplicates(&v, "volumes", in.Volumes)
	if !in.wants("ipv4") && !in.wants("ipv6") && len(in.Networks) == 0 && in.starts() {
		v.add("public_net", "a server without a public or private network cannot be started")
	}
	if err := v.err(); err != nil {
		return err
	}
	switch {
	case len(in.Networks) > maxNetworksPerServer:
		return limitExceeded("server_networks")
	case len(in.Firewalls) > maxFirewallsPerServer:
		return limitExceeded("server_firewalls")
	case len(in.Volumes) > maxVolumesPerServer:
		return limitExceeded("server_volumes")
	case !in.wants("ipv4") && !in.wants("ipv6") && len(in.Firewalls) > 0:
		return fail("private_net_only_server", "a firewall cannot be applied to a server without a public network")
	}
	return nil
}

func noDuplicates(v *fields, field string, ids []int64) {
	sorted := slices.Sorted(slices.Values(ids))
	if len(slices.Compact(sorted)) < len(ids) {
		v.add(field, "must not contain an item twice")
	}
}

// starts tells whether the server is to run: the default.
func (in *createServerRequest) starts() bool {
	return in.StartAfterCreate == nil || *in.StartAfterCreate
}

// wants tells whether the server is to have a public IP of a version.
func (in *createServerRequest) wants(version string) bool {
	p := in.PublicNet
	if p == nil {
		return true
	}
	enabled := p.EnableIPv4
	if version == "ipv6" {
		enabled = p.EnableIPv6
	}
	return enabled == nil || *enabled
}

// primary is the id of the primary IP that was given for a version, or 0.
func (in *createServerRequest) primary(version string) int64 {
	if in.PublicNet == nil {
		return 0
	}
	id := in.PublicNet.IPv4
	if version == "ipv6" {
		id = in.PublicNet.IPv6
	}
	if id == nil {
		return 0
	}
	return *id
}

func createServer(c *call) (any, error) {
	var in createServerRequest
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	if err := in.validate(); err != nil {
		return nil, err
	}
	s := &Server{Status: initializing, UserData: in.UserData}
	s.Project, s.Name, s.Labels = c.project, in.Name, in.Labels
	if err := c.placeServer(s, &in); err != nil {
		return nil, err
	}
	for _, ref := range in.SSHKeys {
		k := sshKeys.Find(c.tx, c.project, func(k *SSHKey) bool { return ref.is(k.ID, k.Name) })
		if k == nil {
			return nil, notFound("ssh_key", ref)
		}
		s.SSHKeys = append(s.SSHKeys, k.ID)
	}
	if err := uniqueName(c, servers, in.Name, 0); err != nil {
		return nil, err
	}
	if err := room(c, servers); err != nil {
		return nil, err
	}
	servers.Insert(c.tx, s)
	if in.PlacementGroup != nil && *in.PlacementGroup != 0 {
		if err := joinPlacementGroup(c.tx, s, *in.PlacementGroup); err != nil {
			return nil, err
		}
	}
	if err := c.addressServer(s, &in); err != nil {
		return nil, err
	}
	// The resources as the vendor lists them: the server and its image.
	create := c.tx.StartAction(engine.ActionSpec{Cloud: Cloud, Project: c.project, Command: "create_server",
		Params:    serverParams{Server: s.ID, Start: in.starts()},
		Resources: []engine.Ref{serverRef(s.ID), {Type: "image", ID: s.Image.ID}}, Locks: []engine.Ref{serverRef(s.ID)}})
	next, err := c.afterCreate(s, &in, create.ID)
	if err != nil {
		return nil, err
	}
	var password *string
	if len(s.SSHKeys) == 0 {
		password = ptr(newPassword(20))
	}
	return map[string]any{"server": c.viewServer(s), "action": c.viewAction(create), "next_actions": next,
		"root_password": password}, nil
}

// placeServer decides on type, image and location of a new server.
func (c *call) placeServer(s *Server, in *createServerRequest) error {
	t := c.api.cat.serverType(in.ServerType)
	if t == nil {
		return fail("invalid_input", "server type '%s' not found", in.ServerType)
	}
	img := c.imageFor(in.Image, t.Architecture)
	if img == nil {
		return fail("invalid_input", "image '%s' not found", in.Image)
	}
	switch {
	case img.Architecture != t.Architecture:
		return fail("invalid_input", "image architecture '%s' is not compatible with server type architecture '%s'", img.Architecture, t.Architecture)
	case img.Status != "available":
		return fail("resource_unavailable", "image is not available")
	case img.gone(c.tx.Now()):
		return fail("invalid_input", "image '%s' is deprecated", in.Image)
	case img.DiskSize > float64(t.Disk):
		return fail("invalid_input", "image disk is bigger than server type disk")
	}
	l, err := c.wantedLocation(in, t)
	if err != nil {
		return err
	}
	s.Type, s.Image, s.Location, s.DiskSize = t.Name, img.stamp(), l.Name, t.Disk
	if err := c.reach(l.Name); err != nil {
		return err
	}
	return c.orderable(t, l.Name)
}

// orderable refuses a type that is not sold in a location, or not now.
func (c *call) orderable(t *serverType, location string) error {
	switch _, sold := t.Monthly[location]; {
	case !sold:
		return fail("invalid_input", "unsupported location for server type")
	case t.soldOut(location, c.tx.Now()):
		return fail("invalid_input", "server type %s is deprecated", t.Name)
	case c.api.faults.Capacity(t.Name, location) != nil:
		return fail("resource_unavailable", "error during placement")
	}
	return nil
}

// wantedLocation is the location asked for; without one, that of what the
// server is to have, and else the first in which its type is sold.
func (c *call) wantedLocation(in *createServerRequest, t *serverType) (*location, error) {
	cat := c.api.cat
	switch {
	case in.Location != nil && *in.Location != "":
		if l := cat.location(*in.Location); l != nil {
			return l, nil
		}
		return nil, fail("invalid_input", "location '%s' not found", *in.Location)
	case in.Datacenter != nil && *in.Datacenter != "":
		if !c.api.opts.LegacyDatacenters {
			return nil, invalid("datacenter", "was removed, use location instead")
		}
		for _, l := range cat.locations {
			if in.Datacenter.is(l.DatacenterID, l.Datacenter) {
				return l, nil
			}
		}
		return nil, fail("invalid_input", "datacenter '%s' not found", *in.Datacenter)
	}
	for _, id := range in.Volumes {
		if v := volumes.Get(c.tx, c.project, id); v != nil {
			return cat.location(idOrName(v.Location)), nil
		}
	}
	for _, version := range []string{"ipv4", "ipv6"} {
		if p := primaryIPs.Get(c.tx, c.project, in.primary(version)); p != nil {
			return cat.location(idOrName(p.Location)), nil
		}
	}
	for _, l := range cat.locations {
		if _, sold := t.Monthly[l.Name]; sold && !t.soldOut(l.Name, c.tx.Now()) {
			return l, nil
		}
	}
	return nil, fail("resource_unavailable", "error during placement")
}

// addressServer gives a new server its public IPs.
func (c *call) addressServer(s *Server, in *createServerRequest) error {
	for _, version := range []string{"ipv4", "ipv6"} {
		id := in.primary(version)
		switch {
		case !in.wants(version):
			if id != 0 {
				return invalid("public_net."+version, "cannot be specified when %s is disabled", version)
			}
		case id == 0:
			allocatePrimaryIP(c.tx, c.project, version, s.Location, s.ID)
		default:
			p, err := lookup(c, primaryIPs, id)
			switch {
			case err != nil:
				return err
			case p.Type != version:
				return fail("primary_ip_version_mismatch", "primary IP %d is no %s address", id, version)
			case p.AssigneeID != 0:
				return fail("primary_ip_assigned", "primary IP %d is already assigned", id)
			case p.Location != s.Location:
				return fail("primary_ip_datacenter_mismatch", "primary IP %d is in a different location", id)
			}
			primaryIPs.Edit(c.tx, c.project, id).AssigneeID = s.ID
		}
	}
	return nil
}

// afterCreate starts what follows a creation: power, networks, volumes,
// firewalls. All of it waits for the creation to succeed.
func (c *call) afterCreate(s *Server, in *createServerRequest, create int64) ([]actionView, error) {
	next := []actionView{}
	follow := func(command string, p serverParams, locks []engine.Ref, refs ...engine.Ref) {
		p.Server = s.ID
		a := c.tx.StartAction(engine.ActionSpec{Cloud: Cloud, Project: c.project, Command: command, After: create, Params: p, Resources: refs, Locks: locks})
		next = append(next, c.viewAction(a))
	}
	if in.starts() {
		follow("start_server", serverParams{Status: off}, []engine.Ref{serverRef(s.ID)}, serverRef(s.ID))
	}
	zone := c.api.cat.location(idOrName(s.Location)).NetworkZone
	for _, id := range in.Networks {
		n, err := lookup(c, networks, id)
		if err != nil {
			return nil, err
		}
		if err := attachToNetwork(c.tx, s, n, zone, "", nil, ""); err != nil {
			return nil, err
		}
		follow("attach_to_network", serverParams{Network: id}, []engine.Ref{serverRef(s.ID), attachingRef(id, s.ID)}, serverRef(s.ID), networkRef(id))
	}
	for _, id := range in.Volumes {
		v, err := lookup(c, volumes, id)
		if err != nil {
			return nil, err
		}
		if err := c.unlocked("volume", id); err != nil {
			return nil, err
		}
		if err := c.attachable(v, s.Location); err != nil {
			return nil, err
		}
		next = append(next, c.viewAction(c.startAttach(id, s.ID, create)))
	}
	for _, f := range in.Firewalls {
		fw, err := lookup(c, firewalls, f.Firewall)
		if err != nil {
			return nil, err
		}
		if slices.Contains(fw.Servers, s.ID) {
			return nil, fail("server_already_added", "server was added more than once to firewall '%d'", f.Firewall)
		}
		next = append(next, c.viewAction(c.startApplyFirewall(f.Firewall, s.ID, create)))
	}
	return next, nil
}

// created is the end of a creation.
func created(_ *engine.Tx, s *Server, p serverParams) *engine.ActionError {
	s.Status = off
	if p.Start {
		s.Status = starting
	}
	return nil
}

// notCreated: the vendor does not say what becomes of a server whose creation
// failed. Here it stays, switched off, so that clients have to clean it up.
func notCreated(_ *engine.Tx, s *Server, _ serverParams) { s.Status = off }
