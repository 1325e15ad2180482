package failover

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/tests/harness"
)

const (
	deployment = "failover"
	tenants    = 20
	// perTenant are a network, a firewall, a volume and a VM.
	perTenant = 4
	// commandTimeout ends a command that hangs.
	commandTimeout = 5 * time.Minute
)

// tools are what all regions share.
type tools struct {
	cli   harness.CLI
	built harness.Provider
}

func prepare(t *testing.T) tools {
	t.Helper()
	cli, err := harness.FindCLI()
	if err != nil {
		t.Fatal(err)
	}
	t.Log(cli.Version)
	built, err := harness.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return tools{cli: cli, built: built}
}

// region is one configuration with its clouds.
type region struct {
	tools
	sim   *simcloud.Sim
	front *front
	work  *harness.Workspace
	// locations and lost are the variables of the configuration.
	locations, lost []string
}

func newRegion(t *testing.T, tools tools, locations []string) *region {
	t.Helper()
	sim, err := simcloud.New(simcloud.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	r := &region{tools: tools, sim: sim, front: newFront(t, sim.Handler()), locations: locations}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/region")); err != nil {
		t.Fatal(err)
	}
	block := fmt.Sprintf("provider \"holdfast\" {\n  deployment     = %q\n  lost_locations = var.lost\n\n%s}\n", deployment, accounts(locations))
	if err := os.WriteFile(filepath.Join(dir, "provider.tf"), []byte(block), 0o600); err != nil {
		t.Fatal(err)
	}
	if r.work, err = harness.NewWorkspace(tools.cli, dir, tools.built); err != nil {
		t.Fatal(err)
	}
	r.work.Env = r.environment()
	r.do(t, "init")
	return r
}

// accounts are the blocks of the vendors that the locations are of.
func accounts(locations []string) string {
	blocks := map[string]string{"hetzner": "  hetzner {}\n", "google": "  google {\n    project = \"failover\"\n  }\n"}
	var text strings.Builder
	for _, name := range clouds(locations) {
		text.WriteString(blocks[name])
	}
	return text.String()
}

// clouds names the vendors of locations, each once.
func clouds(locations []string) []string {
	var names []string
	for _, location := range locations {
		name, _, _ := strings.Cut(location, "/")
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// environment leads to the embedded clouds of the locations.
func (r *region) environment() []string {
	variables := map[string][]string{
		"hetzner": {"HCLOUD_TOKEN=failover-token", "HCLOUD_ENDPOINT=" + r.front.URL + "/v1"},
		"google": {"GOOGLE_PROJECT=failover", "GOOGLE_OAUTH_ACCESS_TOKEN=failover-token",
			"GOOGLE_COMPUTE_CUSTOM_ENDPOINT=" + r.front.URL + "/compute/v1/"},
	}
	var all []string
	for _, name := range clouds(r.locations) {
		all = append(all, variables[name]...)
	}
	return all
}

// try runs a command of the command line, with the variables where it takes
// them.
func (r *region) try(t *testing.T, arguments ...string) (harness.Result, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandTimeout)
	defer cancel()
	arguments = append(arguments, "-no-color")
	// A saved plan has its variables.
	if verb := arguments[0]; verb == "plan" || verb == "apply" && !slices.Contains(arguments, planFile) {
		arguments = append(arguments, "-var", "locations="+list(r.locations), "-var", "lost="+list(r.lost), "-parallelism=50")
	}
	return r.work.Run(ctx, arguments...)
}

// do is try for what has to succeed.
func (r *region) do(t *testing.T, arguments ...string) harness.Result {
	t.Helper()
	result, err := r.try(t, arguments...)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// refused is try for what has to fail, with certain words.
func (r *region) refused(t *testing.T, words []string, arguments ...string) {
	t.Helper()
	result, err := r.try(t, arguments...)
	if err == nil {
		t.Fatalf("%v was not refused:\n%s", arguments, result.Stdout)
	}
	// The command line breaks lines where it likes.
	said := strings.Join(strings.Fields(strings.NewReplacer("│", " ", "╷", " ", "╵", " ").Replace(result.Stdout+result.Stderr)), " ")
	for _, want := range words {
		if !strings.Contains(said, want) {
			t.Errorf("%v did not say %q:\n%s", arguments, want, said)
		}
	}
}

func list(texts []string) string {
	quoted, err := json.Marshal(append([]string{}, texts...))
	if err != nil {
		panic(err)
	}
	return string(quoted)
}

// output reads an output of the configuration.
func output[T any](t *testing.T, r *region, name string) T {
	t.Helper()
	var value T
	if err := json.Unmarshal([]byte(r.do(t, "output", "-json", name).Stdout), &value); err != nil {
		t.Fatal(err)
	}
	return value
}

// ids are those of all tenants' objects, sorted.
func (r *region) ids(t *testing.T) []string {
	t.Helper()
	all := slices.Concat(slices.Collect(maps.Values(output[map[string][]string](t, r, "ids")))...)
	slices.Sort(all)
	return all
}

// stands checks that the region runs as a whole in a location.
func (r *region) stands(t *testing.T, location string) {
	t.Helper()
	if at := output[string](t, r, "location"); at != location {
		t.Errorf("the region is in %s, want %s", at, location)
	}
	ids := r.ids(t)
	if len(ids) != perTenant*tenants {
		t.Errorf("%d objects, want %d", len(ids), perTenant*tenants)
	}
	for _, id := range ids {
		if !strings.HasPrefix(id, location+"/") {
			t.Errorf("%s is not in %s", id, location)
		}
	}
	status := output[map[string]string](t, r, "status")
	for name, is := range status {
		if !strings.EqualFold(is, "running") {
			t.Errorf("the VM of %s is %s", name, is)
		}
	}
	if len(status) != tenants {
		t.Errorf("%d tenants, want %d", len(status), tenants)
	}
}

const planFile = "saved.tfplan"

// plan makes a plan and counts its changes by what they do: "create",
// "delete,create", ….
func (r *region) plan(t *testing.T) (counts map[string]int, said string) {
	t.Helper()
	said = r.do(t, "plan", "-out="+planFile).Stdout
	var plan struct {
		Changes []struct {
			Mode   string
			Change struct{ Actions []string }
		} `json:"resource_changes"`
	}
	if err := json.Unmarshal([]byte(r.do(t, "show", "-json", planFile).Stdout), &plan); err != nil {
		t.Fatal(err)
	}
	counts = map[string]int{}
	for _, change := range plan.Changes {
		if action := strings.Join(change.Change.Actions, ","); change.Mode == "managed" && action != "no-op" {
			counts[action]++
		}
	}
	return counts, said
}

// holdfast runs the command line of the provider's binary.
func (r *region) holdfast(t *testing.T, stdin string, lost []string, arguments ...string) (stdout string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandTimeout)
	defer cancel()
	command := exec.CommandContext(ctx, r.built.Binary, arguments...)
	command.Env = append(r.environment(), "HOLDFAST_DEPLOYMENT="+deployment, "HOLDFAST_LOST_LOCATIONS="+strings.Join(lost, ","),
		"PATH="+os.Getenv("PATH"), "HOME="+t.TempDir())
	command.Stdin = strings.NewReader(stdin)
	var out, errs bytes.Buffer
	command.Stdout, command.Stderr = &out, &errs
	err := command.Run()
	if err != nil && command.ProcessState == nil {
		t.Fatal(err)
	}
	code = command.ProcessState.ExitCode()
	if code == 1 || code == 2 {
		t.Logf("holdfast %v: %s", arguments, errs.String())
	}
	return out.String(), code
}

// inventory lists what the embedded clouds hold, as "server/4711", with its
// name there.
func (r *region) inventory(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, kind := range []string{"server", "volume", "network", "firewall", "ssh_key",
		"google_instance", "google_disk", "google_network", "google_subnetwork", "google_firewall"} {
		for _, record := range r.sim.Objects(kind) {
			text, err := json.Marshal(record)
			if err != nil {
				t.Fatal(err)
			}
			var named struct {
				Name string `json:"name"`
			}
			if err := json.Unmarshal(text, &named); err != nil || named.Name == "" {
				t.Fatalf("a %s without a name: %s, %v", kind, text, err)
			}
			found[kind+"/"+strconv.FormatInt(record.Base().ID, 10)] = named.Name
		}
	}
	return found
}

// count tells how many of a kind there are.
func count(inventory map[string]string, kind string) int {
	n := 0
	for key := range inventory {
		if strings.HasPrefix(key, kind+"/") {
			n++
		}
	}
	return n
}
