package peer

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/tests/harness"
)

// binaryVariable names the vendor's provider.
const binaryVariable = "HOLDFAST_PEER_GOOGLE"

// kinds are what the configurations make.
var kinds = []string{"google_network", "google_subnetwork", "google_firewall", "google_disk", "google_instance", "google_route"}

// peer is one configuration of the vendor's provider with its cloud.
type peer struct {
	*harness.Sim
	work      *harness.Workspace
	variables []string
}

func start(t *testing.T, configuration string, options simcloud.Options) *peer {
	t.Helper()
	binary := os.Getenv(binaryVariable)
	if binary == "" {
		t.Skip(binaryVariable + " is not set: `make peer-google` builds the vendor's provider and runs this")
	}
	cli, err := harness.FindCLI()
	if err != nil {
		t.Fatal(err)
	}
	sim, err := harness.StartSim(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", configuration))); err != nil {
		t.Fatal(err)
	}
	work, err := harness.NewWorkspace(cli, dir, harness.Provider{Source: "hashicorp/google", Binary: binary, Version: "8.0.0"})
	if err != nil {
		t.Fatal(err)
	}
	// What a person set for an account of their own stays out of it.
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "GOOGLE_") || strings.HasPrefix(name, "GCLOUD_") || strings.HasPrefix(name, "CLOUDSDK_") {
			work.Env = append(work.Env, name+"=")
		}
	}
	p := &peer{Sim: sim, work: work}
	p.work.Env = append(p.work.Env, "TF_VAR_endpoint="+strings.TrimSuffix(sim.HetznerEndpoint(), "/v1")+"/compute/v1/")
	p.do(t, "init")
	return p
}

// do runs a command that has to succeed.
func (p *peer) do(t *testing.T, arguments ...string) harness.Result {
	t.Helper()
	if slices.Contains([]string{"plan", "apply", "destroy", "import"}, arguments[0]) {
		arguments = slices.Insert(arguments, 1, p.variables...)
	}
	if arguments[0] == "apply" || arguments[0] == "destroy" {
		arguments = slices.Insert(arguments, 1, "-auto-approve")
	}
	if arguments[0] != "state" {
		arguments = slices.Insert(arguments, 1, "-no-color")
	}
	result, err := p.work.Run(t.Context(), arguments...)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// apply brings the cloud to a step of the configuration, after which the plan
// is empty.
func (p *peer) apply(t *testing.T, step int) {
	t.Helper()
	p.variables = []string{fmt.Sprintf("-var=step=%d", step)}
	p.do(t, "apply")
	p.do(t, "plan", "-detailed-exitcode")
}

// destroy takes everything down, and sees that nothing is left and that no
// request asked for what the embedded cloud does not have.
func (p *peer) destroy(t *testing.T) {
	t.Helper()
	p.do(t, "destroy")
	if left := p.inventory(); slices.Max(slices.Collect(maps.Values(left))) > 0 {
		t.Errorf("after destroy the cloud still holds %v", left)
	}
	for route, n := range p.RequestsOf(simcloud.Google).Routes {
		if strings.HasSuffix(route, " unknown") {
			t.Errorf("%d requests (%s) went to paths that the embedded cloud does not know", n, route)
		}
	}
}

func (p *peer) inventory() map[string]int {
	counts := map[string]int{}
	for _, kind := range kinds {
		counts[kind] = len(p.Objects(kind))
	}
	return counts
}

// ids are the cloud's own of what it holds, which a replacement changes.
func (p *peer) ids() map[string][]int64 {
	found := map[string][]int64{}
	for _, kind := range kinds {
		for _, record := range p.Objects(kind) {
			found[kind] = append(found[kind], record.Base().ID)
		}
	}
	return found
}

// quick ends operations in a tenth of the time; the request limit is the vendor's.
func quick() simcloud.Options {
	options := simcloud.Realistic()
	options.DurationScale = 0.1
	return options
}

// The five kinds are created, read, changed in place, imported and destroyed.
func TestFive(t *testing.T) {
	p := start(t, "five", quick())
	p.apply(t, 1)
	want := map[string]int{"google_network": 1, "google_subnetwork": 1, "google_firewall": 1, "google_disk": 2, "google_instance": 1, "google_route": 2}
	if diff := cmp.Diff(want, p.inventory()); diff != "" {
		t.Fatalf("the cloud does not hold what is declared:\n%s", diff)
	}
	before := p.ids()
	p.apply(t, 2)
	if diff := cmp.Diff(before, p.ids()); diff != "" {
		t.Errorf("changes replaced something:\n%s", diff)
	}
	for address, id := range p.addresses(t) {
		p.do(t, "state", "rm", address)
		p.do(t, "import", address, id)
	}
	// An import knows no labels, which the next apply only writes down.
	p.apply(t, 2)
	if diff := cmp.Diff(before, p.ids()); diff != "" {
		t.Errorf("imports replaced something:\n%s", diff)
	}
	p.destroy(t)
}

// addresses are the resources in the state with their ids.
func (p *peer) addresses(t *testing.T) map[string]string {
	t.Helper()
	var state struct {
		Values struct {
			Root struct {
				Resources []struct {
					Address, Mode string
					Values        struct {
						ID string `json:"id"`
					}
				}
			} `json:"root_module"`
		}
	}
	if err := json.Unmarshal([]byte(p.do(t, "show", "-json").Stdout), &state); err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, resource := range state.Values.Root.Resources {
		if resource.Mode == "managed" {
			found[resource.Address] = resource.Values.ID
		}
	}
	if len(found) != 5 {
		t.Fatalf("the state holds %v", found)
	}
	return found
}

// What else can be said of them is read as it was written, too.
func TestWide(t *testing.T) {
	p := start(t, "wide", quick())
	p.apply(t, 1)
	before := p.ids()
	p.apply(t, 2)
	if diff := cmp.Diff(before, p.ids()); diff != "" {
		t.Errorf("changes replaced something:\n%s", diff)
	}
	if _, err := p.work.Run(t.Context(), "destroy", "-auto-approve", "-no-color", "-var=step=2", "-target=google_compute_instance.i"); err == nil {
		t.Error("an instance with deletion protection was destroyed")
	}
	p.apply(t, 3)
	p.destroy(t)
}

// What the vendor's provider spends, under the vendor's request limits and with
// operations of the usual length.
func TestRequests(t *testing.T) {
	n := 20
	if text := os.Getenv("N"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatalf("N: %v", err)
		}
	}
	p := start(t, "tenants", simcloud.Realistic())
	p.variables = []string{fmt.Sprintf("-var=tenants=%d", n)}
	for _, step := range [][]string{{"apply"}, {"plan", "-detailed-exitcode"}, {"destroy"}} {
		p.FillQuota(-1)
		p.ResetRequests()
		result := p.do(t, step...)
		reads, writes, polls := 0, 0, 0
		counts := p.RequestsOf(simcloud.Google)
		for route, count := range counts.Routes {
			method, path, _ := strings.Cut(route, " ")
			switch {
			case strings.Contains(path, "/operations"):
				polls += count
			case method == "GET":
				reads += count
			default:
				writes += count
			}
		}
		each := func(count int) float64 { return float64(count) / float64(n) }
		t.Logf("hashicorp/google, %d tenants, %s: %.2f requests a tenant (%.2f reads, %.2f writes, %.2f polls) in %.0f s",
			n, step[0], each(counts.Total), each(reads), each(writes), each(polls), result.Wall.Seconds())
		if running := len(p.Objects("google_instance")); running != n && step[0] != "destroy" || running != 0 && step[0] == "destroy" {
			t.Errorf("after %s there are %d instances", step[0], running)
		}
	}
}
