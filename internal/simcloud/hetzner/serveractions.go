package hetzner

import (
	"fmt"
	"strconv"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// maxBackups is how many backups the vendor keeps of a server.
const maxBackups = 7

func idText(id int64) string { return strconv.FormatInt(id, 10) }

func rebuildServer(c *call) (any, error) {
	if s, err := c.server(); err != nil {
		return nil, err
	} else if s.ProtectRebuild {
		return nil, fail("protected", "server rebuild is protected")
	}
	s, err := c.freeServer()
	if err != nil {
		return nil, err
	}
	var in struct {
		Image    idOrName `json:"image"`
		UserData *string  `json:"user_data"`
	}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	if in.Image == "" {
		return nil, invalid("image", "missing data for required field")
	}
	if in.UserData != nil && len(*in.UserData) > maxUserData {
		return nil, invalid("user_data", "is too long (maximum %d bytes)", maxUserData)
	}
	arch := c.api.cat.serverType(idOrName(s.Type)).Architecture
	img := c.imageFor(in.Image, arch)
	switch {
	case img == nil:
		return nil, fail("invalid_input", "image '%s' not found", in.Image)
	case img.Architecture != arch:
		return nil, fail("invalid_input", "image architecture '%s' is not compatible with server type architecture '%s'", img.Architecture, arch)
	case img.Status != "available":
		return nil, fail("resource_unavailable", "image is not available")
	case img.DiskSize > float64(s.DiskSize):
		return nil, fail("invalid_input", "image disk is bigger than server disk")
	}
	was := s.Status
	s.Status = rebuilding
	if in.UserData != nil {
		s.UserData = *in.UserData
	}
	a := c.tx.StartAction(engine.ActionSpec{Cloud: Cloud, Project: c.project, Command: "rebuild_server",
		Params:    serverParams{Server: s.ID, Status: was, Image: img.stamp()},
		Resources: []engine.Ref{serverRef(s.ID), {Type: "image", ID: img.ID}}, Locks: []engine.Ref{serverRef(s.ID)}})
	var password *string
	if len(s.SSHKeys) == 0 {
		password = ptr(newPassword(20))
	}
	return map[string]any{"root_password": password, "action": c.viewAction(a)}, nil
}

func changeType(c *call) (any, error) {
	s, err := c.freeServer()
	if err != nil {
		return nil, err
	}
	var in struct {
		UpgradeDisk *bool    `json:"upgrade_disk"`
		ServerType  idOrName `json:"server_type"`
	}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	var v fields
	if in.ServerType == "" {
		v.add("server_type", "missing data for required field")
	}
	if in.UpgradeDisk == nil {
		v.add("upgrade_disk", "missing data for required field")
	}
	if err := v.err(); err != nil {
		return nil, err
	}
	now, want := c.api.cat.serverType(idOrName(s.Type)), c.api.cat.serverType(in.ServerType)
	switch {
	case want == nil:
		return nil, fail("invalid_input", "server type '%s' not found", in.ServerType)
	case s.Status != off:
		return nil, fail("server_not_stopped", "server must be stopped")
	case want.Name == now.Name:
		return nil, fail("invalid_server_type", "server is already of type %s", want.Name)
	case want.Architecture != now.Architecture:
		return nil, fail("invalid_server_type", "server type architecture must not change")
	case want.Disk < s.DiskSize:
		return nil, fail("invalid_server_type", "server type disk is smaller than the disk of the server")
	}
	if err := c.orderable(want, s.Location); err != nil {
		return nil, err
	}
	disk := s.DiskSize
	if *in.UpgradeDisk {
		disk = want.Disk
	}
	s.Status = migrating
	return c.actionAnswer(c.start("change_server_type", serverParams{Server: s.ID, Status: off, Type: want.Name, Disk: disk}, serverRef(s.ID)))
}

func createImage(c *call) (any, error) {
	s, err := c.freeServer()
	if err != nil {
		return nil, err
	}
	in := struct {
		Description string            `json:"description"`
		Type        string            `json:"type"`
		Labels      map[string]string `json:"labels"`
	}{Type: "snapshot"}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	var v fields
	if in.Type != "snapshot" && in.Type != "backup" {
		v.add("type", "must be one of: snapshot, backup")
	}
	v.labels(in.Labels)
	if err := v.err(); err != nil {
		return nil, err
	}
	if in.Type == "backup" && s.BackupWindow == "" {
		return nil, fail("invalid_input", "backups are not enabled for the server")
	}
	if err := room(c, images); err != nil {
		return nil, err
	}
	img := &Image{Type: in.Type, Status: "creating", Description: in.Description, DiskSize: float64(s.DiskSize),
		FromID: s.ID, FromName: s.Name, Architecture: c.api.cat.serverType(idOrName(s.Type)).Architecture, OSFlavor: "unknown"}
	img.Project, img.Labels = c.project, in.Labels
	if s.Image != nil {
		img.OSFlavor, img.OSVersion = s.Image.OSFlavor, s.Image.OSVersion
	}
	if in.Type == "backup" {
		img.BoundTo = s.ID
		c.rotateBackups(s)
	}
	if img.Description == "" {
		img.Description = fmt.Sprintf("%s %s", in.Type, c.tx.Now().UTC().Format(time.DateTime))
	}
	images.Insert(c.tx, img)
	refs := []engine.Ref{serverRef(s.ID), {Type: "image", ID: img.ID}}
	a := c.start("create_image", serverParams{Server: s.ID, NewID: img.ID}, refs...)
	return map[string]any{"image": viewImage(img), "action": c.viewAction(a)}, nil
}

// rotateBackups makes room for one more backup of a server.
func (c *call) rotateBackups(s *Server) {
	if mine := backupsOf(c.tx, s); len(mine) >= maxBackups {
		images.Delete(c.tx, mine[0].ID)
	}
}

// backupsOf are the backups of a server, the oldest first.
func backupsOf(tx *engine.Tx, s *Server) (out []*Image) {
	for _, i := range images.All(tx, s.Project) {
		if i.BoundTo == s.ID {
			out = append(out, i)
		}
	}
	return out
}

func removeBackups(tx *engine.Tx, s *Server) {
	for _, i := range backupsOf(tx, s) {
		images.Delete(tx, i.ID)
	}
}

func enableBackup(c *call) (any, error) {
	s, err := c.freeServer()
	if err != nil {
		return nil, err
	}
	return c.actionAnswer(c.start("enable_backup", serverParams{Server: s.ID}, serverRef(s.ID)))
}

func disableBackup(c *call) (any, error) {
	s, err := c.freeServer()
	if err != nil {
		return nil, err
	}
	return c.actionAnswer(c.start("disable_backup", serverParams{Server: s.ID}, serverRef(s.ID)))
}

func attachISO(c *call) (any, error) {
	s, err := c.freeServer()
	if err != nil {
		return nil, err
	}
	var in struct {
		ISO idOrName `json:"iso"`
	}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	if in.ISO == "" {
		return nil, invalid("iso", "missing data for required field")
	}
	i := c.api.cat.iso(in.ISO)
	arch := c.api.cat.serverType(idOrName(s.Type)).Architecture
	switch {
	case i == nil:
		return nil, fail("invalid_input", "iso '%s' not found", in.ISO)
	case i.Architecture != nil && *i.Architecture != arch:
		return nil, fail("invalid_input", "iso architecture is not compatible with server type architecture")
	case i.Deprecation != nil && !c.tx.Now().Before(i.Deprecation.UnavailableAfter):
		return nil, fail("invalid_input", "iso '%s' is deprecated", in.ISO)
	}
	return c.actionAnswer(c.start("attach_iso", serverParams{Server: s.ID, ISO: i.ID}, serverRef(s.ID)))
}

func detachISO(c *call) (any, error) {
	s, err := c.freeServer()
	if err != nil {
		return nil, err
	}
	p := serverParams{Server: s.ID}
	if s.ISO == 0 {
		return c.actionAnswer(c.instant("detach_iso", p, serverRef(s.ID)))
	}
	return c.actionAnswer(c.start("detach_iso", p, serverRef(s.ID)))
}

func protectServer(c *call) (any, error) {
	s, err := c.server()
	if err != nil {
		return nil, err
	}
	var in struct {
		Delete  *bool `json:"delete"`
		Rebuild *bool `json:"rebuild"`
	}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	s = servers.Edit(c.tx, c.project, s.ID)
	if in.Delete != nil {
		s.ProtectDelete = *in.Delete
	}
	if in.Rebuild != nil {
		s.ProtectRebuild = *in.Rebuild
	}
	if s.ProtectDelete != s.ProtectRebuild {
		return nil, fail("invalid_input", "delete and rebuild must have the same value")
	}
	return c.actionAnswer(c.instant("change_protection", nil, serverRef(s.ID)))
}

func serverCompletions() map[string]engine.Completion {
	return map[string]engine.Completion{
		"create_server": onServer(created, notCreated),
		"delete_server": onServer(removeServer, goBack),
		"rebuild_server": onServer(func(tx *engine.Tx, s *Server, p serverParams) *engine.ActionError {
			s.Image = p.Image
			s.boot(tx)
			return nil
		}, goBack),
		// The vendor starts a server whose type was changed.
		"change_server_type": onServer(func(tx *engine.Tx, s *Server, p serverParams) *engine.ActionError {
			s.Type, s.DiskSize = p.Type, p.Disk
			s.boot(tx)
			return nil
		}, goBack),
		"create_image": onServer(func(tx *engine.Tx, s *Server, p serverParams) *engine.ActionError {
			i := images.Edit(tx, s.Project, p.NewID)
			if i == nil {
				return actionFailed("image %d does not exist anymore", p.NewID)
			}
			// A third of the disk is a plausible size of the stored image.
			i.Status, i.ImageSize = "available", ptr(i.DiskSize/3)
			return nil
		}, func(tx *engine.Tx, _ *Server, p serverParams) { images.Delete(tx, p.NewID) }),
		"enable_backup": onServer(func(_ *engine.Tx, s *Server, _ serverParams) *engine.ActionError {
			s.BackupWindow = "22-02"
			return nil
		}, nil),
		"disable_backup": onServer(func(tx *engine.Tx, s *Server, _ serverParams) *engine.ActionError {
			s.BackupWindow = ""
			removeBackups(tx, s)
			return nil
		}, nil),
		"attach_iso": onServer(func(_ *engine.Tx, s *Server, p serverParams) *engine.ActionError {
			s.ISO = p.ISO
			return nil
		}, nil),
		"detach_iso": onServer(func(_ *engine.Tx, s *Server, _ serverParams) *engine.ActionError {
			s.ISO = 0
			return nil
		}, nil),
	}
}
