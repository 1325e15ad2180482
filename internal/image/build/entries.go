package build

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// entry is one name of the tree.
type entry struct {
	// Path is absolute and clean.
	Path     string
	Type     byte // as in archive/tar
	Mode     int64
	UID, GID int
	ModTime  time.Time
	// Link is a symbolic link's target, or the path that a hard link shares.
	Link string
	// Blob is the file that holds a regular file's content.
	Blob string
	Size int64
	// Xattrs are extended attributes, such as security.capability.
	Xattrs map[string]string
}

// comparePaths sorts a directory before what is in it, and siblings by name.
func comparePaths(a, b string) int {
	return slices.Compare(strings.Split(a, "/"), strings.Split(b, "/"))
}

// xattrPrefix is how tar files name extended attributes in PAX records.
const xattrPrefix = "SCHILY.xattr."

// readTree reads a tar file of a tree. Contents go to files of dir; what no
// machine should begin with is left out; times after the epoch become it.
func readTree(from io.Reader, dir string, epoch time.Time) ([]entry, error) {
	var entries []entry
	reader := tar.NewReader(from)
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		e := entry{
			Path: path.Clean("/" + header.Name), Type: header.Typeflag, Mode: header.Mode & 0o7777,
			UID: header.Uid, GID: header.Gid, ModTime: header.ModTime.Truncate(time.Second), Link: header.Linkname, Size: header.Size,
		}
		if e.ModTime.After(epoch) {
			e.ModTime = epoch
		}
		if leftOut(e) {
			continue
		}
		for key, value := range header.PAXRecords {
			if name, ok := strings.CutPrefix(key, xattrPrefix); ok {
				if e.Xattrs == nil {
					e.Xattrs = map[string]string{}
				}
				e.Xattrs[name] = value
			}
		}
		switch e.Type {
		case tar.TypeReg:
			e.Blob = filepath.Join(dir, fmt.Sprintf("%06d", len(entries)))
			if err := copyOut(e.Blob, reader); err != nil {
				return nil, err
			}
		case tar.TypeLink:
			e.Link = path.Clean("/" + e.Link)
		case tar.TypeDir, tar.TypeSymlink:
		default:
			return nil, fmt.Errorf("%s: a tree holds files, directories and links, not type %q", e.Path, e.Type)
		}
		entries = append(entries, e)
	}
	slices.SortFunc(entries, func(a, b entry) int { return comparePaths(a.Path, b.Path) })
	return entries, nil
}

func copyOut(name string, from io.Reader) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	return errors.Join(err, f.Close())
}

// add puts a file that the tree does not bring, or another than it brings.
func add(entries []entry, dir string, e entry, content []byte) ([]entry, error) {
	if e.Type == tar.TypeReg {
		e.Blob, e.Size = filepath.Join(dir, "added"+strings.ReplaceAll(e.Path, "/", "-")), int64(len(content))
		if err := os.WriteFile(e.Blob, content, 0o600); err != nil {
			return nil, err
		}
	}
	entries = slices.DeleteFunc(entries, func(old entry) bool { return old.Path == e.Path })
	at, _ := slices.BinarySearchFunc(entries, e, func(a, b entry) int { return comparePaths(a.Path, b.Path) })
	return slices.Insert(entries, at, e), nil
}

// leftOut tells what of a tree belongs to the build and not to a machine: what
// the kernel fills, caches, logs, keys, and what says when or where it was made.
func leftOut(e entry) bool {
	for _, dir := range []string{"/dev/", "/proc/", "/sys/", "/run/", "/tmp/", "/var/tmp/", "/var/cache/apt/", "/var/lib/apt/lists/", "/etc/apt/sources.list.d/", "/var/cache/man/", "/var/lib/dbus/"} {
		if strings.HasPrefix(e.Path, dir) {
			return true
		}
	}
	if strings.HasPrefix(e.Path, "/var/log/") && e.Type != tar.TypeDir {
		return true
	}
	if strings.HasPrefix(e.Path, "/etc/ssh/ssh_host_") || strings.HasPrefix(e.Path, "/.") {
		return true
	}
	switch e.Path {
	case "/etc/machine-id", "/etc/resolv.conf", "/etc/.pwd.lock", "/etc/mtab",
		"/etc/passwd-", "/etc/shadow-", "/etc/group-", "/etc/gshadow-", "/etc/subuid-", "/etc/subgid-",
		"/var/cache/ldconfig/aux-cache", "/var/cache/debconf/config.dat-old", "/var/cache/debconf/templates.dat-old",
		"/var/lib/dpkg/status-old", "/var/lib/dpkg/diversions-old", "/var/lib/dpkg/statoverride-old", "/var/lib/dpkg/lock", "/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/triggers/Lock",
		"/var/lib/systemd/random-seed", "/var/lib/systemd/catalog/database", "/root/.bash_history", "/root/.wget-hsts":
		return true
	}
	return false
}
