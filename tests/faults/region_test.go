package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/tests/harness"
)

const (
	token = "faults-token"
	// actionScale makes a server take half a second instead of ten.
	actionScale = 0.05
	// commandTimeout ends a command that hangs, long after the timeouts of the
	// resources should have done so.
	commandTimeout = 3 * time.Minute
)

// build finds the command line and builds the provider.
func build(t *testing.T) (harness.CLI, harness.Provider) {
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
	return cli, built
}

// prepare initialises the configuration of testdata for a cloud, once for all
// regions there.
func prepare(t *testing.T, cli harness.CLI, built harness.Provider, v vendor) *harness.Workspace {
	t.Helper()
	folder := t.TempDir()
	for _, part := range []string{"region", v.name} {
		if err := os.CopyFS(folder, os.DirFS(filepath.Join("testdata", part))); err != nil {
			t.Fatal(err)
		}
	}
	work, err := harness.NewWorkspace(cli, folder, built)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := work.Run(t.Context(), "init", "-no-color"); err != nil {
		t.Fatal(err)
	}
	return work
}

// region is one cloud with one state.
type region struct {
	*harness.Sim
	vendor vendor
	work   harness.Workspace
	// processes are all that this region's commands have started, so that
	// none outlives the test.
	processes processes
}

// newRegion starts an empty cloud, and makes a folder with a copy of what was
// prepared.
func newRegion(t *testing.T, v vendor, work *harness.Workspace, seed uint64) *region {
	t.Helper()
	options := simcloud.Realistic()
	options.DurationScale, options.Seed = actionScale, seed
	sim, err := harness.StartSim(options)
	if err != nil {
		t.Fatal(err)
	}
	r := &region{Sim: sim, vendor: v, work: *work}
	r.work.Dir = t.TempDir()
	r.work.Env = append(v.environment(r.base()), "TF_DATA_DIR="+filepath.Join(work.Dir, ".terraform"))
	for _, name := range []string{"main.tf", "cloud.tf", ".terraform.lock.hcl"} {
		text, err := os.ReadFile(filepath.Join(work.Dir, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(r.work.Dir, name), text, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if orphans := r.processes.end(10 * time.Second); orphans > 0 {
			t.Errorf("%d providers outlived their Terraform", orphans)
		}
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// state is the path of the state file.
func (r *region) state() string { return filepath.Join(r.work.Dir, "terraform.tfstate") }

// outcome is what a command did.
type outcome struct {
	output string
	err    error
}

// trouble is the part of the output from the first error or warning on.
func (o outcome) trouble() string {
	at := 0
	for line := range strings.Lines(o.output) {
		if strings.HasPrefix(line, "Error: ") || strings.HasPrefix(line, "Warning: ") {
			return o.output[at:]
		}
		at += len(line)
	}
	return ""
}

func (o outcome) exitCode() int {
	var failed *exec.ExitError
	if errors.As(o.err, &failed) {
		return failed.ExitCode()
	}
	return 0
}

// run runs a Terraform command on the region's state. strike, if given, is
// called with the command's process once the cloud has received that many
// requests more; it is not called when the command ends before.
func (r *region) run(t *testing.T, requests int, strike func(*os.Process), arguments ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandTimeout)
	defer cancel()
	arguments = append(arguments, "-no-color", "-input=false")
	if arguments[0] != "plan" {
		arguments = append(arguments, "-auto-approve")
	}
	command := r.work.Command(ctx, arguments...)
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	r.ResetRequests()
	began := time.Now()
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended, followed := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(followed)
		r.follow(command.Process, requests, strike, ended)
	}()
	err := command.Wait()
	close(ended)
	<-followed
	if ctx.Err() != nil {
		t.Fatalf("%s hangs:\n%s", arguments[0], output.String())
	}
	done := outcome{output: output.String(), err: err}
	t.Logf("%s: %.1f s, %d requests, %v; the cloud holds %v\n%s", arguments[0], time.Since(began).Seconds(), r.Requests().Total, err, r.inventory(), done.trouble())
	return done
}

// noteEvery is how often the processes of a command are looked for, which costs
// more than to look whether it is time to strike.
const noteEvery = 50 * time.Millisecond

// follow notes a command's processes while it runs, and strikes when it is
// time to.
func (r *region) follow(command *os.Process, requests int, strike func(*os.Process), ended <-chan struct{}) {
	tick, look := time.NewTicker(3*time.Millisecond), time.NewTicker(noteEvery)
	defer tick.Stop()
	defer look.Stop()
	if strike == nil {
		tick.Stop()
	}
	for {
		if strike != nil && r.Requests().Total >= requests {
			r.processes.note(harness.Children(command.Pid))
			strike(command)
			strike = nil
			tick.Stop()
		}
		select {
		case <-ended:
			return
		case <-tick.C:
		case <-look.C:
			r.processes.note(harness.Children(command.Pid))
		}
	}
}

// calmDown ends all misfortune, and gives the request limit back.
func (r *region) calmDown(t *testing.T) {
	t.Helper()
	calmDown(t, r.Sim.Sim)
	r.FillQuota(-1)
}

// applies is how often apply may have to be repeated once nothing fails any
// more, as when a failed server has to be replaced.
const applies = 3

// converge applies until the plan is empty.
func (r *region) converge(t *testing.T) {
	t.Helper()
	for attempt := 1; ; attempt++ {
		apply := r.run(t, 0, nil, "apply")
		if apply.err == nil {
			plan := r.run(t, 0, nil, "plan", "-detailed-exitcode")
			switch plan.exitCode() {
			case 0:
				return
			case 2:
				if !strings.Contains(apply.output, "but is not finished") {
					t.Fatalf("apply said that all is done, but the plan is not empty:\n%s\n%s", apply.output, plan.output)
				}
			default:
				t.Fatalf("plan: %v\n%s", plan.err, plan.output)
			}
		}
		if attempt == applies {
			t.Fatalf("apply does not converge although nothing fails any more: %v\n%s", apply.err, apply.output)
		}
	}
}

// destroy takes everything down in one go and sees that nothing is left.
func (r *region) destroy(t *testing.T) {
	t.Helper()
	if destroyed := r.run(t, 0, nil, "destroy"); destroyed.err != nil {
		t.Fatalf("destroy fails although nothing else does any more: %v\n%s", destroyed.err, destroyed.output)
	}
	for kind, count := range r.inventory() {
		if count != 0 {
			t.Errorf("after destroy the cloud still holds %d objects of kind %s", count, kind)
		}
	}
	r.vendor.empty(t, r)
	if left := r.recorded(t); len(left) != 0 {
		t.Errorf("after destroy the state still holds %v", left)
	}
}

// recordedObject is what the state says of an object.
type recordedObject struct {
	native  string
	tainted bool
}

// recorded reads the state file: resources by type and key ("holdfast_vm.t0").
func (r *region) recorded(t *testing.T) map[string]recordedObject {
	t.Helper()
	text, err := os.ReadFile(r.state())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	var state struct {
		Resources []struct {
			Type      string
			Instances []struct {
				Key        string `json:"index_key"`
				Status     string
				Deposed    string
				Attributes struct {
					NativeID string `json:"native_id"`
				}
			}
		}
	}
	if err := json.Unmarshal(text, &state); err != nil {
		t.Fatalf("read %s: %v", r.state(), err)
	}
	found := map[string]recordedObject{}
	for _, resource := range state.Resources {
		for _, instance := range resource.Instances {
			address := strings.TrimSuffix(fmt.Sprintf("%s.%s", resource.Type, instance.Key), ".")
			if instance.Deposed != "" {
				t.Errorf("%s has a deposed object", address)
			}
			found[address] = recordedObject{native: instance.Attributes.NativeID, tainted: instance.Status == "tainted"}
		}
	}
	return found
}

// mend removes a state file that was cut off, or emptied, while it was being
// written, and tells whether it was. A person would restore a copy; without
// any, everything has to be adopted.
func (r *region) mend(t *testing.T) bool {
	t.Helper()
	text, err := os.ReadFile(r.state())
	if err != nil || json.Valid(text) {
		return false
	}
	t.Logf("the state was cut off after %d bytes while it was being written", len(text))
	if err := os.Remove(r.state()); err != nil {
		t.Fatal(err)
	}
	return true
}
