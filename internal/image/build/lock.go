package build

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
)

// LockVersion is the version of the lock file's form.
const LockVersion = 1

// Lock is the exact set of packages that an image is made of.
type Lock struct {
	Version int    `json:"version"`
	Suite   string `json:"suite"`
	Arch    string `json:"arch"`
	// Epoch is the time of the archive when the lock was made: the newest date of
	// its signed indexes, in seconds since 1970. Everything in the image that
	// carries a time carries at most this one.
	Epoch    int64     `json:"epoch"`
	Packages []Package `json:"packages"`
}

// Package is one binary package.
type Package struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Arch    string `json:"arch"`
	// Archive is "debian" or "debian-security".
	Archive string `json:"archive"`
	// Path is the file's path within the archive.
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	// Source is the name of the source package.
	Source string `json:"source"`
}

// ReadLock reads a lock file and checks its form.
func ReadLock(name string) (Lock, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return Lock{}, err
	}
	lock, err := ParseLock(text)
	if err != nil {
		return Lock{}, fmt.Errorf("%s: %w", name, err)
	}
	return lock, nil
}

// ParseLock reads a lock.
func ParseLock(text []byte) (Lock, error) {
	var lock Lock
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&lock); err != nil {
		return lock, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return lock, fmt.Errorf("there is more after the lock")
	}
	return lock, lock.check()
}

func (l Lock) check() error {
	if l.Version != LockVersion {
		return fmt.Errorf("lock version %d: this program reads version %d", l.Version, LockVersion)
	}
	if l.Epoch <= 0 || len(l.Packages) == 0 {
		return fmt.Errorf("the lock has no epoch or no packages")
	}
	hash := regexp.MustCompile(`^[0-9a-f]{64}$`)
	// The path becomes part of a URL, never of a file name here.
	path := regexp.MustCompile(`^pool/[A-Za-z0-9+.~_:%/-]+\.deb$`)
	seen := map[string]bool{}
	for _, p := range l.Packages {
		switch {
		case p.Name == "" || seen[p.Name]:
			return fmt.Errorf("package %q: no name, or a second one", p.Name)
		case !hash.MatchString(p.SHA256):
			return fmt.Errorf("package %s: %q is no SHA-256", p.Name, p.SHA256)
		case !path.MatchString(p.Path) || p.Size <= 0 || p.Version == "":
			return fmt.Errorf("package %s: its path, size or version is wrong", p.Name)
		case p.Archive != archiveMain && p.Archive != archiveSecurity:
			return fmt.Errorf("package %s: archive %q", p.Name, p.Archive)
		}
		seen[p.Name] = true
	}
	return nil
}

// JSON is the lock file's text: deterministic, packages sorted by name.
func (l Lock) JSON() ([]byte, error) {
	l.Packages = slices.SortedFunc(slices.Values(l.Packages), func(a, b Package) int { return cmp.Compare(a.Name, b.Name) })
	text, err := json.MarshalIndent(l, "", " ")
	return append(text, '\n'), err
}

// Bytes is what all packages together take to fetch.
func (l Lock) Bytes() int64 {
	var sum int64
	for _, p := range l.Packages {
		sum += p.Size
	}
	return sum
}
