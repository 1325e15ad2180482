package google

import (
	"context"
	"strings"
	"sync"

	compute "cloud.google.com/go/compute/apiv1"
	"cloud.google.com/go/compute/apiv1/computepb"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// anchors are the networks, one a deployment, that keep the rules of firewalls
// which belong to no network: VPC rules cannot stand anywhere else. An anchor
// has no subnetwork, so nothing can stand in it.
type anchors struct {
	mu sync.Mutex
	// there holds those that this run knows to be there.
	there map[string]bool
	// swept tells that this run has looked for what earlier ones left.
	swept bool
	// dropped holds those that this run has deleted and not made again.
	dropped map[string]bool
}

// anchorPrefix begins the names of anchors.
const anchorPrefix = "holdfast-"

// anchorName is the anchor network of a deployment.
func anchorName(deployment string) string {
	if deployment == "" {
		return anchorPrefix + "none"
	}
	name := anchorPrefix + deployment
	if len(name) > maxName {
		name = strings.TrimRight(name[:maxName-shortHash-1], "-") + "-" + digest(shortHash, deployment)
	}
	return name
}

// ensureAnchor makes a deployment's anchor unless it is there, and gives its
// name.
func (d *Driver) ensureAnchor(ctx context.Context, deployment string) (string, error) {
	name := anchorName(deployment)
	d.anchors.mu.Lock()
	there := d.anchors.there[name]
	d.anchors.mu.Unlock()
	if there {
		return name, nil
	}
	// Who comes while it is being made waits for it: it refuses rules until it
	// is ready. The first caller's end must not fail the others.
	result := d.shared.DoChan("anchor "+name, func() (any, error) {
		return nil, d.makeAnchor(context.WithoutCancel(ctx), name, deployment)
	})
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case outcome := <-result:
		return name, outcome.Err
	}
}

func (d *Driver) makeAnchor(ctx context.Context, name, deployment string) error {
	pairs := map[string]string{labelAnchor: "true"}
	if deployment != "" {
		pairs[cloud.LabelDeployment] = deployment
	}
	_, operations, err := d.insertNetwork(ctx, name, pairs)
	if err == nil {
		err = d.wait(ctx, operations)
	}
	if codeOf(err) == cloud.CodeNameTaken {
		err = d.checkAnchor(ctx, name, deployment)
	}
	if err == nil {
		d.knowAnchor(name, true)
	}
	return err
}

// checkAnchor tells whether the network that has the anchor's name is one.
func (d *Driver) checkAnchor(ctx context.Context, name, deployment string) error {
	network, err := d.api.networks.Get(ctx, &computepb.GetNetworkRequest{Project: d.project, Network: name})
	if err != nil {
		return err
	}
	pairs := described(network.GetDescription())
	if pairs[labelAnchor] != "" && pairs[cloud.LabelDeployment] == deployment {
		return nil
	}
	return &cloud.Error{Code: cloud.CodeInvalid, Cloud: Name, Kind: cloud.KindFirewall, Field: "network_id",
		Message: "the network " + name + ", in which the rules of firewalls without a network are kept, is somebody else's",
		Remedy:  "Rename that network, or give the firewall a network_id."}
}

func (d *Driver) knowAnchor(name string, there bool) {
	d.anchors.mu.Lock()
	defer d.anchors.mu.Unlock()
	if d.anchors.there == nil {
		d.anchors.there, d.anchors.dropped = map[string]bool{}, map[string]bool{}
	}
	d.anchors.there[name] = there
	if there {
		delete(d.anchors.dropped, name)
	}
}

// dropEmptyAnchors deletes the anchors that hold no rule: a removal that was
// cut short after a firewall's last rule leaves one.
func (d *Driver) dropEmptyAnchors(ctx context.Context) error {
	found, err := all(d.api.networks.List(ctx, &computepb.ListNetworksRequest{Project: d.project, Filter: new(`name eq "holdfast-.*"`), MaxResults: new(uint32(maxResults))}).Next)
	if err != nil {
		return err
	}
	for _, network := range found {
		if described(network.GetDescription())[labelAnchor] == "" {
			continue
		}
		if err := d.dropAnchor(ctx, network.GetName()); err != nil {
			return err
		}
	}
	return nil
}

// sweepAnchors does so once a run, for whoever removes a network: when the
// firewall is gone, no state knows of the anchor any more. It is called before
// the network goes, so that a failure is made good by the next run.
func (d *Driver) sweepAnchors(ctx context.Context) error {
	d.anchors.mu.Lock()
	swept := d.anchors.swept
	d.anchors.swept = true
	d.anchors.mu.Unlock()
	if swept {
		return nil
	}
	err := d.dropEmptyAnchors(ctx)
	if err != nil {
		d.anchors.mu.Lock()
		d.anchors.swept = false
		d.anchors.mu.Unlock()
	}
	return err
}

// dropAnchor deletes an anchor that holds no rule any more. That another run
// has just put one into it, or that the anchor is gone, is no error.
func (d *Driver) dropAnchor(ctx context.Context, name string) error {
	if left := d.rules.some(func(r *computepb.Firewall) bool { return lastPart(r.GetNetwork()) == name }); len(left) > 0 {
		return nil
	}
	if d.removals.under(name) {
		return nil // whoever deletes that rule comes here when it is gone
	}
	// Several firewalls may have gone at the same moment.
	result := d.shared.DoChan("drop anchor "+name, func() (any, error) { return nil, d.dropOnce(context.WithoutCancel(ctx), name) })
	select {
	case <-ctx.Done():
		return ctx.Err()
	case outcome := <-result:
		return outcome.Err
	}
}

func (d *Driver) dropOnce(ctx context.Context, name string) error {
	d.anchors.mu.Lock()
	dropped := d.anchors.dropped[name]
	d.anchors.mu.Unlock()
	if dropped {
		return nil
	}
	d.knowAnchor(name, false)
	err := d.done(ctx, func(requestID *string) (*compute.Operation, error) {
		return d.api.networks.Delete(ctx, &computepb.DeleteNetworkRequest{Project: d.project, Network: name, RequestId: requestID})
	})
	switch {
	case err == nil || isNotFound(err):
		d.anchors.mu.Lock()
		defer d.anchors.mu.Unlock()
		d.anchors.dropped[name] = true
		return nil
	case isInUse(err):
		return nil
	}
	return err
}

// looksLikeAnchor tells an anchor by its name, which stays when somebody has
// changed the descriptions: other networks' names end with their zone.
func looksLikeAnchor(network string) bool {
	return strings.HasPrefix(network, anchorPrefix) && zoneIn(network) == ""
}
