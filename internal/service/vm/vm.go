package vm

import (
	"maps"

	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/googleblock"
)

// NewResource makes holdfast_vm.
func NewResource() resource.Resource {
	return service.NewResource[model](service.Definition[model, cloud.VMSpec, cloud.VM]{
		Kind:       cloud.KindVM,
		Noun:       "VM",
		Schema:     wholeSchema,
		Store:      storeOf,
		Check:      check,
		Replaces:   replaces,
		Review:     review,
		Lacks:      lacksBackups,
		ToSpec:     toSpec,
		FromObject: fromObject,
		Observed:   func(vm cloud.VM) (cloud.Object, cloud.Meta) { return vm.Object, vm.Meta },
		Rebuild:    rebuild,
		Healthy:    healthy,
	})
}

// replaces names what no running machine can change. What an imported machine
// was made with is not known (it has no keys in the state): then the
// configuration's keys, user data and image are recorded and taken to be so.
func replaces(prior, plan *model) []string {
	var names []string
	add := func(name string, changed bool) {
		if changed {
			names = append(names, name)
		}
	}
	imported := prior.SSHKeyIDs.IsNull()
	add("tenant", !prior.Tenant.IsNull() && !plan.Tenant.Equal(prior.Tenant))
	// The architecture of a type that is not chosen yet is unknown; the choice
	// keeps to the machine's own.
	add("architecture", !prior.Architecture.IsNull() && !plan.Architecture.IsUnknown() && !plan.Architecture.Equal(prior.Architecture))
	add(imageAttribute(prior, plan), otherImage(prior, plan))
	add("ssh_key_ids", !imported && !sameKeys(prior.SSHKeyIDs, plan.SSHKeyIDs))
	add("user_data", !imported && !plan.UserData.Equal(prior.UserData))
	add("public_ipv4", !plan.PublicIPv4.Equal(prior.PublicIPv4))
	add("public_ipv6", !plan.PublicIPv6.Equal(prior.PublicIPv6))
	add(googleblock.Name, googleblock.Replaces(plan.Location, prior.Google, plan.Google, imported))
	return names
}

// sameKeys tells whether two sets name the same keys. Where the vendor keeps
// one list of keys, the location in a key's id may change; the key does not.
func sameKeys(prior, plan types.Set) bool {
	if prior.Equal(plan) {
		return true
	}
	had, want := parseIDs(prior), parseIDs(plan)
	if plan.IsUnknown() || len(had) != len(prior.Elements()) || len(want) != len(plan.Elements()) {
		return false
	}
	return maps.Equal(keySet(had), keySet(want))
}

// keySet gives the clouds and native ids of keys.
func keySet(ids []cloud.ID) map[cloud.ID]bool {
	keys := map[cloud.ID]bool{}
	for _, id := range ids {
		id.Location.Name = ""
		keys[id] = true
	}
	return keys
}

// healthy tells whether a machine whose creation was cut short is one that an
// update can bring to its spec: it has come as far as having a power state.
func healthy(vm cloud.VM) bool {
	return vm.Power == cloud.PowerRunning || vm.Power == cloud.PowerStopped
}
