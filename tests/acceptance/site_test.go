package acceptance

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
)

const (
	eu        = "data.holdfast_site.eu"
	locations = "data.holdfast_locations.all"
)

func siteOf(list string) string {
	return "data \"holdfast_site\" \"eu\" {\n  locations = " + list + "\n}\n"
}

// silent wants that no cloud was asked for anything.
func (w *world) silent() resource.TestCheckFunc { return w.asked(map[string]int{}) }

func TestSite(t *testing.T) {
	w := newWorld(t)
	three := siteOf(`["hetzner/fsn1", "hetzner/hel1", "hetzner/ash"]`)
	at := func(location string, lost ...string) resource.TestStep {
		want := map[string]string{"location": location, "lost.#": "0"}
		for i, entry := range lost {
			want["lost.#"] = string(rune('1' + i))
			want["lost."+string(rune('0'+i))] = entry
		}
		return resource.TestStep{Config: w.config(three, lost...), Check: resource.ComposeAggregateTestCheckFunc(holds(eu, want), w.silent())}
	}
	w.test(t,
		at("hetzner/fsn1"),
		at("hetzner/hel1", "hetzner/fsn1"),
		at("hetzner/ash", "hetzner/fsn1", "hetzner/hel1"),
		at("hetzner/fsn1", "hetzner/hel1"),
		resource.TestStep{Config: w.config(three, "hetzner/*"), ExpectError: says("Every location of the site is lost", "locations =", "Add a location that still stands")},
		resource.TestStep{Config: w.config(siteOf(`["hetzner/fsn1", "hetzner/hell"]`)), ExpectError: says("Unknown location", "locations =", "did you mean hel1")},
		resource.TestStep{Config: w.config(siteOf(`["hetzner/fsn1", "nebula/europe-west3-a"]`)), ExpectError: says("Unknown location", "locations =", "unknown cloud")},
		resource.TestStep{Config: w.config(siteOf(`["hetzner/fsn1", "google/europe-west3"]`)), ExpectError: says("Unknown location", "locations =", "did you mean europe-west3-a")},
		// Another vendor's location needs no access to be a stand-by.
		resource.TestStep{Config: w.config(siteOf(`["hetzner/fsn1", "google/europe-west3-a"]`)), Check: resource.ComposeAggregateTestCheckFunc(holds(eu, map[string]string{"location": "hetzner/fsn1"}), w.silent())},
		resource.TestStep{Config: w.config(siteOf(`["fsn1"]`)), ExpectError: says("Not a location", "locations =", `for example "hetzner/fsn1"`)},
		resource.TestStep{Config: w.config(siteOf(`["hetzner/fsn1", "hetzner/hel1", "hetzner/fsn1"]`)), ExpectError: says("Location named twice", "locations =", "Name it once")},
		resource.TestStep{Config: w.config(siteOf(`[]`)), ExpectError: says("Site without locations", "locations =", "fall back")},
		// A list that is known only after apply is read then.
		resource.TestStep{
			Config: w.config("resource \"terraform_data\" \"list\" { input = [\"hetzner/nbg1\", \"hetzner/fsn1\"] }\n" + siteOf("terraform_data.list.output")),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction("data.holdfast_site.eu", plancheck.ResourceActionRead)}},
			Check: resource.ComposeAggregateTestCheckFunc(holds(eu, map[string]string{"location": "hetzner/nbg1"}), w.silent()),
		},
	)
}

func TestLocations(t *testing.T) {
	w := newWorld(t)
	// Those of one vendor whose list is short.
	of := func(filter string) string {
		if !strings.Contains(filter, "cloud") {
			filter = "cloud = \"hetzner\"\n" + filter
		}
		return "data \"holdfast_locations\" \"all\" {\n" + filter + "\n}\n"
	}
	w.test(t,
		resource.TestStep{
			Config: w.config(of(""), "hetzner/hel1"),
			Check: resource.ComposeAggregateTestCheckFunc(
				resource.TestCheckTypeSetElemAttr(locations, "names.*", "hetzner/fsn1"),
				resource.TestCheckTypeSetElemAttr(locations, "names.*", "hetzner/sin"),
				func(s *terraform.State) error {
					return resource.TestCheckResourceAttr(locations, "locations.#", "6")(s)
				},
				// What is lost is told, but not offered.
				resource.TestCheckResourceAttr(locations, "names.#", "5"),
				resource.TestCheckTypeSetElemNestedAttrs(locations, "locations.*", map[string]string{
					"location": "hetzner/hel1", "cloud": "hetzner", "city": "Helsinki", "country": "FI", "continent": "Europe", "eu": "true",
					"network_zone": "eu-central", "ddos_protection": "true", "physical_security": "true", "lost": "true", "disaster_site": "hetzner-helsinki"}),
				w.silent(),
			),
		},
		resource.TestStep{
			Config: w.config(of(`cloud = "hetzner"
  country = "de"
  eu = true`)),
			Check: holds(locations, map[string]string{"names.#": "2", "names.0": "hetzner/fsn1", "names.1": "hetzner/nbg1"}),
		},
		resource.TestStep{Config: w.config(of(`eu = false`)), Check: holds(locations, map[string]string{"names.#": "3"})},
		resource.TestStep{Config: w.config(of(`continent = "Asia"`)), Check: holds(locations, map[string]string{"names.#": "1", "names.0": "hetzner/sin"})},
		resource.TestStep{Config: w.config(of(`continent = "Asia"
  country = "DE"`)), Check: holds(locations, map[string]string{"names.#": "0"})},
		resource.TestStep{Config: w.config(of(`continent = "Europa"`)), ExpectError: says("No such locations", `the continent "Europa"`, "Europe")},
		resource.TestStep{Config: w.config(of(`country = "XX"`)), ExpectError: says("No such locations", `the country "XX"`)},
		resource.TestStep{Config: w.config(of(`cloud = "hetzer"`)), ExpectError: says("No such locations", `the cloud "hetzer"`, "hetzner")},
	)
}
