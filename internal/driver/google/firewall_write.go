package google

import (
	"context"
	"slices"

	compute "cloud.google.com/go/compute/apiv1"
	"cloud.google.com/go/compute/apiv1/computepb"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// listRules reads all VPC rules of the project.
func (d *Driver) listRules(ctx context.Context) ([]*computepb.Firewall, error) {
	return all(d.api.firewalls.List(ctx, &computepb.ListFirewallsRequest{Project: d.project, MaxResults: new(uint32(maxResults))}).Next)
}

// rulesIn lists the VPC rules of a network.
func (d *Driver) rulesIn(ctx context.Context, network string, fresh bool) ([]*computepb.Firewall, error) {
	values, err := d.rules.all(ctx, fresh)
	return chosen(values, func(r *computepb.Firewall) bool { return lastPart(r.GetNetwork()) == network }), err
}

// ruleSetOf collects a firewall's rules.
func (d *Driver) ruleSetOf(ctx context.Context, tag string, fresh bool) (ruleSet, error) {
	values, err := d.rules.all(ctx, fresh)
	return ruleSet{tag: tag, rules: byName(chosen(values, func(r *computepb.Firewall) bool { return belongs(r, tag) }))}, err
}

func byName(rules []*computepb.Firewall) []*computepb.Firewall {
	slices.SortFunc(rules, func(a, b *computepb.Firewall) int {
		switch {
		case a.GetName() < b.GetName():
			return -1
		case a.GetName() > b.GetName():
			return 1
		}
		return 0
	})
	return rules
}

func (d *Driver) insertRule(ctx context.Context, rule *computepb.Firewall) ([]cloud.Operation, error) {
	operations, err := d.write(ctx, func(requestID *string) (*compute.Operation, error) {
		return d.api.firewalls.Insert(ctx, &computepb.InsertFirewallRequest{Project: d.project, FirewallResource: rule, RequestId: requestID})
	})
	if err == nil {
		d.rules.put(rule)
	}
	return operations, err
}

// patchRule changes the fields that are set in change.
func (d *Driver) patchRule(ctx context.Context, name string, change *computepb.Firewall) ([]cloud.Operation, error) {
	return d.write(ctx, func(requestID *string) (*compute.Operation, error) {
		return d.api.firewalls.Patch(ctx, &computepb.PatchFirewallRequest{Project: d.project, Firewall: name, FirewallResource: change, RequestId: requestID})
	})
}

// putRule makes a rule, or brings the one of its name to it. have is what is
// known of that one, nil if nothing is.
func (d *Driver) putRule(ctx context.Context, have, want *computepb.Firewall) ([]cloud.Operation, error) {
	if have == nil {
		operations, err := d.insertRule(ctx, want)
		if codeOf(err) != cloud.CodeNameTaken {
			return operations, err
		}
		// Another run was quicker, or an answer was lost.
	} else if sameRule(have, want) {
		return nil, nil
	}
	change := proto.CloneOf(want)
	// These cannot change; the name says which they are.
	change.Name, change.Network, change.Direction = nil, nil, nil
	operations, err := d.patchRule(ctx, want.GetName(), change)
	if err == nil {
		d.rules.put(want)
	}
	return operations, err
}

// sameRule tells whether a VPC rule is as it should be.
func sameRule(have, want *computepb.Firewall) bool {
	return have.GetDescription() == want.GetDescription() && have.GetDisabled() == want.GetDisabled() && have.GetPriority() == want.GetPriority() &&
		sameTexts(have.GetTargetTags(), want.GetTargetTags()) && sameTexts(have.GetSourceRanges(), want.GetSourceRanges()) &&
		sameTexts(have.GetDestinationRanges(), want.GetDestinationRanges()) && len(have.GetDenied()) == len(want.GetDenied()) &&
		samePassages(passes(have), passes(want))
}

func sameTexts(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

func samePassages(a, b []passage) bool {
	return len(missing(a, b)) == 0 && len(missing(b, a)) == 0
}

// putRules brings a firewall's rules in one network to what is wanted: what
// shall be comes before what shall not be is taken away. have is what is known
// to be there.
func (d *Driver) putRules(ctx context.Context, have, want []*computepb.Firewall) ([]cloud.Operation, error) {
	var operations []cloud.Operation
	names := map[string]*computepb.Firewall{}
	for _, rule := range have {
		names[rule.GetName()] = rule
	}
	for _, rule := range want {
		more, err := d.putRule(ctx, names[rule.GetName()], rule)
		if err != nil {
			return operations, err
		}
		operations = append(operations, more...)
		delete(names, rule.GetName())
	}
	for _, rule := range have {
		if names[rule.GetName()] == nil {
			continue
		}
		more, err := d.deleteRule(ctx, rule)
		if err != nil {
			return operations, err
		}
		operations = append(operations, more...)
	}
	return operations, nil
}

// setRules brings a firewall to its labels and rules, in every network in
// which it has any.
type setRules struct {
	Labels map[string]string
	Rules  []cloud.FirewallRule
}

func (setRules) String() string { return "set the rules of firewall" }

func (s setRules) run(ctx context.Context, d *Driver, id cloud.ID) ([]cloud.Operation, error) {
	have, err := d.ruleSetOf(ctx, id.Native, true)
	if err != nil {
		return nil, err
	}
	if len(have.rules) == 0 {
		return nil, &cloud.Error{Code: cloud.CodeNotFound, Cloud: Name, Kind: cloud.KindFirewall, ID: id.Native, Message: "it does not exist"}
	}
	var operations []cloud.Operation
	for _, where := range have.sites() {
		want, err := d.vpcRules(id.Native, s.Labels, s.Rules, where)
		if err != nil {
			return nil, err
		}
		more, err := d.putRules(ctx, have.in(where.Network), want)
		operations = append(operations, more...)
		if err != nil {
			return nil, err
		}
	}
	return operations, nil
}

// ensureFirewalls sees to it that the firewalls hold in a network, for a VM in
// a location that is about to carry their tags. It asks the API only about
// firewalls that this run has not made or seen. Of many VMs that begin at once,
// the first makes the copies, and the others wait until they stand.
func (d *Driver) ensureFirewalls(ctx context.Context, network string, location cloud.Location, firewalls []string) error {
	if network == "" || len(firewalls) == 0 {
		return nil
	}
	names := make([]string, len(firewalls))
	for i, tag := range firewalls {
		names[i] = network + " " + tag
	}
	end, err := d.copies.take(ctx, names...)
	if err != nil {
		return err
	}
	defer end()
	var (
		operations []cloud.Operation
		made       []*computepb.Firewall
	)
	// After a failure nobody knows which of them stand.
	failed := func(err error, tag, doing string) error {
		d.waitOut(ctx, operations)
		for _, rule := range made {
			d.rules.drop(rule.GetName())
		}
		return d.fail(err, cloud.KindFirewall, tag, doing)
	}
	for i, tag := range firewalls {
		have, err := d.firewallNamed(ctx, i, tag)
		if err != nil {
			return failed(err, tag, "read firewall")
		}
		home := have.home()
		if home.Network == network {
			continue
		}
		rules := neutralRules(tag, have.in(home.Network), home)
		want, err := d.vpcRules(tag, have.labels(), rules, site{Network: network, Copy: true})
		if err != nil {
			return failed(err, tag, "copy firewall")
		}
		more, err := d.putRules(ctx, have.in(network), want)
		operations, made = append(operations, more...), append(made, want...)
		if err != nil {
			return failed(err, tag, "copy firewall into network "+network)
		}
	}
	if err := d.wait(ctx, operations); err != nil {
		return failed(err, "", "copy firewalls into network "+network+" for "+location.String())
	}
	return nil
}

// firewallNamed gives the rules of the firewall that a VM names as its i-th,
// as this run knows them.
func (d *Driver) firewallNamed(ctx context.Context, i int, tag string) (ruleSet, error) {
	have := ruleSet{tag: tag, rules: byName(d.rules.some(func(r *computepb.Firewall) bool { return belongs(r, tag) }))}
	if len(have.rules) == 0 || have.head().GetName() != tag {
		var err error
		if have, err = d.ruleSetOf(ctx, tag, true); err != nil {
			return have, err
		}
	}
	if len(have.rules) == 0 {
		failed := notThere(tag)
		failed.Field = "firewall_ids[" + itoa(i) + "]"
		return have, failed
	}
	return have, nil
}
