package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// CLI is a Terraform command line.
type CLI struct {
	Path string
	// Version is the first line that `version` prints.
	Version string
}

// FindCLI takes $HOLDFAST_TF_CLI, which `tests/scripts/cli run` sets, else
// terraform, else tofu on PATH.
func FindCLI() (CLI, error) {
	for _, name := range []string{os.Getenv("HOLDFAST_TF_CLI"), "terraform", "tofu"} {
		if name == "" {
			continue
		}
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		command := exec.Command(path, "version")
		command.Env = cleanEnvironment()
		out, err := command.Output()
		if err != nil {
			continue
		}
		version, _, _ := strings.Cut(string(out), "\n")
		return CLI{Path: path, Version: version}, nil
	}
	return CLI{}, errors.New("no terraform or tofu command found: run this through `make`, which builds OpenTofu where there is none")
}

// cleanEnvironment is the process's environment without what a person set
// for their own Terraform work or cloud accounts.
func cleanEnvironment() []string {
	var env []string
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		if slices.ContainsFunc([]string{"TF_", "HCLOUD_", "GOOGLE_", "CLOUDSDK_", "HOLDFAST_"}, func(prefix string) bool {
			return strings.HasPrefix(name, prefix)
		}) {
			continue
		}
		env = append(env, pair)
	}
	return append(env, "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1", "TF_INPUT=0")
}

// Provider is a built provider binary under its source address.
type Provider struct {
	// Source is the address without a host: "holdfast-cloud/holdfast".
	Source string
	Binary string
	// Version is any semantic version; the mirror needs one.
	Version string
}

// Holdfast is this project's provider, built at the path.
func Holdfast(binary string) Provider {
	return Provider{Source: "holdfast-cloud/holdfast", Binary: binary, Version: "0.0.1"}
}

// Build compiles the provider of the module that holds the working directory
// into dir.
func Build(ctx context.Context, dir string) (Provider, error) {
	binary := filepath.Join(dir, "terraform-provider-holdfast")
	command := exec.CommandContext(ctx, "go", "build", "-o", binary, "github.com/holdfast-cloud/terraform-provider-holdfast")
	if out, err := command.CombinedOutput(); err != nil {
		return Provider{}, fmt.Errorf("build the provider: %w\n%s", err, out)
	}
	return Holdfast(binary), nil
}

// mirror lays the provider out as a file system mirror of both registries.
func mirror(dir string, providers []Provider) error {
	platform := runtime.GOOS + "_" + runtime.GOARCH
	for _, provider := range providers {
		_, name, _ := strings.Cut(provider.Source, "/")
		for _, host := range []string{"registry.terraform.io", "registry.opentofu.org"} {
			target := filepath.Join(dir, host, filepath.FromSlash(provider.Source), provider.Version, platform)
			if err := os.MkdirAll(target, 0o755); err != nil {
				return err
			}
			// A copy, since the lock file holds its checksum and a build may
			// replace the original at any time.
			installed := filepath.Join(target, "terraform-provider-"+name+"_v"+provider.Version)
			if err := copyFile(provider.Binary, installed); err != nil {
				return err
			}
		}
	}
	return nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// Workspace is a folder with a configuration, and a command line to run
// there.
type Workspace struct {
	CLI CLI
	// Dir holds the root module.
	Dir string
	// Env is added to the clean environment.
	Env []string
	// Output, if set, receives what the commands print, as they print it.
	Output io.Writer

	config string
}

// NewWorkspace prepares dir, which holds the root module already, to use the
// providers.
func NewWorkspace(cli CLI, dir string, providers ...Provider) (*Workspace, error) {
	private, err := filepath.Abs(filepath.Join(dir, ".holdfast-harness"))
	if err != nil {
		return nil, err
	}
	plugins := filepath.Join(private, "mirror")
	if err := mirror(plugins, providers); err != nil {
		return nil, fmt.Errorf("lay out the provider mirror: %w", err)
	}
	config := filepath.Join(private, "cli.tfrc")
	text := fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", plugins)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		return nil, err
	}
	return &Workspace{CLI: cli, Dir: dir, config: config}, nil
}

// Result is what one command did.
type Result struct {
	Stdout, Stderr string
	Wall           time.Duration
	// ProviderPeakRSS is the largest resident set of any provider process of
	// the command, in bytes; 0 where /proc does not tell.
	ProviderPeakRSS int64
	ExitCode        int
}

// Run runs the command line with arguments. A non-zero exit is an error that
// carries the output's end; the result is valid all the same.
func (w *Workspace) Run(ctx context.Context, arguments ...string) (Result, error) {
	command := w.Command(ctx, arguments...)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if w.Output != nil {
		command.Stdout = io.MultiWriter(&stdout, w.Output)
		command.Stderr = io.MultiWriter(&stderr, w.Output)
	}
	began := time.Now()
	if err := command.Start(); err != nil {
		return Result{}, err
	}
	sampler := startSampler(func() []int { return Children(command.Process.Pid) })
	err := command.Wait()
	result := Result{Stdout: stdout.String(), Stderr: stderr.String(), Wall: time.Since(began),
		ProviderPeakRSS: sampler.stop(), ExitCode: command.ProcessState.ExitCode()}
	if err != nil {
		return result, fmt.Errorf("%s %s: %w\n%s", filepath.Base(w.CLI.Path), strings.Join(arguments, " "), err, tail(result.Stdout+result.Stderr, 6000))
	}
	return result, nil
}

// Command prepares a command in the workspace without starting it.
func (w *Workspace) Command(ctx context.Context, arguments ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, w.CLI.Path, arguments...)
	command.Dir = w.Dir
	command.Env = append(append(cleanEnvironment(), "TF_CLI_CONFIG_FILE="+w.config), w.Env...)
	// A cancelled context interrupts as a person would, so that the state is
	// written.
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGINT) }
	command.WaitDelay = 30 * time.Second
	return command
}

func tail(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return "…" + text[len(text)-n:]
}

// ConfigFile is the command line's configuration file, for a person who goes
// on by hand.
func (w *Workspace) ConfigFile() string { return w.config }
