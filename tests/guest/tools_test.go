package guest

import (
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// apt lets one test at a time install packages.
var apt sync.Mutex

// needs skips the test where a program is missing and cannot be installed from
// the Debian packages named. It answers the program's path.
func needs(t *testing.T, program string, packages ...string) string {
	t.Helper()
	apt.Lock()
	defer apt.Unlock()
	if path, err := exec.LookPath(program); err == nil {
		return path
	}
	install, err := exec.LookPath("apt-get")
	if err != nil || os.Geteuid() != 0 {
		t.Skipf("%s is not installed: apt-get install %s", program, strings.Join(packages, " "))
	}
	run := func(args ...string) ([]byte, error) {
		command := exec.CommandContext(t.Context(), install, args...)
		command.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		return command.CombinedOutput()
	}
	with := append([]string{"install", "-y", "-qq", "--no-install-recommends"}, packages...)
	out, err := run(with...)
	if err != nil { // a fresh machine has no package lists yet
		if out, err = run("update", "-qq"); err == nil {
			out, err = run(with...)
		}
	}
	if err != nil {
		t.Skipf("%s is not installed, and `apt-get install %s` failed (%v): %s", program, strings.Join(packages, " "), err, out)
	}
	path, err := exec.LookPath(program)
	if err != nil {
		t.Fatalf("installed, and not to be found: %v", err)
	}
	return path
}
