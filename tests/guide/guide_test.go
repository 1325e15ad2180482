package guide

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/tests/harness"
)

const root = "../.."

// blocks returns the guide's shell blocks in order.
func blocks(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "templates/guides/from-zero-to-a-region.md.tmpl"))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, part := range strings.Split(string(text), "\n```shell\n")[1:] {
		block, _, _ := strings.Cut(part, "\n```\n")
		found = append(found, block)
	}
	return found
}

// step is what one block of the guide has to do.
type step struct {
	// begins is the start of the block, so that guide and test stay together.
	begins string
	// elsewhere says why the block is not run as it stands.
	elsewhere string
	fails     bool
	prints    []string
	// inventory is what the embedded cloud holds afterwards; nil to not look.
	inventory map[string]int
}

func TestGuide(t *testing.T) {
	cli, err := harness.FindCLI()
	if err != nil {
		t.Skip(err)
	}
	region := map[string]int{"server": 2, "volume": 2, "network": 2, "firewall": 1, "ssh_key": 1}
	both := map[string]int{"server": 4, "volume": 4, "network": 4, "firewall": 2, "ssh_key": 1}
	steps := []step{
		{begins: "git clone", elsewhere: "the harness builds the provider"},
		{begins: "mkdir first-region", elsewhere: "the harness makes the folder and the override"},
		{begins: "holdfast sim", elsewhere: "the harness starts the embedded cloud"},
		{begins: "export HCLOUD_ENDPOINT", elsewhere: "the harness sets the environment"},
		{begins: "terraform apply", prints: []string{"12 added", "server_type"}, inventory: region},
		{begins: "curl", elsewhere: "curl may be missing; the requests are counted below"},
		{begins: "terraform plan", prints: []string{"No changes"}},
		{begins: "sed -i 's/port        = \"22\"", fails: true, prints: []string{"Open to the whole internet (NET-1)", "The rule opens tcp port 5432 to the whole internet"}},
		{begins: "sed -i 's/port        = \"5432\""},
		{begins: "sed -i 's/data_gb", prints: []string{"0 added, 1 changed, 0 destroyed"}, inventory: region},
		{begins: "terraform apply -var", prints: []string{"lost location hetzner/fsn1", "8 added, 0 changed, 0 destroyed"}, inventory: both},
		{begins: "terraform apply", prints: []string{"7 added, 1 changed, 7 destroyed"}, inventory: region},
		{begins: "id=$(", prints: []string{"Import successful", "No changes"}, inventory: region},
		{begins: "terraform destroy", prints: []string{"12 destroyed"}, inventory: map[string]int{}},
		{begins: "unset HCLOUD_ENDPOINT", elsewhere: "no test spends money"},
	}
	found := blocks(t)
	if len(found) != len(steps) {
		t.Fatalf("the guide has %d shell blocks, the test %d", len(found), len(steps))
	}

	options := simcloud.Realistic()
	options.Clock = simcloud.NewClock(time.Time{}, 10)
	sim, err := harness.StartSim(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	shell := newShell(t, cli, sim)
	for i, step := range steps {
		if !strings.HasPrefix(found[i], step.begins) {
			t.Fatalf("block %d of the guide is\n%s\nthe test expects it to begin with %q", i+1, found[i], step.begins)
		}
		if step.elsewhere != "" {
			continue
		}
		output, err := shell(found[i])
		if (err != nil) != step.fails {
			t.Fatalf("%s\nended with %v, output:\n%s", found[i], err, output)
		}
		for _, want := range step.prints {
			if !strings.Contains(output, want) {
				t.Errorf("%s\nlacks %q in its output:\n%s", found[i], want, output)
			}
		}
		if step.inventory != nil {
			for kind, n := range sim.Inventory() {
				// Each machine brings public addresses of its own.
				if want := step.inventory[kind]; kind != "primary_ip" && n != want {
					t.Errorf("after\n%s\nthere are %d of %s, want %d", found[i], n, kind, want)
				}
			}
		}
		if i == 4 {
			reads, writes, polls := sim.CountsOf(simcloud.Hetzner).Split()
			t.Logf("bringing it up took %d reads, %d writes, %d polls of Hetzner Cloud, %d requests of its object storage, %d of Cloud Storage",
				reads, writes, polls, sim.CountsOf(simcloud.S3).Total, sim.CountsOf(simcloud.GCS).Total)
			if writes != 8 {
				t.Errorf("%d writes, the guide says eight", writes)
			}
			if n := len(sim.Objects("bucket")); n != 3 {
				t.Errorf("%d buckets, the guide says three", n)
			}
		}
	}
}

// newShell returns a function that runs a block of the guide in a folder with
// the guide's configuration and returns what it printed.
func newShell(t *testing.T, cli harness.CLI, sim *harness.Sim) func(block string) (string, error) {
	t.Helper()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("the guide's commands are for a Unix shell: ", err)
	}
	provider, err := harness.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	dir, bin := t.TempDir(), t.TempDir()
	config, err := os.ReadFile(filepath.Join(root, "examples/guides/from-zero-to-a-region/main.tf"))
	if err != nil {
		t.Fatal(err)
	}
	overrides := "provider_installation {\n  dev_overrides {\n    \"holdfast-cloud/holdfast\" = \"" + filepath.Dir(provider.Binary) + "\"\n  }\n  direct {}\n}\n"
	for name, text := range map[string]string{"main.tf": string(config), "dev.tfrc": overrides} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// The guide says `terraform`, whichever command line it is.
	if err := os.Symlink(cli.Path, filepath.Join(bin, "terraform")); err != nil {
		t.Fatal(err)
	}
	return func(block string) (string, error) {
		command := exec.CommandContext(t.Context(), bash, "-e", "-c", block)
		command.Dir = dir
		command.Env = []string{
			"PATH=" + bin + string(os.PathListSeparator) + os.Getenv("PATH"),
			"HOME=" + dir,
			"TF_CLI_CONFIG_FILE=" + filepath.Join(dir, "dev.tfrc"),
			"HCLOUD_ENDPOINT=" + sim.HetznerEndpoint(),
			"HCLOUD_TOKEN=guide-token",
			"HCLOUD_S3_ENDPOINT=" + strings.TrimSuffix(sim.HetznerEndpoint(), "/v1") + "/s3/{location}",
			"HCLOUD_S3_ACCESS_KEY=" + simcloud.DefaultS3AccessKey,
			"HCLOUD_S3_SECRET_KEY=" + simcloud.DefaultS3SecretKey,
			"GOOGLE_PROJECT=guide-project",
			"GOOGLE_OAUTH_ACCESS_TOKEN=guide-token",
			"GOOGLE_COMPUTE_CUSTOM_ENDPOINT=" + sim.GoogleEndpoint(),
			"GOOGLE_STORAGE_CUSTOM_ENDPOINT=" + sim.StorageEndpoint(),
			"CHECKPOINT_DISABLE=1",
			"NO_COLOR=1",
			// In place of the person who reads the plan and says yes.
			"TF_CLI_ARGS_apply=-auto-approve -no-color",
			"TF_CLI_ARGS_destroy=-auto-approve -no-color",
			"TF_CLI_ARGS_plan=-no-color",
			"TF_CLI_ARGS_import=-no-color",
		}
		output, err := command.CombinedOutput()
		return string(output), err
	}
}
