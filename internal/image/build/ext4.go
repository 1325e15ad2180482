package build

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/image"
)

// ext4 makes a file system without mounting it. mke2fs could fill it from a
// directory, but takes names in the order in which the builder's own file system
// lists them, which differs from machine to machine. So debugfs is told, name by
// name, in sorted order.
type ext4 struct {
	part    image.Partition
	ids     image.Identifiers
	epoch   time.Time
	entries []entry
	// file is the file system's file, of bytes bytes.
	file  string
	bytes int64
	dir   string
}

func (x ext4) make(ctx context.Context, r runner) error {
	r.env = append(r.env, fmt.Sprintf("E2FSPROGS_FAKE_TIME=%d", x.epoch.Unix()), "MKE2FS_CONFIG=/dev/null", "DEBUGFS_PAGER=__none__", "PAGER=cat")
	f, err := os.Create(x.file)
	if err != nil {
		return err
	}
	if err := f.Truncate(x.bytes); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	// Features are named here: the builder's mke2fs.conf has no say. orphan_file
	// and metadata_csum_seed, which newer kernels have, GRUB 2.06 cannot read.
	_, err = r.run(ctx, nil, "mke2fs", "-q", "-F", "-b", "4096", "-I", "256", "-i", "16384", "-m", "1",
		"-O", "none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,64bit,flex_bg,sparse_super,large_file,huge_file,dir_nlink,extra_isize,metadata_csum",
		"-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard,root_owner=0:0,hash_seed="+x.ids.UUID(x.part.Name+" hash"),
		"-U", x.ids.UUID(x.part.Name), "-L", x.part.Name, "-M", x.part.Mount, x.file)
	if err != nil {
		return err
	}
	script, err := x.script()
	if err != nil {
		return err
	}
	name := filepath.Join(x.dir, x.part.Name+".debugfs")
	if err := os.WriteFile(name, script, 0o600); err != nil {
		return err
	}
	quiet := r
	quiet.log = new(bytes.Buffer)
	_, stderr, err := quiet.runBoth(ctx, nil, "debugfs", "-w", "-f", name, x.file)
	if err != nil {
		return fmt.Errorf("debugfs: %w%s", err, lastLines(stderr))
	}
	// debugfs goes on after an error and ends well: what it says is what counts.
	if said := debugfsErrors(stderr); said != "" {
		return fmt.Errorf("debugfs could not fill the file system of %s (is it full?):\n%s", x.part.Mount, said)
	}
	if _, err := r.run(ctx, nil, "e2fsck", "-f", "-n", x.file); err != nil {
		return err
	}
	return nil
}

// debugfsErrors is what debugfs said besides its name; at most ten lines.
func debugfsErrors(stderr []byte) string {
	var said []string
	for line := range strings.Lines(string(stderr)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "debugfs 1.") {
			said = append(said, line)
		}
	}
	return strings.Join(said[:min(len(said), 10)], "\n")
}

// script tells debugfs what the file system holds.
func (x ext4) script() ([]byte, error) {
	var s bytes.Buffer
	now := x.epoch.Unix()
	fmt.Fprintf(&s, "set_current_time @%d\n", now)
	links := map[string]int{}
	for _, e := range x.entries {
		if e.Type == tar.TypeLink {
			links[e.Link]++
		}
	}
	at := "/"
	for i, e := range x.entries {
		inside, ok := within(x.part.Mount, e.Path)
		if !ok {
			return nil, fmt.Errorf("%s is not on the file system of %s", e.Path, x.part.Mount)
		}
		for _, text := range []string{inside, e.Link, e.Blob} {
			if strings.ContainsAny(text, "\"\n") || strings.HasPrefix(path.Base(text), "<") {
				return nil, fmt.Errorf("%q: debugfs cannot take this name", text)
			}
		}
		dir, name := path.Dir(inside), path.Base(inside)
		if inside == "/" {
			name = "."
		}
		if dir != at {
			fmt.Fprintf(&s, "cd %s\n", word(dir))
			at = dir
		}
		kind := "010"
		switch e.Type {
		case tar.TypeReg:
			fmt.Fprintf(&s, "write %s %s\n", word(e.Blob), word(name))
			if n := links[e.Path]; n > 0 {
				fmt.Fprintf(&s, "sif %s links_count %d\n", word(name), n+1)
			}
		case tar.TypeDir:
			kind = "004"
			if inside != "/" {
				fmt.Fprintf(&s, "mkdir %s\n", word(name))
			}
		case tar.TypeSymlink:
			kind = "012"
			fmt.Fprintf(&s, "symlink %s %s\n", word(name), word(e.Link))
		case tar.TypeLink:
			target, ok := within(x.part.Mount, e.Link)
			if !ok {
				return nil, fmt.Errorf("%s is a hard link to another file system", e.Path)
			}
			fmt.Fprintf(&s, "ln %s %s\n", word(target), word(name))
			continue
		}
		if e.Type != tar.TypeSymlink {
			fmt.Fprintf(&s, "sif %s mode %s%04o\n", word(name), kind, e.Mode)
		}
		if e.UID != 0 {
			fmt.Fprintf(&s, "sif %s uid %d\n", word(name), e.UID)
		}
		if e.GID != 0 {
			fmt.Fprintf(&s, "sif %s gid %d\n", word(name), e.GID)
		}
		for _, field := range []string{"atime", "ctime", "crtime"} {
			fmt.Fprintf(&s, "sif %s %s @%d\n", word(name), field, now)
		}
		fmt.Fprintf(&s, "sif %s mtime @%d\n", word(name), e.ModTime.Unix())
		if err := x.attributes(&s, e, name, i); err != nil {
			return nil, err
		}
	}
	// What came into a directory since it was made has changed its time.
	for _, e := range x.entries {
		if e.Type == tar.TypeDir {
			inside, _ := within(x.part.Mount, e.Path)
			fmt.Fprintf(&s, "sif %s mtime @%d\n", word(inside), e.ModTime.Unix())
		}
	}
	return s.Bytes(), nil
}

// attributes sets extended attributes, by files: their values are bytes.
// number tells the entry's files from those of others.
func (x ext4) attributes(s *bytes.Buffer, e entry, name string, number int) error {
	keys := make([]string, 0, len(e.Xattrs))
	for key := range e.Xattrs {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	for i, key := range keys {
		value := filepath.Join(x.dir, fmt.Sprintf("%s-%d.xattr%d", x.part.Name, number, i))
		if err := os.WriteFile(value, []byte(e.Xattrs[key]), 0o600); err != nil {
			return err
		}
		fmt.Fprintf(s, "ea_set -f %s %s %s\n", word(value), word(name), word(key))
	}
	return nil
}

// word is one argument of debugfs.
func word(text string) string { return `"` + text + `"` }

// within is a path as seen from a mount point.
func within(mount, name string) (string, bool) {
	if mount == "/" {
		return name, true
	}
	if name == mount {
		return "/", true
	}
	rest, ok := strings.CutPrefix(name, mount+"/")
	return "/" + rest, ok
}

// split gives every partition the entries that lie on it, the longest mount
// point first; a mount point stands on both file systems.
func split(layout []image.Partition, entries []entry) map[string][]entry {
	parts := map[string][]entry{}
	for _, e := range entries {
		best := image.Partition{}
		for _, p := range layout {
			if p.Mount == "" {
				continue
			}
			if _, ok := within(p.Mount, e.Path); ok && len(p.Mount) > len(best.Mount) {
				best = p
			}
		}
		parts[best.Name] = append(parts[best.Name], e)
		if e.Path == best.Mount && e.Path != "/" {
			// The empty directory that the file system is mounted on.
			parent := image.Partition{}
			for _, p := range layout {
				if p.Mount == "" || p.Name == best.Name {
					continue
				}
				if _, ok := within(p.Mount, e.Path); ok && len(p.Mount) > len(parent.Mount) {
					parent = p
				}
			}
			parts[parent.Name] = append(parts[parent.Name], e)
		}
	}
	return parts
}
