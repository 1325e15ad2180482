package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"
)

// parallelFetches is how many packages are fetched side by side.
const parallelFetches = 6

// Pool is a directory of packages by their hash: what is in it was verified, and
// is verified again whenever it is used.
type Pool struct {
	Dir  string
	HTTP *http.Client
}

// file is where a package lies.
func (p Pool) file(pkg Package) string { return filepath.Join(p.Dir, pkg.SHA256+".deb") }

// Fill fetches what is missing. It returns how many packages it fetched.
func (p Pool) Fill(ctx context.Context, archive Archive, lock Lock) (int, error) {
	if err := os.MkdirAll(p.Dir, 0o755); err != nil {
		return 0, err
	}
	fetched := 0
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelFetches)
	for _, pkg := range lock.Packages {
		if p.verify(pkg) == nil {
			continue
		}
		fetched++
		group.Go(func() error { return p.fetch(ctx, archive, pkg) })
	}
	return fetched, group.Wait()
}

// verify reads a package and compares its hash.
func (p Pool) verify(pkg Package) error {
	f, err := os.Open(p.file(pkg))
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	return compare(pkg, h.Sum(nil))
}

func compare(pkg Package, sum []byte) error {
	if got := hex.EncodeToString(sum); got != pkg.SHA256 {
		return fmt.Errorf("package %s %s: its SHA-256 is %s, and %s was expected", pkg.Name, pkg.Version, got, pkg.SHA256)
	}
	return nil
}

// fetch gets one package. Nothing takes its name before its hash was compared.
func (p Pool) fetch(ctx context.Context, archive Archive, pkg Package) error {
	address := archive.url(pkg.Archive) + "/" + pkg.Path
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	answer, err := p.HTTP.Do(request)
	if err != nil {
		return fmt.Errorf("package %s: %w", pkg.Name, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("package %s %s: %s answers %s; a mirror keeps only the newest versions: make the lock anew, or fetch from a snapshot", pkg.Name, pkg.Version, address, answer.Status)
	}
	f, err := os.CreateTemp(p.Dir, ".fetch-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(f, h), io.LimitReader(answer.Body, pkg.Size+1))
	if err == nil {
		err = compare(pkg, h.Sum(nil))
	}
	if err == nil {
		err = f.Chmod(0o644)
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return fmt.Errorf("%s: %w", address, err)
	}
	return os.Rename(f.Name(), p.file(pkg))
}
