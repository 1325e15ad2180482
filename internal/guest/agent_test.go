package guest

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// agentBudget is how large the agent may be, packed: user data of 32 KiB, the
// least that a cloud allows (Hetzner Cloud), has to hold it beside the spec.
const agentBudget = 24 << 10

func packAgent(t *testing.T, files []AgentFile) []byte {
	t.Helper()
	packed, err := PackAgent(files)
	if err != nil {
		t.Fatal(err)
	}
	return packed
}

func TestAgentFiles(t *testing.T) {
	files := AgentFiles()
	paths := map[string]AgentFile{}
	for _, f := range files {
		if paths[f.Path].Path != "" || !filepath.IsAbs(f.Path) || len(f.Content) == 0 && !strings.HasSuffix(f.Path, "__init__.py") {
			t.Errorf("%s: twice, not absolute or empty", f.Path)
		}
		paths[f.Path] = f
		if strings.HasPrefix(string(f.Content), "#!") != (f.Mode == 0o755) {
			t.Errorf("%s: mode %o", f.Path, f.Mode)
		}
		if lines := strings.Count(string(f.Content), "\n"); lines > 400 {
			t.Errorf("%s has %d lines", f.Path, lines)
		}
		if strings.Contains(f.Path, "__pycache__") {
			t.Errorf("%s is there", f.Path)
		}
	}
	for _, path := range []string{"/usr/sbin/holdfast-guest", "/usr/bin/holdfast-backup", "/usr/lib/holdfast/holdfast/boot.py"} {
		if _, ok := paths[path]; !ok {
			t.Errorf("%s is missing", path)
		}
	}
	for _, unit := range AgentUnits() {
		timer, ok := paths["/usr/lib/systemd/system/"+unit]
		service := strings.TrimSuffix(unit, ".timer") + ".service"
		if !ok || !strings.Contains(string(timer.Content), "[Install]\nWantedBy=timers.target") || paths["/usr/lib/systemd/system/"+service].Path == "" {
			t.Errorf("%s cannot be enabled, or has no service", unit)
		}
	}
	if !strings.Contains(string(paths["/usr/lib/holdfast/holdfast/spec.py"].Content), SpecPath) {
		t.Errorf("the agent does not read %s", SpecPath)
	}
	if got := slices.IsSortedFunc(files, func(a, b AgentFile) int { return strings.Compare(a.Path, b.Path) }); !got {
		t.Error("the order is not that of the paths")
	}
}

func TestPackedAgent(t *testing.T) {
	packed := packAgent(t, LeanAgentFiles())
	t.Logf("packed: %d bytes; with comments %d", len(packed), len(packAgent(t, AgentFiles())))
	if len(packed) > agentBudget {
		t.Errorf("%d bytes, at most %d fit into user data", len(packed), agentBudget)
	}
	if !bytes.Equal(packed, packAgent(t, LeanAgentFiles())) {
		t.Error("packed again it differs")
	}
	zipped, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	script, err := io.ReadAll(zipped)
	if err != nil {
		t.Fatal(err)
	}
	// The script writes to the root of the machine: here to a folder.
	root := t.TempDir()
	local := strings.NewReplacer("mkdir -p /", "mkdir -p "+root+"/", "cat >/", "cat >"+root+"/", "chmod 755 /", "chmod 755 "+root+"/").Replace(string(script))
	command := exec.CommandContext(t.Context(), "sh")
	command.Stdin = strings.NewReader(local)
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	for _, want := range LeanAgentFiles() {
		path := filepath.Join(root, want.Path)
		content, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(content, want.Content) {
			t.Errorf("%s is not as it was packed: %v", want.Path, err)
			continue
		}
		if info, err := os.Stat(path); err != nil || info.Mode() != want.Mode {
			t.Errorf("%s has the mode %v, %v", want.Path, info.Mode(), err)
		}
	}
	for _, bad := range []string{"no line's end", "a\n@\nrm -rf x\n"} {
		if _, err := PackAgent([]AgentFile{{Path: "/x", Mode: 0o644, Content: []byte(bad)}}); err == nil {
			t.Errorf("%q is packed", bad)
		}
	}
}

// Without comments and docstrings it is the same program.
func TestLeanAgentIsTheSameProgram(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not on the PATH")
	}
	const same = `
import ast, sys
def bare(path):
    tree = ast.parse(open(path).read())
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            node.body = [n for n in node.body if not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))]
    return ast.dump(tree)
for name in sys.argv[2:]:
    if bare(sys.argv[1] + "/whole-" + name) != bare(sys.argv[1] + "/lean-" + name):
        sys.exit(name + " is another program")
`
	lean, dir := LeanAgentFiles(), t.TempDir()
	args := []string{"-c", same, dir}
	for i, f := range AgentFiles() {
		name := filepath.Base(f.Path)
		if !strings.HasSuffix(name, ".py") {
			continue
		}
		args = append(args, name)
		for kind, content := range map[string][]byte{"whole-": f.Content, "lean-": lean[i].Content} {
			if err := os.WriteFile(filepath.Join(dir, kind+name), content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if len(lean[i].Content) >= len(f.Content) || bytes.Contains(lean[i].Content, []byte(`"""`)) {
			t.Errorf("%s is not lean", f.Path)
		}
	}
	if out, err := exec.CommandContext(t.Context(), python, args...).CombinedOutput(); err != nil {
		t.Errorf("%v %s", err, out)
	}
}
