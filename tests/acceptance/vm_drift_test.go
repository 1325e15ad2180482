package acceptance

import (
	"context"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hetznercloud/hcloud-go/v2/hcloud"
)

// What somebody changed with the vendor's own tools is shown and undone in
// place. (Power, volumes, firewalls, network and placement group: see the tests
// of their changes.)
func TestVMDrift(t *testing.T) {
	w := newWorld(t)
	var id string
	config := w.onEstate(attrs{"labels": `{ team = "ops" }`})
	repaired := all(stays(webVM, &id), w.serverIs(t, "repaired", func(s *hcloud.Server) bool {
		return runs(s) && s.Name == "web-fsn1" && s.Labels["team"] == "ops" && s.Labels["extra"] == "" && s.Labels["holdfast-deployment"] == "acc" &&
			s.Labels["holdfast-tenant"] == "acme" && s.Labels["holdfast-tier"] == "paid" && !s.Protection.Delete && s.ServerType.Cores >= 2
	}))
	drift := func(change func(*hcloud.Server)) resource.TestStep {
		return resource.TestStep{
			PreConfig: func() { change(w.theServer(t)) },
			Config:    config, ConfigPlanChecks: planned(webVM, plancheck.ResourceActionUpdate), Check: repaired,
		}
	}
	relabel := func(change map[string]string) resource.TestStep {
		return drift(func(s *hcloud.Server) {
			must[*hcloud.Server](t)(w.Client.Server.Update(context.Background(), s, hcloud.ServerUpdateOpts{Labels: labelled(s.Labels, change)}))
		})
	}
	rescale := func(serverType string) func(*hcloud.Server) {
		return func(s *hcloud.Server) {
			w.done(t)(w.Client.Server.Poweroff(context.Background(), s))
			w.done(t)(w.Client.Server.ChangeType(context.Background(), s, hcloud.ServerChangeTypeOpts{ServerType: &hcloud.ServerType{Name: serverType}, UpgradeDisk: false}))
		}
	}
	w.test(t,
		resource.TestStep{Config: config, Check: remember(webVM, &id)},
		drift(func(s *hcloud.Server) {
			must[*hcloud.Server](t)(w.Client.Server.Update(context.Background(), s, hcloud.ServerUpdateOpts{Name: "somebody"}))
		}),
		relabel(map[string]string{"team": "sales", "extra": "yes"}),
		relabel(map[string]string{"holdfast-deployment": ""}),
		relabel(map[string]string{"holdfast-tier": "free"}),
		relabel(map[string]string{"holdfast-tenant": ""}),
		drift(func(s *hcloud.Server) {
			on := true
			w.done(t)(w.Client.Server.ChangeProtection(context.Background(), s, hcloud.ServerChangeProtectionOpts{Delete: &on, Rebuild: &on}))
		}),
		resource.TestStep{
			// Larger than was asked for satisfies it.
			PreConfig: func() { rescale("cx33")(w.theServer(t)) },
			Config:    config, ConfigPlanChecks: nothingPlanned(), Check: all(stays(webVM, &id), w.typeIs(t, "cx33", 40)),
		},
		// Smaller does not: cpx12 has one CPU and 2 GB.
		drift(rescale("cpx12")),
		resource.TestStep{
			// Gone: made again.
			PreConfig: func() {
				result := must[*hcloud.ServerDeleteResult](t)(w.Client.Server.DeleteWithResult(context.Background(), w.theServer(t)))
				if err := w.Client.Action.WaitFor(context.Background(), result.Action); err != nil {
					t.Fatal(err)
				}
			},
			Config: config, ConfigPlanChecks: planned(webVM, plancheck.ResourceActionCreate), Check: all(moved(webVM, &id), w.cloudHolds("server", 1)),
		},
	)
}
