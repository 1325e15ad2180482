package google

import (
	"context"
	"maps"
	"slices"
	"sync"

	compute "cloud.google.com/go/compute/apiv1"
	"cloud.google.com/go/compute/apiv1/computepb"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// removals are the VPC rules that this run is deleting. The copy of a firewall
// goes with the firewall and with the network in which it stands, whichever is
// first: the other waits for the same operation, instead of being refused until
// the rule is gone.
type removals struct {
	mu sync.Mutex
	// begun holds them by the rule's name, until somebody has waited for them.
	begun map[string]*removal
}

type removal struct {
	network string
	// sent is closed when the vendor has answered; what follows is set then.
	sent       chan struct{}
	operations []cloud.Operation
	err        error
}

// deleteRule deletes a VPC rule, or joins whoever does so already.
func (d *Driver) deleteRule(ctx context.Context, rule *computepb.Firewall) ([]cloud.Operation, error) {
	name := rule.GetName()
	r, first := d.removals.join(name, lastPart(rule.GetNetwork()))
	if first {
		r.operations, r.err = d.sendDelete(ctx, name)
		if len(r.operations) == 0 {
			d.removals.forget(name)
		}
		close(r.sent)
		return r.operations, r.err
	}
	select {
	case <-r.sent:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if r.err != nil {
		// Its context may be what ended.
		return d.deleteRule(ctx, rule)
	}
	return r.operations, nil
}

func (d *Driver) sendDelete(ctx context.Context, name string) ([]cloud.Operation, error) {
	operations, err := d.write(ctx, func(requestID *string) (*compute.Operation, error) {
		return d.api.firewalls.Delete(ctx, &computepb.DeleteFirewallRequest{Project: d.project, Firewall: name, RequestId: requestID})
	})
	if err == nil || isNotFound(err) {
		d.rules.drop(name)
		return operations, nil
	}
	return nil, err
}

// join gives the removal of a rule, and whether the caller is the first.
func (x *removals) join(name, network string) (r *removal, first bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if r := x.begun[name]; r != nil {
		return r, false
	}
	if x.begun == nil {
		x.begun = map[string]*removal{}
	}
	r = &removal{network: network, sent: make(chan struct{})}
	x.begun[name] = r
	return r, true
}

func (x *removals) forget(name string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.begun, name)
}

// ended tells that somebody has waited for operations: whoever deletes a rule
// of that name from now on means another one, or tries again.
func (x *removals) ended(operations []cloud.Operation) {
	x.mu.Lock()
	defer x.mu.Unlock()
	maps.DeleteFunc(x.begun, func(_ string, r *removal) bool {
		select {
		case <-r.sent:
			return slices.ContainsFunc(r.operations, func(o cloud.Operation) bool { return slices.Contains(operations, o) })
		default:
			return false
		}
	})
}

// under tells whether a rule of a network is being deleted.
func (x *removals) under(network string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, r := range x.begun {
		if r.network == network {
			return true
		}
	}
	return false
}
