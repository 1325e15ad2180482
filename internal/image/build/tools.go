package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// tool is a program and the Debian package that brings it.
type tool struct{ program, pkg string }

// needed lists the programs that a build runs.
func needed() []tool {
	return []tool{
		{"apt-get", "apt"},
		{"dpkg-deb", "dpkg"},
		{"mmdebstrap", "mmdebstrap"},
		{"mke2fs", "e2fsprogs"},
		{"debugfs", "e2fsprogs"},
		{"e2fsck", "e2fsprogs"},
		{"sfdisk", "fdisk"},
		{"mkfs.vfat", "dosfstools"},
		{"mmd", "mtools"},
		{"mcopy", "mtools"},
		{"qemu-img", "qemu-utils"},
	}
}

// CheckTools says which programs are missing, and how Debian installs them.
func CheckTools(look func(string) (string, error)) error {
	var missing, packages []string
	for _, t := range needed() {
		if _, err := look(t.program); err != nil {
			missing = append(missing, t.program)
			packages = append(packages, t.pkg)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	slices.Sort(packages)
	return fmt.Errorf("%s: not found. On Debian: apt-get install --no-install-recommends %s",
		strings.Join(missing, ", "), strings.Join(slices.Compact(packages), " "))
}

// Look finds a program on PATH, or where Debian keeps what root runs.
func Look(program string) (string, error) {
	if path, err := exec.LookPath(program); err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/sbin/", "/sbin/"} {
		if info, err := os.Stat(dir + program); err == nil && !info.IsDir() {
			return dir + program, nil
		}
	}
	return "", fmt.Errorf("%s: %w", program, exec.ErrNotFound)
}

// runner runs programs; what they print goes to the log.
type runner struct {
	log io.Writer
	// env is added to the process's own environment.
	env []string
}

// run runs a program to its end. It returns what the program printed to its
// standard output, and an error that ends with the last lines of its standard
// error.
func (r runner) run(ctx context.Context, stdin io.Reader, args ...string) ([]byte, error) {
	out, errs, err := r.runBoth(ctx, stdin, args...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w%s", args[0], err, lastLines(errs))
	}
	return out, nil
}

func (r runner) runBoth(ctx context.Context, stdin io.Reader, args ...string) (stdout, stderr []byte, err error) {
	path, err := Look(args[0])
	if err != nil {
		return nil, nil, err
	}
	fmt.Fprintf(r.log, "+ %s\n", strings.Join(args, " "))
	var out, errs bytes.Buffer
	command := exec.CommandContext(ctx, path, args[1:]...)
	command.Stdin, command.Stdout = stdin, &out
	command.Stderr = io.MultiWriter(&errs, r.log)
	command.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "TZ=UTC")
	command.Env = append(command.Env, r.env...)
	err = command.Run()
	if ctx.Err() != nil {
		err = errors.Join(ctx.Err(), err)
	}
	return out.Bytes(), errs.Bytes(), err
}

// lastLines are the end of what a failed program said.
func lastLines(text []byte) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) == 1 && lines[0] == "" {
		return ""
	}
	return "\n" + strings.Join(lines[max(0, len(lines)-15):], "\n")
}
