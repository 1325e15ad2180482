package google

import "github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"

// guestPowerOff is the command by which a guest that switches itself off is an
// action. It belongs to no project, so that no client sees it. A fault of kind
// FaultActionStuck for it is a guest that never gets there.
const guestPowerOff = "instances.guestPowerOff"

type guestParams struct {
	Instance int64  `json:"instance"`
	Project  string `json:"project"`
	Boots    int    `json:"boots"` // of the run that is to end, not of a later one
}

// bootGuest lets a machine whose first boot ends in switching it off do so in
// its time. A startup script is the vendor's way, and runs at each boot; user
// data is cloud-init's, which runs it at the first.
func bootGuest(tx *engine.Tx, i *Instance) {
	startup, _ := i.Metadata.get("startup-script")
	data, _ := i.Metadata.get("user-data")
	if tx.GuestPowersOff(startup) || i.Boots == 1 && tx.GuestPowersOff(data) {
		tx.StartAction(engine.ActionSpec{Cloud: Cloud, Command: guestPowerOff,
			Params: guestParams{Instance: i.ID, Project: i.Project, Boots: i.Boots}})
	}
}

// guestIsOff ends the run of a machine that switched itself off.
var guestIsOff = engine.Completion{OK: func(tx *engine.Tx, a *engine.Action) *engine.ActionError {
	p, failed := decoded[guestParams](a)
	if failed != nil {
		return failed
	}
	if i := instances.kind.Get(tx, p.Project, p.Instance); i != nil && i.Status == vmRunning && i.Boots == p.Boots {
		return wasStopped(tx, instances.kind.Edit(tx, p.Project, p.Instance), powered{})
	}
	return nil
}}
