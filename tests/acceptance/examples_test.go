package acceptance

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/s3"
	"github.com/holdfast-cloud/terraform-provider-holdfast/tests/harness"
)

const examples = "../../examples"

// roots finds the folders that are configurations: those with Terraform files
// whose parents have none. What is in a folder `modules` is theirs to call.
func roots(t *testing.T) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(examples, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		if entry.Name() == "modules" {
			return fs.SkipDir
		}
		files, err := filepath.Glob(filepath.Join(name, "*.tf"))
		if err != nil || len(files) == 0 {
			return err
		}
		found = append(found, name)
		return fs.SkipDir
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// isImport tells the files that show an import.
func isImport(name string) bool { return strings.HasPrefix(filepath.Base(name), "import") }

// Every example is applied as it stands, shows no change afterwards, imports as
// it says, and leaves nothing behind.
func TestExamples(t *testing.T) {
	cli, err := harness.FindCLI()
	if err != nil {
		t.Fatal(err)
	}
	built, err := harness.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	found := roots(t)
	for _, kind := range []string{"provider", "regions/single", "guides", "resources", "data-sources"} {
		if !slices.ContainsFunc(found, func(root string) bool { return strings.HasPrefix(root, filepath.Join(examples, kind)) }) {
			t.Errorf("there is no example below examples/%s", kind)
		}
	}
	for _, root := range found {
		t.Run(strings.TrimPrefix(root, examples+"/"), func(t *testing.T) { tryExample(t, cli, built, root) })
	}
}

func tryExample(t *testing.T, cli harness.CLI, built harness.Provider, root string) {
	t.Parallel()
	sim, err := harness.StartSim(simcloud.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	work, err := harness.NewWorkspace(cli, copyExample(t, root), built)
	if err != nil {
		t.Fatal(err)
	}
	compute := strings.TrimSuffix(sim.HetznerEndpoint(), "/v1") + "/compute/v1/"
	work.Env = []string{"HCLOUD_ENDPOINT=" + sim.HetznerEndpoint(), "HCLOUD_TOKEN=" + token,
		"GOOGLE_COMPUTE_CUSTOM_ENDPOINT=" + compute, "GOOGLE_OAUTH_ACCESS_TOKEN=" + token, "GOOGLE_PROJECT=acme-prod",
		"HCLOUD_S3_ENDPOINT=" + s3Endpoints(sim), "HCLOUD_S3_ACCESS_KEY=" + s3.DefaultAccessKey, "HCLOUD_S3_SECRET_KEY=" + s3.DefaultSecretKey,
		"GOOGLE_STORAGE_CUSTOM_ENDPOINT=" + strings.TrimSuffix(sim.HetznerEndpoint(), "/v1") + "/storage/v1/"}
	run := func(arguments ...string) string {
		t.Helper()
		result, err := work.Run(t.Context(), append(arguments, "-no-color")...)
		if err != nil {
			t.Fatal(err)
		}
		return result.Stdout
	}
	run("init")
	run("fmt", "-check", "-recursive", "..")
	run("validate")
	run("apply", "-auto-approve")
	run("plan", "-detailed-exitcode")
	imports, err := filepath.Glob(filepath.Join(root, "import*"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(root, filepath.Join(examples, "resources")) && len(imports) != 3 {
		t.Errorf("a resource shows three imports (import.sh, import-by-string-id.tf, import-by-identity.tf), not %v", imports)
	}
	for _, name := range imports {
		tryImport(t, work, name)
		if strings.Contains(root, "holdfast_backup_plan") {
			// Behind a plan there is nothing that could be read: an import takes
			// over the name, and the next apply writes the rest.
			run("apply", "-auto-approve")
		}
		run("plan", "-detailed-exitcode")
	}
	run("destroy", "-auto-approve")
	for kind, left := range sim.Inventory() {
		if left != 0 {
			t.Errorf("%d objects of kind %s are left", left, kind)
		}
	}
}

// copyExample copies a folder without the imports, and the modules beside it;
// the provider's configuration is added where it has none of its own.
func copyExample(t *testing.T, root string) string {
	t.Helper()
	parent := t.TempDir()
	dir := filepath.Join(parent, filepath.Base(root))
	if err := os.CopyFS(dir, os.DirFS(root)); err != nil {
		t.Fatal(err)
	}
	modules := filepath.Join(filepath.Dir(root), "modules")
	if _, err := os.Stat(modules); err == nil {
		if err := os.CopyFS(filepath.Join(parent, "modules"), os.DirFS(modules)); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	configured := false
	for _, name := range files {
		if isImport(name) {
			if err := os.Remove(name); err != nil {
				t.Fatal(err)
			}
			continue
		}
		configured = configured || strings.HasSuffix(name, ".tf") && strings.Contains(read(t, name), "provider \"holdfast\"")
	}
	if !configured {
		write(t, filepath.Join(dir, "provider.tf"), read(t, filepath.Join(examples, "provider/provider.tf")))
	}
	return dir
}

var (
	// resourceAddress is what an import is for, exampleID what it is done by.
	resourceAddress = regexp.MustCompile(`holdfast_[a-z_]+\.[a-z_]+`)
	exampleID       = regexp.MustCompile(`hetzner/[a-z0-9]+/(?:\d+|acme-[a-z0-9-]+)`)
)

// tryImport forgets the resource that an example imports, and imports it with
// its real id in place of the example's.
func tryImport(t *testing.T, work *harness.Workspace, name string) {
	t.Helper()
	text := read(t, name)
	address := resourceAddress.FindString(text)
	if address == "" || !exampleID.MatchString(text) && !strings.HasPrefix(address, "holdfast_backup_plan.") { // its id is its name
		t.Fatalf("%s imports nothing by an id such as hetzner/fsn1/4711", name)
	}
	if strings.Contains(text, "identity =") && !knowsIdentity(t, work) {
		t.Logf("%s imports by identity, which this command line does not know", work.CLI.Version)
		return
	}
	id := idOf(t, work, address)
	text = exampleID.ReplaceAllLiteralString(text, id)
	run := func(command *exec.Cmd) string {
		t.Helper()
		output, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", filepath.Base(name), err, output)
		}
		return string(output)
	}
	run(work.Command(t.Context(), "state", "rm", address))
	if filepath.Ext(name) == ".sh" {
		// The examples say `terraform`, whichever command line it is.
		bin := t.TempDir()
		if err := os.Symlink(work.CLI.Path, filepath.Join(bin, "terraform")); err != nil {
			t.Fatal(err)
		}
		command := exec.CommandContext(t.Context(), "sh", "-e", "-c", text)
		like := work.Command(t.Context())
		command.Dir, command.Env = like.Dir, append(like.Env, "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
		run(command)
	} else {
		block := filepath.Join(work.Dir, "import.tf")
		write(t, block, text)
		defer func() {
			if err := os.Remove(block); err != nil {
				t.Error(err)
			}
		}()
	}
	// What no cloud tells, such as a VM's keys, is recorded by the apply.
	if output := run(work.Command(t.Context(), "apply", "-auto-approve", "-no-color")); !strings.Contains(output, " 0 added") || !strings.Contains(output, " 0 destroyed") {
		t.Errorf("%s did:\n%s", filepath.Base(name), output)
	}
	if now := idOf(t, work, address); now != id {
		t.Errorf("%s imported %s in place of %s", filepath.Base(name), now, id)
	}
}

// idOf reads the id of a resource from the state.
func idOf(t *testing.T, work *harness.Workspace, address string) string {
	t.Helper()
	result, err := work.Run(context.WithoutCancel(t.Context()), "show", "-json")
	if err != nil {
		t.Fatal(err)
	}
	var state struct {
		Values struct {
			Root struct {
				Resources []struct {
					Address string
					Values  struct{ ID string }
				}
			} `json:"root_module"`
		}
	}
	if err := json.Unmarshal([]byte(result.Stdout), &state); err != nil {
		t.Fatal(err)
	}
	for _, one := range state.Values.Root.Resources {
		if one.Address == address {
			return one.Values.ID
		}
	}
	t.Fatalf("there is no %s in the state", address)
	return ""
}

// knowsIdentity tells whether the command line imports by identity: Terraform
// and OpenTofu do since 1.12.
func knowsIdentity(t *testing.T, work *harness.Workspace) bool {
	t.Helper()
	result, err := work.Run(t.Context(), "version", "-json")
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Version string `json:"terraform_version"`
	}
	if err := json.Unmarshal([]byte(result.Stdout), &answer); err != nil {
		t.Fatal(err)
	}
	var major, minor int
	if _, err := fmt.Sscanf(answer.Version, "%d.%d", &major, &minor); err != nil {
		t.Fatalf("version %q: %v", answer.Version, err)
	}
	return major > 1 || minor >= 12
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
