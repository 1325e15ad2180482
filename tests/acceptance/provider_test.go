package acceptance

import (
	"fmt"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

const oneKey = `
resource "holdfast_ssh_key" "ada" {
  name       = "ada"
  location   = "hetzner/fsn1"
  public_key = "` + publicKey + `"
}
`

// configured is a provider block with one key.
func configured(block string) string { return "provider \"holdfast\" {\n" + block + "\n}\n" + oneKey }

func TestProviderConfiguration(t *testing.T) {
	w := newWorld(t)
	access := fmt.Sprintf("hetzner {\n  endpoint = %q\n  token = %q\n}\n", w.HetznerEndpoint(), token)
	refused := func(block string, texts ...string) resource.TestStep {
		return resource.TestStep{Config: configured(block), PlanOnly: true, ExpectError: says(texts...)}
	}
	late := func(value string) string {
		return "resource \"terraform_data\" \"late\" { input = " + value + " }\n"
	}
	w.test(t,
		refused(access, "Deployment missing", "HOLDFAST_DEPLOYMENT", `such as "acme-eu"`),
		refused("deployment = \"ACME\"\n"+access, "Invalid deployment", "deployment =", `"ACME" is not a name`),
		refused("deployment = \"acc\"\nlost_locations = [\"hetzner/fns1\"]\n"+access, "Unknown location", "lost_locations =", "did you mean fsn1"),
		refused("deployment = \"acc\"\nlost_locations = [\"hetzer/*\"]\n"+access, "Unknown location", "lost_locations =", `"hetzer/*"`, "did you mean hetzner"),
		refused("deployment = \"acc\"\nlost_locations = [\"hetzer/fsn1\"]\n"+access, "Unknown location", "lost_locations =", "did you mean hetzner/fsn1"),
		refused("deployment = \"acc\"\nlost_locations = [\"fsn1\"]\n"+access, "Not a location", "lost_locations =", `"hetzner/*" for a whole cloud`),
		refused("deployment = \"acc\"\nlost_locations = [\"*\"]\n"+access, "Not a location", "lost_locations ="),
		refused("deployment = \"acc\"\nlost_locations = [null]\n"+access, "lost_locations"),
		refused("deployment = \"acc\"\nhetzner {\n  endpoint = \"localhost:80\"\n  token = \"x\"\n}\n", "Not a URL", "endpoint =", "https://api.hetzner.cloud/v1"),
		refused("deployment = \"acc\"\n", "Cannot reach hetzner", "location   =", "no hetzner block and HCLOUD_TOKEN is not set", "Add hetzner {}"),
		refused("deployment = \"acc\"\nhetzner {}\n", "Cannot reach hetzner", "location   =", "the hetzner block has no token", "Set HCLOUD_TOKEN"),
		resource.TestStep{Config: late(`"acc"`) + configured("deployment = terraform_data.late.output\n"+access), PlanOnly: true, ExpectError: says("Deployment not known yet", "deployment =", "write it as a text or a variable")},
		resource.TestStep{Config: late(`["hetzner/hel1"]`) + configured("deployment = \"acc\"\nlost_locations = terraform_data.late.output\n"+access), PlanOnly: true,
			ExpectError: says("Lost locations not known yet", "lost_locations =")},
		// Credentials may be made by the same apply: the plan needs none.
		resource.TestStep{
			Config: late(fmt.Sprintf("%q", token)) + configured(fmt.Sprintf("deployment = \"acc\"\nhetzner {\n  endpoint = %q\n  token = terraform_data.late.output\n}\n", w.HetznerEndpoint())),
			Check:  w.cloudHolds("ssh_key", 1),
		},
		resource.TestStep{Config: configured("deployment = \"acc\"\n" + access), ConfigPlanChecks: planned(ada, plancheck.ResourceActionNoop)},
		// Another deployment never touches what this one owns.
		resource.TestStep{Config: configured("deployment = \"other\"\n" + access), ExpectError: says("An object of another deployment", `belongs to the deployment "acc"`, "removed block")},
		resource.TestStep{Config: configured("deployment = \"acc\"\n" + access)},
	)
	if counts := w.Counts().Routes; counts["POST /v1/ssh_keys"] != 1 || counts["DELETE /v1/ssh_keys/{id}"] != 1 {
		t.Errorf("requests: %v", counts)
	}
}

// What the block leaves out comes from the environment.
func TestProviderEnvironment(t *testing.T) {
	w := startWorld(t)
	for name, value := range map[string]string{
		"HOLDFAST_DEPLOYMENT": "acc", "HOLDFAST_LOST_LOCATIONS": "hetzner/hel1, hetzner/nbg1",
		"HCLOUD_TOKEN": token, "HCLOUD_ENDPOINT": w.HetznerEndpoint(),
	} {
		t.Setenv(name, value)
	}
	site := siteOf(`["hetzner/hel1", "hetzner/nbg1", "hetzner/fsn1"]`)
	at := func(block, location string) resource.TestStep {
		return resource.TestStep{
			Config: configured(block) + site,
			Check: resource.ComposeAggregateTestCheckFunc(
				holds(eu, map[string]string{"location": location}), holds(ada, map[string]string{"deployment": "acc"}), w.cloudHolds("ssh_key", 1)),
		}
	}
	w.test(t,
		at("", "hetzner/fsn1"),
		at("hetzner {}\n", "hetzner/fsn1"),
		// The block wins.
		at("lost_locations = []\n", "hetzner/hel1"),
		resource.TestStep{Config: configured("deployment = \"other\"\n"), PlanOnly: true, ExpectError: says("An object of another deployment")},
		resource.TestStep{PreConfig: func() { t.Setenv("HOLDFAST_LOST_LOCATIONS", "hetzner/hel1,hetzner/nbg") }, Config: configured("") + site, PlanOnly: true,
			ExpectError: says("Unknown location", "did you mean nbg1")},
		resource.TestStep{PreConfig: func() { t.Setenv("HOLDFAST_LOST_LOCATIONS", "") }, Config: configured("") + site, Check: holds(eu, map[string]string{"location": "hetzner/hel1"})},
	)
}

// Where the vendor refuses the credentials, the message says where to look.
func TestProviderUnauthorized(t *testing.T) {
	w := newWorld(t)
	answer := func(status int, code string) func() {
		return func() {
			w.ClearFaults()
			if status == 0 {
				return
			}
			if _, err := w.AddFault(simcloud.Fault{Kind: simcloud.FaultError, Status: status, Code: code}); err != nil {
				t.Fatal(err)
			}
		}
	}
	config := w.config(oneKey)
	w.test(t,
		resource.TestStep{PreConfig: answer(401, "unauthorized"), Config: config, ExpectError: says(`Cannot create SSH key "ada" in hetzner/fsn1`, "(unauthorized)", "The API does not know the token", "Set HCLOUD_TOKEN")},
		resource.TestStep{PreConfig: answer(403, "token_readonly"), Config: config, ExpectError: says(`Cannot create SSH key "ada"`, "(token_readonly)", "write")},
		resource.TestStep{PreConfig: answer(0, ""), Config: config},
		resource.TestStep{PreConfig: answer(401, "unauthorized"), Config: config, ExpectError: says(`Cannot read SSH key "ada"`, "(unauthorized)", "The API does not know the token")},
		resource.TestStep{PreConfig: answer(0, ""), Config: config, ConfigPlanChecks: nothingPlanned()},
	)
}
