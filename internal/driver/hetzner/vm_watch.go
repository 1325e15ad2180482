package hetzner

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// A new VM is waited for by looking at it rather than at its actions: it has
// one for each network, volume and firewall besides those that make and start
// it, so asking about all of them costs several times as much as one list of
// up to 50 VMs by key, which also tells the addresses that the vendor chose.
// Only when a VM has settled without being complete, or takes long, are its
// actions asked about, since they know what failed.

// watchPrefix tells the operations that stand for new VMs from action ids.
const watchPrefix = "server/"

// asksAfter is how many looks at an incomplete VM pass before its actions are
// asked about all the same: a VM that fails need not settle.
const asksAfter = 4

// watch is a new VM that somebody waits for.
type watch struct {
	id      int64
	key     string
	spec    cloud.VMSpec
	actions []string
	looks   int
	seen    *hcloud.Server
}

// watches are the new VMs that are waited for, by operation id.
type watches struct {
	mu   sync.Mutex
	open map[string]*watch
}

func (w *watches) add(id string, added *watch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.open == nil {
		w.open = map[string]*watch{}
	}
	w.open[id] = added
}

// remove forgets a watch and returns the VM as it was last seen.
func (w *watches) remove(id string) *hcloud.Server {
	w.mu.Lock()
	defer w.mu.Unlock()
	removed := w.open[id]
	delete(w.open, id)
	return removed.seen
}

// await implements awaiter: it waits for a VM that was just made.
func (n vms) await(ctx context.Context, made cloud.VM, spec cloud.VMSpec, actions []*hcloud.Action) (cloud.VM, error) {
	id, err := parseNative(made.ID.Native, cloud.KindVM, "id")
	if err != nil || spec.Deployment == "" {
		return made, n.d.wait(ctx, actions)
	}
	watched := &watch{id: id, key: keyOf(cloud.KindVM, spec.Meta), spec: spec}
	for _, action := range actions {
		if action != nil && action.ID != 0 && action.Status != hcloud.ActionStatusSuccess {
			watched.actions = append(watched.actions, native(action.ID))
		}
	}
	if len(watched.actions) == 0 {
		return made, nil
	}
	operation := cloud.Operation{ID: watchPrefix + made.ID.Native, Command: "create_server"}
	n.d.watches.add(operation.ID, watched)
	err = n.d.waiter.Wait(ctx, operation)
	seen := n.d.watches.remove(operation.ID)
	// What was seen before the actions told that all is done may be stale.
	if seen != nil && err == nil && complete(seen, spec) {
		made = n.at(n.observe(seen), spec.Location)
	}
	return made, err
}

// complete tells whether a VM is all that POST /servers could make of it.
func complete(have *hcloud.Server, spec cloud.VMSpec) bool {
	want := hcloud.ServerStatusOff
	if startsInline(spec) {
		want = hcloud.ServerStatusRunning
	}
	vm := vmFrom(have)
	return have.Status == want && firewallsApplied(have) && len(missing(vm.Firewalls, spec.Firewalls)) == 0 &&
		len(missing(vm.Volumes, spec.Volumes)) == 0 &&
		(spec.Network == "" || attachesLater(spec) || vm.Network == spec.Network)
}

func firewallsApplied(have *hcloud.Server) bool {
	return !slices.ContainsFunc(have.PublicNet.Firewalls, func(f *hcloud.ServerFirewallStatus) bool {
		return f.Status != hcloud.FirewallStatusApplied
	})
}

// unsettled tells whether the vendor is still at work on a VM.
func unsettled(have *hcloud.Server) bool {
	return have.Status == hcloud.ServerStatusInitializing || have.Status == hcloud.ServerStatusStarting
}

// pollWatches looks at new VMs, with one list of them.
func (d *Driver) pollWatches(ctx context.Context, ids []string) ([]cloud.OperationStatus, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	d.watches.mu.Lock()
	open := map[string]*watch{}
	var keys []string
	for _, id := range ids {
		if w, ok := d.watches.open[id]; ok {
			open[id] = w
			keys = append(keys, w.key)
		}
	}
	d.watches.mu.Unlock()
	found := map[int64]*hcloud.Server{}
	if len(keys) > 0 {
		servers, resp, err := vms{d}.page(ctx, hcloud.ListOpts{PerPage: perPage, LabelSelector: selector(cloud.Filter{Keys: keys})}, "")
		if err != nil {
			return nil, fail(answered(resp, err), cloud.KindVM, "", "look at new VMs")
		}
		for _, server := range servers {
			found[server.ID] = server
		}
	}
	var statuses []cloud.OperationStatus
	for _, id := range ids {
		w, ok := open[id]
		if !ok {
			// Whoever waited for it has gone.
			statuses = append(statuses, cloud.OperationStatus{ID: id, Done: true})
			continue
		}
		status, err := d.judgeWatch(ctx, id, w, found[w.id])
		if err != nil {
			return nil, err
		}
		statuses = append(statuses, status)
	}
	return statuses, nil
}

// judgeWatch tells what a look at a new VM says; have is nil if the list did
// not hold it.
func (d *Driver) judgeWatch(ctx context.Context, id string, w *watch, have *hcloud.Server) (cloud.OperationStatus, error) {
	d.watches.mu.Lock()
	w.looks++
	w.seen = have
	looks := w.looks
	d.watches.mu.Unlock()
	status := cloud.OperationStatus{ID: id}
	switch {
	case have != nil && complete(have, w.spec):
		status.Done, status.Progress = true, 100
		return status, nil
	case have != nil && unsettled(have) && looks%asksAfter != 0:
		return status, nil
	}
	// Gone, without its label, failed, or only between two actions: the
	// actions know.
	actions, err := d.pollActions(ctx, w.actions)
	if err != nil {
		return status, err
	}
	status.Done = true
	for _, action := range actions {
		status.Done = status.Done && action.Done
	}
	if failed := slices.IndexFunc(actions, func(a cloud.OperationStatus) bool { return a.Err != nil }); failed >= 0 {
		status.Done, status.Err = true, actions[failed].Err
	}
	return status, nil
}

// splitWatches parts the operations that stand for new VMs from action ids.
func splitWatches(ids []string) (watched, actions []string) {
	for _, id := range ids {
		if strings.HasPrefix(id, watchPrefix) {
			watched = append(watched, id)
		} else {
			actions = append(actions, id)
		}
	}
	return watched, actions
}
