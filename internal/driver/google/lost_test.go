package google_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud/cloudtest"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/driver/google"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

const otherZone = "europe-west4-a"

// connectWithout makes a driver whose operator has declared locations lost.
func (w *world) connectWithout(t *testing.T, lost ...string) *google.Driver {
	t.Helper()
	set, err := cloud.ParseLost(lost)
	if err != nil {
		t.Fatal(err)
	}
	return w.connectWith(t, func(options *google.Options) { options.Lost = set.Contains })
}

// inBothZones makes a tenant in each of two zones of different regions.
func (w *world) inBothZones(t *testing.T) {
	t.Helper()
	d := w.connect(t)
	if err := create(t, d.SSHKeys(), keySpec()); err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{zone, otherZone} {
		in := func(meta cloud.Meta) cloud.Meta { meta.Location.Name = at; return meta }
		native := "one-" + at
		net, wall, vm := tenantNetwork("one"), tenantFirewall("one", native), tenantVM("one")
		net.Meta, wall.Meta, vm.Meta = in(net.Meta), in(wall.Meta), in(vm.Meta)
		vm.Network, vm.Firewalls, vm.Volumes = native, []string{native}, []string{native}
		for _, err := range []error{create(t, d.Networks(), net), create(t, d.Firewalls(), wall),
			create(t, d.Volumes(), cloud.VolumeSpec{Meta: in(regionMeta("one")), SizeGB: 10}), create(t, d.VMs(), vm)} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

// zonal lists what stands in zones, by kind; and the networks, whose parts
// stand in regions.
func zonal(t *testing.T, d cloud.Driver) (found map[cloud.Kind][]string, failed map[cloud.Kind]error) {
	t.Helper()
	// Nothing here takes long: a call that hangs ends the test in error.
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	found, failed = map[cloud.Kind][]string{}, map[cloud.Kind]error{}
	note := func(kind cloud.Kind, object cloud.Object) { found[kind] = append(found[kind], object.ID.Location.Name) }
	mine := cloud.Filter{Deployment: "acme-eu"}
	vms, err := d.VMs().List(ctx, mine)
	failed[cloud.KindVM] = err
	for _, vm := range vms {
		note(cloud.KindVM, vm.Object)
	}
	disks, err := d.Volumes().List(ctx, mine)
	failed[cloud.KindVolume] = err
	for _, disk := range disks {
		note(cloud.KindVolume, disk.Object)
	}
	nets, err := d.Networks().List(ctx, mine)
	failed[cloud.KindNetwork] = err
	for _, net := range nets {
		if len(net.Subnets) == 1 {
			note(cloud.KindNetwork, net.Object)
		}
	}
	for kind := range found {
		slices.Sort(found[kind])
	}
	return found, failed
}

// What cannot be seen is not gone: a list that lacks a zone is an error, unless
// the operator has declared the zone lost. However it does not answer, nobody
// waits for it.
func TestAZoneThatDoesNotAnswer(t *testing.T) {
	for _, mode := range []string{"", simcloud.ModeHang, simcloud.ModeDrop} {
		t.Run("mode "+mode, func(t *testing.T) {
			w := newWorld(t, 0)
			w.inBothZones(t)
			both := []string{zone, otherZone}
			id, err := w.sim.AddFault(simcloud.Fault{Kind: simcloud.FaultLocationLost, Cloud: google.Name, Location: zone, Mode: mode})
			if err != nil {
				t.Fatal(err)
			}

			_, failed := zonal(t, w.connect(t))
			for _, kind := range []cloud.Kind{cloud.KindVM, cloud.KindVolume} {
				err := failed[kind]
				if cloud.CodeOf(err) != cloud.CodeUnavailable || !strings.Contains(fmt.Sprint(err), "zones/"+zone) {
					t.Errorf("%s, not declared lost: %v", kind, err)
				}
			}
			found, failed := zonal(t, w.connectWithout(t, "google/"+zone))
			for kind, want := range map[cloud.Kind][]string{cloud.KindVM: {otherZone}, cloud.KindVolume: {otherZone}, cloud.KindNetwork: both} {
				if failed[kind] != nil || !slices.Equal(found[kind], want) {
					t.Errorf("%s, declared lost: in %v, want %v; %v", kind, found[kind], want, failed[kind])
				}
			}

			w.sim.RemoveFault(id)
			found, failed = zonal(t, w.connect(t))
			for kind := range maps.Keys(failed) {
				if failed[kind] != nil || !slices.Equal(found[kind], both) {
					t.Errorf("%s, when it is back: in %v; %v", kind, found[kind], failed[kind])
				}
			}
		})
	}
}

// A network in a zone that stands may have its subnetworks in a region that
// does not answer: one lost zone of it does not explain that.
func TestARegionThatDoesNotAnswer(t *testing.T) {
	w := newWorld(t, 0)
	w.inBothZones(t)
	w.fault(t, simcloud.Fault{Kind: simcloud.FaultLocationLost, Cloud: google.Name, Location: region})
	_, failed := zonal(t, w.connectWithout(t, "google/europe-west3-b"))
	if err := failed[cloud.KindNetwork]; cloud.CodeOf(err) != cloud.CodeUnavailable || !strings.Contains(fmt.Sprint(err), "regions/"+region) {
		t.Errorf("one zone of the region is declared lost: %v", err)
	}
	found, failed := zonal(t, w.connectWithout(t, "google/europe-west3-a", "google/europe-west3-b", "google/europe-west3-c"))
	for kind, want := range map[cloud.Kind][]string{cloud.KindVM: {otherZone}, cloud.KindVolume: {otherZone}, cloud.KindNetwork: {otherZone}} {
		if failed[kind] != nil || !slices.Equal(found[kind], want) {
			t.Errorf("%s, all zones declared lost: in %v, want %v; %v", kind, found[kind], want, failed[kind])
		}
	}
}

// Who waits for a zone that does not answer holds up nobody else.
func TestPollsPassOverAZoneThatDoesNotAnswer(t *testing.T) {
	w := newWorld(t, 1)
	d := w.connect(t)
	begin := func(at string) cloud.Operation {
		t.Helper()
		var begun []cloud.Operation
		catching := w.connectWith(t, func(options *google.Options) {
			options.NewWaiter = func(cloud.OperationPoller) cloud.Waiter {
				return catcher(func(all []cloud.Operation) { begun = append(begun, all...) })
			}
		})
		meta := regionMeta("one")
		meta.Location.Name = at
		if err := create(t, catching.Volumes(), cloud.VolumeSpec{Meta: meta, SizeGB: 10}); err != nil || len(begun) != 1 {
			t.Fatal(begun, err)
		}
		return begun[0]
	}
	here, there := begin(zone), begin(otherZone)
	w.fault(t, simcloud.Fault{Kind: simcloud.FaultLocationLost, Cloud: google.Name, Location: zone, Mode: simcloud.ModeHang})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := (cloudtest.Waiter{Poller: onlyAbout{d, here.ID, t}, Pause: pollPause}).Wait(ctx, there, here); err != nil {
		t.Error(err)
	}
}

// catcher is a Waiter that waits for nothing, and tells for what.
type catcher func([]cloud.Operation)

func (c catcher) Wait(_ context.Context, operations ...cloud.Operation) error {
	c(operations)
	return nil
}

// onlyAbout takes one operation for ended whatever becomes of it, and checks
// that nobody says so.
type onlyAbout struct {
	cloud.OperationPoller
	id string
	t  *testing.T
}

func (o onlyAbout) PollOperations(ctx context.Context, ids []string) ([]cloud.OperationStatus, error) {
	statuses, err := o.OperationPoller.PollOperations(ctx, ids)
	for i := range statuses {
		if statuses[i].ID == o.id {
			if statuses[i].Done || statuses[i].Err != nil {
				o.t.Errorf("of an operation in a zone that does not answer: %+v", statuses[i])
			}
			statuses[i].Done = true
		}
	}
	return statuses, err
}
