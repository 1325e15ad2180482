package hetzner

import (
	"crypto/rand"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// rescueTime is how long the rescue system stays enabled when nobody boots it:
// the vendor's 60 minutes.
const rescueTime = time.Hour

// rescued tells whether the next boot is into the rescue system.
func (s *Server) rescued(tx *engine.Tx) bool { return s.Rescue && tx.Now().Before(s.RescueUntil) }

// boot is what happens when a server begins to run.
func (s *Server) boot(tx *engine.Tx) {
	s.Status, s.Started, s.Rescue = running, tx.Now(), false
}

func powerOn(c *call) (any, error) {
	s, err := c.freeServer()
	if err != nil {
		return nil, err
	}
	if s.Status == running {
		return c.actionAnswer(c.instant("start_server", serverParams{Server: s.ID, Status: running}, serverRef(s.ID)))
	}
	if err := c.bootable(s); err != nil {
		return nil, err
	}
	was := s.Status
	s.Status = starting
	return c.actionAnswer(c.start("start_server", serverParams{Server: s.ID, Status: was}, serverRef(s.ID)))
}

// bootable refuses to start a server that has no network interface at all.
func (c *call) bootable(s *Server) error {
	if len(s.PrivateNets) == 0 && primaryIPOf(c.tx, c.project, s.ID, "ipv4") == nil && primaryIPOf(c.tx, c.project, s.ID, "ipv6") == nil {
		return fail("invalid_input", "a server without a public or private network cannot be started")
	}
	return nil
}

func powerOff(c *call) (any, error) {
	s, err := c.freeServer()
	if err != nil {
		return nil, err
	}
	was := s.Status
	if s.Status == running {
		s.Status = stopping
	}
	return c.actionAnswer(c.start("stop_server", serverParams{Server: s.ID, Status: was}, serverRef(s.ID)))
}

// guestShutdown is the guest's own way down after the shutdown action is over,
// which only says that the signal was sent. It belongs to no project, so that
// no client sees it.
const guestShutdown = "guest_shutdown"

// guestPowerOff is the same of a guest that switches itself off.
const guestPowerOff = "guest_power_off"

func shutDown(c *call) (any, error) {
	s, err := c.freeServer()
	if err != nil {
		return nil, err
	}
	a := c.start("shutdown_server", serverParams{Server: s.ID}, serverRef(s.ID))
	if s.Status == running {
		c.tx.StartAction(engine.ActionSpec{Cloud: Cloud, Command: guestShutdown, After: a.ID,
			Params: guestParams{Server: s.ID, Project: c.project, Started: s.Started}})
	}
	return c.actionAnswer(a)
}

type guestParams struct {
	Server  int64     `json:"server"`
	Project string    `json:"project"`
	Started time.Time `json:"started"` // of the run that is to end, not of a later one
}

func guestIsDown(tx *engine.Tx, a *engine.Action) *engine.ActionError {
	var p guestParams
	if err := a.Decode(&p); err != nil {
		return actionFailed("%s", err)
	}
	s := servers.Get(tx, p.Project, p.Server)
	if s != nil && s.Status == running && s.Started.Equal(p.Started) {
		e := servers.Edit(tx, p.Project, p.Server)
		e.Status, e.Asked = off, true
	}
	return nil
}

// bootGuest lets a machine whose user data ends in switching it off, which
// cloud-init runs at the first boot, do so in its time.
func bootGuest(tx *engine.Tx, s *Server) {
	if tx.GuestPowersOff(s.UserData) {
		tx.StartAction(engine.ActionSpec{Cloud: Cloud, Command: guestPowerOff,
			Params: guestParams{Server: s.ID, Project: s.Project, Started: s.Started}})
	}
}

func reboot(c *call) (any, error) {
	s, err := c.freeServer()
	if err != nil {
		return nil, err
	}
	if s.Status != running {
		return nil, fail("service_error", "server is not running")
	}
	return c.actionAnswer(c.start("reboot_server", serverParams{Server: s.ID, Status: s.Status}, serverRef(s.ID)))
}

func resetServer(c *call) (any, error) {
	s, err := c.freeServer()
	if err != nil {
		return nil, err
	}
	if err := c.bootable(s); err != nil {
		return nil, err
	}
	return c.actionAnswer(c.start("reset_server", serverParams{Server: s.ID, Status: s.Status}, serverRef(s.ID)))
}

func resetPassword(c *call) (any, error) {
	s, err := c.freeServer()
	if err != nil {
		return nil, err
	}
	if s.Status != running {
		return nil, fail("service_error", "server is not running")
	}
	a := c.start("reset_password", serverParams{Server: s.ID}, serverRef(s.ID))
	return map[string]any{"root_password": newPassword(20), "action": c.viewAction(a)}, nil
}

func enableRescue(c *call) (any, error) {
	s, err := c.freeServer()
	if err != nil {
		return nil, err
	}
	var in struct {
		Type    *string `json:"type"`
		SSHKeys []int64 `json:"ssh_keys"`
	}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	if in.Type != nil && *in.Type != "linux64" {
		return nil, invalid("type", "must be one of: linux64")
	}
	for _, id := range in.SSHKeys {
		if _, err := lookup(c, sshKeys, id); err != nil {
			return nil, err
		}
	}
	if s.rescued(c.tx) {
		return nil, fail("service_error", "rescue system is already enabled")
	}
	a := c.start("enable_rescue", serverParams{Server: s.ID}, serverRef(s.ID))
	return map[string]any{"root_password": newPassword(12), "action": c.viewAction(a)}, nil
}

func disableRescue(c *call) (any, error) {
	s, err := c.freeServer()
	if err != nil {
		return nil, err
	}
	return c.actionAnswer(c.start("disable_rescue", serverParams{Server: s.ID}, serverRef(s.ID)))
}

func requestConsole(c *call) (any, error) {
	s, err := c.server()
	if err != nil {
		return nil, err
	}
	a := c.instant("request_console", nil, serverRef(s.ID))
	return map[string]any{"wss_url": "wss://console.hetzner.cloud/?server_id=" + idText(s.ID) + "&token=" + newPassword(32),
		"password": newPassword(32), "action": c.viewAction(a)}, nil
}

// newPassword makes a random password of letters and digits.
func newPassword(length int) string {
	const alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0123456789"
	b := make([]byte, length)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	for i := range b {
		b[i] = alphabet[int(b[i])%len(alphabet)]
	}
	return string(b)
}

func powerCompletions() map[string]engine.Completion {
	runs := func(asked bool) func(tx *engine.Tx, s *Server, _ serverParams) *engine.ActionError {
		return func(tx *engine.Tx, s *Server, _ serverParams) *engine.ActionError {
			first := s.Started.IsZero()
			s.boot(tx)
			s.Asked = asked
			if first {
				bootGuest(tx, s)
			}
			return nil
		}
	}
	return map[string]engine.Completion{
		"start_server":  onServer(runs(false), goBack),
		"reset_server":  onServer(runs(false), goBack),
		"reboot_server": onServer(runs(true), goBack),
		"stop_server": onServer(func(_ *engine.Tx, s *Server, _ serverParams) *engine.ActionError {
			s.Status, s.Asked = off, false
			return nil
		}, goBack),
		guestShutdown: {OK: guestIsDown},
		guestPowerOff: {OK: guestIsDown},
		"enable_rescue": onServer(func(tx *engine.Tx, s *Server, _ serverParams) *engine.ActionError {
			s.Rescue, s.RescueUntil = true, tx.Now().Add(rescueTime)
			return nil
		}, nil),
		"disable_rescue": onServer(func(_ *engine.Tx, s *Server, _ serverParams) *engine.ActionError {
			s.Rescue = false
			return nil
		}, nil),
	}
}
