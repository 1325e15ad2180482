// Package scripts tests the shell scripts that the makefile calls.
package scripts

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// machine is a PATH of a test's own, with the tools that the scripts need and
// whatever commands the test puts there.
type machine struct {
	t   *testing.T
	bin string
	env []string
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("the scripts are written for bash, which is not on PATH")
	}
	m := &machine{t: t, bin: t.TempDir()}
	for _, tool := range []string{bash, "env", "dirname", "grep", "sed", "wc", "head"} {
		found, err := exec.LookPath(tool)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(found, filepath.Join(m.bin, filepath.Base(tool))); err != nil {
			t.Fatal(err)
		}
	}
	m.env = []string{"PATH=" + m.bin, "HOME=" + t.TempDir()}
	return m
}

// command puts a shell script on the machine's PATH and returns its path.
func (m *machine) command(name, body string) string {
	m.t.Helper()
	path := filepath.Join(m.bin, name)
	if err := os.WriteFile(path, []byte("#!/usr/bin/env bash\n"+body+"\n"), 0o755); err != nil {
		m.t.Fatal(err)
	}
	return path
}

// run executes a script and returns its exit code and outputs.
func (m *machine) run(script string, args ...string) (code int, stdout, stderr string) {
	m.t.Helper()
	path, err := filepath.Abs(script)
	if err != nil {
		m.t.Fatal(err)
	}
	var out, errs strings.Builder
	command := exec.CommandContext(m.t.Context(), path, args...)
	command.Env, command.Stdout, command.Stderr = m.env, &out, &errs
	err = command.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		m.t.Fatal(err)
	}
	return command.ProcessState.ExitCode(), out.String(), errs.String()
}

const (
	terraform = `[ "$1" = version ] && echo "Terraform v1.11.4"`
	// Whoever stops reading after the first line must not take it for a failure.
	opentofu = `[ "$1" = version ] || exit 1
echo "OpenTofu v1.12.6" || exit 1
for i in {1..20000}; do echo "+ provider $i" || exit 1; done`
	broken = `exit 1`
)

func TestPath(t *testing.T) {
	tests := map[string]struct {
		commands map[string]string
		chosen   string // HOLDFAST_TF_CLI
		want     string
	}{
		"terraform first":            {map[string]string{"terraform": terraform, "tofu": opentofu}, "", "terraform"},
		"tofu alone":                 {map[string]string{"tofu": opentofu}, "", "tofu"},
		"a terraform that is broken": {map[string]string{"terraform": broken, "tofu": opentofu}, "", "tofu"},
		"the person chooses":         {map[string]string{"terraform": terraform, "tofu": opentofu}, "tofu", "tofu"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			for command, body := range test.commands {
				m.command(command, body)
			}
			m.env = append(m.env, "HOLDFAST_TF_CLI="+test.chosen)
			code, stdout, stderr := m.run("cli", "path")
			if code != 0 || strings.TrimSpace(stdout) != filepath.Join(m.bin, test.want) {
				t.Errorf("exit code %d, path %q, want %s\n%s", code, stdout, test.want, stderr)
			}
		})
	}
}

func TestPathRefusesWrongChoice(t *testing.T) {
	m := newMachine(t)
	m.command("terraform", terraform)
	m.command("stub", broken)
	for _, chosen := range []string{"absent", "stub"} {
		m.env = append(m.env, "HOLDFAST_TF_CLI="+chosen)
		code, stdout, stderr := m.run("cli", "path")
		if code == 0 || stdout != "" || !strings.Contains(stderr, chosen) {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q", chosen, code, stdout, stderr)
		}
	}
}

// What a person set for their own work must not reach a test: neither a
// configuration of Terraform nor, above all, the token of an account.
func TestRunEnvironment(t *testing.T) {
	m := newMachine(t)
	tofu := m.command("tofu", opentofu)
	m.env = append(m.env,
		"TF_CLI_CONFIG_FILE=/nowhere", "TF_CLI_ARGS=-bogus", "TF_CLI_ARGS_plan=-bogus", "TF_WORKSPACE=mine",
		"TF_DATA_DIR=/nowhere", "TF_LOG=trace", "HCLOUD_TOKEN=secret", "HOLDFAST_LOST_LOCATIONS=hetzner/*")
	code, stdout, stderr := m.run("cli", "run", "env")
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	got := make(map[string]string)
	for line := range strings.Lines(stdout) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		got[name] = value
	}
	want := map[string]string{
		"TF_ACC": "1", "TF_ACC_TERRAFORM_PATH": tofu, "HOLDFAST_TF_CLI": tofu, "CHECKPOINT_DISABLE": "1", "TF_LOG": "trace",
		"TF_ACC_PROVIDER_HOST": "registry.opentofu.org", "TF_ACC_PROVIDER_NAMESPACE": "holdfast-cloud",
	}
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s=%q, want %q", name, got[name], value)
		}
	}
	for _, name := range []string{"TF_CLI_CONFIG_FILE", "TF_CLI_ARGS", "TF_CLI_ARGS_plan", "TF_WORKSPACE", "TF_DATA_DIR", "HCLOUD_TOKEN", "HOLDFAST_LOST_LOCATIONS"} {
		if value, set := got[name]; set {
			t.Errorf("%s=%q reached the command", name, value)
		}
	}
}

func TestRunKeepsExitCode(t *testing.T) {
	m := newMachine(t)
	m.command("terraform", terraform)
	if code, _, _ := m.run("cli", "run", "bash", "-c", "exit 7"); code != 7 {
		t.Errorf("exit code %d, want the command's own, 7", code)
	}
}

// The vendor's provider for Google Cloud is taken from where the person says, and
// built only where nobody says anything.
func TestPeerGoogle(t *testing.T) {
	m := newMachine(t)
	given := m.command("terraform-provider-google", "exit 0")
	m.command("go", `echo "go $*" >&2; exit 1`)
	plain := m.env
	m.env = append(plain, "HOLDFAST_PEER_GOOGLE="+given)
	if code, stdout, stderr := m.run("peer-google"); code != 0 || strings.TrimSpace(stdout) != given {
		t.Errorf("exit code %d, path %q, want %s\n%s", code, stdout, given, stderr)
	}
	m.env = append(plain, "HOLDFAST_PEER_GOOGLE="+filepath.Join(m.bin, "absent"))
	if code, stdout, stderr := m.run("peer-google"); code == 0 || stdout != "" || !strings.Contains(stderr, "absent") {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

func TestCounts(t *testing.T) {
	m := newMachine(t)
	m.env = append(m.env, "TESTS_TOTAL=10", "TESTS_FAILED=2", "TESTS_SKIPPED=1", "TESTS_ERRORS=1")
	code, stdout, stderr := m.run("test-counts")
	if want := "7 passed, 3 failed, 1 skipped\n"; code != 0 || stdout != want {
		t.Errorf("exit code %d, %q, want %q\n%s", code, stdout, want, stderr)
	}
}
