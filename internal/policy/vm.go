package policy

import (
	"fmt"
	"net/netip"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// VM is what is judged of a machine's spec. Lists that are known may have
// unknown parts: a list of keys that are yet to be created has a length.
type VM struct {
	Location Opt[cloud.Location]
	Tenant   Opt[string]
	Tier     Opt[string]
	SSHKeys  Opt[[]Ref]
	// Network is a known empty id where none is declared.
	Network   Ref
	Firewalls Opt[[]Ref]
	Volumes   Opt[[]Ref]
	// PrivateIP is a known zero address where the cloud is to choose.
	PrivateIP Opt[netip.Addr]
	// Subnets of the network.
	Subnets  Opt[[]netip.Prefix]
	UserData Opt[string]
}

// CheckVM judges a machine: at least one SSH key (SYS-3) and one firewall
// (NET-1), a private network of its own tenant (ISO-1, ISO-2), no volume of
// another tenant, references that can be reached from its location, no
// passwords in the user data (SYS-3). It is pending if something is unknown.
//
// Fields: tenant, tier, ssh_key_ids[i], network_id, firewall_ids[i],
// volume_ids[i], private_ip, user_data.
func CheckVM(vm VM, capabilities cloud.Capabilities) (findings []Finding, pending bool) {
	c := &vmCheck{vm: vm, capabilities: capabilities}
	if tenant, ok := known(c, vm.Tenant); ok {
		c.add(CheckTenant(tenant)...)
	}
	if tier, ok := known(c, vm.Tier); ok {
		c.add(CheckTier(tier)...)
	}
	c.refs("ssh_key_ids", cloud.KindSSHKey, vm.SSHKeys, &Finding{Promise: SYS3, Summary: "Machine without SSH key",
		Detail: "Machines are managed with personal SSH keys only; without one, a cloud sets a password and mails it.",
		Remedy: "Name at least one holdfast_ssh_key of an engineer."})
	c.network()
	c.refs("firewall_ids", cloud.KindFirewall, vm.Firewalls, &Finding{Promise: NET1, Summary: "Machine without firewall",
		Detail: "Every machine stands behind a firewall that denies by default.",
		Remedy: "Name at least one holdfast_firewall; one without rules lets nothing in."})
	c.refs("volume_ids", cloud.KindVolume, vm.Volumes, nil)
	if ip, ok := known(c, vm.PrivateIP); ok && ip.IsValid() {
		subnets, ok := vm.Subnets.Get()
		if !ok {
			c.pending, subnets = true, nil
		}
		c.add(CheckPrivateIP(ip, subnets)...)
	}
	if text, ok := known(c, vm.UserData); ok {
		c.add(CheckUserData(text, capabilities.MaxUserDataBytes)...)
	}
	return c.findings, c.pending
}

type vmCheck struct {
	vm           VM
	capabilities cloud.Capabilities
	findings     []Finding
	pending      bool
}

func (c *vmCheck) add(findings ...Finding) { c.findings = append(c.findings, findings...) }

// known gives a value, or notes that the verdict has to wait for it.
func known[T any](c *vmCheck, o Opt[T]) (T, bool) {
	value, ok := o.Get()
	c.pending = c.pending || !ok
	return value, ok
}

func (c *vmCheck) network() {
	id, ok := known(c, c.vm.Network.ID)
	switch {
	case !ok:
	case id == "":
		c.add(Finding{Promise: ISO2, Field: "network_id", Summary: "Machine without private network",
			Detail: "Each tenant's machines stand in a private network of that tenant, so that no other tenant's machine reaches them.",
			Remedy: "Name a holdfast_network with the same tenant."})
		return
	default:
		c.ref("network_id", cloud.KindNetwork, id)
	}
	owner, okOwner := known(c, c.vm.Network.Tenant)
	tenant, okTenant := c.vm.Tenant.Get()
	// An empty tenant of the machine is reported where it stands.
	if !okOwner || !okTenant || tenant == "" || owner == tenant {
		return
	}
	of := "belongs to the tenant " + quote(owner)
	if owner == "" {
		of = "names no tenant, so machines of any could stand in it"
	}
	c.add(Finding{Promise: ISO2, Field: "network_id", Summary: "Network of another tenant",
		Detail: fmt.Sprintf("The machine is for the tenant %s, but its network %s.", quote(tenant), of),
		Remedy: fmt.Sprintf("Give the machine a holdfast_network with tenant = %s.", quote(tenant))})
}

// refs judges a list of references; missing is the finding if it is empty.
func (c *vmCheck) refs(field string, kind cloud.Kind, list Opt[[]Ref], missing *Finding) {
	refs, ok := known(c, list)
	if !ok {
		return
	}
	if len(refs) == 0 && missing != nil {
		f := *missing
		f.Field = field
		c.add(f)
	}
	seen := map[string]bool{}
	for i, ref := range refs {
		at := index(field, i)
		if id, ok := known(c, ref.ID); ok {
			if seen[id] {
				c.add(Finding{Field: at, Summary: "Object named twice", Detail: fmt.Sprintf("%q is in the list twice.", clip(id)), Remedy: "Name it once."})
			}
			seen[id] = true
			c.ref(at, kind, id)
		}
		if kind == cloud.KindVolume {
			c.volumeTenant(at, ref)
		}
	}
}

// volumeTenant: a volume without tenant becomes its machine's.
func (c *vmCheck) volumeTenant(field string, ref Ref) {
	owner, okOwner := known(c, ref.Tenant)
	tenant, okTenant := c.vm.Tenant.Get()
	if okOwner && okTenant && owner != "" && tenant != "" && owner != tenant {
		c.add(Finding{Promise: ISO2, Field: field, Summary: "Volume of another tenant",
			Detail: fmt.Sprintf("The machine is for the tenant %s, but the volume belongs to the tenant %s.", quote(tenant), quote(owner)),
			Remedy: "Attach a volume of the same tenant."})
	}
}

// ref judges one id of the machine's.
func (c *vmCheck) ref(field string, kind cloud.Kind, text string) {
	here, _ := known(c, c.vm.Location)
	c.add(checkRef(field, "machine", kind, text, here, c.capabilities)...)
}
