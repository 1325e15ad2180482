package acceptance

import (
	"fmt"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
)

// net is a network block under a label.
func labelledNetwork(label, name, more string) string {
	return fmt.Sprintf("resource \"holdfast_network\" %q {\n  name = %q\n  location = \"hetzner/fsn1\"\n  cidr = \"10.1.0.0/24\"\n%s\n}\n", label, name, more)
}

const (
	netA = "holdfast_network.a"
	netB = "holdfast_network.b"
)

// Two blocks never claim one name: a create would adopt the other's object.
func TestClaimedTwice(t *testing.T) {
	newWorld(t).refused(t, map[string]refusal{
		"two blocks": {labelledNetwork("a", "acme", "") + labelledNetwork("b", "acme", ""), []string{"The name is claimed twice", "name =", `claims the name "acme" in hetzner/fsn1 too`, "another name"}},
		"count":      {labelledNetwork("a", "acme", "count = 2"), []string{"The name is claimed twice", "name =", "another name"}},
		"for_each":   {labelledNetwork("a", "acme", `for_each = toset(["x", "y"])`), []string{"The name is claimed twice", "name ="}},
		// The vendor keeps one list of keys for all its locations.
		"keys of two locations": {sshKey("ada", "hetzner/fsn1", "local.key", "") + "resource \"holdfast_ssh_key\" \"again\" {\n  name = \"ada\"\n  location = \"hetzner/hel1\"\n  public_key = local.other\n}\n",
			[]string{"The name is claimed twice", "which keeps one for all its locations"}},
	})
}

// What has a name of its own in its kind and place is no conflict.
func TestClaimedOnce(t *testing.T) {
	w := newWorld(t)
	w.test(t, resource.TestStep{
		Config: w.config(`
resource "holdfast_network" "fsn1" {
  name     = "acme"
  location = "hetzner/fsn1"
  cidr     = "10.1.0.0/24"
}
resource "holdfast_network" "hel1" {
  name     = "acme"
  location = "hetzner/hel1"
  cidr     = "10.1.0.0/24"
}
resource "holdfast_network" "count" {
  count    = 2
  name     = "acme-${count.index}"
  location = "hetzner/fsn1"
  cidr     = "10.1.0.0/24"
}
resource "holdfast_firewall" "acme" {
  name     = "acme"
  location = "hetzner/fsn1"
}
resource "holdfast_ssh_key" "acme" {
  name       = "acme"
  location   = "hetzner/fsn1"
  public_key = local.key
}
`),
		Check: resource.ComposeAggregateTestCheckFunc(w.cloudHolds("network", 4), w.cloudHolds("firewall", 1), w.cloudHolds("ssh_key", 1)),
	})
}

// A name that is known only after apply is claimed then.
func TestClaimedAtApply(t *testing.T) {
	w := newWorld(t)
	body := func(a, b string) string {
		return w.config(fmt.Sprintf("resource \"terraform_data\" \"late\" { input = { a = %q, b = %q } }\n", a, b) + `
resource "holdfast_network" "a" {
  name     = terraform_data.late.output.a
  location = "hetzner/fsn1"
  cidr     = "10.1.0.0/24"
}
resource "holdfast_network" "b" {
  name       = terraform_data.late.output.b
  location   = "hetzner/fsn1"
  cidr       = "10.2.0.0/24"
  depends_on = [holdfast_network.a]
}
`)
	}
	w.test(t,
		resource.TestStep{Config: body("acme", "acme"), ExpectError: says("The name is claimed twice", "name")},
		resource.TestStep{Config: body("acme", "acme-2"), Check: w.cloudHolds("network", 2)},
	)
}

// A replacement has the name of what it replaces, however it comes about.
func TestClaimedByReplacement(t *testing.T) {
	w := newWorld(t)
	trigger := func(value, cidr, more string) string {
		return w.config(fmt.Sprintf(`
resource "terraform_data" "when" { input = %q }
resource "holdfast_network" "a" {
  name     = "acme"
  location = "hetzner/fsn1"
  cidr     = %q
  lifecycle {
    replace_triggered_by = [terraform_data.when]
    %s
  }
}
`, value, cidr, more))
	}
	var id string
	w.test(t,
		resource.TestStep{Config: trigger("one", "10.1.0.0/24", ""), Check: remember(netA, &id)},
		resource.TestStep{
			Config: trigger("two", "10.1.0.0/24", ""), ConfigPlanChecks: planned(netA, plancheck.ResourceActionDestroyBeforeCreate),
			Check: resource.ComposeAggregateTestCheckFunc(moved(netA, &id), remember(netA, &id), w.cloudHolds("network", 1)),
		},
		resource.TestStep{
			Config: trigger("two", "10.2.0.0/24", ""), ConfigPlanChecks: planned(netA, plancheck.ResourceActionDestroyBeforeCreate),
			Check: resource.ComposeAggregateTestCheckFunc(moved(netA, &id), remember(netA, &id), w.cloudHolds("network", 1)),
		},
		resource.TestStep{
			Config: trigger("two", "10.2.0.0/24", ""), Taint: []string{netA}, ConfigPlanChecks: planned(netA, plancheck.ResourceActionDestroyBeforeCreate),
			Check: resource.ComposeAggregateTestCheckFunc(moved(netA, &id), remember(netA, &id), w.cloudHolds("network", 1)),
		},
		// With create_before_destroy the new object would have the name of the
		// old one, so that it is the old one: it is kept.
		resource.TestStep{
			Config: trigger("three", "10.2.0.0/24", "create_before_destroy = true"), ConfigPlanChecks: planned(netA, plancheck.ResourceActionCreateBeforeDestroy),
			Check: resource.ComposeAggregateTestCheckFunc(stays(netA, &id), w.cloudHolds("network", 1)),
		},
		// Where only a new object can be what is wanted, that cannot work.
		resource.TestStep{
			Config:      trigger("three", "10.3.0.0/24", "create_before_destroy = true"),
			ExpectError: says(`Cannot create network "acme"`, "cidr     =", "has the name already", "With create_before_destroy it is the object to be replaced: leave that out"),
		},
		resource.TestStep{
			Config: trigger("three", "10.3.0.0/24", ""), ConfigPlanChecks: planned(netA, plancheck.ResourceActionDestroyBeforeCreate),
			Check: resource.ComposeAggregateTestCheckFunc(moved(netA, &id), w.cloudHolds("network", 1), func(*terraform.State) error {
				if got := theNetwork(t, w).IPRange.String(); got != "10.3.0.0/24" {
					return fmt.Errorf("the range is %s", got)
				}
				return nil
			}),
		},
	)
}

// Names that change hands between blocks.
func TestClaimedByAnother(t *testing.T) {
	w := newWorld(t)
	var a, b string
	w.test(t,
		resource.TestStep{Config: w.config(labelledNetwork("a", "one", "")), Check: remember(netA, &a)},
		// A new block under the name of one that goes, or is renamed: which comes
		// first is not Terraform's to say.
		resource.TestStep{Config: w.config(labelledNetwork("b", "one", "")), PlanOnly: true, ExpectError: says("moved block", "apply the renaming or removal first")},
		resource.TestStep{Config: w.config(labelledNetwork("a", "two", "") + labelledNetwork("b", "one", "")), PlanOnly: true, ExpectError: says("a new network is planned", `"one"`, "still has it")},
		// The same object under another address.
		resource.TestStep{
			Config: w.config(labelledNetwork("b", "one", "") + "moved {\n  from = holdfast_network.a\n  to = holdfast_network.b\n}\n"),
			Check:  resource.ComposeAggregateTestCheckFunc(stays(netB, &a), w.cloudHolds("network", 1)),
		},
		resource.TestStep{Config: w.config(labelledNetwork("a", "two", "") + labelledNetwork("b", "one", "")), Check: resource.ComposeAggregateTestCheckFunc(remember(netA, &a), remember(netB, &b))},
		// A takes B's old name in the plan that renames B.
		resource.TestStep{
			Config: w.config(labelledNetwork("a", "one", "depends_on = [holdfast_network.b]") + labelledNetwork("b", "three", "")),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(netA, plancheck.ResourceActionUpdate), plancheck.ExpectResourceAction(netB, plancheck.ResourceActionUpdate)}},
			Check: resource.ComposeAggregateTestCheckFunc(stays(netA, &a), stays(netB, &b), holds(netA, map[string]string{"name": "one"}), holds(netB, map[string]string{"name": "three"})),
		},
		// Removal first, and then the name is free.
		resource.TestStep{Config: w.config(labelledNetwork("b", "three", "")), Check: w.cloudHolds("network", 1)},
		resource.TestStep{Config: w.config(labelledNetwork("a", "one", "") + labelledNetwork("b", "three", "")), Check: moved(netA, &a)},
	)
}
