package guest

import (
	"bytes"
	"compress/gzip"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

//go:embed agent
var agentTree embed.FS

// AgentFile is one file of the agent, as it stands in the machine.
type AgentFile struct {
	// Path in the machine, absolute.
	Path string
	// Mode are its permissions; it belongs to root.
	Mode    fs.FileMode
	Content []byte
}

// agentHomes is where each directory of the agent stands in the machine.
var agentHomes = map[string]struct {
	to   string
	mode fs.FileMode
}{
	"agent/holdfast": {"/usr/lib/holdfast/holdfast", 0o644},
	"agent/systemd":  {"/usr/lib/systemd/system", 0o644},
	"agent/sbin":     {"/usr/sbin", 0o755},
	"agent/bin":      {"/usr/bin", 0o755},
}

// AgentFiles are all files of the agent, in the order of their paths: Python
// modules, the commands holdfast-guest and holdfast-backup, systemd units. It
// needs of the machine what [AgentPackages] names, and [AgentUnits] enabled.
func AgentFiles() []AgentFile {
	var files []AgentFile
	for dir, home := range agentHomes {
		entries, err := agentTree.ReadDir(dir)
		if err != nil {
			panic(err) // it is embedded
		}
		for _, entry := range entries {
			content, err := agentTree.ReadFile(path.Join(dir, entry.Name()))
			if err != nil {
				panic(err)
			}
			files = append(files, AgentFile{Path: path.Join(home.to, entry.Name()), Mode: home.mode, Content: content})
		}
	}
	slices.SortFunc(files, func(a, b AgentFile) int { return strings.Compare(a.Path, b.Path) })
	return files
}

// AgentUnits are the systemd units to enable. They do nothing in a machine
// without [SpecPath].
func AgentUnits() []string {
	return []string{"holdfast-backup.timer", "holdfast-boot.timer", "holdfast-tend.timer"}
}

// AgentPackages are the Debian packages whose programs the agent uses, but for
// the database's: postgresql and postgresql-client where the machine has one.
func AgentPackages() []string {
	return []string{"age", "clevis", "clevis-luks", "cryptsetup-bin", "curl", "dmsetup", "e2fsprogs", "fdisk", "iproute2",
		"jose", "mount", "nftables", "openssl", "python3", "restic", "tzdata", "util-linux"}
}

// LeanAgentFiles are the same files for travelling in user data, whose size
// clouds limit: without comments and docstrings, which do nothing.
func LeanAgentFiles() []AgentFile {
	files := AgentFiles()
	for i, f := range files {
		if strings.HasSuffix(f.Path, ".py") {
			files[i].Content = leanPython(f.Content)
		} else {
			files[i].Content = leanLines(f.Content)
		}
	}
	return files
}

// PackAgent packs files into a shell script that writes them, compressed by
// gzip: run by root as `gzip -dc FILE | sh`, it replaces what stands there. It is
// the same bytes each time. An archive would be a tenth larger.
func PackAgent(files []AgentFile) ([]byte, error) {
	const end = "@"
	script := "set -eu\numask 022\n"
	for _, f := range files {
		content := string(f.Content)
		if content != "" && !strings.HasSuffix(content, "\n") || strings.Contains("\n"+content, "\n"+end+"\n") {
			return nil, fmt.Errorf("%s cannot be a here-document", f.Path)
		}
		script += fmt.Sprintf("mkdir -p %s\ncat >%s <<'%s'\n%s%s\n", path.Dir(f.Path), f.Path, end, content, end)
		if f.Mode != 0o644 {
			script += fmt.Sprintf("chmod %o %s\n", f.Mode, f.Path)
		}
	}
	var packed bytes.Buffer
	zipped, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := zipped.Write([]byte(script)); err != nil {
		return nil, err
	}
	if err := zipped.Close(); err != nil {
		return nil, err
	}
	return packed.Bytes(), nil
}

// leanLines leaves out blank lines and comments of whole lines, but for the
// first line, which may name an interpreter.
func leanLines(text []byte) []byte {
	var out strings.Builder
	for i, line := range strings.SplitAfter(string(text), "\n") {
		bare := strings.TrimSpace(line)
		if i == 0 && strings.HasPrefix(bare, "#!") || bare != "" && !strings.HasPrefix(bare, "#") {
			out.WriteString(line)
		}
	}
	return []byte(out.String())
}

// leanPython leaves out docstrings as well, and indents by one. In the agent a
// line that begins with three quotation marks begins a docstring, and no other
// text spans lines: a test holds what is left to be the same program.
func leanPython(text []byte) []byte {
	const quotes = `"""`
	var out strings.Builder
	inside := false
	for line := range strings.SplitAfterSeq(string(text), "\n") {
		bare := strings.TrimSpace(line)
		switch {
		case inside:
			inside = !strings.HasSuffix(bare, quotes)
		case strings.HasPrefix(bare, quotes):
			inside = len(bare) < 2*len(quotes) || !strings.HasSuffix(bare, quotes)
			if indent := line[:strings.Index(line, quotes)]; indent != "" {
				// A body may consist of nothing else.
				out.WriteString(indent + "0\n")
			}
		default:
			out.WriteString(line)
		}
	}
	lines := strings.SplitAfter(string(leanLines([]byte(out.String()))), "\n")
	for i, line := range lines {
		bare := strings.TrimLeft(line, " ")
		// What is not indented by fours goes on with the line before.
		lines[i] = strings.Repeat(" ", (len(line)-len(bare)+3)/4) + bare
	}
	return []byte(strings.Join(lines, ""))
}
