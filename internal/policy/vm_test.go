package policy

import (
	"net/netip"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

func refs(ids ...string) Opt[[]Ref] {
	out := []Ref{}
	for _, id := range ids {
		out = append(out, Ref{ID: Known(id), Tenant: Known("")})
	}
	return Known(out)
}

// goodVM breaks nothing and has nothing unknown.
func goodVM(t testing.TB) VM {
	t.Helper()
	return VM{
		Location:  Known(cloud.Location{Cloud: "hetzner", Name: "fsn1"}),
		Tenant:    Known("acme"),
		Tier:      Known("paid"),
		SSHKeys:   refs("hetzner/nbg1/1", "hetzner/fsn1/2"),
		Network:   Ref{ID: Known("hetzner/fsn1/3"), Tenant: Known("acme")},
		Firewalls: refs("hetzner/nbg1/4"),
		Volumes:   Known([]Ref{{ID: Known("hetzner/fsn1/5"), Tenant: Known("acme")}, {ID: Known("hetzner/fsn1/6"), Tenant: Known("")}}),
		PrivateIP: Known(netip.MustParseAddr("10.0.0.5")),
		Subnets:   Known(prefixes(t, "10.0.0.0/24")),
		UserData:  Known("#cloud-config\npackages: [nginx]\n"),
	}
}

func TestCheckVM(t *testing.T) {
	limits := cloud.Capabilities{MaxUserDataBytes: 32768}
	for _, tc := range []struct {
		name    string
		change  func(*VM)
		pending bool
		want    []string
	}{
		{"good", func(*VM) {}, false, nil},
		{"no tenant", func(v *VM) { v.Tenant = Known("") }, false, []string{"ISO-1 tenant | Tenant missing"}},
		{"bad tenant", func(v *VM) { v.Tenant = Known("ACME"); v.Network.Tenant = Known("ACME"); v.Volumes = refs() }, false, []string{"ISO-1 tenant | Invalid tenant"}},
		{"bad tier", func(v *VM) { v.Tier = Known("gold") }, false, []string{"- tier | Unknown tier"}},
		{"no key", func(v *VM) { v.SSHKeys = refs() }, false, []string{"SYS-3 ssh_key_ids | Machine without SSH key | a cloud sets a password and mails it | at least one holdfast_ssh_key"}},
		{"null keys", func(v *VM) { v.SSHKeys = Known[[]Ref](nil) }, false, []string{"SYS-3 ssh_key_ids | Machine without SSH key"}},
		{"no firewall", func(v *VM) { v.Firewalls = refs() }, false, []string{"NET-1 firewall_ids | Machine without firewall | denies by default | one without rules lets nothing in"}},
		{"no network", func(v *VM) { v.Network = Ref{ID: Known("")} }, false, []string{"ISO-2 network_id | Machine without private network | no other tenant's machine reaches them | with the same tenant"}},
		{"another tenant's network", func(v *VM) { v.Network.Tenant = Known("zenith") }, false, []string{`ISO-2 network_id | Network of another tenant | is for the tenant "acme", but its network belongs to the tenant "zenith" | tenant = "acme"`}},
		{"nobody's network", func(v *VM) { v.Network.Tenant = Known("") }, false, []string{"ISO-2 network_id | Network of another tenant | names no tenant, so machines of any could stand in it"}},
		{"another tenant's volume", func(v *VM) { v.Volumes = Known([]Ref{{Known("hetzner/fsn1/5"), Known("zenith")}}) }, false, []string{`ISO-2 volume_ids[0] | Volume of another tenant | belongs to the tenant "zenith" | same tenant`}},
		{"no volumes", func(v *VM) { v.Volumes = refs() }, false, nil},
		{"key twice", func(v *VM) { v.SSHKeys = refs("hetzner/fsn1/1", "hetzner/fsn1/1") }, false, []string{`- ssh_key_ids[1] | Object named twice | "hetzner/fsn1/1" is in the list twice | Name it once`}},
		{"volume twice", func(v *VM) { v.Volumes = refs("hetzner/fsn1/5", "hetzner/fsn1/5") }, false, []string{"- volume_ids[1] | Object named twice"}},
		{"native id", func(v *VM) { v.Firewalls = refs("4711") }, false, []string{`- firewall_ids[0] | Not an object's id | "4711" is not written <cloud>/<location>/<native id> | the id attribute of a holdfast_firewall`}},
		{"name for a network", func(v *VM) { v.Network.ID = Known("acme-net") }, false, []string{`- network_id | Not an object's id | "acme-net" | holdfast_network`}},
		{"key of another cloud", func(v *VM) { v.SSHKeys = refs("google/europe-west3-a/1") }, false, []string{"- ssh_key_ids[0] | Object of another cloud | stands in hetzner/fsn1, but the ssh key google/europe-west3-a/1 is on google | a holdfast_ssh_key with the machine's location"}},
		{"volume elsewhere", func(v *VM) { v.Volumes = refs("hetzner/nbg1/5") }, false, []string{"- volume_ids[0] | Object of another location | stands in hetzner/fsn1, but the volume is in hetzner/nbg1 | Declare the holdfast_volume"}},
		{"network elsewhere", func(v *VM) { v.Network.ID = Known("hetzner/hel1/3") }, false, []string{"- network_id | Object of another location"}},
		{"reserved address", func(v *VM) { v.PrivateIP = Known(netip.MustParseAddr("10.0.0.1")) }, false, []string{"- private_ip | Reserved address"}},
		{"no address", func(v *VM) { v.PrivateIP = Known(netip.Addr{}) }, false, nil},
		{"password", func(v *VM) { v.UserData = Known("#cloud-config\npassword: x\n") }, false, []string{"SYS-3 user_data | User data set up a password"}},

		{"tenant unknown", func(v *VM) { v.Tenant = Unknown[string]() }, true, nil},
		{"tier unknown", func(v *VM) { v.Tier = Unknown[string]() }, true, nil},
		{"location unknown", func(v *VM) { v.Location = Unknown[cloud.Location](); v.Volumes = refs("hetzner/nbg1/5") }, true, nil},
		{"keys unknown", func(v *VM) { v.SSHKeys = Unknown[[]Ref]() }, true, nil},
		{"a key unknown", func(v *VM) { v.SSHKeys = Known([]Ref{{}}) }, true, nil},
		{"two keys unknown are not the same", func(v *VM) { v.SSHKeys = Known([]Ref{{}, {}}) }, true, nil},
		{"a key's tenant does not matter", func(v *VM) { v.SSHKeys = Known([]Ref{{ID: Known("hetzner/fsn1/1")}}) }, false, nil},
		{"firewalls unknown", func(v *VM) { v.Firewalls = Unknown[[]Ref]() }, true, nil},
		{"network unknown", func(v *VM) { v.Network = Ref{} }, true, nil},
		{"network unknown, its tenant known", func(v *VM) { v.Network = Ref{Tenant: Known("zenith")} }, true, []string{"ISO-2 network_id | Network of another tenant"}},
		{"network's tenant unknown", func(v *VM) { v.Network.Tenant = Unknown[string]() }, true, nil},
		{"volume's tenant unknown", func(v *VM) { v.Volumes = Known([]Ref{{ID: Known("hetzner/fsn1/5")}}) }, true, nil},
		{"volumes unknown", func(v *VM) { v.Volumes = Unknown[[]Ref]() }, true, nil},
		{"address unknown", func(v *VM) { v.PrivateIP = Unknown[netip.Addr]() }, true, nil},
		{"subnets unknown", func(v *VM) { v.Subnets = Unknown[[]netip.Prefix]() }, true, nil},
		{"subnets unknown, address bad", func(v *VM) {
			v.Subnets = Unknown[[]netip.Prefix]()
			v.PrivateIP = Known(netip.MustParseAddr("8.8.8.8"))
		}, true, []string{"ISO-2 private_ip | Address is not private"}},
		{"subnets do not matter without an address", func(v *VM) {
			v.Subnets = Unknown[[]netip.Prefix]()
			v.PrivateIP = Known(netip.Addr{})
		}, false, nil},
		{"user data unknown", func(v *VM) { v.UserData = Unknown[string]() }, true, nil},
		{"what is known is judged", func(v *VM) { *v = VM{Firewalls: refs()} }, true, []string{"NET-1 firewall_ids | Machine without firewall"}},
		{"nothing known", func(v *VM) { *v = VM{} }, true, nil},
		{"everything wrong", func(v *VM) {
			*v = VM{Location: v.Location, Tenant: Known(""), Tier: Known("x"), SSHKeys: refs(), Network: Ref{ID: Known("")}, Firewalls: refs(),
				Volumes: refs("x"), PrivateIP: Known(netip.MustParseAddr("8.8.8.8")), Subnets: v.Subnets, UserData: Known("x")}
		}, false, []string{"ISO-1 tenant | Tenant missing", "- tier | Unknown tier", "SYS-3 ssh_key_ids | Machine without SSH key", "ISO-2 network_id | Machine without private network",
			"NET-1 firewall_ids | Machine without firewall", "- volume_ids[0] | Not an object's id", "ISO-2 private_ip | Address is not private", "- user_data | User data of unknown form"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			vm := goodVM(t)
			tc.change(&vm)
			got, pending := CheckVM(vm, limits)
			if pending != tc.pending {
				t.Errorf("pending = %v", pending)
			}
			expect(t, got, tc.want...)
		})
	}
}

// Where a vendor keeps one network for all its locations, any will do.
func TestCheckVMGlobalKinds(t *testing.T) {
	vm := goodVM(t)
	vm.Network.ID = Known("hetzner/hel1/3")
	got, _ := CheckVM(vm, cloud.Capabilities{Global: map[cloud.Kind]bool{cloud.KindNetwork: true}})
	expect(t, got)
}
