package machines

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const gib = 1 << 30

// place is where something of a name is kept: names are keys with slashes.
func (h *Hypervisor) place(kind, key, suffix string) string {
	return filepath.Join(h.options.Dir, kind, strings.ReplaceAll(key, "/", "-")+suffix)
}

// root makes a machine's system disk if it is not there: a layer over the image,
// which is only read.
func (h *Hypervisor) root(ctx context.Context, m Machine) (string, error) {
	key := m.Root
	if key == "" {
		key = m.Key
	}
	path := h.place("roots", key, ".qcow2")
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return path, err
	}
	image, err := h.options.Image(m.Image)
	if err != nil {
		return "", err
	}
	if image, err = filepath.Abs(image); err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	// Under another name until it is whole: a layer that was cut short is not taken
	// for the disk.
	fresh := path + ".new"
	args := []string{"create", "-q", "-f", "qcow2", "-b", image, "-F", "qcow2", fresh}
	if err := h.qemuImage(ctx, args...); err != nil {
		return "", err
	}
	if m.RootGB > 0 {
		// An image that is larger already stays so.
		if err := h.qemuImage(ctx, "resize", "-q", fresh, fmt.Sprintf("%dG", m.RootGB)); err != nil && !strings.Contains(err.Error(), "shrink") {
			return "", err
		}
	}
	return path, os.Rename(fresh, path)
}

func (h *Hypervisor) qemuImage(ctx context.Context, args ...string) error {
	out, err := exec.CommandContext(ctx, "qemu-img", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("qemu-img %s: %w: %s", args[0], err, strings.TrimSpace(string(out)))
	}
	return nil
}

// volume makes a volume's file, or lets it grow. It is sparse.
func (h *Hypervisor) volume(d Disk) (string, error) {
	path := h.place("volumes", d.Key, ".raw")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return "", err
	}
	info, err := f.Stat()
	if err == nil && info.Size() < int64(d.SizeGB)*gib {
		err = f.Truncate(int64(d.SizeGB) * gib)
	}
	return path, errors.Join(err, f.Close())
}

// VolumePath is the file that holds a volume's bytes, for whoever wants to look at
// them, or to copy or spoil them.
func (h *Hypervisor) VolumePath(key string) string { return h.place("volumes", key, ".raw") }

// ConsolePath is the file in which a machine's serial console is written, of all its
// boots.
func (h *Hypervisor) ConsolePath(key string) string { return h.place("consoles", key, ".log") }
