package hetzner

import (
	"fmt"
	"math"
	"net/http"
	"slices"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// The vendor's documented bounds of a volume, and of volumes a server
// (https://docs.hetzner.com/cloud/volumes/overview).
const (
	minVolumeGB         = 10
	maxVolumeGB         = 10240
	maxVolumesPerServer = 16
)

type volumeView struct {
	ID          int64             `json:"id"`
	Created     timestamp         `json:"created"`
	Name        string            `json:"name"`
	Server      *int64            `json:"server"`
	Location    locationView      `json:"location"`
	Size        int               `json:"size"`
	LinuxDevice string            `json:"linux_device"`
	Protection  protectionView    `json:"protection"`
	Labels      map[string]string `json:"labels"`
	Status      string            `json:"status"`
	Format      *string           `json:"format"`
}

func (c *call) viewVolume(v *Volume) volumeView {
	return volumeView{ID: v.ID, Created: timestamp(v.Created), Name: v.Name, Server: orNull(v.Server),
		Location: c.locationNamed(v.Location), Size: v.Size, LinuxDevice: fmt.Sprintf("/dev/disk/by-id/scsi-0HC_Volume_%d", v.ID),
		Protection: protectionView{Delete: v.Protected}, Labels: labelsOf(v.Labels), Status: v.Status, Format: orNull(v.Format)}
}

func (a *API) volumeRoutes() []*route {
	return append([]*route{
		{method: http.MethodGet, path: "/volumes", do: listVolumes},
		{method: http.MethodPost, path: "/volumes", do: createVolume},
		{method: http.MethodGet, path: "/volumes/{id}", do: getVolume},
		{method: http.MethodPut, path: "/volumes/{id}", do: updateVolume},
		{method: http.MethodDelete, path: "/volumes/{id}", do: deleteVolume},
		{method: http.MethodPost, path: "/volumes/{id}/actions/attach", do: attachVolume},
		{method: http.MethodPost, path: "/volumes/{id}/actions/detach", do: detachVolume},
		{method: http.MethodPost, path: "/volumes/{id}/actions/resize", do: resizeVolume},
		{method: http.MethodPost, path: "/volumes/{id}/actions/change_protection", do: protectVolume},
	}, resourceActionRoutes("volumes", volumes)...)
}

func listVolumes(c *call) (any, error) {
	status, err := c.allowed("status", "available", "creating")
	if err != nil {
		return nil, err
	}
	rows, err := filtered(c, volumes.All(c.tx, c.project))
	if err != nil {
		return nil, err
	}
	if len(status) > 0 {
		rows = slices.DeleteFunc(slices.Clone(rows), func(v *Volume) bool { return !slices.Contains(status, v.Status) })
	}
	return page(c, "volumes", rows, recordOrders[Volume]("id", "name", "created"), c.viewVolume)
}

// volume is the volume in the path, in a location that can be reached.
func (c *call) volume() (*Volume, error) {
	v, err := mustGet(c, volumes)
	if err != nil {
		return nil, err
	}
	return v, c.reach(v.Location)
}

func getVolume(c *call) (any, error) {
	v, err := c.volume()
	if err != nil {
		return nil, err
	}
	return map[string]any{"volume": c.viewVolume(v)}, nil
}

type volumeParams struct {
	Volume int64 `json:"volume"`
	Server int64 `json:"server,omitempty"`
	Size   int   `json:"size,omitempty"`
}

func createVolume(c *call) (any, error) {
	var in struct {
		Size      *float64          `json:"size"`
		Name      string            `json:"name"`
		Labels    map[string]string `json:"labels"`
		Automount *bool             `json:"automount"`
		Format    *string           `json:"format"`
		Location  *idOrName         `json:"location"`
		Server    *int64            `json:"server"`
	}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	var v fields
	if !volumeName.MatchString(in.Name) {
		v.add("name", "is not a valid volume name")
	}
	switch {
	case in.Size == nil:
		v.add("size", "missing data for required field")
	case *in.Size != math.Trunc(*in.Size):
		v.add("size", "must be an integer")
	case *in.Size < minVolumeGB || *in.Size > maxVolumeGB:
		v.add("size", "must be between %d and %d", minVolumeGB, maxVolumeGB)
	}
	if in.Format != nil && *in.Format != "ext4" && *in.Format != "xfs" {
		v.add("format", "must be one of: ext4, xfs")
	}
	switch {
	case in.Server == nil && in.Location == nil:
		v.add("location", "location or server must be specified")
	case in.Server != nil && in.Location != nil:
		v.add("location", "only one of location and server can be specified")
	}
	if in.Automount != nil && *in.Automount && in.Server == nil {
		v.add("automount", "server must be provided")
	}
	v.labels(in.Labels)
	if err := v.err(); err != nil {
		return nil, err
	}
	vol := &Volume{Size: int(*in.Size), Status: "creating"}
	vol.Project, vol.Name, vol.Labels = c.project, in.Name, in.Labels
	if in.Format != nil {
		vol.Format = *in.Format
	}
	if err := c.placeVolume(vol, in.Location, in.Server); err != nil {
		return nil, err
	}
	if err := uniqueName(c, volumes, in.Name, 0); err != nil {
		return nil, err
	}
	if err := room(c, volumes); err != nil {
		return nil, err
	}
	volumes.Insert(c.tx, vol)
	create := c.start("create_volume", volumeParams{Volume: vol.ID}, volumeRef(vol.ID))
	next := []actionView{}
	if in.Server != nil {
		next = append(next, c.viewAction(c.startAttach(vol.ID, *in.Server, create.ID)))
	}
	return map[string]any{"volume": c.viewVolume(vol), "action": c.viewAction(create), "next_actions": next}, nil
}

// placeVolume decides on a new volume's location, by the one asked for or by
// the server that it is for.
func (c *call) placeVolume(vol *Volume, where *idOrName, server *int64) error {
	if server != nil {
		s, err := lookup(c, servers, *server)
		if err != nil {
			return err
		}
		vol.Location = s.Location
		if err := c.reach(vol.Location); err != nil {
			return err
		}
		if err := c.unlocked("server", s.ID); err != nil {
			return err
		}
		return c.roomForVolumes(s.ID, 1)
	}
	l := c.api.cat.location(*where)
	if l == nil {
		return fail("invalid_input", "location '%s' not found", *where)
	}
	vol.Location = l.Name
	return c.reach(l.Name)
}

func (c *call) roomForVolumes(server int64, more int) error {
	if len(volumesOf(c.tx, c.project, server))+more > maxVolumesPerServer {
		return limitExceeded("server_volumes")
	}
	return nil
}

// startAttach begins to attach a volume, after another action if there is one.
func (c *call) startAttach(volume, server, after int64) *engine.Action {
	refs := []engine.Ref{serverRef(server), volumeRef(volume)}
	return c.tx.StartAction(engine.ActionSpec{Cloud: Cloud, Project: c.project, Command: "attach_volume", After: after,
		Params: volumeParams{Volume: volume, Server: server}, Resources: refs, Locks: refs})
}

func updateVolume(c *call) (any, error) {
	if _, err := c.volume(); err != nil {
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
	if in.Name != nil && !volumeName.MatchString(*in.Name) {
		v.add("name", "is not a valid volume name")
	}
	if in.Labels != nil {
		v.labels(*in.Labels)
	}
	if err := v.err(); err != nil {
		return nil, err
	}
	vol := volumes.Edit(c.tx, c.project, c.id())
	if in.Name != nil {
		if err := uniqueName(c, volumes, *in.Name, vol.ID); err != nil {
			return nil, err
		}
		vol.Name = *in.Name
	}
	if in.Labels != nil {
		vol.Labels = *in.Labels
	}
	return map[string]any{"volume": c.viewVolume(vol)}, nil
}

func deleteVolume(c *call) (any, error) {
	v, err := c.volume()
	switch {
	case err != nil:
		return nil, err
	case v.Protected:
		return nil, fail("protected", "volume deletion is protected")
	}
	if err := c.unlocked("volume", v.ID); err != nil {
		return nil, err
	}
	if v.Server != 0 {
		return nil, fail("service_error", "volume with ID '%d' is still attached to a server", v.ID)
	}
	volumes.Delete(c.tx, v.ID)
	return nil, nil
}

func attachVolume(c *call) (any, error) {
	v, err := c.volume()
	if err != nil {
		return nil, err
	}
	var in struct {
		Server    *int64 `json:"server"`
		Automount *bool  `json:"automount"`
	}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	if in.Server == nil {
		return nil, invalid("server", "missing data for required field")
	}
	s, err := lookup(c, servers, *in.Server)
	if err != nil {
		return nil, err
	}
	if err := c.unlocked("volume", v.ID); err != nil {
		return nil, err
	}
	if err := c.unlocked("server", s.ID); err != nil {
		return nil, err
	}
	if err := c.attachable(v, s.Location); err != nil {
		return nil, err
	}
	if err := c.roomForVolumes(s.ID, 1); err != nil {
		return nil, err
	}
	return c.actionAnswer(c.startAttach(v.ID, s.ID, 0))
}

// attachable refuses a volume that is attached already or stands elsewhere.
func (c *call) attachable(v *Volume, location string) error {
	switch {
	case v.Server != 0:
		return fail("volume_already_attached", "volume is already attached to a server, detach first")
	case v.Location != location:
		return fail("invalid_input", "volume and server must be in the same location")
	}
	return nil
}

func detachVolume(c *call) (any, error) {
	v, err := c.volume()
	if err != nil {
		return nil, err
	}
	if err := c.unlocked("volume", v.ID); err != nil {
		return nil, err
	}
	if v.Server == 0 {
		return nil, fail("service_error", "volume with ID '%d' is not attached to a server", v.ID)
	}
	if err := c.unlocked("server", v.Server); err != nil {
		return nil, err
	}
	return c.actionAnswer(c.start("detach_volume", volumeParams{Volume: v.ID}, serverRef(v.Server), volumeRef(v.ID)))
}

func resizeVolume(c *call) (any, error) {
	v, err := c.volume()
	if err != nil {
		return nil, err
	}
	var in struct {
		Size *float64 `json:"size"`
	}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	switch {
	case in.Size == nil:
		return nil, invalid("size", "missing data for required field")
	case *in.Size != math.Trunc(*in.Size) || *in.Size > maxVolumeGB:
		return nil, invalid("size", "must be an integer between %d and %d", minVolumeGB, maxVolumeGB)
	case int(*in.Size) <= v.Size:
		return nil, invalid("size", "must be greater than the current size")
	}
	if err := c.unlocked("volume", v.ID); err != nil {
		return nil, err
	}
	return c.actionAnswer(c.start("resize_volume", volumeParams{Volume: v.ID, Size: int(*in.Size)}, volumeRef(v.ID)))
}

func protectVolume(c *call) (any, error) {
	if _, err := c.volume(); err != nil {
		return nil, err
	}
	var in struct {
		Delete *bool `json:"delete"`
	}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	v := volumes.Edit(c.tx, c.project, c.id())
	if in.Delete != nil {
		v.Protected = *in.Delete
	}
	return c.actionAnswer(c.instant("change_protection", nil, volumeRef(v.ID)))
}

func volumeCompletions() map[string]engine.Completion {
	change := func(f func(*Volume, volumeParams)) engine.Completion {
		return engine.Completion{OK: func(tx *engine.Tx, a *engine.Action) *engine.ActionError {
			var p volumeParams
			if err := a.Decode(&p); err != nil {
				return actionFailed("%s", err)
			}
			v := volumes.Edit(tx, a.Project, p.Volume)
			if v == nil {
				return actionFailed("volume %d does not exist anymore", p.Volume)
			}
			f(v, p)
			return nil
		}}
	}
	return map[string]engine.Completion{
		// A volume whose creation fails stays, in creation; it can be deleted.
		"create_volume": change(func(v *Volume, _ volumeParams) { v.Status = "available" }),
		"attach_volume": change(func(v *Volume, p volumeParams) { v.Server = p.Server }),
		"detach_volume": change(func(v *Volume, _ volumeParams) { v.Server = 0 }),
		"resize_volume": change(func(v *Volume, p volumeParams) { v.Size = p.Size }),
	}
}

// actionFailed is the vendor's error of an action that failed at its end.
func actionFailed(format string, args ...any) *engine.ActionError {
	return &engine.ActionError{Code: "action_failed", Message: fmt.Sprintf(format, args...)}
}
