package acceptance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hetznercloud/hcloud-go/v2/hcloud"
)

// changed is a step that changes the VM in place; the checks see the result.
func (w *world) changed(id *string, changes attrs, blocks []string, checks ...resource.TestCheckFunc) resource.TestStep {
	return resource.TestStep{
		Config: w.onEstate(changes, blocks...), ConfigPlanChecks: planned(webVM, plancheck.ResourceActionUpdate),
		Check: all(append(checks, stays(webVM, id))...),
	}
}

func TestVMPower(t *testing.T) {
	w := newWorld(t)
	var id string
	running, stopped := attrs(nil), attrs{"power_state": `"stopped"`}
	w.test(t,
		resource.TestStep{
			Config: w.onEstate(stopped),
			Check:  all(remember(webVM, &id), holds(webVM, map[string]string{"power_state": "stopped", "status": "off"}), w.serverIs(t, "off", isOff)),
		},
		w.changed(&id, running, nil, holds(webVM, map[string]string{"power_state": "running", "status": "running"}), w.serverIs(t, "running", runs)),
		w.changed(&id, stopped, nil, w.serverIs(t, "off", isOff)),
		resource.TestStep{
			PreConfig: func() { w.done(t)(w.Client.Server.Poweron(context.Background(), w.theServer(t))) },
			Config:    w.onEstate(stopped), ConfigPlanChecks: planned(webVM, plancheck.ResourceActionUpdate), Check: w.serverIs(t, "off", isOff),
		},
	)
}

func TestVMVolumes(t *testing.T) {
	w := newWorld(t)
	var id string
	disks := `
resource "holdfast_volume" "disk" {
  count    = 3
  name     = "disk-${count.index}"
  location = "hetzner/fsn1"
  tenant   = "acme"
  size_gb  = 10
}
`
	holding := func(names ...string) resource.TestCheckFunc {
		return all(resource.TestCheckResourceAttr(webVM, "volume_ids.#", fmt.Sprint(len(names))), func(*terraform.State) error {
			volumes, err := w.Client.Volume.All(context.Background())
			if err != nil {
				return err
			}
			var held []string
			for _, v := range volumes {
				if v.Server != nil {
					held = append(held, v.Name)
				}
			}
			slices.Sort(held)
			if !slices.Equal(held, names) {
				return fmt.Errorf("attached are %v, want %v", held, names)
			}
			return nil
		})
	}
	w.test(t,
		resource.TestStep{
			// Attached by the request that makes the VM.
			PreConfig: w.ResetRequests, Config: w.onEstate(attrs{"volume_ids": "[holdfast_volume.disk[0].id]"}, disks),
			Check: all(remember(webVM, &id), func(*terraform.State) error {
				if n := w.Counts().Routes["POST /v1/volumes/{id}/actions/attach"]; n > 0 {
					return fmt.Errorf("%d requests to attach", n)
				}
				return nil
			}, holding("disk-0-fsn1")),
		},
		w.changed(&id, attrs{"volume_ids": "[holdfast_volume.disk[0].id, holdfast_volume.disk[1].id]"}, []string{disks}, holding("disk-0-fsn1", "disk-1-fsn1")),
		w.changed(&id, attrs{"volume_ids": "[holdfast_volume.disk[2].id, holdfast_volume.disk[1].id]"}, []string{disks}, holding("disk-1-fsn1", "disk-2-fsn1")),
		resource.TestStep{
			// Detached by somebody: attached again.
			PreConfig: func() {
				held := w.theServer(t).Volumes
				w.done(t)(w.Client.Volume.Detach(context.Background(), held[0]))
			},
			Config: w.onEstate(attrs{"volume_ids": "[holdfast_volume.disk[1].id, holdfast_volume.disk[2].id]"}, disks), ConfigPlanChecks: planned(webVM, plancheck.ResourceActionUpdate),
			Check: holding("disk-1-fsn1", "disk-2-fsn1"),
		},
		w.changed(&id, attrs{"volume_ids": "[]"}, []string{disks}, func(state *terraform.State) error { return holding()(state) }),
		w.changed(&id, attrs{"volume_ids": "holdfast_volume.disk[*].id"}, []string{disks}, holding("disk-0-fsn1", "disk-1-fsn1", "disk-2-fsn1")),
		// Volumes that go are detached first, in the same plan.
		w.changed(&id, nil, nil, absent(webVM, "volume_ids.#"), w.cloudHolds("volume", 0), w.serverIs(t, "running", runs)),
	)
}

// A volume moves from one VM to another in one plan.
func TestVMVolumeMoves(t *testing.T) {
	w := newWorld(t)
	config := func(first, second string) string {
		return w.config(estate + volume("data", "hetzner/fsn1", 10, `tenant = "acme"`) + `
resource "holdfast_vm" "pair" {
  count          = 2
  name           = ["one", "two"][count.index]
  location       = "hetzner/fsn1"
  tenant         = "acme"
  cpus           = 2
  memory_gb      = 4
  image          = "debian-12"
  ssh_key_ids    = [holdfast_ssh_key.admin.id]
  network_id     = holdfast_network.acme.id
  firewall_ids   = [holdfast_firewall.web.id]
  volume_ids     = [` + first + `, ` + second + `][count.index]
  backup_plan_id = "standard"
}
`)
	}
	heldBy := func(name string) resource.TestCheckFunc {
		return func(*terraform.State) error {
			v := w.theVolume(t)
			if v.Server == nil {
				return fmt.Errorf("no VM holds the volume")
			}
			holder := must[*hcloud.Server](t)(w.Client.Server.GetByID(context.Background(), v.Server.ID))
			if holder.Name != name {
				return fmt.Errorf("%s holds the volume, want %s", holder.Name, name)
			}
			return nil
		}
	}
	w.test(t,
		resource.TestStep{Config: config("[holdfast_volume.data.id]", "[]"), Check: heldBy("one-fsn1")},
		resource.TestStep{Config: config("[]", "[holdfast_volume.data.id]"), Check: heldBy("two-fsn1")},
	)
}

func TestVMFirewalls(t *testing.T) {
	w := newWorld(t)
	var id string
	more := `
resource "holdfast_firewall" "ssh" {
  name     = "ssh"
  location = "hetzner/fsn1"
  rules    = [{ protocol = "tcp", port = "22", networks = ["203.0.113.0/24"] }]
}
`
	behind := func(names ...string) resource.TestCheckFunc {
		return func(*terraform.State) error {
			firewalls, err := w.Client.Firewall.All(context.Background())
			if err != nil {
				return err
			}
			var applied []string
			for _, f := range firewalls {
				if len(f.AppliedTo) > 0 {
					applied = append(applied, f.Name)
				}
			}
			slices.Sort(applied)
			if !slices.Equal(applied, names) {
				return fmt.Errorf("applied are %v, want %v", applied, names)
			}
			return nil
		}
	}
	both := attrs{"firewall_ids": "[holdfast_firewall.ssh.id, holdfast_firewall.web.id]"}
	w.test(t,
		resource.TestStep{Config: w.onEstate(nil), Check: all(remember(webVM, &id), behind("web-fsn1"))},
		w.changed(&id, both, []string{more}, behind("ssh-fsn1", "web-fsn1")),
		resource.TestStep{
			// Somebody opened it: closed again.
			PreConfig: func() {
				s := w.theServer(t)
				for _, f := range s.PublicNet.Firewalls {
					actions := must[[]*hcloud.Action](t)(w.Client.Firewall.RemoveResources(context.Background(), &f.Firewall,
						[]hcloud.FirewallResource{{Type: hcloud.FirewallResourceTypeServer, Server: &hcloud.FirewallResourceServer{ID: s.ID}}}))
					if err := w.Client.Action.WaitFor(context.Background(), actions...); err != nil {
						t.Fatal(err)
					}
				}
			},
			Config: w.onEstate(both, more), ConfigPlanChecks: planned(webVM, plancheck.ResourceActionUpdate), Check: behind("ssh-fsn1", "web-fsn1"),
		},
		w.changed(&id, attrs{"firewall_ids": "[holdfast_firewall.ssh.id]"}, []string{more}, behind("ssh-fsn1")),
		w.changed(&id, both, []string{more}, behind("ssh-fsn1", "web-fsn1")),
		// Terraform deletes the firewall that goes before it changes the VM.
		w.changed(&id, nil, nil, behind("web-fsn1"), w.cloudHolds("firewall", 1)),
		resource.TestStep{
			// The only firewall is replaced: the new one comes first.
			Config: w.config(strings.Replace(estate, `"web"
  location = "hetzner/fsn1"`, `"web"
  lifecycle { create_before_destroy = true }
  location = "hetzner/nbg1"`, 1) + vm(nil)),
			ConfigPlanChecks: planned("holdfast_firewall.web", plancheck.ResourceActionCreateBeforeDestroy),
			Check:            all(stays(webVM, &id), behind("web-nbg1"), w.cloudHolds("firewall", 1)),
		},
	)
}

func TestVMNetwork(t *testing.T) {
	w := newWorld(t)
	var id string
	other := `
resource "holdfast_network" "other" {
  name     = "other"
  location = "hetzner/fsn1"
  tenant   = "acme"
  cidr     = "10.2.0.0/24"
}
`
	at := func(network, ip string) resource.TestCheckFunc {
		return all(resource.TestCheckResourceAttr(webVM, "private_ip", ip),
			resource.TestCheckResourceAttrPair(webVM, "network_id", network, "id"),
			w.serverIs(t, "at "+ip, func(s *hcloud.Server) bool { return len(s.PrivateNet) == 1 && s.PrivateNet[0].IP.String() == ip }))
	}
	const acme, second = "holdfast_network.acme", "holdfast_network.other"
	w.test(t,
		resource.TestStep{Config: w.onEstate(attrs{"private_ip": `"10.1.0.50"`}), Check: all(remember(webVM, &id), at(acme, "10.1.0.50"))},
		w.changed(&id, attrs{"private_ip": `"10.1.0.60"`}, nil, at(acme, "10.1.0.60")),
		// Left to the cloud from now on: it stays.
		resource.TestStep{Config: w.onEstate(nil), ConfigPlanChecks: nothingPlanned(), Check: at(acme, "10.1.0.60")},
		w.changed(&id, attrs{"network_id": "holdfast_network.other.id"}, []string{other}, at(second, "10.2.0.2")),
		w.changed(&id, attrs{"network_id": "holdfast_network.acme.id", "private_ip": `"10.1.0.70"`}, []string{other}, at(acme, "10.1.0.70")),
		resource.TestStep{
			PreConfig: func() {
				s := w.theServer(t)
				w.done(t)(w.Client.Server.DetachFromNetwork(context.Background(), s, hcloud.ServerDetachFromNetworkOpts{Network: s.PrivateNet[0].Network}))
			},
			Config: w.onEstate(attrs{"private_ip": `"10.1.0.70"`}, other), ConfigPlanChecks: planned(webVM, plancheck.ResourceActionUpdate), Check: at(acme, "10.1.0.70"),
		},
		w.changed(&id, attrs{"network_id": "holdfast_network.other.id"}, []string{other}, at(second, "10.2.0.2")),
		// Terraform deletes the network that goes before it changes the VM.
		w.changed(&id, nil, nil, at(acme, "10.1.0.2"), w.cloudHolds("network", 1)),
		resource.TestStep{
			Config:      w.onEstate(attrs{"private_ip": `"10.1.1.70"`}),
			ExpectError: says("Address outside the subnets", "private_ip =", "10.1.0.0/24", "add a subnet that holds it"),
		},
		resource.TestStep{
			Config:      w.onEstate(attrs{"private_ip": `"10.1.0.1"`}),
			ExpectError: says("Reserved address", "private_ip =", "Choose an address from 10.1.0.2"),
		},
		resource.TestStep{
			// A subnet that the same plan adds counts.
			Config: w.config(growing(`["10.1.0.0/24", "10.1.1.0/24"]`) + vm(attrs{"private_ip": `"10.1.1.70"`})), ConfigPlanChecks: planned(webVM, plancheck.ResourceActionUpdate),
			Check: at(acme, "10.1.1.70"),
		},
		resource.TestStep{
			// And one that it takes away does not.
			Config: w.config(growing(`["10.1.0.0/24"]`) + vm(attrs{"private_ip": `"10.1.1.71"`})), ExpectError: says("Address outside the subnets", "private_ip ="),
		},
		resource.TestStep{
			Config: w.config(growing(`["10.1.0.0/24", "10.1.1.0/24"]`) + vm(attrs{"private_ip": `"10.1.1.70"`})), ConfigPlanChecks: nothingPlanned(),
		},
	)
}

// growing is the estate with other subnets.
func growing(subnets string) string {
	const fixed = `["10.1.0.0/24"]`
	return strings.Replace(estate, fixed, subnets, 1)
}

// nothingUnknown wants the plan to know every attribute of a resource.
type nothingUnknown string

func (n nothingUnknown) CheckPlan(_ context.Context, req plancheck.CheckPlanRequest, resp *plancheck.CheckPlanResponse) {
	for _, change := range req.Plan.ResourceChanges {
		if change.Address != string(n) {
			continue
		}
		unknown, _ := change.Change.AfterUnknown.(map[string]any)
		for name, value := range unknown {
			if value == true {
				resp.Error = errors.Join(resp.Error, fmt.Errorf("%s.%s is known only after apply", n, name))
			}
		}
	}
}

func TestVMReplacements(t *testing.T) {
	w := newWorld(t)
	var id string
	other := "\nresource \"holdfast_ssh_key\" \"grace\" {\n  name = \"grace\"\n  location = \"hetzner/fsn1\"\n  public_key = local.other\n}\n"
	so := attrs{}
	replaced := func(change attrs, checks ...resource.TestCheckFunc) resource.TestStep {
		so = so.with(change)
		return resource.TestStep{
			Config: w.onEstate(so, other), ConfigPlanChecks: planned(webVM, plancheck.ResourceActionDestroyBeforeCreate),
			Check: all(append(checks, moved(webVM, &id), remember(webVM, &id), w.cloudHolds("server", 1))...),
		}
	}
	w.test(t,
		resource.TestStep{Config: w.onEstate(so, other), Check: remember(webVM, &id)},
		replaced(attrs{"image": `"debian-13"`}, w.serverIs(t, "of debian-13", func(s *hcloud.Server) bool { return s.Image.Name == "debian-13" })),
		replaced(attrs{"user_data": `"#cloud-config\npackages: [htop]\n"`}, func(*terraform.State) error {
			// The API does not tell user data; the embedded cloud knows what it got.
			for _, record := range w.Objects("server") {
				if text := fmt.Sprintf("%+v", record); !says("packages: [htop]").MatchString(text) {
					return fmt.Errorf("the server has other user data: %s", text)
				}
			}
			return nil
		}),
		replaced(attrs{"ssh_key_ids": "[holdfast_ssh_key.admin.id, holdfast_ssh_key.grace.id]"}),
		replaced(attrs{"public_ipv4": "false"}, absent(webVM, "ipv4_address"), w.serverIs(t, "without IPv4", func(s *hcloud.Server) bool { return s.PublicNet.IPv4.IsUnspecified() })),
		replaced(attrs{"public_ipv6": "false"}, absent(webVM, "ipv6_address", "ipv6_network"), resource.TestCheckResourceAttr(webVM, "firewall_ids.#", "1"),
			w.serverIs(t, "private and running", func(s *hcloud.Server) bool {
				return s.PublicNet.IPv6.IsUnspecified() && runs(s) && len(s.PrivateNet) == 1
			})),
		// A plan of a private VM shows no address as yet to come.
		resource.TestStep{
			Config: w.onEstate(so.with(attrs{"labels": `{ a = "b" }`}), other), Check: stays(webVM, &id),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(webVM, plancheck.ResourceActionUpdate), nothingUnknown(webVM)}},
		},
		replaced(attrs{"public_ipv4": "true", "private_ip": `"10.1.0.44"`}, resource.TestCheckResourceAttr(webVM, "private_ip", "10.1.0.44")),
	)
}

// A private VM with a fixed address is attached before it starts.
func TestVMPrivateOnly(t *testing.T) {
	w := newWorld(t)
	var id string
	private := attrs{"public_ipv4": "", "public_ipv6": "", "private_ip": `"10.1.0.44"`}
	more := "\nresource \"holdfast_firewall\" \"ssh\" {\n  name = \"ssh\"\n  location = \"hetzner/fsn1\"\n}\n"
	w.test(t,
		resource.TestStep{
			Config: w.onEstate(private, more), Check: all(remember(webVM, &id), absent(webVM, "ipv4_address", "ipv6_address"),
				holds(webVM, map[string]string{"private_ip": "10.1.0.44", "status": "running", "firewall_ids.#": "1"}),
				w.serverIs(t, "running at its address", func(s *hcloud.Server) bool { return runs(s) && s.PrivateNet[0].IP.String() == "10.1.0.44" })),
		},
		w.changed(&id, private.with(attrs{"firewall_ids": "[holdfast_firewall.ssh.id, holdfast_firewall.web.id]"}), []string{more}, resource.TestCheckResourceAttr(webVM, "firewall_ids.#", "2")),
		resource.TestStep{Config: w.onEstate(private.with(attrs{"firewall_ids": "[]"}), more), ExpectError: says("Machine without firewall (NET-1)", "firewall_ids =")},
		resource.TestStep{Config: w.onEstate(private, more), ConfigPlanChecks: planned(webVM, plancheck.ResourceActionUpdate)},
	)
}

func TestVMPlacementGroup(t *testing.T) {
	w := newWorld(t)
	var id string
	group := func(name string) int64 {
		made := must[hcloud.PlacementGroupCreateResult](t)(w.Client.PlacementGroup.Create(context.Background(), hcloud.PlacementGroupCreateOpts{Name: name, Type: hcloud.PlacementGroupTypeSpread}))
		return made.PlacementGroup.ID
	}
	first, second := group("first"), group("second")
	within := func(id int64) attrs {
		return attrs{"+": fmt.Sprintf("hetzner { placement_group_id = \"%d\" }", id)}
	}
	is := func(id int64) resource.TestCheckFunc {
		return w.serverIs(t, fmt.Sprintf("running in group %d", id), func(s *hcloud.Server) bool {
			return runs(s) && (s.PlacementGroup == nil && id == 0 || s.PlacementGroup != nil && s.PlacementGroup.ID == id)
		})
	}
	w.test(t,
		resource.TestStep{Config: w.onEstate(within(first)), Check: all(remember(webVM, &id), is(first))},
		w.changed(&id, within(second), nil, is(second)),
		resource.TestStep{
			// Taken out by somebody: put in again.
			PreConfig: func() { w.done(t)(w.Client.Server.RemoveFromPlacementGroup(context.Background(), w.theServer(t))) },
			Config:    w.onEstate(within(second)), ConfigPlanChecks: planned(webVM, plancheck.ResourceActionUpdate), Check: is(second),
		},
		w.changed(&id, attrs{"+": "hetzner {}"}, nil, is(0)),
		resource.TestStep{
			Config:      w.onEstate(within(4242)),
			ExpectError: says(`Cannot change VM "web"`, "placement_group"),
		},
		// The failed change left the VM running.
		resource.TestStep{Config: w.onEstate(attrs{"+": "hetzner {}"}), ConfigPlanChecks: nothingPlanned(), Check: is(0)},
		resource.TestStep{
			PreConfig: func() {
				for _, id := range []int64{first, second} {
					if _, err := w.Client.PlacementGroup.Delete(context.Background(), &hcloud.PlacementGroup{ID: id}); err != nil {
						t.Fatal(err)
					}
				}
			},
			Config: w.onEstate(attrs{"+": "hetzner {}"}), ConfigPlanChecks: nothingPlanned(),
		},
	)
}
