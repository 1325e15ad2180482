package acceptance

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/provider"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/tests/harness"
)

const (
	token     = "acceptance-token"
	publicKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA+8tMsKN4vulNVD7Cf0iuJURfLJapXFm/DxMX1ScBtx ada@example.com"
	otherKey  = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJUwVBeA27KzdI2sOt/FdE4hHjfE38JPy64b3tRM7fWB grace@example.com"
)

// world is one embedded cloud with a provider that talks to it.
type world struct {
	*harness.Sim
	// Client is a second client of the same account: what somebody does
	// behind Terraform's back.
	Client *hcloud.Client
}

// TestMain sets what terraform-plugin-testing takes from the environment, once:
// worlds run side by side. What a person set for work of their own is removed,
// so that no test reaches an account.
func TestMain(m *testing.M) {
	if err := prepareEnvironment(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func prepareEnvironment() error {
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		switch {
		case strings.HasPrefix(name, "TF_ACC"), strings.HasPrefix(name, "TF_LOG"), name == "HOLDFAST_TF_CLI":
		case strings.HasPrefix(name, "TF_"), strings.HasPrefix(name, "HCLOUD_"), strings.HasPrefix(name, "HOLDFAST_"),
			strings.HasPrefix(name, "GOOGLE_"):
			if err := os.Unsetenv(name); err != nil {
				return err
			}
		}
	}
	set := map[string]string{"CHECKPOINT_DISABLE": "1", "TF_ACC_PROVIDER_NAMESPACE": "holdfast-cloud"}
	if os.Getenv("TF_ACC_TERRAFORM_PATH") == "" {
		cli, err := harness.FindCLI()
		if err != nil {
			return err
		}
		set["TF_ACC_TERRAFORM_PATH"] = cli.Path
		if strings.HasPrefix(cli.Version, "OpenTofu") {
			set["TF_ACC_PROVIDER_HOST"] = "registry.opentofu.org"
		}
	}
	for name, value := range set {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	return nil
}

// newWorld starts an embedded cloud whose actions end at once, for a test that
// runs beside others.
func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	return startWorld(t)
}

// startWorld is newWorld without running beside others: for a test that changes
// the environment, or that needs a second world.
func startWorld(t *testing.T) *world {
	t.Helper()
	sim, err := harness.StartSim(simcloud.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	return &world{Sim: sim, Client: hcloud.NewClient(hcloud.WithToken(token), hcloud.WithEndpoint(sim.HetznerEndpoint()),
		hcloud.WithPollOpts(hcloud.PollOpts{BackoffFunc: hcloud.ConstantBackoff(10 * time.Millisecond)}))}
}

// config puts the provider's configuration before a test's resources. lost
// are the lost locations.
func (w *world) config(body string, lost ...string) string {
	return fmt.Sprintf(`
terraform {
  required_providers {
    holdfast = { source = "holdfast-cloud/holdfast" }
  }
}

provider "holdfast" {
  deployment     = "acc"
  lost_locations = [%s]
  hetzner {
    endpoint = %q
    token    = %q
  }
}

locals {
  key   = %q
  other = %q
}
%s`, quoted(lost), w.HetznerEndpoint(), token, publicKey, otherKey, body)
}

func quoted(texts []string) string {
	for i, text := range texts {
		texts[i] = fmt.Sprintf("%q", text)
	}
	return strings.Join(texts, ", ")
}

// test runs steps of terraform-plugin-testing with the provider.
func (w *world) test(t *testing.T, steps ...resource.TestStep) {
	t.Helper()
	resource.UnitTest(t, w.testCase(steps...))
}

// testCase is what test runs, for those who add to it.
func (w *world) testCase(steps ...resource.TestStep) resource.TestCase {
	return resource.TestCase{
		ProtoV6ProviderFactories: map[string]func() (tfprotov6.ProviderServer, error){
			"holdfast": providerserver.NewProtocol6WithError(provider.New("test")()),
		},
		Steps: steps,
		CheckDestroy: func(_ *terraform.State) error {
			for kind, count := range w.Inventory() {
				if count != 0 {
					return fmt.Errorf("%d objects of kind %s are left in the cloud", count, kind)
				}
			}
			return nil
		},
	}
}

// done fails the test when an action behind Terraform's back was not begun, or
// does not end well.
func (w *world) done(t *testing.T) func(action *hcloud.Action, _ *hcloud.Response, err error) {
	return func(action *hcloud.Action, _ *hcloud.Response, err error) {
		t.Helper()
		if err == nil {
			err = w.Client.Action.WaitFor(context.Background(), action)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// must fails the test on an error of a change behind Terraform's back.
func must[T any](t *testing.T) func(value T, _ *hcloud.Response, err error) T {
	return func(value T, _ *hcloud.Response, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}
