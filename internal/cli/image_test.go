package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func runImage(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = Run(t.Context(), Options{Version: "test", Args: append([]string{"image"}, args...), Stdout: &out, Stderr: &errs})
	return code, out.String(), errs.String()
}

func TestImageProfile(t *testing.T) {
	code, out, errs := runImage(t, "profile")
	if code != ExitOK {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	for _, want := range []string{"ssh  [SYS-3", "0600 /etc/ssh/sshd_config", "never: "} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing:\n%s", want, out)
		}
	}
	if strings.Contains(out, "postgresql  (role)") || strings.Contains(out, "createcluster.conf") {
		t.Error("the role is shown unasked")
	}
	if _, out, _ = runImage(t, "profile", "--role", "postgresql"); !strings.Contains(out, "postgresql (role)") {
		t.Error("the role is not shown")
	}
	code, out, _ = runImage(t, "profile", "--json")
	var plan struct {
		Files []struct{ Path, Content string }
	}
	if err := json.Unmarshal([]byte(out), &plan); code != ExitOK || err != nil || len(plan.Files) < 30 {
		t.Errorf("exit code %d, %v, %d files", code, err, len(plan.Files))
	}
	if code, _, errs := runImage(t, "profile", "--role", "mail"); code != ExitUsage || !strings.Contains(errs, `"postgresql"`) {
		t.Errorf("exit code %d: %s", code, errs)
	}
}

func TestImageBuildRefuses(t *testing.T) {
	dir := t.TempDir()
	lock := filepath.Join(dir, "manifest.lock")
	if err := os.WriteFile(lock, []byte(`{"version":1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"Give --out":      {},
		"--size 0":        {"--out", dir, "--size", "0"},
		"--mirror":        {"--out", dir, "--mirror", "deb.debian.org"},
		"--snapshot-date": {"--out", dir, "--snapshot-date", "yesterday"},
		"no packages":     {"--out", dir, "--lock", lock},
	} {
		code, _, errs := runImage(t, append([]string{"build"}, args...)...)
		if code != ExitUsage || !strings.Contains(errs, want) {
			t.Errorf("%q: exit code %d: %s", args, code, errs)
		}
	}
}

func TestImageVerify(t *testing.T) {
	if code, _, errs := runImage(t, "verify", t.TempDir()); code != ExitError || !strings.Contains(errs, "manifest.json") {
		t.Errorf("exit code %d: %s", code, errs)
	}
}
