package hetzner

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

type (
	applyFirewall  struct{ Firewall int64 }
	removeFirewall struct{ Firewall int64 }
	detachNetwork  struct{ Network int64 }
	attachNetwork  struct {
		Network int64
		// IP is invalid if the vendor shall choose.
		IP netip.Addr
	}
	detachVolume struct{ Volume int64 }
	attachVolume struct{ Volume int64 }
	changeType   struct {
		Type string
		// GrowDisk makes the change final: a larger disk cannot shrink again.
		GrowDisk bool
	}
	leavePlacementGroup struct{}
	joinPlacementGroup  struct{ Group int64 }
	stop                struct{}
	start               struct{}
)

func (s applyFirewall) String() string  { return fmt.Sprintf("apply firewall %d to VM", s.Firewall) }
func (s removeFirewall) String() string { return fmt.Sprintf("remove firewall %d from VM", s.Firewall) }
func (s detachNetwork) String() string  { return fmt.Sprintf("detach network %d from VM", s.Network) }
func (s attachNetwork) String() string {
	if s.IP.IsValid() {
		return fmt.Sprintf("attach network %d with the address %s to VM", s.Network, s.IP)
	}
	return fmt.Sprintf("attach network %d to VM", s.Network)
}
func (s detachVolume) String() string      { return fmt.Sprintf("detach volume %d from VM", s.Volume) }
func (s attachVolume) String() string      { return fmt.Sprintf("attach volume %d to VM", s.Volume) }
func (s changeType) String() string        { return "change the server type to " + s.Type + " of VM" }
func (leavePlacementGroup) String() string { return "take out of its placement group VM" }
func (s joinPlacementGroup) String() string {
	return fmt.Sprintf("put into placement group %d VM", s.Group)
}
func (stop) String() string  { return "stop VM" }
func (start) String() string { return "start VM" }

func onServer(id int64) []hcloud.FirewallResource {
	return []hcloud.FirewallResource{{Type: hcloud.FirewallResourceTypeServer, Server: &hcloud.FirewallResourceServer{ID: id}}}
}

func (s applyFirewall) run(ctx context.Context, d *Driver, id int64) ([]*hcloud.Action, error) {
	return many(d.client.Firewall.ApplyResources(ctx, &hcloud.Firewall{ID: s.Firewall}, onServer(id)))
}

func (s removeFirewall) run(ctx context.Context, d *Driver, id int64) ([]*hcloud.Action, error) {
	return many(d.client.Firewall.RemoveResources(ctx, &hcloud.Firewall{ID: s.Firewall}, onServer(id)))
}

func (s detachNetwork) run(ctx context.Context, d *Driver, id int64) ([]*hcloud.Action, error) {
	return one(d.client.Server.DetachFromNetwork(ctx, &hcloud.Server{ID: id}, hcloud.ServerDetachFromNetworkOpts{Network: &hcloud.Network{ID: s.Network}}))
}

func (s attachNetwork) run(ctx context.Context, d *Driver, id int64) ([]*hcloud.Action, error) {
	options := hcloud.ServerAttachToNetworkOpts{Network: &hcloud.Network{ID: s.Network}}
	if s.IP.IsValid() {
		options.IP = s.IP.AsSlice()
	}
	return one(d.client.Server.AttachToNetwork(ctx, &hcloud.Server{ID: id}, options))
}

func (s detachVolume) run(ctx context.Context, d *Driver, _ int64) ([]*hcloud.Action, error) {
	return one(d.client.Volume.Detach(ctx, &hcloud.Volume{ID: s.Volume}))
}

// run waits for a while when another VM still holds the volume: in the same
// plan that VM may be about to let it go. It never takes the volume away from
// a machine that may have it mounted.
func (s attachVolume) run(ctx context.Context, d *Driver, id int64) ([]*hcloud.Action, error) {
	automount := false
	var (
		actions []*hcloud.Action
		holder  int64
	)
	taken := func(err error) bool { return hcloud.IsError(err, hcloud.ErrorCodeVolumeAlreadyAttached) }
	err := d.retry(ctx, patience, taken, func() error {
		var err error
		actions, err = one(d.client.Volume.AttachWithOpts(ctx, &hcloud.Volume{ID: s.Volume},
			hcloud.VolumeAttachOpts{Server: &hcloud.Server{ID: id}, Automount: &automount}))
		if err == nil || !taken(err) {
			return err
		}
		volume, resp, lookErr := d.client.Volume.GetByID(ctx, s.Volume)
		switch {
		case lookErr != nil:
			return answered(resp, lookErr)
		case volume != nil && volume.Server != nil && volume.Server.ID == id:
			// An earlier attempt, whose answer was lost, did it.
			actions = nil
			return nil
		case volume != nil && volume.Server != nil:
			holder = volume.Server.ID
		}
		return err
	})
	if taken(err) && holder != 0 && ctx.Err() == nil {
		return nil, &cloud.Error{Code: cloud.CodeInUse, Cloud: Name, Field: "volume_ids", VendorCode: string(hcloud.ErrorCodeVolumeAlreadyAttached), Err: err,
			Message: fmt.Sprintf("VM %d holds volume %d", holder, s.Volume),
			Remedy:  "Take the volume out of the other VM's volume_ids and apply again."}
	}
	return actions, err
}

func (s changeType) run(ctx context.Context, d *Driver, id int64) ([]*hcloud.Action, error) {
	return one(d.client.Server.ChangeType(ctx, &hcloud.Server{ID: id},
		hcloud.ServerChangeTypeOpts{ServerType: &hcloud.ServerType{Name: s.Type}, UpgradeDisk: s.GrowDisk}))
}

// lookAfterwards: the new type's CPUs and memory are to be read, and the
// vendor may have started the VM by itself.
func (changeType) lookAfterwards() bool { return true }

func (leavePlacementGroup) run(ctx context.Context, d *Driver, id int64) ([]*hcloud.Action, error) {
	return one(d.client.Server.RemoveFromPlacementGroup(ctx, &hcloud.Server{ID: id}))
}

func (s joinPlacementGroup) run(ctx context.Context, d *Driver, id int64) ([]*hcloud.Action, error) {
	return one(d.client.Server.AddToPlacementGroup(ctx, &hcloud.Server{ID: id}, &hcloud.PlacementGroup{ID: s.Group}))
}

func (start) run(ctx context.Context, d *Driver, id int64) ([]*hcloud.Action, error) {
	return one(d.client.Server.Poweron(ctx, &hcloud.Server{ID: id}))
}

// shutdownLooks are the pauses between looks at a VM that is shutting down;
// the last one is repeated.
func shutdownLooks(look int) time.Duration {
	pauses := []time.Duration{3 * time.Second, 4 * time.Second, 8 * time.Second, 15 * time.Second}
	return pauses[min(look, len(pauses)-1)]
}

// run asks the guest to shut down, and takes the power away only when it has
// not done so within shutdownGrace. The vendor's action tells only that the
// request was delivered, so the VM itself is looked at.
func (stop) run(ctx context.Context, d *Driver, id int64) ([]*hcloud.Action, error) {
	server := &hcloud.Server{ID: id}
	actions, err := one(d.client.Server.Shutdown(ctx, server))
	if err == nil {
		err = d.wait(ctx, actions)
	}
	if err != nil {
		return nil, err
	}
	for look, waited := 0, time.Duration(0); waited < shutdownGrace; look++ {
		have, resp, err := d.client.Server.GetByID(ctx, id)
		switch {
		case err != nil:
			return nil, answered(resp, err)
		case have == nil:
			return nil, &cloud.Error{Code: cloud.CodeNotFound, Message: "the VM disappeared while it was shutting down"}
		case have.Status == hcloud.ServerStatusOff:
			return nil, nil
		}
		pause := shutdownLooks(look)
		if err := d.sleep(ctx, pause); err != nil {
			return nil, err
		}
		waited += pause
	}
	d.log.WarnContext(ctx, "the guest did not shut down in time, powering it off", "server", id, "grace", shutdownGrace)
	return one(d.client.Server.Poweroff(ctx, server))
}
