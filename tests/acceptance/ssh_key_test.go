package acceptance

import (
	"context"
	"fmt"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hetznercloud/hcloud-go/v2/hcloud"
)

const ada = "holdfast_ssh_key.ada"

// sshKey is a block with attributes besides the three that are required.
func sshKey(name, location, key, more string) string {
	return fmt.Sprintf("resource \"holdfast_ssh_key\" \"ada\" {\n  name = %q\n  location = %q\n  public_key = %s\n%s\n}\n", name, location, key, more)
}

// theKey is the only key in the account.
func (w *world) theKey(t *testing.T) *hcloud.SSHKey {
	t.Helper()
	keys, err := w.Client.SSHKey.All(context.Background())
	if err != nil || len(keys) != 1 {
		t.Fatalf("the account has %d keys: %v", len(keys), err)
	}
	return keys[0]
}

func TestSSHKey(t *testing.T) {
	w := newWorld(t)
	var id string
	var native int64
	w.test(t,
		resource.TestStep{
			PreConfig:        w.ResetRequests,
			Config:           w.config(sshKey("ada", "hetzner/fsn1", "local.key", "")),
			ConfigPlanChecks: planned(ada, plancheck.ResourceActionCreate),
			Check: resource.ComposeAggregateTestCheckFunc(
				w.asked(map[string]int{"POST /v1/ssh_keys": 1}),
				holds(ada, map[string]string{
					"name": "ada", "location": "hetzner/fsn1", "deployment": "acc", "deletion_protection": "false", "public_key": publicKey,
					"fingerprint": "SHA256:JxmXNwlBX7aLQSS9Wmh1Nrlbcr7KzyaaSFIuJnGIlo8",
				}),
				resource.TestMatchResourceAttr(ada, "id", says("hetzner/fsn1/")),
				resource.TestMatchResourceAttr(ada, "native_id", says("")),
				absent(ada, "labels.%"),
				remember(ada, &id),
				func(*terraform.State) error {
					key := w.theKey(t)
					if key.Name != "ada" || key.Labels["holdfast-deployment"] != "acc" || key.Labels["holdfast-name"] != "ada" || key.Labels["holdfast-key"] == "" {
						return fmt.Errorf("made %q with the labels %v", key.Name, key.Labels)
					}
					return nil
				},
			),
		},
		resource.TestStep{
			PreConfig:        w.ResetRequests,
			Config:           w.config(sshKey("ada-l", "hetzner/fsn1", "local.key", `labels = { team = "ops" }`)),
			ConfigPlanChecks: planned(ada, plancheck.ResourceActionUpdate),
			Check: resource.ComposeAggregateTestCheckFunc(
				// One list answers the refresh; the update reads nothing.
				w.asked(map[string]int{"GET /v1/ssh_keys": 1, "PUT /v1/ssh_keys/{id}": 1}),
				stays(ada, &id),
				func(*terraform.State) error {
					if key := w.theKey(t); key.Name != "ada-l" || key.Labels["team"] != "ops" {
						return fmt.Errorf("changed to %q with the labels %v", key.Name, key.Labels)
					}
					return nil
				},
			),
		},
		resource.TestStep{
			// A comment is no part of the key: the state takes it over, the cloud is not asked.
			PreConfig:        w.ResetRequests,
			Config:           w.config(sshKey("ada-l", "hetzner/fsn1", `"${local.key} at home\n"`, `labels = { team = "ops" }`)),
			ConfigPlanChecks: planned(ada, plancheck.ResourceActionUpdate),
			Check:            resource.ComposeAggregateTestCheckFunc(stays(ada, &id), w.asked(map[string]int{"GET /v1/ssh_keys": 1})),
		},
		resource.TestStep{
			Config: w.config(sshKey("ada-l", "hetzner/fsn1", "local.key", `labels = { team = "ops" }`)),
			Check:  stays(ada, &id),
		},
		resource.TestStep{ResourceName: ada, ImportState: true, ImportStateVerify: true},
		resource.TestStep{ResourceName: ada, ImportState: true, ImportStateKind: resource.ImportBlockWithID},
		resource.TestStep{
			Config:           w.config(sshKey("ada-l", "hetzner/fsn1", "local.other", "")),
			ConfigPlanChecks: planned(ada, plancheck.ResourceActionDestroyBeforeCreate),
			Check:            resource.ComposeAggregateTestCheckFunc(moved(ada, &id), remember(ada, &id)),
		},
		resource.TestStep{
			// The vendor keeps one list of keys: in another location it is the same
			// key under another id.
			PreConfig:        func() { native = w.theKey(t).ID },
			Config:           w.config(sshKey("ada-l", "hetzner/hel1", "local.other", "")),
			ConfigPlanChecks: planned(ada, plancheck.ResourceActionUpdate),
			Check: resource.ComposeAggregateTestCheckFunc(moved(ada, &id), func(s *terraform.State) error {
				key := w.theKey(t)
				if key.ID != native || key.Labels["holdfast-location"] != "hel1" {
					return fmt.Errorf("moved to %d with the labels %v", key.ID, key.Labels)
				}
				return holds(ada, map[string]string{"id": fmt.Sprintf("hetzner/hel1/%d", native)})(s)
			}),
		},
		resource.TestStep{
			// A key whose first line is drawn from what is known only after apply.
			Config: w.config(`
resource "terraform_data" "key" { input = local.key }
` + sshKey("ada-l", "hetzner/hel1", "terraform_data.key.output", "")),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(ada, plancheck.ResourceActionDestroyBeforeCreate)}},
			Check: holds(ada, map[string]string{"public_key": publicKey}),
		},
		resource.TestStep{
			Config:  w.config(sshKey("ada-l", "hetzner/hel1", "local.key", "")),
			Destroy: true,
			Check:   w.cloudHolds("ssh_key", 0),
		},
	)
}

// What somebody changed with the vendor's own tools is shown and undone.
func TestSSHKeyDrift(t *testing.T) {
	w := newWorld(t)
	config := w.config(sshKey("ada", "hetzner/fsn1", "local.key", `labels = { team = "ops" }`))
	repaired := func(*terraform.State) error {
		key := w.theKey(t)
		if key.Name != "ada" || key.Labels["team"] != "ops" || key.Labels["extra"] != "" || key.Labels["holdfast-deployment"] != "acc" {
			return fmt.Errorf("repaired to %q with the labels %v", key.Name, key.Labels)
		}
		return nil
	}
	drift := func(change func(*hcloud.SSHKey) hcloud.SSHKeyUpdateOpts) resource.TestStep {
		return resource.TestStep{
			PreConfig: func() {
				key := w.theKey(t)
				must[*hcloud.SSHKey](t)(w.Client.SSHKey.Update(context.Background(), key, change(key)))
			},
			Config:           config,
			ConfigPlanChecks: planned(ada, plancheck.ResourceActionUpdate),
			Check:            repaired,
		}
	}
	w.test(t,
		resource.TestStep{Config: config},
		drift(func(*hcloud.SSHKey) hcloud.SSHKeyUpdateOpts { return hcloud.SSHKeyUpdateOpts{Name: "somebody"} }),
		drift(func(key *hcloud.SSHKey) hcloud.SSHKeyUpdateOpts {
			return hcloud.SSHKeyUpdateOpts{Labels: labelled(key.Labels, map[string]string{"team": "sales", "extra": "yes"})}
		}),
		drift(func(key *hcloud.SSHKey) hcloud.SSHKeyUpdateOpts {
			return hcloud.SSHKeyUpdateOpts{Labels: labelled(key.Labels, map[string]string{"holdfast-deployment": ""})}
		}),
		resource.TestStep{
			PreConfig: func() {
				if _, err := w.Client.SSHKey.Delete(context.Background(), w.theKey(t)); err != nil {
					t.Fatal(err)
				}
			},
			Config:           config,
			ConfigPlanChecks: planned(ada, plancheck.ResourceActionCreate),
			Check:            repaired,
		},
	)
}

// The vendor does not protect keys; Holdfast does.
func TestSSHKeyProtection(t *testing.T) {
	w := newWorld(t)
	trigger := func(value string) string {
		return fmt.Sprintf("resource \"terraform_data\" \"when\" { input = %q }\n", value) + sshKey("ada", "hetzner/fsn1", "local.key",
			"deletion_protection = true\nlifecycle { replace_triggered_by = [terraform_data.when] }")
	}
	w.test(t,
		resource.TestStep{Config: w.config(trigger("one")), Check: holds(ada, map[string]string{"deletion_protection": "true"})},
		resource.TestStep{Config: w.config(trigger("one")), Destroy: true, ExpectError: says("Deletion protection", `SSH key "ada"`, "set deletion_protection = false, apply")},
		resource.TestStep{Config: w.config(""), ExpectError: says("Deletion protection", "no plan may delete it")},
		resource.TestStep{Config: w.config(sshKey("ada", "hetzner/fsn1", "local.other", "deletion_protection = true")),
			ExpectError: says("Deletion protection", "public_key =", "changing public_key replaces it")},
		resource.TestStep{Config: w.config(trigger("two")), ExpectError: says("Deletion protection", "deletion_protection = true", "replace_triggered_by")},
		// The way out.
		resource.TestStep{Config: w.config(sshKey("ada", "hetzner/fsn1", "local.key", "")), ConfigPlanChecks: planned(ada, plancheck.ResourceActionUpdate)},
		resource.TestStep{Config: w.config(""), ConfigPlanChecks: planned(ada, plancheck.ResourceActionDestroy), Check: w.cloudHolds("ssh_key", 0)},
	)
}

func TestSSHKeyBadInput(t *testing.T) {
	newWorld(t).refused(t, map[string]refusal{
		"a private key": {sshKey("ada", "hetzner/fsn1", `"-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----"`, ""),
			[]string{"Private key where a public key belongs (SYS-3)", "public_key =", "Treat that key as leaked"}},
		"a weak key": {sshKey("ada", "hetzner/fsn1", `"ssh-dss AAAAB3NzaC1kc3MAAACBAP"`, ""),
			[]string{"SSH key too weak (SYS-3)", "public_key =", "ssh-keygen -t ed25519"}},
		"a damaged key": {sshKey("ada", "hetzner/fsn1", `"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5"`, ""),
			[]string{"SSH key damaged (SYS-3)", "public_key =", "cut off"}},
		"two keys": {sshKey("ada", "hetzner/fsn1", `"${local.key}\n${local.other}"`, ""),
			[]string{"Several lines in an SSH key (SYS-3)", "public_key =", "one holdfast_ssh_key for each"}},
		"an empty key": {sshKey("ada", "hetzner/fsn1", `""`, ""), []string{"SSH key missing (SYS-3)", "public_key ="}},
		"a bad name":   {sshKey("Ada", "hetzner/fsn1", "local.key", ""), []string{"Invalid name", "name =", `"Ada" is not a name`, "valid on every cloud"}},
		"a long name": {sshKey("a23456789012345678901234567890123456789012345678901", "hetzner/fsn1", "local.key", ""),
			[]string{"Invalid name", "name =", "51 characters, at most 50"}},
		"no location":      {sshKey("ada", "fsn1", "local.key", ""), []string{"Not a location", "location =", `for example "hetzner/fsn1"`}},
		"unknown location": {sshKey("ada", "hetzner/fsn2", "local.key", ""), []string{"Unknown location", "location =", "did you mean", "fsn1"}},
		"unknown cloud":    {sshKey("ada", "hetzer/fsn1", "local.key", ""), []string{"Unknown location", "location =", "unknown cloud", "did you mean hetzner/fsn1"}},
		"reserved label": {sshKey("ada", "hetzner/fsn1", "local.key", `labels = { holdfast-name = "x" }`),
			[]string{"Invalid label", `the prefix "holdfast-" is reserved`}},
		"label of capitals": {sshKey("ada", "hetzner/fsn1", "local.key", `labels = { Team = "x" }`), []string{"Invalid label", `label key "Team"`}},
		"null label":        {sshKey("ada", "hetzner/fsn1", "local.key", `labels = { team = null }`), []string{"Label without a value", "labels =", "Leave it out"}},
		"bad timeout": {sshKey("ada", "hetzner/fsn1", "local.key", `timeouts = { create = "soon" }`),
			[]string{"Invalid Attribute Value Time Duration", `"soon" must be a string`}},
	})
}

// What is unknown at plan is judged before the first request.
func TestSSHKeyKnownAtApply(t *testing.T) {
	w := newWorld(t)
	later := func(key, name, location string) string {
		return w.config(fmt.Sprintf(`
resource "terraform_data" "late" { input = { key = %q, name = %q, location = %q } }
`, key, name, location) + `
resource "holdfast_ssh_key" "ada" {
  name       = terraform_data.late.output.name
  location   = terraform_data.late.output.location
  public_key = terraform_data.late.output.key
}
`)
	}
	nothing := func() {
		if counts := w.Counts(); counts.Total != 0 {
			t.Errorf("the cloud was asked: %v", counts.Routes)
		}
	}
	w.test(t,
		resource.TestStep{Config: later("ssh-dss AAAA", "ada", "hetzner/fsn1"), ExpectError: says("SSH key too weak (SYS-3)", "public_key =")},
		resource.TestStep{Config: later(publicKey, "Ada", "hetzner/fsn1"), ExpectError: says("Invalid name", "name =")},
		resource.TestStep{Config: later(publicKey, "ada", "hetzner/fsn2"), ExpectError: says("Unknown location", "location =", "did you mean")},
		resource.TestStep{PreConfig: nothing, Config: later(publicKey, "ada", "hetzner/fsn1"), Check: holds(ada, map[string]string{"name": "ada"})},
	)
}

// A key that somebody else registered is in the way, until it is imported.
func TestSSHKeyTaken(t *testing.T) {
	w := newWorld(t)
	config := w.config(sshKey("ada", "hetzner/fsn1", "local.key", ""))
	var theirs *hcloud.SSHKey
	register := func(name string, labels map[string]string) func() {
		return func() {
			theirs = must[*hcloud.SSHKey](t)(w.Client.SSHKey.Create(context.Background(), hcloud.SSHKeyCreateOpts{Name: name, PublicKey: publicKey, Labels: labels}))
		}
	}
	w.test(t,
		resource.TestStep{
			PreConfig: register("anybody", nil), Config: config,
			ExpectError: says("Cannot create SSH key", "public_key =", "no Holdfast deployment owns it", "uniqueness_error", "A project holds a public key once: import it"),
		},
		resource.TestStep{
			Config: config, ResourceName: ada, ImportState: true, ImportStatePersist: true,
			ImportStateIdFunc: func(*terraform.State) (string, error) { return fmt.Sprintf("hetzner/fsn1/%d", theirs.ID), nil },
		},
		// It is renamed, and labelled as the deployment's own.
		resource.TestStep{Config: config, ConfigPlanChecks: planned(ada, plancheck.ResourceActionUpdate), Check: func(*terraform.State) error {
			if key := w.theKey(t); key.ID != theirs.ID || key.Name != "ada" || key.Labels["holdfast-deployment"] != "acc" {
				return fmt.Errorf("the imported key is %q with the labels %v", key.Name, key.Labels)
			}
			return nil
		}},
		resource.TestStep{Config: w.config(""), Check: w.cloudHolds("ssh_key", 0)},
		resource.TestStep{
			PreConfig: register("theirs", map[string]string{"holdfast-deployment": "other"}), Config: config,
			ExpectError: says("Cannot create SSH key", `the deployment "other" owns it`),
		},
		resource.TestStep{
			Config: config, ResourceName: ada, ImportState: true,
			ImportStateIdFunc: func(*terraform.State) (string, error) { return fmt.Sprintf("hetzner/fsn1/%d", theirs.ID), nil },
			ExpectError:       says("Cannot import SSH key", `belongs to the deployment "other"`),
		},
		resource.TestStep{
			PreConfig: func() {
				if _, err := w.Client.SSHKey.Delete(context.Background(), theirs); err != nil {
					t.Fatal(err)
				}
			},
			Config: config,
		},
	)
}
