package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/tests/harness"
)

// token is what the demo shows to the embedded cloud, which takes any.
const token = "demo-token-of-64-characters-as-the-vendor-issues-them-0000000000"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	provider := flag.String("provider", "bin/terraform-provider-holdfast", "the built provider")
	example := flag.String("example", "examples/regions/single", "the configuration to apply")
	verbose := flag.Bool("v", false, "show what terraform prints")
	flag.Parse()
	if err := run(ctx, os.Stdout, *provider, *example, *verbose, os.Getenv("KEEP") == "1"); err != nil {
		fmt.Fprintf(os.Stderr, "\nThe demo failed: %v\n", err)
		os.Exit(1)
	}
}

// demo is one run.
type demo struct {
	out  io.Writer
	sim  *harness.Sim
	work *harness.Workspace
	// steps are what was done, for the closing table.
	steps []step
}

type step struct {
	name     string
	wall     time.Duration
	requests harness.Requests
	peak     int64
}

func run(ctx context.Context, out io.Writer, binary, example string, verbose, keep bool) (err error) {
	cli, err := harness.FindCLI()
	if err != nil {
		return err
	}
	dir, cleanup, err := folder(keep)
	if err != nil {
		return err
	}
	defer cleanup()
	data := filepath.Join(dir, "hetzner.db")
	sim, err := startSim(data)
	if err != nil {
		return fmt.Errorf("start the embedded cloud: %w", err)
	}
	defer func() { err = errors.Join(err, sim.Close()) }()
	// With its neighbours: they share modules.
	regions := filepath.Join(dir, "regions")
	if err := os.CopyFS(regions, os.DirFS(filepath.Dir(example))); err != nil {
		return fmt.Errorf("copy the example: %w", err)
	}
	workspace := filepath.Join(regions, filepath.Base(example))
	work, err := harness.NewWorkspace(cli, workspace, harness.Holdfast(binary))
	if err != nil {
		return err
	}
	work.Env = []string{"HCLOUD_TOKEN=" + token, "HCLOUD_ENDPOINT=" + sim.HetznerEndpoint()}
	if verbose {
		work.Output = out
	}
	fmt.Fprintf(out, "%s, embedded Hetzner Cloud on %s\n\n", cli.Version, sim.HetznerEndpoint())
	d := &demo{out: out, sim: sim, work: work}
	if err := d.region(ctx); err != nil {
		return err
	}
	if keep {
		d.summary()
		fmt.Fprintf(out, `
KEEP=1: the region is kept in %[1]s. To go on, start the embedded cloud again
and point Terraform at it:

  bin/terraform-provider-holdfast sim --listen 127.0.0.1:8080 --data %[2]s
  export HCLOUD_TOKEN=%[3]s HCLOUD_ENDPOINT=http://127.0.0.1:8080/v1
  export TF_CLI_CONFIG_FILE=%[4]s
  cd %[1]s && terraform plan
`, workspace, data, token, work.ConfigFile())
		return nil
	}
	if err := d.destroy(ctx); err != nil {
		return err
	}
	d.summary()
	return nil
}

// startSim starts the embedded cloud with the vendor's request limit and the
// durations that its actions usually have.
func startSim(data string) (*harness.Sim, error) {
	options := simcloud.Realistic()
	options.DataFile = data
	return harness.StartSim(options)
}

// folder is where the demo works: .demo for one that is kept, else a
// temporary one.
func folder(keep bool) (dir string, cleanup func(), err error) {
	if keep {
		dir, err = filepath.Abs(".demo")
		if err == nil {
			err = os.RemoveAll(dir)
		}
		if err == nil {
			err = os.MkdirAll(dir, 0o755)
		}
		return dir, func() {}, err
	}
	dir, err = os.MkdirTemp("", "holdfast-demo-")
	return dir, func() { _ = os.RemoveAll(dir) }, err
}

// do runs one command as a step of the demo.
func (d *demo) do(ctx context.Context, name string, arguments ...string) (harness.Result, error) {
	fmt.Fprintf(d.out, "── %s: terraform %s\n", name, strings.Join(arguments, " "))
	d.sim.ResetRequests()
	result, err := d.work.Run(ctx, arguments...)
	if err != nil {
		return result, err
	}
	s := step{name: name, wall: result.Wall, requests: d.sim.Counts(), peak: result.ProviderPeakRSS}
	d.steps = append(d.steps, s)
	for line := range strings.Lines(result.Stdout) {
		if strings.HasPrefix(line, "Apply complete!") || strings.HasPrefix(line, "Destroy complete!") ||
			strings.HasPrefix(line, "No changes.") || strings.HasPrefix(line, "Plan:") || strings.HasPrefix(line, "Import successful!") {
			fmt.Fprintf(d.out, "   %s", line)
		}
	}
	fmt.Fprintf(d.out, "   %d API requests in %.1f s\n\n", s.requests.Total, s.wall.Seconds())
	return result, nil
}

// region brings the region up, shows that it stands as declared, changes it
// and imports from it.
func (d *demo) region(ctx context.Context) error {
	if _, err := d.work.Run(ctx, "init", "-no-color"); err != nil {
		return err
	}
	if _, err := d.do(ctx, "create", "apply", "-auto-approve", "-no-color"); err != nil {
		return err
	}
	if _, err := d.do(ctx, "plan without a change", "plan", "-detailed-exitcode", "-no-color"); err != nil {
		return fmt.Errorf("the second plan is not empty: %w", err)
	}
	if err := d.inventory(ctx); err != nil {
		return err
	}

	if err := d.change(ctx); err != nil {
		return err
	}
	return d.imported(ctx)
}

// change grows one tenant's volume in place.
func (d *demo) change(ctx context.Context) error {
	tenants, err := os.ReadFile(filepath.Join(d.work.Dir, "variables.tf"))
	if err != nil {
		return err
	}
	grown := strings.Replace(string(tenants), "data_gb = 100", "data_gb = 200", 1)
	if grown == string(tenants) {
		return errors.New("the example no longer has a tenant with a volume of 100 GB to grow")
	}
	if err := os.WriteFile(filepath.Join(d.work.Dir, "variables.tf"), []byte(grown), 0o644); err != nil {
		return err
	}
	result, err := d.do(ctx, "grow a volume", "apply", "-auto-approve", "-no-color")
	if err != nil {
		return err
	}
	if !strings.Contains(result.Stdout, "0 added, 1 changed, 0 destroyed") {
		return fmt.Errorf("growing a volume did not change exactly one object:\n%s", result.Stdout)
	}
	return nil
}

// tenant is one row of the example's output.
type tenant struct {
	ID          string `json:"id"`
	Tier        string `json:"tier"`
	ServerType  string `json:"server_type"`
	PrivateIP   string `json:"private_ip"`
	IPv4Address string `json:"ipv4_address"`
	Status      string `json:"status"`
}

func (d *demo) tenants(ctx context.Context) (map[string]tenant, error) {
	result, err := d.work.Run(ctx, "output", "-json", "tenants")
	if err != nil {
		return nil, err
	}
	var tenants map[string]tenant
	if err := json.Unmarshal([]byte(result.Stdout), &tenants); err != nil {
		return nil, fmt.Errorf("read the output tenants: %w", err)
	}
	return tenants, nil
}

// inventory prints what exists and compares it with what the embedded cloud
// holds.
func (d *demo) inventory(ctx context.Context) error {
	tenants, err := d.tenants(ctx)
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(d.out, 2, 4, 2, ' ', 0)
	fmt.Fprintln(t, "tenant\ttier\tserver type\tprivate\tpublic\tstatus\tid")
	for _, name := range slices.Sorted(maps.Keys(tenants)) {
		v := tenants[name]
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", name, v.Tier, v.ServerType, v.PrivateIP, v.IPv4Address, v.Status, v.ID)
		if v.Status != "running" || v.PrivateIP == "" || v.ServerType == "" {
			err = errors.Join(err, fmt.Errorf("tenant %s is not as declared: %+v", name, v))
		}
	}
	if flushErr := t.Flush(); flushErr != nil {
		return flushErr
	}
	n := len(tenants)
	want := map[string]int{"server": n, "volume": n, "network": n, "firewall": n, "ssh_key": 2}
	got := d.sim.Inventory()
	for kind, count := range want {
		if got[kind] != count {
			err = errors.Join(err, fmt.Errorf("the cloud holds %d objects of kind %s, want %d", got[kind], kind, count))
		}
	}
	fmt.Fprintf(d.out, "\n%d servers, %d volumes, %d networks, %d firewalls, %d SSH keys in the cloud\n\n",
		got["server"], got["volume"], got["network"], got["firewall"], got["ssh_key"])
	return err
}

// imported takes one machine into a second, empty state by its id.
func (d *demo) imported(ctx context.Context) error {
	tenants, err := d.tenants(ctx)
	if err != nil {
		return err
	}
	state := filepath.Join(filepath.Dir(d.work.Dir), "imported.tfstate")
	defer func() { _ = os.Remove(state) }()
	_, err = d.do(ctx, "import a VM into an empty state", "import", "-no-color", "-state-out="+state, "-state="+state,
		`module.paid["aldgate"].holdfast_vm.this`, tenants["aldgate"].ID)
	return err
}

// destroy takes the region down and sees that nothing is left.
func (d *demo) destroy(ctx context.Context) error {
	if _, err := d.do(ctx, "destroy", "destroy", "-auto-approve", "-no-color"); err != nil {
		return err
	}
	for kind, count := range d.sim.Inventory() {
		if count != 0 {
			return fmt.Errorf("%d objects of kind %s are left in the cloud", count, kind)
		}
	}
	return nil
}

// summary prints what each step cost.
func (d *demo) summary() {
	t := tabwriter.NewWriter(d.out, 2, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "step\trequests\treads\twrites\tpolls\tseconds\tprovider MiB\t")
	for _, s := range d.steps {
		reads, writes, polls := s.requests.Split()
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%.1f\t%d\t\n", s.name, s.requests.Total, reads, writes, polls, s.wall.Seconds(), s.peak>>20)
	}
	_ = t.Flush()
}
