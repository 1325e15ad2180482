package acceptance

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"
)

// Import by resource identity, where the command line has it; a key that moves
// takes another one.
func TestImportByIdentity(t *testing.T) {
	for address, body := range map[string]string{
		ada:  sshKey("ada", "hetzner/fsn1", "local.key", ""),
		net1: network("hetzner/fsn1", `"10.1.0.0/24"`, ""),
		web:  firewall("hetzner/fsn1", rules(https), ""),
	} {
		t.Run(address, func(t *testing.T) {
			w := newWorld(t)
			steps := []resource.TestStep{
				{Config: w.config(body), ConfigStateChecks: []statecheck.StateCheck{statecheck.ExpectIdentityValueMatchesState(address, tfjsonpath.New("id"))}},
				{ResourceName: address, ImportState: true, ImportStateKind: resource.ImportBlockWithResourceIdentity},
			}
			if address == ada {
				steps = append(steps, resource.TestStep{Config: w.config(sshKey("ada", "hetzner/hel1", "local.key", "")),
					ConfigStateChecks: []statecheck.StateCheck{statecheck.ExpectIdentityValueMatchesState(address, tfjsonpath.New("id"))}})
			}
			c := w.testCase(steps...)
			c.TerraformVersionChecks = []tfversion.TerraformVersionCheck{tfversion.SkipBelow(tfversion.Version1_12_0)}
			resource.UnitTest(t, c)
		})
	}
}
