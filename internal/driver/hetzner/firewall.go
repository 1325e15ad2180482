package hetzner

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// firewalls is the noun firewall: /firewalls. They are applied by the VM that
// names them, not by themselves.
type firewalls struct{ d *Driver }

var _ noun[cloud.FirewallSpec, *hcloud.Firewall, cloud.Firewall] = firewalls{}

func (firewalls) kind() cloud.Kind                                     { return cloud.KindFirewall }
func (firewalls) specMeta(spec cloud.FirewallSpec) cloud.Meta          { return spec.Meta }
func (firewalls) healthy(cloud.Firewall, cloud.FirewallSpec) bool      { return true }
func (firewalls) adoptable(*hcloud.Firewall, cloud.FirewallSpec) error { return nil }
func (firewalls) object(f cloud.Firewall) (cloud.Object, cloud.Meta)   { return f.Object, f.Meta }
func (firewalls) observe(have *hcloud.Firewall) cloud.Firewall         { return firewallFrom(have) }

// quiet: firewalls are made at once.
func (firewalls) quiet(*hcloud.Firewall) bool { return true }

func (firewalls) at(firewall cloud.Firewall, location cloud.Location) cloud.Firewall {
	firewall.ID.Location = location
	return firewall
}

func (n firewalls) create(ctx context.Context, spec cloud.FirewallSpec) (cloud.Firewall, []*hcloud.Action, error) {
	made, resp, err := n.d.client.Firewall.Create(ctx, hcloud.FirewallCreateOpts{
		Name:   nativeName(cloud.KindFirewall, spec.Meta),
		Labels: labelsOf(cloud.KindFirewall, spec.Meta),
		Rules:  rulesOf(spec.Rules),
	})
	if err != nil {
		return cloud.Firewall{}, nil, answered(resp, err)
	}
	return n.at(n.observe(made.Firewall), spec.Location), made.Actions, nil
}

func (n firewalls) read(ctx context.Context, id int64) (*hcloud.Firewall, bool, error) {
	have, resp, err := n.d.client.Firewall.GetByID(ctx, id)
	return have, have != nil, answered(resp, err)
}

func (n firewalls) page(ctx context.Context, options hcloud.ListOpts, name string) ([]*hcloud.Firewall, *hcloud.Response, error) {
	return n.d.client.Firewall.List(ctx, hcloud.FirewallListOpts{ListOpts: options, Name: name, Sort: byID()})
}

func (n firewalls) running(ctx context.Context, id int64) ([]*hcloud.Action, error) {
	return many(n.d.client.Firewall.Action.ListFor(ctx, &hcloud.Firewall{ID: id}, runningActions()))
}

func (n firewalls) rivals(ctx context.Context, spec cloud.FirewallSpec) ([]*hcloud.Firewall, error) {
	found, resp, err := n.page(ctx, hcloud.ListOpts{PerPage: 1}, nativeName(cloud.KindFirewall, spec.Meta))
	return found, answered(resp, err)
}

func (firewalls) plan(current cloud.Firewall, want cloud.FirewallSpec) ([]step, error) {
	return planFirewall(current, want), nil
}

func (firewalls) merge(current cloud.Firewall, want cloud.FirewallSpec) cloud.Firewall {
	current.Object, current.Meta = mergedMeta(cloud.KindFirewall, current.Object, want.Meta)
	current.Rules = want.Rules
	// The vendor does not protect firewalls.
	current.Protected = false
	return current
}

// shortPatience is how long a refusal is retried before it is looked into:
// most pass after seconds, and looking costs requests.
const shortPatience = 4 * time.Second

// remove retries for a while when the firewall is in use: the vendor frees it
// some seconds after the VM is gone. Terraform removes what is not declared
// any more before it changes what used it; so VMs that have another firewall
// are taken out of this one here.
func (n firewalls) remove(ctx context.Context, id int64) error {
	inUse := func(err error) bool { return hcloud.IsError(err, hcloud.ErrorCodeResourceInUse) }
	once := func() error {
		return n.d.whileBusy(ctx, func() error {
			return answered(n.d.client.Firewall.Delete(ctx, &hcloud.Firewall{ID: id}))
		})
	}
	err := n.d.retry(ctx, shortPatience, inUse, once)
	if err == nil || !inUse(err) || ctx.Err() != nil {
		return err
	}
	if err := n.release(ctx, id); err != nil {
		return err
	}
	err = n.d.retry(ctx, patience, inUse, once)
	if err == nil || !inUse(err) || ctx.Err() != nil {
		return err
	}
	refused := &cloud.Error{Code: cloud.CodeInUse, VendorCode: string(hcloud.ErrorCodeResourceInUse), Cloud: Name, Err: err,
		Message: "something still uses the firewall",
		Remedy: "A VM is never left without a firewall (NET-1): give it another one first. To replace a firewall, set lifecycle { create_before_destroy = true } in its block. " +
			"What Holdfast does not manage is detached in the Hetzner Cloud Console."}
	if have, exists, err := n.read(ctx, id); err == nil && exists {
		refused.Message = "the firewall still protects " + quoted(protectedBy(have))
	}
	return refused
}

// release takes the firewall off the VMs that have another one.
func (n firewalls) release(ctx context.Context, id int64) error {
	have, exists, err := n.read(ctx, id)
	if err != nil || !exists {
		return err
	}
	var spare []hcloud.FirewallResource
	for _, resource := range have.AppliedTo {
		if resource.Server == nil {
			continue
		}
		server, resp, err := n.d.client.Server.GetByID(ctx, resource.Server.ID)
		if err != nil {
			return answered(resp, err)
		}
		if server != nil && slices.ContainsFunc(server.PublicNet.Firewalls, func(f *hcloud.ServerFirewallStatus) bool {
			return f.Firewall.ID != id && f.Status == hcloud.FirewallStatusApplied
		}) {
			spare = append(spare, resource)
		}
	}
	if len(spare) == 0 {
		return nil
	}
	n.d.log.InfoContext(ctx, "taking a firewall that is to be deleted off VMs that have another", "firewall", id, "vms", len(spare))
	var actions []*hcloud.Action
	err = n.d.whileBusy(ctx, func() error {
		var err error
		actions, err = many(n.d.client.Firewall.RemoveResources(ctx, &hcloud.Firewall{ID: id}, spare))
		return err
	})
	if err != nil {
		return err
	}
	return n.d.wait(ctx, actions)
}

// protectedBy names what a firewall is applied to.
func protectedBy(have *hcloud.Firewall) []string {
	var names []string
	for _, resource := range have.AppliedTo {
		switch {
		case resource.Server != nil:
			names = append(names, fmt.Sprintf("VM %d", resource.Server.ID))
		case resource.LabelSelector != nil:
			names = append(names, fmt.Sprintf("every VM with the label %s", resource.LabelSelector.Selector))
		}
	}
	if len(names) == 0 {
		return []string{"what the API does not name"}
	}
	return names
}
