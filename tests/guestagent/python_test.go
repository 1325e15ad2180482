package guestagent

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// agentDir is where the agent's Python package stands.
func agentDir(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", "..", "internal", "guest", "agent"))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// python finds an interpreter that is as new as the machines'.
func python(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not on the PATH (Debian: apt-get install python3)")
	}
	if out, err := exec.CommandContext(t.Context(), path, "-c", "import sys; sys.exit(sys.version_info < (3, 11))").CombinedOutput(); err != nil {
		t.Skipf("python3 is older than 3.11, which machines have: %v %s", err, out)
	}
	return path
}

// TestPython runs the agent's own tests: orders of work, refusals, power cuts
// after every step.
func TestPython(t *testing.T) {
	t.Parallel()
	command := exec.CommandContext(t.Context(), python(t), "-m", "unittest", "discover", "-s", "python", "-v")
	command.Env = append(os.Environ(), "PYTHONPATH="+agentDir(t), "PYTHONDONTWRITEBYTECODE=1")
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, line := range bytes.Split(out, []byte("\n")) {
		if bytes.Contains(line, []byte("skipped")) {
			t.Logf("%s", line)
		}
	}
	if n := regexp.MustCompile(`Ran (\d+) tests`).FindSubmatch(out); n == nil || len(n[1]) < 2 {
		t.Errorf("hardly any tests ran: %s", out)
	} else {
		t.Logf("%s", n[0])
	}
}
