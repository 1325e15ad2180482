package acceptance

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
)

// What no configuration may ask for, seen by the plan of a new VM: each on its
// attribute, with the promise and what to do.
func TestVMRefusals(t *testing.T) {
	w := newWorld(t)
	other := `
resource "holdfast_network" "other" {
  name     = "other"
  location = "hetzner/fsn1"
  tenant   = "other"
  cidr     = "10.2.0.0/24"
}

resource "holdfast_network" "shared" {
  name     = "shared"
  location = "hetzner/fsn1"
  cidr     = "10.3.0.0/24"
}

resource "holdfast_volume" "other" {
  name     = "other"
  location = "hetzner/fsn1"
  tenant   = "other"
  size_gb  = 10
}
`
	other += volume("acme", "hetzner/fsn1", 10, `tenant = "acme"`)
	steps := []resource.TestStep{{Config: w.config(estate + other)}}
	for _, refused := range []struct {
		name    string
		changes attrs
		error   []string
	}{
		{"no key", attrs{"ssh_key_ids": "[]"}, []string{"Machine without SSH key (SYS-3)", "ssh_key_ids =", "Name at least one holdfast_ssh_key"}},
		{"keys left out", attrs{"ssh_key_ids": ""}, []string{"Machine without SSH key (SYS-3)"}},
		{"no firewall", attrs{"firewall_ids": "[]"}, []string{"Machine without firewall (NET-1)", "firewall_ids =", "Name at least one holdfast_firewall"}},
		{"firewalls left out", attrs{"firewall_ids": ""}, []string{"Machine without firewall (NET-1)"}},
		{"no network", attrs{"network_id": ""}, []string{"Machine without private network (ISO-2)", "holdfast_network with the same tenant"}},
		{"another tenant's network", attrs{"network_id": "holdfast_network.other.id"},
			[]string{"Network of another tenant (ISO-2)", "network_id =", `belongs to the tenant "other"`, `tenant = "acme"`}},
		{"a shared network", attrs{"network_id": "holdfast_network.shared.id"}, []string{"Network of another tenant (ISO-2)", "network_id =", "names no tenant"}},
		{"another tenant's volume", attrs{"volume_ids": "[holdfast_volume.other.id]"},
			[]string{"Volume of another tenant (ISO-2)", "volume_ids =", `belongs to the tenant "other"`, "same tenant"}},
		{"no backup plan", attrs{"volume_ids": "[holdfast_volume.data.id]", "backup_plan_id": ""},
			[]string{"Tenant's data without backups (BAK-1)", "holds a data volume of the tenant \"acme\"", "backup_plan_id = holdfast_backup_plan.standard.id"}},
		{"a backup plan that is no name", attrs{"volume_ids": "[holdfast_volume.data.id]", "backup_plan_id": `"hetzner/fsn1/4711"`}, []string{"Invalid name", "backup_plan_id ="}},
		{"no such network", attrs{"network_id": `"hetzner/fsn1/4242"`}, []string{"No such object", "network_id =", "hetzner/fsn1/4242 does not exist"}},
		{"no such volume", attrs{"volume_ids": `["hetzner/fsn1/4242"]`}, []string{"No such object", "volume_ids =", "does not exist"}},
		{"a network elsewhere", attrs{"location": `"hetzner/hel1"`}, []string{"Object of another location", "network_id =", "with the machine's location"}},
		{"a firewall of another cloud", attrs{"firewall_ids": `["google/europe-west3-a/5"]`}, []string{"Object of another cloud", "firewall_ids ="}},
		{"a key by its name", attrs{"ssh_key_ids": `["admin"]`}, []string{"Not an object's id", "ssh_key_ids =", "Use the id attribute of a holdfast_ssh_key"}},
		{"no tenant", attrs{"tenant": `""`}, []string{"tenant ="}},
		{"tenant left out", attrs{"tenant": ""}, []string{`The argument "tenant" is required`}},
		{"password logins", attrs{"user_data": `"#cloud-config\nssh_pwauth: true\n"`}, []string{"(SYS-3)", "user_data ="}},
		{"a tier", attrs{"tier": `"gold"`}, []string{"tier =", "paid"}},
		{"no CPUs", attrs{"cpus": "0"}, []string{"Too few CPUs", "cpus =", "Ask for 1 or more"}},
		{"no memory", attrs{"memory_gb": "0"}, []string{"Too little memory", "memory_gb =", "Ask for more than 0"}},
		{"no size", attrs{"cpus": "", "memory_gb": ""}, []string{"No size", "give cpus and memory_gb", "name a server_type"}},
		{"two sizes", attrs{"server_type": `"cx23"`}, []string{"Two sizes", "server_type =", "Give either server_type, or the others"}},
		{"more than is sold", attrs{"cpus": "400"}, []string{"Cannot choose a server type", "cpus =", "at least 400 CPUs", "the largest available now is", "Ask for less"}},
		{"no such type", named("cx23x"), []string{"Cannot choose a server type", "server_type =", `no server type "cx23x"`, "Name one of"}},
		{"a power state", attrs{"power_state": `"off"`}, []string{"Not a value of power_state", "power_state =", `"running" or "stopped"`}},
		{"an architecture", attrs{"architecture": `"amd64"`}, []string{"Not a value of architecture", `"x86" or "arm"`}},
		{"no image", attrs{"image": `" "`}, []string{"No image", "image =", "debian-12"}},
		{"no address", attrs{"private_ip": `"10.1.0.300"`}, []string{"Not an IP address", "private_ip ="}},
		{"an address elsewhere", attrs{"private_ip": `"10.1.9.9"`}, []string{"Address outside the subnets", "private_ip =", "10.1.0.0/24", "add a subnet that holds it"}},
		{"a public address", attrs{"private_ip": `"203.0.113.9"`}, []string{"Address is not private (ISO-2)", "private_ip ="}},
		{"a placement group", attrs{"+": `hetzner { placement_group_id = "spread" }`}, []string{"Not a placement group", "placement_group_id =", "is a number"}},
	} {
		steps = append(steps, resource.TestStep{
			PreConfig: func() { t.Log(refused.name) }, Config: w.config(estate + other + vm(refused.changes)), PlanOnly: true, ExpectError: says(refused.error...),
		})
	}
	steps = append(steps, resource.TestStep{Config: w.config(estate + other), Check: w.cloudHolds("server", 0)})
	w.test(t, steps...)
	if n := w.Counts().Routes["POST /v1/servers"]; n > 0 {
		t.Errorf("%d servers were asked for", n)
	}
}

// What is unknown at plan is judged before the first request that it is about.
func TestVMKnownAtApply(t *testing.T) {
	w := newWorld(t)
	// Everything is new in the first apply, so whose the network is is known
	// only when it is made.
	fresh := strings.Replace(estate, `tenant   = "acme"`, `tenant   = "other"`, 1)
	disk := volume("data", "hetzner/fsn1", 10, `tenant = "other"`)
	late := func(attribute, value string) string {
		return w.config(estate + fmt.Sprintf("resource \"terraform_data\" \"late\" { input = %s }\n", value) + vm(attrs{attribute: "terraform_data.late.output"}))
	}
	none := w.cloudHolds("server", 0)
	w.test(t,
		resource.TestStep{Config: w.config(fresh + vm(nil)), ExpectError: says("Network of another tenant (ISO-2)", "network_id =", `"other"`)},
		resource.TestStep{Config: w.config(estate + disk + vm(attrs{"volume_ids": "[holdfast_volume.data.id]"})), ExpectError: says("Volume of another tenant (ISO-2)", "volume_ids =")},
		resource.TestStep{Config: w.config(estate), Check: none},
		resource.TestStep{Config: late("ssh_key_ids", "[]"), ExpectError: says("Machine without SSH key (SYS-3)", "ssh_key_ids =")},
		resource.TestStep{Config: late("firewall_ids", "[]"), ExpectError: says("Machine without firewall (NET-1)", "firewall_ids =")},
		resource.TestStep{Config: late("network_id", `""`), ExpectError: says("Machine without private network (ISO-2)", "network_id =")},
		resource.TestStep{Config: late("user_data", `"#cloud-config\nssh_pwauth: true\n"`), ExpectError: says("(SYS-3)", "user_data =")},
		resource.TestStep{Config: late("cpus", "400"), ExpectError: says("Cannot choose a server type", "cpus =", "at least 400 CPUs")},
		resource.TestStep{Config: late("private_ip", `"10.1.9.9"`), ExpectError: says("Address outside the subnets", "private_ip =")},
		resource.TestStep{Config: late("architecture", `"amd64"`), ExpectError: says("Not a value of architecture", "architecture =")},
		resource.TestStep{Config: w.config(estate), Check: none},
		resource.TestStep{Config: late("cpus", "4"), Check: w.typeIs(t, "cx33", 80)},
	)
	if n := w.Counts().Routes["POST /v1/servers"]; n != 1 {
		t.Errorf("%d servers were asked for, want the last one", n)
	}
}

// A network that had no tenant gets it in the plan that puts the VM into it.
func TestVMOnANetworkThatGetsItsTenant(t *testing.T) {
	w := newWorld(t)
	w.test(t,
		resource.TestStep{Config: w.config(strings.Replace(estate, `tenant   = "acme"`, "", 1))},
		resource.TestStep{Config: w.onEstate(nil), Check: w.cloudHolds("server", 1)},
	)
}

func TestVMProtection(t *testing.T) {
	w := newWorld(t)
	var id string
	protected := attrs{"deletion_protection": "true"}
	trigger := func(value, lifecycle string) string {
		return w.config(estate + fmt.Sprintf("resource \"terraform_data\" \"when\" { input = %q }\n", value) + vm(protected.with(attrs{"+": lifecycle})))
	}
	const triggered = "lifecycle { replace_triggered_by = [terraform_data.when] }"
	w.test(t,
		resource.TestStep{
			Config: w.onEstate(protected), Check: all(remember(webVM, &id), holds(webVM, map[string]string{"deletion_protection": "true"}), func(*terraform.State) error {
				if s := w.theServer(t); !s.Protection.Delete || !s.Protection.Rebuild {
					return fmt.Errorf("the cloud protects %+v", s.Protection)
				}
				return nil
			}),
		},
		resource.TestStep{Config: w.onEstate(protected), Destroy: true, ExpectError: says("Deletion protection", `VM "web"`, "set deletion_protection = false, apply")},
		resource.TestStep{Config: w.config(estate), ExpectError: says("Deletion protection", "no plan may delete it")},
		resource.TestStep{Config: w.onEstate(protected.with(attrs{"image": `"debian-13"`})), ExpectError: says("Deletion protection", "image =", "changing image replaces it")},
		resource.TestStep{Config: w.onEstate(protected.with(attrs{"user_data": `"#!/bin/sh\ntrue\n"`})), ExpectError: says("Deletion protection", "user_data =", "changing user_data replaces it")},
		resource.TestStep{Config: w.onEstate(protected.with(attrs{"architecture": `"arm"`})), ExpectError: says("Deletion protection", "architecture =", "changing architecture replaces it")},
		resource.TestStep{Config: w.onEstate(protected), Taint: []string{webVM}, ExpectError: says("Deletion protection", "tainted", "untaint")},
		resource.TestStep{
			// The mark is taken off by importing the VM again.
			Config: w.config(estate + "removed {\n from = holdfast_vm.web\n lifecycle { destroy = false }\n}\n"), Check: w.cloudHolds("server", 1),
		},
		resource.TestStep{Config: w.onEstate(protected), ResourceName: webVM, ImportState: true, ImportStatePersist: true,
			ImportStateIdFunc: func(*terraform.State) (string, error) { return id, nil }},
		resource.TestStep{Config: trigger("one", ""), Check: stays(webVM, &id)},
		resource.TestStep{Config: trigger("two", triggered), ExpectError: says("Deletion protection", "deletion_protection = true", "replace_triggered_by")},
		// The way out.
		resource.TestStep{Config: w.onEstate(nil), ConfigPlanChecks: planned(webVM, plancheck.ResourceActionUpdate), Check: stays(webVM, &id)},
		resource.TestStep{Config: w.config(estate), ConfigPlanChecks: planned(webVM, plancheck.ResourceActionDestroy), Check: w.cloudHolds("server", 0)},
	)
}

// A VM in a lost location leaves the state with no request; its stand-by is
// made elsewhere, under the same name.
func TestVMInALostLocation(t *testing.T) {
	w := newWorld(t)
	region := func(location string) string {
		return strings.ReplaceAll(estate+vm(nil), `"hetzner/fsn1"`, fmt.Sprintf("%q", location))
	}
	w.test(t,
		resource.TestStep{Config: w.config(region("hetzner/fsn1"))},
		resource.TestStep{
			PreConfig: w.ResetRequests, Config: w.config(region("hetzner/fsn1"), "hetzner/fsn1"), ExpectError: says("Lost location", "location =", "lost_locations"),
		},
		resource.TestStep{
			PreConfig: func() {
				if counts := w.Counts(); counts.Total != 0 {
					t.Errorf("the lost location was asked: %v", counts.Routes)
				}
			},
			Config: w.config(region("hetzner/hel1"), "hetzner/fsn1"), ConfigPlanChecks: planned(webVM, plancheck.ResourceActionCreate),
			Check: all(w.cloudHolds("server", 2), holds(webVM, map[string]string{"location": "hetzner/hel1", "name": "web"})),
		},
		resource.TestStep{
			// A false alarm: what was left behind is found again, and the stand-by goes.
			Config: w.config(region("hetzner/fsn1")), ConfigPlanChecks: planned(webVM, plancheck.ResourceActionDestroyBeforeCreate),
			Check: all(w.cloudHolds("server", 1), w.cloudHolds("network", 1), w.cloudHolds("firewall", 1)),
		},
	)
}
