package acceptance

import (
	"context"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// An object whose labels were changed stays what it is to those who look for
// objects by labels: no orphan, nothing that a create of another name adopts,
// and nothing to be taken once nobody has it any more.
func TestLabelsChangedOrphansAndCreates(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	const left = `
data "holdfast_orphans" "left" {
  known_ids = ["hetzner/fsn1/60000001"] # the first object here; a reference would put the reading off
}
`
	a := labelledNetwork("a", "a", "")
	both := a + labelledNetwork("b", "b", "")
	var id string
	relabel := func(name string, change map[string]string) {
		network, _, err := w.Client.Network.GetByName(ctx, name)
		if err != nil || network == nil {
			t.Fatalf("no network %s: %v", name, err)
		}
		labels := map[string]string{}
		if change != nil {
			labels = labelled(network.Labels, change)
		}
		must[*hcloud.Network](t)(w.Client.Network.Update(ctx, network, hcloud.NetworkUpdateOpts{Labels: labels}))
	}
	none := resource.TestCheckResourceAttr("data.holdfast_orphans.left", "orphans.#", "0")
	impostor := map[string]string{"holdfast-name": "b", "holdfast-location": "hel1",
		"holdfast-key": cloud.Key("acc", cloud.KindNetwork, "b", cloud.Location{Cloud: "hetzner", Name: "fsn1"})}
	w.test(t,
		resource.TestStep{Config: w.config(a + left), Check: all(remember(netA, &id), none)},
		resource.TestStep{PreConfig: func() { relabel("a-fsn1", nil) }, RefreshState: true, ExpectNonEmptyPlan: true, Check: none},
		resource.TestStep{Config: w.config(a + left), ConfigPlanChecks: planned(netA, plancheck.ResourceActionUpdate), Check: all(stays(netA, &id), none)},
		resource.TestStep{PreConfig: func() { relabel("a-fsn1", impostor) }, RefreshState: true, ExpectNonEmptyPlan: true, Check: none},
		resource.TestStep{
			Config: w.config(both),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(netA, plancheck.ResourceActionUpdate), plancheck.ExpectResourceAction(netB, plancheck.ResourceActionCreate)}},
			Check: all(stays(netA, &id), moved(netB, &id), w.cloudHolds("network", 2)),
		},
		resource.TestStep{Config: w.config(both), ConfigPlanChecks: nothingPlanned()},
		resource.TestStep{
			PreConfig: func() { relabel("a-fsn1", nil) },
			Config:    w.config(labelledNetwork("b", "b", "") + "removed {\n  from = holdfast_network.a\n  lifecycle {\n    destroy = false\n  }\n}\n"),
		},
		resource.TestStep{Config: w.config(both), ExpectError: says("is in the way", "no Holdfast deployment owns it", "terraform import")},
		resource.TestStep{
			PreConfig: func() {
				network, _, err := w.Client.Network.GetByName(ctx, "a-fsn1")
				if err == nil {
					_, err = w.Client.Network.Delete(ctx, network)
				}
				if err != nil {
					t.Fatal(err)
				}
			},
			Config: w.config(both), Check: func(state *terraform.State) error { return moved(netA, &id)(state) },
		},
	)
}
