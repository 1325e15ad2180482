package google

import (
	"context"
	"maps"
	"slices"
	"strconv"

	"cloud.google.com/go/compute/apiv1/computepb"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// firewalls is the noun firewall: VPC rules with one target tag. VMs that
// carry the tag are under them.
type firewalls struct{ d *Driver }

var _ noun[cloud.FirewallSpec, ruleSet, cloud.Firewall] = firewalls{}

func (firewalls) kind() cloud.Kind                                   { return cloud.KindFirewall }
func (firewalls) specMeta(spec cloud.FirewallSpec) cloud.Meta        { return spec.Meta }
func (firewalls) healthy(cloud.Firewall, cloud.FirewallSpec) bool    { return true }
func (firewalls) adoptable(ruleSet, cloud.FirewallSpec) error        { return nil }
func (firewalls) object(f cloud.Firewall) (cloud.Object, cloud.Meta) { return f.Object, f.Meta }
func (firewalls) observe(have ruleSet) cloud.Firewall                { return firewallFrom(have) }

func (firewalls) at(firewall cloud.Firewall, location cloud.Location) cloud.Firewall {
	firewall.ID.Location = location
	return firewall
}

// create makes the rules of one network, all at once. The first has the
// firewall's name: it alone can tell that the firewall exists.
func (n firewalls) create(ctx context.Context, spec cloud.FirewallSpec) (cloud.Firewall, []cloud.Operation, error) {
	var none cloud.Firewall
	if err := n.d.checkZone(spec.Location, cloud.KindFirewall); err != nil {
		return none, nil, err
	}
	tag := nativeName(cloud.KindFirewall, spec.Meta)
	rules, operations, err := n.begin(ctx, tag, spec)
	if spec.Network == "" && (codeOf(err) == cloud.CodeNotFound || codeOf(err) == cloud.CodeInvalid) {
		// Another run may just have removed the anchor, as its last rule went.
		n.d.knowAnchor(anchorName(spec.Deployment), false)
		rules, operations, err = n.begin(ctx, tag, spec)
	}
	if err != nil {
		return none, nil, err
	}
	made := n.at(n.observe(ruleSet{tag: tag, rules: rules}), spec.Location)
	for _, rule := range rules[1:] {
		more, err := n.d.putRule(ctx, nil, rule)
		if err != nil {
			return made, operations, err
		}
		operations = append(operations, more...)
	}
	return made, operations, nil
}

// begin makes the first rule, and the anchor if one is needed, and gives all
// rules that there shall be.
func (n firewalls) begin(ctx context.Context, tag string, spec cloud.FirewallSpec) ([]*computepb.Firewall, []cloud.Operation, error) {
	where := site{Network: spec.Network}
	if spec.Network == "" {
		anchor, err := n.d.ensureAnchor(ctx, spec.Deployment)
		if err != nil {
			return nil, nil, err
		}
		where = site{Network: anchor, Anchor: true}
	}
	rules, err := n.d.vpcRules(tag, labelsOf(cloud.KindFirewall, spec.Meta), spec.Rules, where)
	if err != nil {
		return nil, nil, err
	}
	operations, err := n.d.insertRule(ctx, rules[0])
	return rules, operations, err
}

func (n firewalls) read(ctx context.Context, id cloud.ID) (ruleSet, bool, error) {
	found, err := n.d.ruleSetOf(ctx, id.Native, true)
	return found, len(found.rules) > 0, err
}

func (n firewalls) list(ctx context.Context, _ cloud.Filter) ([]ruleSet, error) {
	values, err := n.d.rules.all(ctx, true)
	if err != nil {
		return nil, err
	}
	sets := map[string]*ruleSet{}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		tag := firewallOf(values[name])
		if tag == "" {
			continue
		}
		if sets[tag] == nil {
			sets[tag] = &ruleSet{tag: tag}
		}
		sets[tag].rules = append(sets[tag].rules, values[name])
	}
	found := make([]ruleSet, 0, len(sets))
	for _, tag := range slices.Sorted(maps.Keys(sets)) {
		found = append(found, *sets[tag])
	}
	return found, nil
}

func (firewalls) plan(current cloud.Firewall, want cloud.FirewallSpec) ([]step, error) {
	if current.Network != want.Network {
		return nil, unsupported(cloud.KindFirewall, current.ID.Native, "network_id", "the rules of a firewall cannot move to another network")
	}
	if sameLabels(cloud.KindFirewall, current.Meta, want.Meta) && sameRules(current.Rules, want.Rules) {
		return nil, nil
	}
	return []step{setRules{Labels: labelsOf(cloud.KindFirewall, want.Meta), Rules: want.Rules}}, nil
}

func (firewalls) merge(current cloud.Firewall, want cloud.FirewallSpec) cloud.Firewall {
	current.Object, current.Meta = mergedMeta(current.Object, want.Meta)
	current.Network, current.Rules = want.Network, want.Rules
	// The vendor does not protect firewalls.
	current.Protected = false
	return current
}

// remove deletes the rules in all networks, and the anchor with its last one.
// The vendor would let a firewall go that VMs carry: this driver does not,
// unless they have another one.
func (n firewalls) remove(ctx context.Context, native string) error {
	have, err := n.d.ruleSetOf(ctx, native, false)
	if err == nil && len(have.rules) == 0 {
		have, err = n.d.ruleSetOf(ctx, native, true)
	}
	if err != nil {
		return err
	}
	if len(have.rules) == 0 {
		return n.d.dropEmptyAnchors(ctx)
	}
	if err := n.unused(ctx, native); err != nil {
		return err
	}
	home := have.home()
	var operations []cloud.Operation
	// The rule that has the firewall's name goes last: while it is there, a
	// removal that was cut short can be found and done again.
	slices.SortStableFunc(have.rules, func(a, b *computepb.Firewall) int { return btoi(a.GetName() == native) - btoi(b.GetName() == native) })
	for _, rule := range have.rules {
		more, err := n.d.deleteRule(ctx, rule)
		if err != nil {
			return err
		}
		operations = append(operations, more...)
	}
	if err := n.d.wait(ctx, operations); err != nil {
		return err
	}
	if home.Anchor {
		return n.d.dropAnchor(ctx, home.Network)
	}
	return nil
}

// unused refuses to delete a firewall without which a VM would be bare. Which
// VMs carry it is looked up in what the run knows; each of those is asked.
func (n firewalls) unused(ctx context.Context, tag string) error {
	values, err := n.d.tagged.all(ctx, false)
	if err != nil {
		return err
	}
	var users []string
	for _, vm := range chosen(values, func(vm *computepb.Instance) bool { return carries(vm, tag) }) {
		now, err := n.d.api.instances.Get(ctx, &computepb.GetInstanceRequest{Project: n.d.project, Zone: lastPart(vm.GetZone()), Instance: vm.GetName()})
		switch {
		case isNotFound(err):
			n.d.tagged.drop(vmKey(vm))
			continue
		case err != nil:
			return err
		}
		n.d.tagged.put(now)
		if carries(now, tag) && len(now.GetTags().GetItems()) == 1 {
			users = append(users, now.GetName())
		}
	}
	if len(users) == 0 {
		return nil
	}
	slices.Sort(users)
	return &cloud.Error{Code: cloud.CodeInUse, Cloud: Name, Kind: cloud.KindFirewall, ID: tag,
		Message: "the firewall still protects the VMs " + quoted(users),
		Remedy:  "A VM is never left without a firewall (NET-1): give it another one first. To replace a firewall, set lifecycle { create_before_destroy = true } in its block."}
}

func carries(vm *computepb.Instance, tag string) bool {
	return slices.Contains(vm.GetTags().GetItems(), tag)
}

// vmKey names a VM in the index: names are unique in a zone.
func vmKey(vm *computepb.Instance) string { return lastPart(vm.GetZone()) + "/" + vm.GetName() }

// listTagged reads the VMs of the project that carry a tag.
func (d *Driver) listTagged(ctx context.Context) ([]*computepb.Instance, error) {
	list := d.api.instances.AggregatedList(ctx, &computepb.AggregatedListInstancesRequest{Project: d.project, MaxResults: new(uint32(maxResults))})
	gaps := scopes{d: d}
	pairs, err := every[*computepb.InstanceAggregatedList](&gaps, list.Next, func() any { return list.Response })
	if err != nil {
		return nil, err
	}
	var found []*computepb.Instance
	for _, pair := range pairs {
		gaps.note(pair.Key, pair.Value.GetWarning().GetCode())
		for _, vm := range pair.Value.GetInstances() {
			if len(vm.GetTags().GetItems()) > 0 {
				// The index keeps what the question needs, not thousands of
				// VMs with their user data.
				found = append(found, &computepb.Instance{Name: vm.Name, Zone: vm.Zone, Tags: vm.Tags})
			}
		}
	}
	return found, gaps.err()
}

// forgetVM tells that a VM is gone, or carries other tags than it did.
func (d *Driver) forgetVM(native string) { d.tagged.drop(zoneIn(native) + "/" + native) }

// notThere says that a firewall does not exist.
func notThere(tag string) *cloud.Error {
	return &cloud.Error{Code: cloud.CodeInvalid, Cloud: Name, Kind: cloud.KindFirewall, ID: tag, Doing: "read firewall", Message: "there is no such firewall"}
}

func itoa(i int) string { return strconv.Itoa(i) }

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
