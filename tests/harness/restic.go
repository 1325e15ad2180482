package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// EnvRestic names the restic that tests take instead of the one on the PATH.
const EnvRestic = "HOLDFAST_RESTIC"

// FindRestic gives the path of restic: what EnvRestic names, what is on the
// PATH, or Debian's package, which it installs where it may (root, apt-get).
// The error says why there is none.
func FindRestic(ctx context.Context) (string, error) {
	if path := os.Getenv(EnvRestic); path != "" {
		return path, nil
	}
	if path, err := exec.LookPath("restic"); err == nil {
		return path, nil
	}
	apt, err := exec.LookPath("apt-get")
	if err != nil || os.Geteuid() != 0 {
		return "", fmt.Errorf("restic is not on the PATH: install it (Debian: apt-get install restic), or name the program in %s", EnvRestic)
	}
	run := func(args ...string) ([]byte, error) {
		// Tests of several packages may want it at the same time.
		return exec.CommandContext(ctx, apt, append([]string{"-o", "DPkg::Lock::Timeout=300", "-qq"}, args...)...).CombinedOutput()
	}
	install := []string{"install", "-y", "--no-install-recommends", "restic"}
	out, err := run(install...)
	if err != nil { // a fresh machine has no package lists yet
		if out, err = run("update"); err == nil {
			out, err = run(install...)
		}
	}
	if err != nil {
		return "", fmt.Errorf("restic is not on the PATH, and `apt-get install restic` failed: %w: %s", err, out)
	}
	return exec.LookPath("restic")
}

// Restic is a repository and how to reach it. Nothing of the person's
// environment gets in.
type Restic struct {
	// Program is the path of restic, Repository what it takes as --repo.
	Program, Repository string
	// Home is a folder of the test's own.
	Home string
	// CA is a file of authorities to trust besides the system's; empty for none.
	CA string
	// Env is added to the environment, which has the password already.
	Env []string
}

// ResticSnapshot is a line of `restic snapshots --json`.
type ResticSnapshot struct {
	ID   string    `json:"id"`
	Time time.Time `json:"time"`
}

// ResticGroup is a group of the answer of `restic forget --json`.
type ResticGroup struct {
	Tags   []string         `json:"tags"`
	Keep   []ResticSnapshot `json:"keep"`
	Remove []ResticSnapshot `json:"remove"`
	// Reasons are in the order of Keep.
	Reasons []ResticReason `json:"reasons"`
}

// ResticReason says why a snapshot is kept: "daily snapshot".
type ResticReason struct {
	Matches []string `json:"matches"`
}

// Command prepares a run of restic in UTC, without a cache.
func (r Restic) Command(ctx context.Context, args ...string) *exec.Cmd {
	first := []string{"--no-cache", "--repo", r.Repository}
	if r.CA != "" {
		first = append(first, "--cacert", r.CA)
	}
	command := exec.CommandContext(ctx, r.Program, append(first, args...)...)
	command.Env = append([]string{"RESTIC_PASSWORD=test", "RESTIC_FROM_PASSWORD=test", "HOME=" + r.Home, "PATH=" + os.Getenv("PATH"), "TZ=UTC"}, r.Env...)
	return command
}

// Run runs restic and gives what it printed. The error has what it complained
// of.
func (r Restic) Run(ctx context.Context, args ...string) ([]byte, error) {
	command := r.Command(ctx, args...)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		return stdout.Bytes(), fmt.Errorf("restic %s: %w\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return stdout.Bytes(), nil
}

// ParseForget reads the answer of `restic forget --json`; versions before 0.17
// put a sentence behind the document.
func ParseForget(answer []byte) ([]ResticGroup, error) {
	var groups []ResticGroup
	if err := json.NewDecoder(bytes.NewReader(answer)).Decode(&groups); err != nil {
		return nil, fmt.Errorf("restic forget answers %.200q: %w", answer, err)
	}
	for _, g := range groups {
		if len(g.Reasons) != len(g.Keep) {
			return nil, fmt.Errorf("restic forget gives %d reasons for %d kept", len(g.Reasons), len(g.Keep))
		}
	}
	return groups, nil
}
