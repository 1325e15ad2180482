package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/tests/harness"
)

// stateFile is where the local backend keeps the state.
const stateFile = "terraform.tfstate"

// folder is where the demo works: .demo for one that is kept, else a
// temporary one.
func folder(keep bool) (dir string, cleanup func(), err error) {
	if keep {
		dir, err = filepath.Abs(".demo")
		if err == nil {
			err = os.RemoveAll(dir)
		}
		if err == nil {
			err = os.MkdirAll(dir, 0o755)
		}
		return dir, func() {}, err
	}
	dir, err = os.MkdirTemp("", "holdfast-demo-")
	return dir, func() { _ = os.RemoveAll(dir) }, err
}

// copyConfigurations copies the configurations below a folder, modules that
// they share included, without the states and plugins that a person's own
// trials may have left there.
func copyConfigurations(to, from string) error {
	return fs.WalkDir(os.DirFS(from), ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != "." && strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, ".tf"):
			return nil
		}
		text, err := os.ReadFile(filepath.Join(from, path))
		if err != nil {
			return err
		}
		target := filepath.Join(to, path)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		return os.WriteFile(target, text, 0o644)
	})
}

// enter goes on with one of the configurations; the state comes along.
func (d *demo) enter(name string) error {
	before := d.work
	dir := filepath.Join(d.dir, name)
	work, err := harness.NewWorkspace(d.cli, dir, harness.Holdfast(d.binary))
	if err != nil {
		return err
	}
	work.Env = d.environment()
	if d.verbose {
		work.Output = d.out
	}
	d.work = work
	if before == nil {
		return nil
	}
	if err := os.Rename(filepath.Join(before.Dir, stateFile), filepath.Join(dir, stateFile)); err != nil {
		return fmt.Errorf("take the state along: %w", err)
	}
	return nil
}
