package guestagent

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest"
)

// TestUnits asks systemd about the units, with the commands that they start in
// their places.
func TestUnits(t *testing.T) {
	t.Parallel()
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not on the PATH (Debian: apt-get install systemd)")
	}
	root := t.TempDir()
	var units []string
	for _, f := range guest.AgentFiles() {
		content := string(f.Content)
		if strings.HasPrefix(f.Path, "/usr/lib/systemd") {
			// The commands are looked for in this host.
			content = regexp.MustCompile(`ExecStart=/`).ReplaceAllString(content, "ExecStart="+root+"/")
			units = append(units, filepath.Join(root, f.Path))
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, f.Path)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, f.Path), []byte(content), f.Mode); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.CommandContext(t.Context(), analyze, append([]string{"verify", "--man=no"}, units...)...).CombinedOutput()
	for line := range strings.Lines(string(out)) {
		// Of the host's own units nothing is to be said here.
		if strings.Contains(line, "holdfast") {
			t.Errorf("%v: %s", err, line)
		}
	}
	if len(units) != 6 {
		t.Errorf("%d units were looked at", len(units))
	}
	for _, when := range []string{"*-*-* 02:30:00 Europe/Berlin", "*-*-* 23:45:00 America/New_York", "*-*-* 02:00:00"} {
		if out, err := exec.CommandContext(t.Context(), analyze, "calendar", when).CombinedOutput(); err != nil {
			t.Errorf("%s: %v %s", when, err, out)
		}
	}
}

// TestDatabase makes, dumps, loses and loads a real PostgreSQL, in a mount
// namespace that hides this host's own clusters.
func TestDatabase(t *testing.T) {
	t.Parallel()
	need(t, "unshare", "pg_createcluster", "runuser", "openssl")
	if os.Geteuid() != 0 {
		t.Skip("only root may make a cluster and a mount namespace")
	}
	// The namespace needs the mount point; an empty directory is not left.
	t.Cleanup(func() { _ = os.Remove("/etc/holdfast") })
	const private = `mount --make-rprivate / || exit 99
for dir in /etc/postgresql /etc/holdfast /var/log/postgresql /run/postgresql /var/lib/postgresql; do
    mkdir -p $dir && mount -t tmpfs -o mode=0755 tmpfs $dir && chown postgres:postgres $dir || exit 99
done
cd python && exec "$0" -m unittest -v database_real`
	command := exec.CommandContext(t.Context(), "unshare", "--mount", "sh", "-c", private, python(t))
	command.Env = append(os.Environ(), "PYTHONPATH="+agentDir(t), "PYTHONDONTWRITEBYTECODE=1")
	out, err := command.CombinedOutput()
	if command.ProcessState != nil && command.ProcessState.ExitCode() == 99 {
		t.Skipf("no mount namespace can be had here: %s", out)
	}
	if err != nil || !strings.Contains(string(out), "Ran 1 test") {
		t.Errorf("%v\n%s", err, out)
	}
}
